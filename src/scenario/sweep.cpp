#include "src/scenario/sweep.h"

#include <algorithm>

#include "src/scenario/keys.h"
#include "src/scenario/reader.h"
#include "src/scenario/sweep_search.h"
#include "src/scenario/units.h"

namespace gd::scenario {

namespace {

const char* const kAxisForm = "{key, values}, {key, from, to, step}, or {zip: [of these]}";
constexpr std::size_t kMostValues = 100'000;   // of one axis

// A node as JSON text.
Json json_of(const Node& n) {
  switch (n.kind) {
    case Kind::null: return nullptr;
    case Kind::boolean: return n.flag;
    case Kind::number: return Json::parse(n.text);
    case Kind::string: return n.text;
    case Kind::array: {
      Json out = Json::array();
      for (const Node& c : n.children) out.push_back(json_of(c));
      return out;
    }
    case Kind::object: {
      Json out = Json::object();
      for (const Node& c : n.children) out[c.key] = json_of(c);
      return out;
    }
  }
  return nullptr;
}

class BlockReader {
 public:
  BlockReader(Reader& r, Sweep& out) : r_(r), out_(out) {}

  void read(const Node& n, const std::string& path) {
    if (!r_.expect(n, path, Kind::object, "an object {axes, search, exclude, seeds}")) return;
    for (const Node& c : n.children) {
      const std::string at = path + "." + c.key;
      if (c.key == "axes") axes(c, at);
      else if (c.key == "exclude") exclude(c, at);
      else if (c.key == "seeds") seeds(c, at);
      else if (c.key == "search") read_search(r_, c, at, out_.search);
      else r_.fail_key(c, at, "unknown key", "axes, search, exclude, seeds", nearest(c.key, {"axes", "search", "exclude", "seeds"}));
    }
    if (!out_.search) return;
    for (const SweepAxis& a : out_.axes)
      for (const SweepAxis::Key& k : a.keys)
        if (k.key == out_.search->key) r_.fail(*n.find("search"), path + ".search", k.key + " is searched, and is an axis too");
  }

 private:
  void axes(const Node& n, const std::string& path) {
    if (!r_.expect(n, path, Kind::array, std::string("a list of ") + kAxisForm)) return;
    for (std::size_t i = 0; i < n.children.size(); ++i) {
      const Node& c = n.children[i];
      const std::string at = path + "." + std::to_string(i);
      if (!r_.expect(c, at, Kind::object, kAxisForm)) continue;
      SweepAxis axis;
      const Node* zip = c.find("zip");
      if (zip == nullptr) {
        axis.keys.push_back(one(c, at));
      } else if (c.children.size() != 1) {
        r_.fail(c, at, "an axis with zip has nothing else", kAxisForm);
      } else if (r_.expect(*zip, at + ".zip", Kind::array, "a list of {key, values} or {key, from, to, step}")) {
        for (std::size_t k = 0; k < zip->children.size(); ++k)
          if (r_.expect(zip->children[k], at + ".zip." + std::to_string(k), Kind::object, kAxisForm)) axis.keys.push_back(one(zip->children[k], at + ".zip." + std::to_string(k)));
        for (const SweepAxis::Key& k : axis.keys)
          if (k.values.size() != axis.keys.front().values.size())
            r_.fail(*zip, at + ".zip", k.key + " has " + std::to_string(k.values.size()) + " values, " + axis.keys.front().key + " has " + std::to_string(axis.keys.front().values.size()), "as many of each");
      }
      for (const SweepAxis::Key& k : axis.keys) unique(c, at, k.key);
      if (!axis.keys.empty()) out_.axes.push_back(std::move(axis));
    }
  }

  void unique(const Node& n, const std::string& path, const std::string& key) {
    for (const SweepAxis& a : out_.axes)
      for (const SweepAxis::Key& k : a.keys)
        if (k.key == key) r_.fail(n, path, key + " is swept twice");
  }

