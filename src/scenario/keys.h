// The key table: every key of a scenario with type, unit, default, range, description and source of the default. Reader,
// schema, `list keys`, `describe KEY`, defaults and the resolved config.json are all made from it.
// A key is added by one row in the section file (keys_*.cpp) and one member of the typed struct.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "src/scenario/scenario.h"

namespace gd::scenario {

enum class Type : std::uint8_t { time, rate, size, frequency, share, count, boolean, choice, string, path, other };
const char* type_name(Type t);          // "time", "bit rate", ...
std::string unit_help(Type t);          // "a number with a unit ps, ns, us, ms or s", or ""

// What `list keys` and `describe KEY` show.
struct KeyInfo {
  std::string path;                     // "nic.ring_size", "guests[].virtio.queue_size"
  Type type = Type::other;
  std::string fallback;                 // default as canonical text; "" when the key is absent by default
  std::string allowed;                  // range, choices or form, in words
  std::string description;
  std::string source;                   // where the default is from
};

// All keys in table order.
std::vector<KeyInfo> list_keys();
// One key; "guests.0.vlan" finds "guests[].vlan". nullptr when there is none (lasts as long as the program).
const KeyInfo* find_key(std::string_view path);
// Names of the keys directly below a section ("nic.header_split", "guests", "guests.0.virtio"); none where it is none.
std::vector<std::string> keys_below(std::string_view path);
// Nearest key to a mistyped dotted path, or "".
std::string nearest_key(std::string_view path);
// The value of a key as canonical text ("512", "10Gbps", "split"); "" when absent. Throws UserError for an unknown key.
std::string value_text(const Scenario& scenario, std::string_view path);

}  // namespace gd::scenario
