#include "src/scenario/table.h"

#include <algorithm>
#include <deque>

#include "src/scenario/units.h"

namespace gd::scenario {

Row& Table::row(Type type, std::string path, const char* text, const char* source, bool of_guest) {
  Row& r = rows_.emplace_back();
  r.type = r.info.type = type;
  r.info.path = std::move(path);
  r.info.description = text;
  r.info.source = source;
  r.of_guest = of_guest;
  return r;
}

Row& Table::other(std::string path, Special special, const char* allowed, const char* text, const char* source, bool of_guest) {
  Row& r = row(Type::other, std::move(path), text, source, of_guest);
  r.special = std::move(special);
  r.info.allowed = allowed;
  return r;
}

std::string number_text(const Row& row, std::uint64_t value) {
  switch (row.type) {
    case Type::boolean: return value ? "true" : "false";
    case Type::choice: return row.choices.at(value);
    case Type::count: return std::to_string(value);
    default: return format_quantity(row.type, value);
  }
}

Json Row::write(const void* object) const {
  if (special.write) return special.write(object);
  if (text) return text(const_cast<void*>(object));
  if (!get) return nullptr;
  const std::optional<std::uint64_t> v = get(object);
  if (!v) return nullptr;
  if (type == Type::boolean) return *v != 0;
  if (type == Type::count) return *v;
  return number_text(*this, *v);
}

Json Row::schema() const {
  Json s;
  switch (type) {
    case Type::other: s = special.schema; break;
    case Type::boolean: s["type"] = "boolean"; break;
    case Type::choice: s["enum"] = choices; break;
    case Type::string:
    case Type::path: s["type"] = "string"; break;
    case Type::count:
      s["type"] = "integer";
      if (!rule.one_of.empty()) s["enum"] = rule.one_of;
      else {
        s["minimum"] = rule.min;
        if (rule.max != INT64_MAX) s["maximum"] = rule.max;
        if (rule.multiple_of != 1) s["multipleOf"] = rule.multiple_of;
      }
      break;
    default: s["type"] = "string"; s["pattern"] = quantity_pattern(type);
  }
  std::string text_ = info.description;
  if (type != Type::choice && type != Type::boolean && !info.allowed.empty()) text_ += " Allowed: " + info.allowed + ".";
  if (!info.source.empty()) text_ += " Default from: " + info.source + ".";
  s["description"] = text_;
  if (!info.fallback.empty()) {
    static const Scenario scenario;
    static const Guest guest;
    s["default"] = write(of_guest ? static_cast<const void*>(&guest) : &scenario);
  }
  return s;
}

std::string allowed_text(const Row& row) {
  if (row.type == Type::boolean) return "true or false";
  if (row.type == Type::choice) return join(row.choices);
  if (row.type == Type::string || row.type == Type::path) return "a string";
  if (row.type == Type::other) return row.info.allowed;
  const Rule& r = row.rule;
  std::string out = row.type == Type::count ? "a whole number" : unit_help(row.type);
  if (!r.one_of.empty()) {
    std::vector<std::string> items;
    for (std::uint64_t v : r.one_of) items.push_back(number_text(row, v));
    return row.type == Type::count ? join(items) : join(items) + " (" + out + ")";
  }
  if (r.power_of_two) out += ", a power of two";
  if (r.multiple_of != 1) out += ", a multiple of " + number_text(row, r.multiple_of);
  if (r.max != INT64_MAX) out += ", from " + number_text(row, r.min) + " to " + number_text(row, r.max);
  else if (r.min != 0) out += ", at least " + number_text(row, r.min);
  return out;
}

std::string check_rule(const Row& row, std::uint64_t v) {
  const Rule& r = row.rule;
  const std::string shown = number_text(row, v);
  if (!r.one_of.empty())
    return std::find(r.one_of.begin(), r.one_of.end(), v) != r.one_of.end() ? "" : shown + " is not allowed";
  if (v < r.min) return shown + " is too small";
  if (v > r.max) return shown + " is too large";
  if (v % r.multiple_of != 0) return shown + " is not a multiple of " + number_text(row, r.multiple_of);
  if (r.power_of_two && (v & (v - 1)) != 0) return shown + " is not a power of two";
  return "";
}

void Table::finish() {
  const Scenario scenario;
  const Guest guest;
  for (Row& r : rows_) {
    if (r.info.allowed.empty()) r.info.allowed = allowed_text(r);
    const Json v = r.write(r.of_guest ? static_cast<const void*>(&guest) : &scenario);
    if (!v.is_null()) r.info.fallback = v.is_string() ? v.get<std::string>() : v.dump();
  }
}

const Table& table() {
  static const Table t = [] {
    Table made;
    general_keys(made);
    time_keys(made);
    traffic_keys(made);
    nic_keys(made);
    bus_keys(made);
    memory_keys(made);
    host_keys(made);
    consumer_keys(made);
    vhost_keys(made);
    defences_keys(made);
    guest_keys(made);
    last_keys(made);
    made.finish();
    return made;
  }();
  return t;
}

const Row* find_row(std::string_view pattern) {
  for (const Row& r : table().rows())
    if (r.info.path == pattern) return &r;
  return nullptr;
}

std::string pattern_of(std::string_view path) {
  std::string out;
  if (path.find('[') != std::string_view::npos) return out;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view part = path.substr(0, dot);
    if (!part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; })) out += "[]";
    else out += (out.empty() ? "" : ".") + std::string(part);
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return out;
}

