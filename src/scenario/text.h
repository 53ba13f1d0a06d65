// JSON text as a tree in which every key and value knows where it stands, also after files were merged.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/scenario/diagnostics.h"

namespace gd::scenario {

// A file, standard input, or a command-line argument.
struct Source {
  std::string name;               // as shown in messages
  std::string folder;             // relative paths in it start here; ends with '/' or is empty
  std::string text;
  bool command_line = false;      // positions in it have no line

  Position position(std::size_t offset) const;
  std::string line(std::size_t offset) const;
};

// Bytes [begin, end) of a source.
struct Place {
  std::shared_ptr<const Source> source;
  std::size_t begin = 0, end = 0;
  Position position() const { return source ? source->position(begin) : Position{}; }
};

Diagnostic diagnostic(const Place& place, std::string path, std::string message, std::string allowed = {}, std::string near = {});

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

struct Node {
  Kind kind = Kind::null;
  bool flag = false;              // boolean
  std::string text;               // string: its value; number: as written
  std::string key;                // name, when it is a member of an object
  Place key_place, place;         // of the key (with quotes) and of the value
  std::vector<Node> children;     // array: items; object: members, by order of appearance

  Node* find(std::string_view name);
  const Node* find(std::string_view name) const { return const_cast<Node*>(this)->find(name); }
};

const char* kind_name(Kind k);    // "an object", "a string" ...

// Parses a whole source. Syntax errors and duplicate keys go to `mistakes`; nothing comes back after a syntax error.
std::optional<Node> parse(std::shared_ptr<const Source> source, Mistakes& mistakes);

}  // namespace gd::scenario
