#include "src/scenario/costs.h"

#include <algorithm>

#include "src/scenario/sha256.h"
#include "src/scenario/tree.h"
#include "src/scenario/units.h"

namespace gd::scenario {

namespace {

const char* const kFields = "cycles, cycles_per_unit, per, source, confidence";

bool milli(Reader& r, const Node& n, const std::string& path, std::uint64_t& out) {
  const char* allowed = "a number of cycles with at most three decimals, without exponent";
  if (!r.expect(n, path, Kind::number, allowed)) return false;
  const Parsed p = parse_decimal(n.text, 1000);
  if (!p.value) {
    r.fail(n, path, n.text[0] == '-' ? n.text + " is negative" : n.text + " is not a whole number of milli-cycles", allowed);
    return false;
  }
  out = *p.value;
  return true;
}

void entry(Reader& r, const Node& n, const std::string& path, CostEntry& e) {
  if (!r.expect(n, path, Kind::object, std::string("an object with ") + kFields)) return;
  for (const Node& c : n.children) {
    const std::string at = path + "." + c.key;
    if (c.key == "cycles") milli(r, c, at, e.fixed_mc);
    else if (c.key == "cycles_per_unit") milli(r, c, at, e.unit_mc);
    else if (c.key == "per" || c.key == "source" || c.key == "confidence") {
      if (!r.expect(c, at, Kind::string, "a string")) continue;
      const std::vector<std::string> levels = {"read", "derived", "recalled"};
      if (c.key == "confidence" && std::find(levels.begin(), levels.end(), c.text) == levels.end())
        r.fail(c, at, "\"" + c.text + "\" is not known", join(levels), nearest(c.text, levels));
      (c.key == "per" ? e.per : c.key == "source" ? e.source : e.confidence) = c.text;
    } else {
      r.fail_key(c, at, "unknown key \"" + c.key + "\"", kFields,
                 nearest(c.key, {"cycles", "cycles_per_unit", "per", "source", "confidence"}));
    }
  }
  if (e.unit_mc != 0 && e.per.empty())
    r.fail(n, path, "has cycles_per_unit but does not say per what", "\"per\": \"byte\", \"frame\", \"page\", \"line\" ...");
}

// Merges an object of entries; new names only with `open`.
void entries(Reader& r, const Node& object, std::vector<CostEntry>& costs, bool open) {
  for (const Node& n : object.children) {
    const std::string path = "costs." + n.key;
    auto it = std::find_if(costs.begin(), costs.end(), [&](const CostEntry& e) { return e.name == n.key; });
    if (it == costs.end()) {
      if (!open) {
        std::vector<std::string> names;
        for (const CostEntry& e : costs) names.push_back(e.name);
        r.fail_key(n, path, "the profile has no operation \"" + n.key + "\"", "`list costs` shows all", nearest(n.key, names));
        continue;
      }
      const std::size_t dot = n.key.find('.');
      if (dot == std::string::npos || dot == 0 || dot + 1 == n.key.size()) {
        r.fail_key(n, path, "\"" + n.key + "\" is not named component.operation", "as in \"napi.poll_frame\"", "");
        continue;
      }
      costs.emplace_back();
      costs.back().name = n.key;
      it = costs.end() - 1;
    }
    entry(r, n, path, *it);
  }
}

// The profile in `text`, merged over the profiles that it extends; nothing after a mistake.
void profile(Reader& r, const std::string& text, const std::string& file, std::vector<CostEntry>& costs) {
  LoadOptions options;
  options.share_dir = r.options().share_dir;
  const std::optional<Node> root = load_tree(text, file, options, r.mistakes());
  if (!root || !r.expect(*root, "", Kind::object, "{\"description\": ..., \"costs\": {...}}")) return;
  const Node* object = nullptr;
  for (const Node& n : root->children) {
    if (n.key == "costs") object = &n;
    else if (n.key != "description" && n.key != "sources" && n.key != "$schema")
      r.fail_key(n, n.key, "unknown key \"" + n.key + "\"", "description, extends, sources, costs",
                 nearest(n.key, {"description", "extends", "sources", "costs"}));
  }
  if (object == nullptr) return r.fail(*root, "", "has no costs", "{\"description\": ..., \"costs\": {...}}");
  if (r.expect(*object, "costs", Kind::object, "an object of operations")) entries(r, *object, costs, true);
}

void sort(std::vector<CostEntry>& costs) {
  std::sort(costs.begin(), costs.end(), [](const CostEntry& a, const CostEntry& b) { return a.name < b.name; });
}

}  // namespace

Special read_costs() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void*) {
    r.expect(n, path, Kind::object, "an object of operations");
  };
  s.write = [](const void* object) -> Json {
    Json out = Json::object();
    for (const CostEntry& e : static_cast<const Scenario*>(object)->costs) {
      // Decimal text parses to a double and prints as the same shortest decimal: three decimals survive below 2^43.
      Json& c = out[e.name];
      c["cycles"] = Json::parse(format_milli(e.fixed_mc));
      if (e.unit_mc != 0) c["cycles_per_unit"] = Json::parse(format_milli(e.unit_mc));
      if (!e.per.empty()) c["per"] = e.per;
      if (!e.source.empty()) c["source"] = e.source;
      if (!e.confidence.empty()) c["confidence"] = e.confidence;
    }
    return out.empty() ? Json(nullptr) : out;
  };
  s.schema = Json::parse(R"({"type":"object","additionalProperties":{"type":"object","additionalProperties":false,"properties":{
    "cycles":{"type":"number","minimum":0,"description":"Cycles a call."},
    "cycles_per_unit":{"type":"number","minimum":0,"description":"Cycles a unit."},
    "per":{"type":"string","description":"The unit: byte, frame, page, line, descriptor ..."},
    "source":{"type":"string"},"confidence":{"enum":["read","derived","recalled"]}}}})");
  return s;
}

void read_costs_of(Reader& r, const Node& root) {
  Scenario& s = r.scenario();
  Node name;
  name.kind = Kind::string;
  name.text = s.host.costs;
  name.place = root.place;
  name.place.end = name.place.begin + 1;
  if (const Node* host = root.find("host"))
    if (const Node* costs = host->find("costs")) name = *costs;
  const Node* own = root.find("costs");
  const bool is_inline = s.host.costs == "inline";
  if (!is_inline && r.options().read_inputs) {
    std::vector<std::string> tried;
    const std::string file = look_up(name, r.options(), "costs", tried);
    const std::optional<std::string> text = file.empty() ? std::nullopt : read_file(file);
    if (!text)
      return r.fail(name, "host.costs", "there is no cost profile \"" + name.text + "\"", "looked for " + join(tried, " and "));
    s.host.costs = file;
    s.inputs.push_back({"host.costs", file, sha256(*text)});
    profile(r, *text, file, s.costs);
  }
  if (own != nullptr && own->kind == Kind::object) entries(r, *own, s.costs, is_inline || !r.options().read_inputs);
  sort(s.costs);
}

std::vector<CostEntry> load_costs(const std::string& path) {
  Mistakes mistakes;
  Scenario s;
  const LoadOptions options;
  Reader r(s, options, mistakes);
  const std::optional<std::string> text = read_file(path);
  if (!text) throw UserError(path + ": error: there is no such file, or it cannot be read");
  profile(r, *text, path, s.costs);
  mistakes.raise();
  sort(s.costs);
  return s.costs;
}

}  // namespace gd::scenario