  SweepAxis::Key one(const Node& n, const std::string& path) {
    SweepAxis::Key out;
    const Node *key = n.find("key"), *values = n.find("values"), *from = n.find("from"), *to = n.find("to"), *step = n.find("step");
    for (const Node& c : n.children)
      if (&c != key && &c != values && &c != from && &c != to && &c != step) r_.fail_key(c, path + "." + c.key, "unknown key", "key, values, from, to, step", nearest(c.key, {"key", "values", "from", "to", "step"}));
    if (key == nullptr) {
      r_.fail(n, path, "an axis without key", kAxisForm);
      return out;
    }
    if (!r_.expect(*key, path + ".key", Kind::string, "a dotted key, as in nic.ring_size")) return out;
    out.key = key->text;
    std::string allowed;
    if (const std::string wrong = no_axis(out.key, allowed); !wrong.empty()) r_.fail(*key, path + ".key", wrong, allowed, nearest_key(out.key));
    if ((values != nullptr) == (from != nullptr || to != nullptr || step != nullptr)) {
      r_.fail(n, path, "an axis has either values, or from, to and step", kAxisForm);
    } else if (values != nullptr) {
      if (!r_.expect(*values, path + ".values", Kind::array, "a list of values")) return out;
      if (values->children.empty()) r_.fail(*values, path + ".values", "the list is empty", "at least one value");
      for (const Node& v : values->children) out.values.push_back(json_of(v).dump());
    } else if (from == nullptr || to == nullptr || step == nullptr) {
      r_.fail(n, path, "a range has from, to and step", "step may be \"log2\"");
    } else {
      std::string problem;
      out.values = range_values(out.key, from->text, to->text, step->text, problem);
      if (!problem.empty()) r_.fail(n, path, problem, kAxisForm);
    }
    return out;
  }

  void exclude(const Node& n, const std::string& path) {
    if (!r_.expect(n, path, Kind::array, "a list of objects {key: value}")) return;
    for (std::size_t i = 0; i < n.children.size(); ++i) {
      const Node& c = n.children[i];
      const std::string at = path + "." + std::to_string(i);
      if (!r_.expect(c, at, Kind::object, "an object {key: value}")) continue;
      Sweep::Exclusion e;
      for (const Node& k : c.children) e.emplace_back(k.key, json_of(k).dump());
      if (e.empty()) r_.fail(c, at, "an exclusion without a key leaves nothing to run", "at least one key");
      out_.exclude.push_back(std::move(e));
    }
  }

  void seeds(const Node& n, const std::string& path) {
    const char* const kAllowed = "how many (seed, seed + 1 ...), or a list of seeds";
    std::uint64_t v = 0;
    if (n.kind == Kind::array) {
      for (std::size_t i = 0; i < n.children.size(); ++i)
        if (r_.whole_number(n.children[i], path + "." + std::to_string(i), v, kAllowed)) out_.seeds.push_back(v);
      if (n.children.empty()) r_.fail(n, path, "the list is empty", kAllowed);
    } else if (r_.whole_number(n, path, v, kAllowed)) {
      if (v == 0 || v > kMostRuns) r_.fail(n, path, std::to_string(v) + " is not allowed", "1 to " + std::to_string(kMostRuns));
      else out_.seed_count = v;
    }
  }

