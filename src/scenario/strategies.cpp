// `strategies` and --strategy. Which strategies, options and hazards exist is told by the caller.
#include "src/scenario/strategies.h"

#include <algorithm>
#include <set>

#include "src/scenario/units.h"

namespace gd::scenario {

namespace {

const char* const kListForm = "\"all\", or a list of names or of objects {name, label, hazard, set, options of that strategy}";

bool label_ok(const std::string& s) {
  return !s.empty() && s != "." && s != ".." && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// What stands beside the folders of the labels in a result folder.
bool label_taken(const std::string& s) {
  return s == "config.json" || s == "report.html" || s == "runs" || s == "slurm" || s.starts_with("comparison.") || s.starts_with("sweep.") || s.starts_with("fidelity.") ||
         s.ends_with(".png") || s.ends_with(".svg");
}

std::vector<std::string> names(const std::vector<StrategyType>& types) {
  std::vector<std::string> out;
  for (const StrategyType& t : types) out.push_back(t.name);
  return out;
}

const StrategyType* type_of(const LoadOptions& options, const std::string& name) {
  for (const StrategyType& t : options.strategies)
    if (t.name == name) return &t;
  return nullptr;
}

// The option's value in base units, and as JSON text.
bool option_text(Reader& r, const StrategyOption& o, const Node& n, const std::string& path, std::string& out,
                 std::string& json) {
  std::uint64_t value = 0;
  switch (o.type) {
    case OptionType::boolean:
      if (!r.expect(n, path, Kind::boolean, "true or false")) return false;
      out = json = n.flag ? "true" : "false";
      return true;
    case OptionType::choice:
      if (!r.expect(n, path, Kind::string, join(o.allowed))) return false;
      if (std::find(o.allowed.begin(), o.allowed.end(), n.text) == o.allowed.end()) {
        r.fail(n, path, "\"" + n.text + "\" is not known", join(o.allowed), nearest(n.text, o.allowed));
        return false;
      }
      break;
    case OptionType::count:
      if (!r.whole_number(n, path, value, "a whole number")) return false;
      out = json = std::to_string(value);
      return true;
    case OptionType::size:
    case OptionType::time:
    case OptionType::share: {
      const Type t = o.type == OptionType::size ? Type::size : o.type == OptionType::time ? Type::time : Type::share;
      if (!r.quantity(n, path, t, value)) return false;
      out = std::to_string(value);
      json = Json(format_quantity(t, value)).dump();
      return true;
    }
    case OptionType::string:
      if (n.kind == Kind::boolean) out = json = n.flag ? "true" : "false";
      if (n.kind == Kind::number) out = json = n.text;
      if (n.kind == Kind::boolean || n.kind == Kind::number) return true;
      if (!r.expect(n, path, Kind::string, "a string")) return false;
  }
  out = n.text;
  json = Json(n.text).dump();
  return true;
}

void check_name(Reader& r, const Node& n, const std::string& path, const std::string& name) {
  const LoadOptions& o = r.options();
  if (!o.strategies.empty() && type_of(o, name) == nullptr)
    r.fail(n, path, "there is no strategy \"" + name + "\"", join(names(o.strategies)), nearest(name, names(o.strategies)));
}

// Keys of the scenario that differ for this entry, as KEY=VALUE.
void read_set(Reader& r, const Node& n, const std::string& path, StrategyChoice& out) {
  if (!r.expect(n, path, Kind::object, "an object of dotted keys, as in {\"nic.ring_size\": 256}")) return;
  for (const Node& c : n.children) {
    const std::string pattern = pattern_of(c.key);
    if (find_row(pattern) == nullptr || pattern == "strategies" || pattern == "extends" || pattern == "seed" ||
        pattern == "name" || pattern == "expect") {
      r.fail_key(c, path, "\"" + c.key + "\" is no key that an entry can set", "a dotted key, as in nic.ring_size",
                 nearest_key(c.key));
      continue;
    }
    if (c.kind == Kind::string || c.kind == Kind::number) out.set.emplace_back(c.key, c.text);
    else if (c.kind == Kind::boolean) out.set.emplace_back(c.key, c.flag ? "true" : "false");
    else r.fail(c, path, std::string("expected a string, a number, true or false, found ") + kind_name(c.kind));
  }
}

// One entry of the list; false when it cannot be used.
bool read_entry(Reader& r, const Node& n, const std::string& path, StrategyChoice& out) {
  out.at = n.place.position();
  if (n.kind == Kind::string) {
    out.name = out.label = n.text;
    check_name(r, n, path, n.text);
    return true;
  }
  if (n.kind != Kind::object) return r.expect(n, path, Kind::object, "a name, or an object {name, label, hazard, options}");
  const Node* name = n.find("name");
  if (name == nullptr) {
    r.fail(n, path, "has no name", "{\"name\": \"vhost-copy\", ...}");
    return false;
  }
  if (!r.expect(*name, path + ".name", Kind::string, "a name")) return false;
  out.name = out.label = name->text;
  check_name(r, *name, path + ".name", name->text);
  const StrategyType* type = type_of(r.options(), out.name);
  for (const Node& c : n.children) {
    const std::string at = path + "." + c.key;
    if (c.key == "name") continue;
    if (c.key == "label") {
      if (!r.expect(c, at, Kind::string, "a string")) continue;
      if (!label_ok(c.text))
        r.fail(c, at, "\"" + c.text + "\" cannot name a folder", "letters, digits, dots, dashes and underscores");
      else if (label_taken(c.text))
        r.fail(c, at, "\"" + c.text + "\" is the name of a file or folder that results have beside the strategies' folders", "another name");
      out.label = c.text;
    } else if (c.key == "hazard") {
      if (!r.expect(c, at, Kind::string, "a string")) continue;
      if (type != nullptr && std::find(type->hazards.begin(), type->hazards.end(), c.text) == type->hazards.end())
        r.fail(c, at, "strategy \"" + out.name + "\" has no hazard \"" + c.text + "\"",
               type->hazards.empty() ? "none" : join(type->hazards), nearest(c.text, type->hazards));
      out.hazard = c.text;
    } else if (c.key == "set") {
      read_set(r, c, at, out);
    } else {
      static const StrategyOption any{"", OptionType::string, {}, "", ""};
      const StrategyOption* option = type == nullptr ? &any : nullptr;
      std::vector<std::string> known = {"name", "label", "hazard", "set"};
      if (type != nullptr)
        for (const StrategyOption& o : type->options) {
          known.push_back(o.name);
          if (o.name == c.key) option = &o;
        }
      if (option == nullptr) {
        r.fail_key(c, at, "strategy \"" + out.name + "\" has no option \"" + c.key + "\"", join(known), nearest(c.key, known));
        continue;
      }
      std::string value, json;
      if (option_text(r, *option, c, at, value, json)) {
        // Kept in the order of the option table.
        const auto rank = [&](const std::string& key) { return std::find(known.begin(), known.end(), key); };
        std::size_t i = out.options.size();
        while (i > 0 && rank(out.options[i - 1].first) > rank(c.key)) --i;
        out.options.emplace(out.options.begin() + static_cast<std::ptrdiff_t>(i), c.key, value);
        out.written.insert(out.written.begin() + static_cast<std::ptrdiff_t>(i), json);
      }
    }
  }
  return true;
}

}  // namespace

Special read_strategies() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void*) {
    Scenario& scenario = r.scenario();
    if (n.kind == Kind::string && n.text == "all") {
      scenario.all_strategies = true;
      scenario.strategies.clear();
      return;
    }
    if (n.kind == Kind::string) return r.fail(n, path, "\"" + n.text + "\" is neither \"all\" nor a list", kListForm);
    if (!r.expect(n, path, Kind::array, kListForm)) return;
    if (n.children.empty()) return r.fail(n, path, "the list is empty", kListForm);
    scenario.all_strategies = false;
    std::set<std::string> labels;
    for (std::size_t i = 0; i < n.children.size(); ++i) {
      const std::string at = path + "." + std::to_string(i);
      StrategyChoice c;
      if (!read_entry(r, n.children[i], at, c)) continue;
      r.mark(at, n.children[i]);
      if (!labels.insert(c.label).second)
        r.fail(n.children[i], at, "the label \"" + c.label + "\" is already taken", "a label of its own for each entry");
      scenario.strategies.push_back(c);
    }
  };
  s.write = [](const void* object) -> Json {
    const Scenario& scenario = *static_cast<const Scenario*>(object);
    if (scenario.all_strategies) return "all";
    Json out = Json::array();
    for (const StrategyChoice& c : scenario.strategies) {
      if (c.label == c.name && c.hazard.empty() && c.options.empty() && c.set.empty()) {
        out.push_back(c.name);
        continue;
      }
      Json entry = {{"name", c.name}};
      if (c.label != c.name) entry["label"] = c.label;
      if (!c.hazard.empty()) entry["hazard"] = c.hazard;
      for (std::size_t i = 0; i < c.options.size(); ++i) entry[c.options[i].first] = Json::parse(c.written[i]);
      for (const auto& [key, text] : c.set) {
        const Json value = Json::parse(text, nullptr, false);
        entry["set"][key] = value.is_number() || value.is_boolean() ? value : Json(text);
      }
      out.push_back(entry);
    }
    return out;
  };
  s.schema = Json::parse(
      R"({"oneOf":[{"type":"string","enum":["all"]},{"type":"array","minItems":1,"items":{"oneOf":[{"type":"string"},{"type":"object",
    "required":["name"],"properties":{"name":{"type":"string"},"label":{"type":"string","pattern":"^[A-Za-z0-9._-]+$"},"hazard":{"type":"string"},
    "set":{"type":"object","description":"Keys of the scenario, dotted, that have another value for this entry alone.","additionalProperties":{"type":["string","number","boolean"]}}},
    "additionalProperties":{"type":["string","number","boolean"]}}]}}]})");
  return s;
}

