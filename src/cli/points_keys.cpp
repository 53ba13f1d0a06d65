// Keys of points and of their runs, and the schema that is made from them.
#include <nlohmann/json.hpp>

#include "src/cli/points.h"

namespace gd::cli {

namespace {

using Json = nlohmann::ordered_json;

Json type_of(const std::string& key) {
  if (key == "value") return {{"type", "number"}};
  if (key == "year") return {{"type", "integer"}, {"minimum", 1900}, {"maximum", 2999}};
  if (key == "calibrated") return {{"type", "boolean"}};
  if (key == "id") return {{"type", "string"}, {"pattern", "^[A-Za-z0-9._-]+$"}};
  if (key == "tolerance")
    return Json::parse(R"({"oneOf": [
      {"type": "object", "additionalProperties": false, "required": ["rel"], "properties": {"rel": {"oneOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": "%$"}]}}},
      {"type": "object", "additionalProperties": false, "required": ["abs"], "properties": {"abs": {"type": "number", "minimum": 0}}},
      {"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {"min": {"type": "number"}, "max": {"type": "number"}}}]})");
  if (key == "set") return {{"type", "object"}};
  if (key == "unit" || key == "note") return {{"type", "string"}};
  return {{"type", "string"}, {"minLength", 1}};
}

Json object_of(const std::vector<PointKey>& keys) {
  Json out = {{"type", "object"}, {"additionalProperties", false}, {"required", Json::array()}, {"properties", Json::object()}};
  for (const PointKey& k : keys) {
    if (k.needed) out["required"].push_back(k.name);
    if (std::string(k.name) == "runs") {
      out["properties"]["runs"] = {{"type", "object"}, {"minProperties", 1}, {"propertyNames", {{"pattern", "^[A-Za-z0-9._-]+$"}}}, {"additionalProperties", object_of(point_run_keys())}};
    } else {
      out["properties"][k.name] = type_of(k.name);
    }
    out["properties"][k.name]["description"] = std::string(k.description) + ": " + k.allowed;
  }
  return out;
}

}  // namespace

const std::vector<PointKey>& point_keys() {
  static const std::vector<PointKey> keys = {
      {"id", "letters, digits, dots, dashes and underscores; unique", "Name of the point", true},
      {"source", "text", "Publication or data set", false},
      {"where", "text", "Place in the source", false},
      {"year", "a year", "When it was published", false},
      {"value", "a number in the point's unit", "The published value", true},
      {"unit", "text, as in \"Gb/s\" or \"ratio\"", "Unit of value, formula and tolerance", true},
      {"tolerance", "{\"rel\": 0.05}, {\"abs\": 25}, or {\"min\": 1.1, \"max\": 1.7} with one or both", "How far the simulated value may lie from the published one", false},
      {"runs", "an object of runs by name, as in {\"a\": {\"scenario\": \"../quickstart.json\", \"set\": {}, \"strategy\": \"vhost-copy\"}}", "What is simulated", false},
      {"formula", "numbers, METRIC[run], + - * /, parentheses, min(), max() and abs()", "The simulated value from the metrics of the runs, in the point's unit", false},
      {"calibrated", "true or false", "Whether parameters of the models were fitted to this point", false},
      {"not_modelled", "why, as text", "Instead of runs and formula: what the modelled path cannot have", false},
      {"note", "text", "Anything else", false},
  };
  return keys;
}

const std::vector<PointKey>& point_run_keys() {
  static const std::vector<PointKey> keys = {
      {"scenario", "a scenario file; a relative path starts at the folder of the list", "The scenario", true},
      {"set", "an object of dotted keys, as in {\"nic.ring_size\": 256}", "Keys that differ in this run", false},
      {"strategy", "one strategy's name or label; absent with dma-bench", "The strategy that runs", false},
  };
  return keys;
}

std::string points_schema() {
  Json root;
  root["$schema"] = "http://json-schema.org/draft-07/schema#";
  root["title"] = "guestdma points";
  root["description"] = "Published points for `guestdma fidelity`; made from the program's table of their keys.";
  root["type"] = "array";
  root["minItems"] = 1;
  Json point = object_of(point_keys());
  point["oneOf"] = Json::parse(R"([{"required": ["tolerance", "runs", "formula"], "not": {"required": ["not_modelled"]}},
    {"required": ["not_modelled"], "not": {"anyOf": [{"required": ["runs"]}, {"required": ["formula"]}, {"required": ["calibrated"]}]}}])");
  Json include = Json::parse(R"({"type": "object", "additionalProperties": false, "required": ["include"], "properties": {"include": {"type": "string",
    "description": "Another list of points, or a folder of lists, beside this file."}}})");
  root["items"] = {{"oneOf", Json::array({point, include})}};
  return root.dump(2) + "\n";
}

}  // namespace gd::cli