  Reader& r_;
  Sweep& out_;
};

[[noreturn]] void wrong_axis(const std::string& text, const std::string& what, const std::string& allowed, const std::string& near = {}) {
  Diagnostic d;
  d.at.file = "--axis " + text;
  d.message = what;
  d.allowed = allowed;
  d.nearest = near;
  throw ScenarioError({d});
}

// "10Gbps" is "10000Mbps": numbers are compared by what they say.
bool same_value(const std::string& key, const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto bare = [](const std::string& json) { return json.size() > 1 && json.front() == '"' ? json.substr(1, json.size() - 2) : json; };
  const std::optional<Type> type = number_type(key, bare(a));
  if (!type) return false;
  const Parsed x = number_of(*type, bare(a)), y = number_of(*type, bare(b));
  return x.value && y.value && *x.value == *y.value;
}

bool excluded(const Sweep& s, const SweepRun& run) {
  return std::any_of(s.exclude.begin(), s.exclude.end(), [&](const Sweep::Exclusion& e) {
    return std::all_of(e.begin(), e.end(), [&](const auto& want) {
      return std::any_of(run.set.begin(), run.set.end(), [&](const auto& has) { return has.first == want.first && same_value(want.first, has.second, want.second); });
    });
  });
}

Json axis_json(const SweepAxis::Key& k) {
  Json out = {{"key", k.key}, {"values", Json::array()}};
  for (const std::string& v : k.values) out["values"].push_back(Json::parse(v));
  return out;
}

}  // namespace

std::string no_axis(const std::string& key, std::string& allowed) {
  allowed = "a key of `list keys`";
  // Texts, what is read before an axis sets its key, and what a sweep says itself.
  for (const char* fixed : {"version", "$schema", "name", "description", "extends", "sources", "inputs", "sweep"})
    if (key == fixed || key.starts_with(std::string(fixed) + ".")) return "\"" + key + "\" changes no run";
  if (key == "seed") {
    allowed = "--seeds N, or `seeds` of the sweep block";
    return "seeds are no axis";
  }
  const std::string unknown = "unknown key \"" + key + "\"";
  if (key.find('[') != std::string::npos) return unknown;   // a pattern of `list keys`, no path
  for (std::size_t dot = key.size(); dot != std::string::npos && dot != 0; dot = key.rfind('.', dot - 1)) {
    const KeyInfo* k = find_key(key.substr(0, dot));
    if (k != nullptr && (dot == key.size() || k->type == Type::other)) return "";
  }
  return unknown;
}

std::optional<Type> number_type(const std::string& key, std::string_view example) {
  constexpr Type kNumbers[] = {Type::count, Type::time, Type::rate, Type::size, Type::frequency, Type::share};
  const KeyInfo* info = find_key(key);
  const bool open = info == nullptr || info->type == Type::other;   // an option, a cost, a size of frames: what it looks like
  for (const Type t : kNumbers)
    if (open ? number_of(t, example).value.has_value() : info->type == t) return t;
  return std::nullopt;
}

Parsed number_of(Type type, std::string_view text) { return type == Type::count ? parse_decimal(text, 1) : parse_quantity(type, text); }

std::string number_json(Type type, std::uint64_t v) { return type == Type::count ? std::to_string(v) : Json(format_quantity(type, v)).dump(); }

std::vector<std::string> range_values(const std::string& key, std::string_view from, std::string_view to, std::string_view step, std::string& problem) {
  const std::optional<Type> type = number_type(key, from);
  std::vector<std::string> out;
  if (!type) {
    problem = key + " is no number, so that it has no range";
    return out;
  }
  const bool doubling = step == "log2";
  const Parsed a = number_of(*type, from), b = number_of(*type, to), by = doubling ? Parsed{2, ""} : number_of(*type, step);
  for (const Parsed* p : {&a, &b, &by})
    if (!p->value) {
      problem = p->problem.empty() ? "a range is made of numbers" : p->problem;
      return out;
    }
  if (*a.value > *b.value || *by.value == 0 || (doubling && *a.value == 0)) {
    problem = "from " + std::string(from) + " to " + std::string(to) + " by " + std::string(step) + " has no values";
    return out;
  }
  for (std::uint64_t v = *a.value; v <= *b.value; v = doubling ? 2 * v : v + *by.value) {
    if (out.size() == kMostValues) {
      problem = "the range has more than " + std::to_string(kMostValues) + " values";
      return {};
    }
    out.push_back(number_json(*type, v));
    if (v > UINT64_MAX / 2 || v > UINT64_MAX - *by.value) break;
  }
  return out;
}

SweepAxis parse_axis(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) wrong_axis(text, "expected KEY=VALUES", "KEY=A,B,C or KEY=FROM..TO..STEP, as in nic.ring_size=64..1024..log2");
  SweepAxis axis;
  SweepAxis::Key& k = axis.keys.emplace_back();
  k.key = text.substr(0, equals);
  std::string allowed;
  if (const std::string wrong = no_axis(k.key, allowed); !wrong.empty()) wrong_axis(text, wrong, allowed, nearest_key(k.key));
  const std::string values = text.substr(equals + 1);
  const std::size_t first = values.find(".."), second = first == std::string::npos ? first : values.find("..", first + 2);
  if (second != std::string::npos) {
    std::string problem;
    k.values = range_values(k.key, std::string_view(values).substr(0, first), std::string_view(values).substr(first + 2, second - first - 2), std::string_view(values).substr(second + 2), problem);
    if (!problem.empty()) wrong_axis(text, problem, "KEY=FROM..TO..STEP");
    return axis;
  }
  const KeyInfo* info = find_key(k.key);
  const bool raw = info != nullptr && (info->type == Type::string || info->type == Type::path || info->type == Type::choice);
  for (std::size_t at = 0; at <= values.size();) {
    const std::size_t comma = std::min(values.find(',', at), values.size());
    const std::string value = values.substr(at, comma - at);
    if (value.empty()) wrong_axis(text, "a value is empty", "KEY=A,B,C");
    const bool json = !raw && Json::accept(value);
    k.values.push_back(json ? Json::parse(value).dump() : Json(value).dump());
    at = comma + 1;
  }
  return axis;
}