void choose_strategies(Reader& r, const std::string& text) {
  auto source = std::make_shared<Source>();
  source->name = "--strategy " + text;
  source->command_line = true;
  Node n;
  n.place = Place{source, 0, 0};
  n.kind = Kind::string;
  Scenario& scenario = r.scenario();
  if (text == "all") {
    scenario.all_strategies = true;
    scenario.strategies.clear();
    return;
  }
  if (scenario.traffic.kind == TrafficKind::dma_bench && text != "none")
    return r.fail(n, "", "dma-bench is bare DMA without receive buffers, it has no strategies; its results are named none", "no --strategy, or \"none\"");
  if (scenario.traffic.kind == TrafficKind::dma_bench) return;
  const std::vector<StrategyChoice> listed = scenario.strategies;
  std::vector<StrategyChoice> chosen;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string item = text.substr(at, comma - at);
    at = comma + 1;
    std::vector<StrategyChoice> found;
    for (const StrategyChoice& c : listed)
      if (c.label == item) found.push_back(c);
    if (found.empty())
      for (const StrategyChoice& c : listed)
        if (c.name == item) found.push_back(c);
    if (found.empty()) {
      const auto& types = r.options().strategies;
      std::vector<std::string> known = names(types);
      for (const StrategyChoice& c : listed)
        if (std::find(known.begin(), known.end(), c.label) == known.end()) known.push_back(c.label);
      if (item.empty() || (!types.empty() && type_of(r.options(), item) == nullptr)) {
        r.fail(n, "", item.empty() ? "expected names separated by commas" : "there is no strategy \"" + item + "\"",
               join(known), nearest(item, known));
        continue;
      }
      found.push_back({item, item, "", {}, {}, {}, {}});
    }
    for (StrategyChoice& c : found) {
      c.at = n.place.position();
      if (std::none_of(chosen.begin(), chosen.end(), [&](const auto& o) { return o.label == c.label; })) chosen.push_back(c);
    }
  }
  scenario.all_strategies = false;
  scenario.strategies = chosen;
  scenario.origins["strategies"] = n.place.position();
}

}  // namespace gd::scenario
