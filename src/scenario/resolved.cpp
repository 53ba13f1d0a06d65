// From a Scenario back to text: the resolved configuration, its hash, and the schema.
#include "src/scenario/loader.h"
#include "src/scenario/sha256.h"
#include "src/scenario/table.h"

namespace gd::scenario {

namespace {

// Puts `value` below `root` at a dotted path ("guests[].x" has lost its first part).
void put(Json& root, std::string_view path, Json value) {
  Json* at = &root;
  for (;;) {
    const std::size_t dot = path.find('.');
    at = &(*at)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *at = std::move(value);
}

template <class Wanted>
Json all(const Scenario& s, Wanted wanted) {
  Json out = Json::object();
  for (const Row& r : table().rows()) {
    if (!wanted(r)) continue;
    if (!r.of_guest) {
      Json v = r.write(&s);
      if (!v.is_null()) put(out, r.info.path, std::move(v));
      continue;
    }
    Json& guests = out["guests"];
    for (std::size_t i = 0; i < s.guests.size(); ++i) {
      if (guests.size() <= i) guests.push_back(Json::object());
      Json v = r.write(&s.guests[i]);
      if (!v.is_null()) put(guests[i], std::string_view(r.info.path).substr(9), std::move(v));  // without "guests[]."
    }
  }
  return out;
}

}  // namespace

std::string resolved(const Scenario& s) {
  Json out = all(s, [](const Row& r) { return r.resolved; });
  if (s.name.empty()) out.erase("name");
  if (s.description.empty()) out.erase("description");
  if (s.traffic.file.empty()) out["traffic"].erase("file");
  if (s.nic.model.empty()) out["nic"].erase("model");
  if (!s.costs.empty()) out["host"]["costs"] = "inline";
  return out.dump(2) + "\n";
}

std::string config_sha256(const Scenario& s) {
  Json out = all(s, [](const Row& r) { return r.hashed && r.resolved; });
  if (!s.traffic.file_sha256.empty()) out["traffic"]["file"] = s.traffic.file_sha256;
  if (out.contains("costs"))
    for (auto& [name, cost] : out["costs"].items()) cost.erase("source"), cost.erase("confidence");
  return sha256(out.dump());
}

std::string schema() {
  Json root;
  root["$schema"] = "http://json-schema.org/draft-07/schema#";
  root["title"] = "guestdma scenario";
  root["description"] =
      "Made from the program's key table (guestdma list keys). Values with a dimension are strings with a unit.";
  root["type"] = "object";
  root["additionalProperties"] = false;
  Json* object = nullptr;
  const auto section = [](Json& parent, const std::string& name) -> Json& {
    Json& s = parent["properties"][name];
    if (s.is_null()) s = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
    return s;
  };
  root["properties"] = Json::object();
  for (const Row& r : table().rows()) {
    std::string_view path = r.info.path;
    object = &root;
    if (r.of_guest) {
      Json& list = root["properties"]["guests"];
      if (list.is_null()) {
        list = {{"type", "array"}, {"minItems", 1}, {"description", "The virtual machines."}};
        list["items"] = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
      }
      object = &list["items"];
      path.remove_prefix(9);
    }
    for (std::size_t dot; (dot = path.find('.')) != std::string_view::npos; path.remove_prefix(dot + 1))
      object = &section(*object, std::string(path.substr(0, dot)));
    (*object)["properties"][std::string(path)] = r.schema();
  }
  return root.dump(2) + "\n";
}

}  // namespace gd::scenario