std::vector<std::string> names_below(std::string_view section) {
  const std::string prefix = section.empty() ? "" : std::string(section) + ".";
  std::vector<std::string> out;
  for (const Row& r : table().rows()) {
    if (r.info.path.compare(0, prefix.size(), prefix) != 0) continue;
    std::string name = r.info.path.substr(prefix.size());
    name = name.substr(0, name.find_first_of(".["));
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

bool is_section(std::string_view pattern) {
  for (const Row& r : table().rows())
    if (r.info.path.size() > pattern.size() && r.info.path.compare(0, pattern.size(), pattern) == 0 &&
        r.info.path[pattern.size()] == '.')
      return true;
  return false;
}

std::vector<KeyInfo> list_keys() {
  std::vector<KeyInfo> out;
  for (const Row& r : table().rows()) out.push_back(r.info);
  return out;
}

const KeyInfo* find_key(std::string_view path) {
  const Row* r = find_row(path);
  if (r == nullptr) r = find_row(pattern_of(path));
  return r == nullptr ? nullptr : &r->info;
}

std::vector<std::string> keys_below(std::string_view path) {
  std::string section = path.find('[') != std::string_view::npos ? std::string(path) : pattern_of(path);
  if (section == "guests") section = "guests[]";
  return is_section(section) ? names_below(section) : std::vector<std::string>{};
}

namespace {

// "guests[].vlan" and "guests[3].vlan" as the path of a guest: "guests.0.vlan", "guests.3.vlan".
std::string with_index(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t open = std::min(path.find('[', at), path.size()), close = std::min(path.find(']', open), path.size());
    out += path.substr(at, open - at);
    at = std::min(close + 1, path.size());
    if (open == path.size()) break;
    const std::string_view index = path.substr(open + 1, close - std::min(open + 1, close));
    const bool number = !index.empty() && std::all_of(index.begin(), index.end(), [](char c) { return c >= '0' && c <= '9'; });
    out += "." + (number ? std::string(index) : "0");
  }
  return out;
}

}  // namespace

std::string nearest_key(std::string_view path) {
  if (path.find('[') != std::string_view::npos) {
    const std::string indexed = with_index(path), pattern = pattern_of(indexed);
    return find_row(pattern) != nullptr || is_section(pattern) || pattern == "guests[]" ? indexed : nearest_key(indexed);
  }
  const std::string pattern = pattern_of(path);
  // In a section that exists, a name of that section.
  if (const std::size_t dot = pattern.rfind('.'); dot != std::string::npos && is_section(pattern.substr(0, dot))) {
    const std::string near = nearest(pattern.substr(dot + 1), names_below(pattern.substr(0, dot)));
    return near.empty() || near == pattern.substr(dot + 1) ? "" : std::string(path.substr(0, path.rfind('.') + 1)) + near;
  }
  // A last name alone ("ring_size") is often meant for its section.
  std::vector<std::string> names;
  for (const Row& r : table().rows()) {
    if (r.info.path.ends_with("." + pattern)) return with_index(r.info.path);
    names.push_back(r.info.path);
  }
  const std::string near = with_index(nearest(pattern, names));
  return near == path ? "" : near;   // a key in the wrong place is not what was meant
}

std::string value_text(const Scenario& s, std::string_view path) {
  const Row* r = find_row(pattern_of(path));
  if (r == nullptr) {
    const std::string near = nearest_key(path);
    throw UserError("unknown key \"" + std::string(path) + "\"" + (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  }
  const void* object = &s;
  if (r->of_guest) {
    const std::size_t index = std::stoul(std::string(path.substr(7)));
    if (index >= s.guests.size()) throw UserError("there is no guest " + std::to_string(index));
    object = &s.guests[index];
  }
  const Json v = r->write(object);
  return v.is_null() ? "" : v.is_string() ? v.get<std::string>() : v.dump();
}

}  // namespace gd::scenario
