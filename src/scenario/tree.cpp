#include "src/scenario/tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>

#include "src/scenario/reader.h"

namespace gd::scenario {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kExtendsDepth = 16;

std::string folder_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return file == "-" || slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

std::string canonical(const std::string& file) {
  std::error_code error;
  const fs::path p = fs::weakly_canonical(file, error);
  return error ? file : p.string();
}

bool readable_file(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

class Inheritance {
 public:
  Inheritance(const LoadOptions& options, Mistakes& mistakes) : options_(options), mistakes_(mistakes) {}

  std::optional<Node> tree(const std::string& text, const std::string& file) {
    auto source = std::make_shared<Source>();
    source->name = file == "-" ? "<stdin>" : file;
    source->folder = folder_of(file);
    source->text = text;
    std::optional<Node> own = parse(source, mistakes_);
    if (!own || own->kind != Kind::object) return own;
    Node result;
    result.kind = Kind::object;
    result.place = own->place;
    chain_.push_back(canonical(file));
    if (const Node* extends = own->find("extends")) {
      if (extends->kind == Kind::array)
        for (const Node& name : extends->children) base(name, result);
      else base(*extends, result);
    }
    chain_.pop_back();
    std::erase_if(own->children, [](const Node& c) { return c.key == "extends"; });
    merge(result, std::move(*own));
    return result;
  }

 private:
  void base(const Node& name, Node& result) {
    if (name.kind != Kind::string)
      return fail(name, std::string("expected a file name, found ") + kind_name(name.kind), "a string or a list of strings");
    std::vector<std::string> tried;
    const std::string file = look_up(name, options_, "", tried);
    std::error_code error;
    for (const std::string& t : tried)
      if (fs::is_directory(t, error)) return fail(name, "\"" + t + "\" is a folder", "a scenario or a platform, a JSON file");
    if (file.empty()) return fail(name, "there is no file \"" + name.text + "\"", "looked for " + join(tried, " and "));
    if (std::find(chain_.begin(), chain_.end(), canonical(file)) != chain_.end())
      return fail(name, "\"" + name.text + "\" extends itself", "");
    if (chain_.size() >= kExtendsDepth) return fail(name, "more than " + std::to_string(kExtendsDepth) + " files deep", "");
    const std::optional<std::string> text = read_file(file);
    if (!text) return fail(name, "cannot read \"" + file + "\"", "");
    if (std::optional<Node> t = tree(*text, file)) merge(result, std::move(*t));
  }
  void fail(const Node& n, const std::string& what, const std::string& allowed) {
    mistakes_.add(diagnostic(n.place, "/extends", what, allowed));
  }

  const LoadOptions& options_;
  Mistakes& mistakes_;
  std::vector<std::string> chain_;  // canonical names of the files being read
};

// A --set argument: puts its value into the tree.
class Setter {
 public:
  Setter(Node& root, Mistakes& mistakes) : root_(root), mistakes_(mistakes) {}

  void apply(const std::string& argument) {
    auto source = std::make_shared<Source>();
    source->name = "--set " + argument;
    source->command_line = true;
    const Place place{source, 0, 0};
    const std::size_t equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    if (equals == std::string::npos || key.empty())
      return mistakes_.add(diagnostic(place, "", "expected KEY=VALUE", "a dotted key, as in nic.ring_size=1024"));
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= key.size();) {
      const std::size_t dot = std::min(key.find('.', at), key.size());
      parts.push_back(key.substr(at, dot - at));
      at = dot + 1;
    }
    // Costs are named component.operation, and that name is one key.
    if (parts[0] == "costs" && parts.size() >= 4) {
      const std::string name = key.substr(6, key.rfind('.') - 6), field = parts.back();
      parts = {"costs", name, field};
    }
    // What is extended was read before the first --set.
    if (parts[0] == "extends")
      return mistakes_.add(diagnostic(place, pointer(key), "a file says what it extends, --set comes too late for it", "extends in the scenario's file"));
    const Row* row = find_row(pattern_of(key));
    if (row == nullptr && !known_parent(key)) {
      const std::string near = nearest_key(key);
      std::vector<std::string> allowed;
      const std::size_t dot = key.rfind('.');
      if (near.empty() && dot != std::string::npos) allowed = names_below(pattern_of(key.substr(0, dot)));
      return mistakes_.add(diagnostic(place, pointer(key), "unknown key \"" + key + "\"", near.empty() && allowed.empty() ? "a key of `list keys`" : join(allowed), near));
    }
    Node value;
    const std::string text = argument.substr(equals + 1);
    const bool raw =
        row != nullptr && (row->type == Type::string || row->type == Type::path || row->info.path == "guests[].mac");
    if (raw || !json_value(text, source, value)) {
      value.kind = Kind::string;
      value.text = text;
    }
    replace_places(value, place);
    put(parts, std::move(value), place, key);
  }

 private:
  // Sections, and what lies inside values that are no scalars.
  static bool known_parent(const std::string& key) {
    if (is_section(pattern_of(key)) || key == "guests" || pattern_of(key) == "guests[]") return true;
    for (std::size_t dot = key.find('.'); dot != std::string::npos; dot = key.find('.', dot + 1)) {
      const Row* r = find_row(pattern_of(key.substr(0, dot)));
      if (r != nullptr && r->type == Type::other) return true;
    }
    return false;
  }

  static bool json_value(const std::string& text, const std::shared_ptr<Source>& like, Node& out) {
    auto source = std::make_shared<Source>(*like);
    source->text = text;
    Mistakes ignored;
    std::optional<Node> n = parse(source, ignored);
    if (!n || ignored.any()) return false;
    out = std::move(*n);
    return true;
  }

  static void replace_places(Node& n, const Place& place) {
    n.place = n.key_place = place;
    for (Node& c : n.children) replace_places(c, place);
  }

  void put(const std::vector<std::string>& parts, Node value, const Place& place, const std::string& key) {
    Node* at = &root_;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool last = i + 1 == parts.size();
      const bool number =
          !parts[i].empty() && std::all_of(parts[i].begin(), parts[i].end(), [](char c) { return c >= '0' && c <= '9'; });
      if (number && at->kind != Kind::object) {
        if (at->kind != Kind::array) {
          at->kind = Kind::array;
          at->children.clear();
          at->place = place;
        }
        const std::size_t index = parts[i].size() > 6 ? SIZE_MAX : std::stoul(parts[i]);
        if (index > at->children.size())
          return mistakes_.add(diagnostic(place, pointer(key), "there is no item " + parts[i] + " in the list",
                                          "from 0 to " + std::to_string(at->children.size())));
        if (index == at->children.size()) {
          at->children.emplace_back();
          at->children.back().place = place;
        }
        at = &at->children[index];
      } else {
        if (at->kind != Kind::object) {
          at->kind = Kind::object;
          at->children.clear();
          at->text.clear();
          at->place = place;
        }
        Node* child = at->find(parts[i]);
        if (last && value.kind == Kind::null) {
          std::erase_if(at->children, [&](const Node& c) { return c.key == parts[i]; });
          return;
        }
        if (child == nullptr) {
          at->children.emplace_back();
          child = &at->children.back();
          child->key = parts[i];
          child->key_place = child->place = place;
        }
        at = child;
      }
      if (last) {
        value.key = at->key;
        value.key_place = place;
        *at = std::move(value);
      }
    }
  }