void add_axis(Sweep& sweep, SweepAxis axis) {
  for (SweepAxis& a : sweep.axes)
    if (a.keys.size() == 1 && a.keys.front().key == axis.keys.front().key) {
      a = std::move(axis);
      return;
    }
  sweep.axes.push_back(std::move(axis));
}

std::vector<SweepRun> sweep_runs(const Sweep& sweep, std::uint64_t seed) {
  if (sweep.empty()) throw UserError("there is nothing to sweep: the scenario has no `sweep` block, and none of --axis, --search and --seeds is given");
  std::vector<std::uint64_t> seeds = sweep.seeds;
  for (std::uint64_t i = 0; seeds.size() < std::max<std::uint64_t>(sweep.seed_count, sweep.seeds.empty() ? 1 : 0); ++i) seeds.push_back(seed + i);
  std::size_t total = seeds.size();
  for (const SweepAxis& a : sweep.axes) {
    total *= a.keys.front().values.size();
    if (total > kMostRuns) throw UserError("the sweep has more than " + std::to_string(kMostRuns) + " runs");
  }
  std::vector<SweepRun> out;
  for (std::size_t n = 0; n < total; ++n) {
    SweepRun run;
    std::size_t rest = n / seeds.size();
    run.seed = seeds[n % seeds.size()];
    for (auto a = sweep.axes.rbegin(); a != sweep.axes.rend(); ++a) {
      const std::size_t size = a->keys.front().values.size(), at = rest % size;
      rest /= size;
      for (auto k = a->keys.rbegin(); k != a->keys.rend(); ++k) run.set.insert(run.set.begin(), {k->key, k->values[at]});
    }
    if (excluded(sweep, run)) continue;
    run.index = out.size();
    out.push_back(std::move(run));
  }
  if (out.empty()) throw UserError("the sweep's exclusions leave nothing to run");
  return out;
}

Special read_sweep() {
  Special s;
  s.read = [](Reader& r, const Node& n, const std::string& path, void*) {
    r.scenario().sweep = Sweep{};
    BlockReader(r, r.scenario().sweep).read(n, path);
  };
  s.write = [](const void* object) -> Json {
    const Sweep& w = static_cast<const Scenario*>(object)->sweep;
    if (w.empty()) return nullptr;
    Json out = {{"axes", Json::array()}};
    for (const SweepAxis& a : w.axes) {
      Json zip = Json::array();
      for (const SweepAxis::Key& k : a.keys) zip.push_back(axis_json(k));
      out["axes"].push_back(a.keys.size() == 1 ? zip.at(0) : Json{{"zip", zip}});
    }
    if (w.search) out["search"] = search_json(*w.search);
    for (const Sweep::Exclusion& e : w.exclude) {
      Json x = Json::object();
      for (const auto& [key, value] : e) x[key] = Json::parse(value);
      out["exclude"].push_back(x);
    }
    if (w.seed_count != 0) out["seeds"] = w.seed_count;
    else if (!w.seeds.empty()) out["seeds"] = w.seeds;
    return out;
  };
  s.schema = Json::parse(R"({"type":"object","additionalProperties":false,"properties":{
    "axes":{"type":"array","items":{"type":"object"}},
    "search":{"type":"object","required":["key","from","to"],"additionalProperties":false,"properties":{
      "key":{"type":"string"},"from":{"type":["number","string"]},"to":{"type":["number","string"]},"precision":{"type":["number","string"]},
      "highest":{"type":"string"},"lowest":{"type":"string"},
      "crossover":{"type":"object","required":["metric"],"additionalProperties":false,
        "properties":{"metric":{"type":"string"},"between":{"type":"array","minItems":2,"items":{"type":"string"}}}}}},
    "exclude":{"type":"array","items":{"type":"object","minProperties":1}},
    "seeds":{"oneOf":[{"type":"integer","minimum":1},{"type":"array","minItems":1,"items":{"type":"integer","minimum":0}}]}}})");
  return s;
}

}  // namespace gd::scenario
