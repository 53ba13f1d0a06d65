#include "src/scenario/reader.h"

#include <algorithm>

#include "src/scenario/units.h"

namespace gd::scenario {

std::string pointer(std::string_view path) {
  std::string out;
  if (!path.empty()) out.push_back('/');
  for (char c : path) out.push_back(c == '.' ? '/' : c);
  return out;
}

void Reader::fail(const Node& node, std::string_view path, const std::string& what, const std::string& allowed,
                  const std::string& near) {
  mistakes_.add(diagnostic(node.place, pointer(path), what, allowed, near));
}

void Reader::fail_key(const Node& node, std::string_view path, const std::string& what, const std::string& allowed,
                      const std::string& near) {
  mistakes_.add(diagnostic(node.key_place, pointer(path), what, allowed, near));
}

void Reader::fail_at(const std::vector<std::string>& paths, const std::string& what, const std::string& allowed) {
  for (const std::string& p : paths)
    if (auto it = places_.find(p); it != places_.end()) return mistakes_.add(diagnostic(it->second, pointer(p), what, allowed));
  for (std::string p = paths.front();;) {
    const std::size_t dot = p.rfind('.');
    p.resize(dot == std::string::npos ? 0 : dot);
    if (auto it = places_.find(p); it != places_.end() || p.empty()) {
      Place place = it == places_.end() ? Place{} : it->second;
      place.end = std::min(place.end, place.begin + 1);
      return mistakes_.add(diagnostic(place, pointer(paths.front()), what, allowed));
    }
  }
}

void Reader::mark(const std::string& path, const Node& node) {
  places_[path] = node.place;
  if (!path.empty()) scenario_.origins[path] = node.place.position();
}

bool Reader::expect(const Node& node, std::string_view path, Kind kind, const std::string& allowed) {
  if (node.kind == kind) return true;
  fail(node, path, std::string("expected ") + kind_name(kind) + ", found " + kind_name(node.kind), allowed);
  return false;
}

namespace {

// What is allowed, where the range is only that of the numbers themselves: too large is told with how large may be.
std::string up_to(const std::string& allowed, const std::string& most) {
  return allowed.find(" to ") != std::string::npos ? allowed : allowed + (allowed.empty() ? "at most " : ", at most ") + most;
}

// The largest value in whole units of the largest kind, the last that unit_help() names.
std::string most_text(Type type) {
  const std::string help = unit_help(type), names = help.substr(0, help.find(')'));
  const std::string unit = names.substr(names.rfind(' ') + 1);
  return std::to_string(INT64_MAX / parse_quantity(type, "1" + unit).value.value_or(1)) + unit;
}

}  // namespace

bool Reader::whole_number(const Node& node, std::string_view path, std::uint64_t& value, const std::string& allowed) {
  if (node.kind != Kind::number) {
    fail(node, path,
         std::string("expected a whole number, found ") +
             (node.kind == Kind::string ? "the string \"" + node.text + "\"" : kind_name(node.kind)),
         allowed);
    return false;
  }
  if (node.text[0] == '-') {
    fail(node, path, node.text + " is negative", allowed);
    return false;
  }
  const Parsed p = parse_decimal(node.text, 1);
  if (!p.value || node.text.find('.') != std::string::npos) {
    const bool large = p.problem.find("too") != std::string::npos;
    fail(node, path, node.text + (large ? " is too large" : " is not a whole number"), large ? up_to(allowed, std::to_string(INT64_MAX)) : allowed);
    return false;
  }
  value = *p.value;
  return true;
}

bool Reader::quantity(const Node& node, std::string_view path, Type type, std::uint64_t& value) {
  if (node.kind == Kind::number) {
    fail(node, path, node.text + " has no unit: a " + type_name(type) + " is a string with a unit", unit_help(type));
    return false;
  }
  if (!expect(node, path, Kind::string, unit_help(type))) return false;
  const Parsed p = parse_quantity(type, node.text);
  if (!p.value) {
    fail(node, path, p.problem, p.problem.ends_with("is too large") ? up_to(unit_help(type), most_text(type)) : unit_help(type));
    return false;
  }
  value = *p.value;
  return true;
}

void Reader::key(const Row& row, const Node& node, const std::string& path, void* object) {
  mark(path, node);
  std::uint64_t value = 0;
  switch (row.type) {
    case Type::other:
      if (row.special.read) row.special.read(*this, node, path, object);
      return;
    case Type::string:
    case Type::path:
      if (expect(node, path, Kind::string, row.info.allowed)) row.text(object) = node.text;
      return;
    case Type::boolean:
      if (expect(node, path, Kind::boolean, row.info.allowed)) row.set(object, node.flag ? 1 : 0);
      return;
    case Type::choice: {
      if (!expect(node, path, Kind::string, row.info.allowed)) return;
      const auto it = std::find(row.choices.begin(), row.choices.end(), node.text);
      if (it == row.choices.end())
        return fail(node, path, "\"" + node.text + "\" is not known", row.info.allowed, nearest(node.text, row.choices));
      return row.set(object, static_cast<std::uint64_t>(it - row.choices.begin()));
    }
    case Type::count:
      if (!whole_number(node, path, value, row.info.allowed)) return;
      break;
    default:
      if (!quantity(node, path, row.type, value)) return;
  }
  if (const std::string wrong = check_rule(row, value); !wrong.empty()) return fail(node, path, wrong, row.info.allowed);
  row.set(object, value);
}

void Reader::object(const Node& node, const std::string& pattern, const std::string& path, void* target) {
  for (const Node& child : node.children) {
    const std::string sub = pattern.empty() ? child.key : pattern + "." + child.key;
    const std::string at = path.empty() ? child.key : path + "." + child.key;
    // A member's name is one part of a path: "guests[]" would find the rows of a guest, whose object is not here.
    const bool one_part = child.key.find_first_of(".[") == std::string::npos;
    if (sub == "guests") {
      guests(child);
    } else if (const Row* row = one_part ? find_row(sub) : nullptr) {
      key(*row, child, at, target);
    } else if (one_part && is_section(sub)) {
      mark(at, child);
      if (expect(child, at, Kind::object, "an object with " + join(names_below(sub)))) object(child, sub, at, target);
    } else {
      const std::vector<std::string> names = names_below(pattern);
      const std::string near = nearest(child.key.substr(0, child.key.find_first_of(".[")), names);
      fail_key(child, at, "unknown key \"" + child.key + "\"", join(names), near);
    }
  }
}

void Reader::guests(const Node& node) {
  const char* allowed = "a list of objects, at least one";
  mark("guests", node);
  if (!expect(node, "guests", Kind::array, allowed)) return;
  if (node.children.empty()) return fail(node, "guests", "the list is empty", allowed);
  scenario_.guests.assign(node.children.size(), Guest{});
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const std::string path = "guests." + std::to_string(i);
    scenario_.guests[i].name = "g" + std::to_string(i);
    mark(path, node.children[i]);
    if (expect(node.children[i], path, Kind::object, "an object"))
      object(node.children[i], "guests[]", path, &scenario_.guests[i]);
  }
}

void Reader::read(const Node& root) {
  mark("", root);
  if (!expect(root, "", Kind::object, "a JSON object")) return;
  object(root, "", "", &scenario_);
  // What could not be read stands at its default, which would make sets look impossible that are not.
  if (!mistakes_.any()) cross_check();
}

}  // namespace gd::scenario