  Node& root_;
  Mistakes& mistakes_;
};

}  // namespace

void merge(Node& into, Node patch) {
  if (patch.kind != Kind::object) {
    into = std::move(patch);
    return;
  }
  if (into.kind != Kind::object) {
    into.kind = Kind::object;
    into.children.clear();
    into.text.clear();
  }
  into.place = patch.place;
  into.key_place = patch.key_place;
  into.key = patch.key;
  for (Node& p : patch.children) {
    if (p.kind == Kind::null) {
      std::erase_if(into.children, [&](const Node& c) { return c.key == p.key; });
      continue;
    }
    Node* old = into.find(p.key);
    if (old == nullptr) {
      into.children.emplace_back();
      old = &into.children.back();
    }
    merge(*old, std::move(p));
  }
}

std::string resolve_path(const Node& node) {
  const fs::path p(node.text);
  std::error_code error;
  if (p.is_absolute()) return p.lexically_normal().string();
  const std::string folder = node.place.source ? node.place.source->folder : "";
  return fs::absolute(fs::path(folder) / p, error).lexically_normal().string();
}

std::string look_up(const Node& node, const LoadOptions& options, const std::string& sub, std::vector<std::string>& tried) {
  const std::string folder = node.place.source ? node.place.source->folder : "";
  std::vector<std::string> places = {
      fs::path(node.text).is_absolute() ? node.text : (fs::path(folder) / node.text).lexically_normal().string()};
  if (!options.share_dir.empty() && !fs::path(node.text).is_absolute()) {
    const fs::path share(options.share_dir);
    places.push_back((share / node.text).lexically_normal().string());
    if (!sub.empty()) places.push_back((share / sub / (node.text + ".json")).lexically_normal().string());
  }
  for (const std::string& p : places)
    if (readable_file(p)) return p;
  tried = places;
  return "";
}

std::optional<std::string> read_all(std::istream& in, std::size_t most) {
  std::string text;
  // By read(), which turns what the stream's buffer throws into badbit.
  for (char block[1 << 16]; in.read(block, sizeof block), in.gcount() > 0;) {
    text.append(block, static_cast<std::size_t>(in.gcount()));
    if (text.size() > most) return std::nullopt;
  }
  return in.bad() ? std::nullopt : std::optional(std::move(text));
}

std::optional<std::string> read_file(const std::string& path, std::size_t most) {
  std::error_code error;
  if (fs::is_directory(path, error)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  return in ? read_all(in, most) : std::nullopt;
}

std::optional<Node> load_tree(const std::string& text, const std::string& file, const LoadOptions& options,
                              Mistakes& mistakes) {
  std::optional<Node> root = Inheritance(options, mistakes).tree(text, file);
  if (!root || root->kind != Kind::object) return root;
  Setter setter(*root, mistakes);
  for (const std::string& s : options.set) setter.apply(s);
  return root;
}

}  // namespace gd::scenario
