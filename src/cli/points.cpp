#include "src/cli/points.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <set>

#include "src/cli/paths.h"
#include "src/cli/results_folder.h"
#include "src/scenario/keys.h"
#include "src/scenario/reader.h"
#include "src/scenario/table.h"
#include "src/scenario/units.h"

namespace gd::cli {

namespace fs = std::filesystem;
using scenario::Kind;
using scenario::Node;

namespace {

std::vector<std::string> names_of(const std::vector<PointKey>& keys) {
  std::vector<std::string> out;
  for (const PointKey& k : keys) out.emplace_back(k.name);
  return out;
}

const char* allowed_of(const std::vector<PointKey>& keys, const std::string& name) {
  for (const PointKey& k : keys)
    if (name == k.name) return k.allowed;
  return "";
}

bool plain_name(const std::string& s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'; });
}

class PointsReader {
 public:
  PointsReader(report::FormulaNames names, scenario::Mistakes& mistakes) : names_(std::move(names)), mistakes_(mistakes) {}

  PointsList take() { return std::move(out_); }

  void list(const std::string& text, const std::string& file, bool included) {
    auto source = std::make_shared<scenario::Source>();
    source->name = file == "-" ? "<stdin>" : file;
    const std::size_t slash = file.rfind('/');
    source->folder = file == "-" || slash == std::string::npos ? "" : file.substr(0, slash + 1);
    source->text = text;
    std::optional<Node> root = scenario::parse(source, mistakes_);
    if (!root) return;
    const Node* items = &*root;
    std::string path;
    // What `fidelity` wrote (config.json): the list is one of its keys.
    if (const Node* own = root->find("points"); own != nullptr && root->find("fidelity") != nullptr) {
      items = own, path = "/points";
      out_.name = root->find("fidelity")->text;
    }
    if (!expect(*items, path, Kind::array, "a list of points")) return;
    if (items->children.empty()) return fail(*items, path, "the list is empty", "at least one point");
    for (std::size_t i = 0; i < items->children.size(); ++i) {
      const std::string at = path + "/" + std::to_string(i);
      const Node& item = items->children[i];
      if (!expect(item, at, Kind::object, "a point, or {\"include\": \"other.json\"}")) continue;
      if (item.find("include") != nullptr) include(item, at, included);
      else point(item, at);
    }
  }

 private:
  void fail(const Node& n, const std::string& path, const std::string& what, const std::string& allowed = {}, const std::string& near = {}) {
    mistakes_.add(diagnostic(n.place, path, what, allowed, near));
  }
  // About an object as a whole: only its bracket is marked.
  void fail_open(const Node& n, const std::string& path, const std::string& what, const std::string& allowed) {
    scenario::Place place = n.place;
    place.end = place.begin + 1;
    mistakes_.add(diagnostic(place, path, what, allowed));
  }
  bool expect(const Node& n, const std::string& path, Kind kind, const std::string& allowed) {
    if (n.kind == kind) return true;
    fail(n, path, std::string("expected ") + kind_name(kind) + ", found " + kind_name(n.kind), allowed);
    return false;
  }
  bool known_keys(const Node& n, const std::string& path, const std::vector<PointKey>& keys) {
    const std::vector<std::string> names = names_of(keys);
    bool good = true;
    for (const Node& c : n.children)
      if (std::find(names.begin(), names.end(), c.key) == names.end()) {
        mistakes_.add(diagnostic(c.key_place, path + "/" + c.key, "unknown key \"" + c.key + "\"", scenario::join(names), scenario::nearest(c.key, names)));
        good = false;
      }
    return good;
  }
  void text(const Node& n, const std::string& path, std::string& out, const std::string& allowed, bool may_be_empty = false) {
    if (!expect(n, path, Kind::string, allowed)) return;
    if (n.text.empty() && !may_be_empty) return fail(n, path, "is empty", allowed);
    out = n.text;
  }
  bool real(const Node& n, const std::string& path, double& out, const std::string& allowed) {
    if (!expect(n, path, Kind::number, allowed)) return false;
    const auto [end, error] = std::from_chars(n.text.data(), n.text.data() + n.text.size(), out);
    if (error == std::errc{} && std::isfinite(out)) return true;
    fail(n, path, n.text + " is out of range", allowed);
    return false;
  }

  void include(const Node& item, const std::string& path, bool included) {
    const Node& name = *item.find("include");
    const std::string at = path + "/include";
    for (const Node& c : item.children)
      if (c.key != "include") mistakes_.add(diagnostic(c.key_place, path + "/" + c.key, "unknown key \"" + c.key + "\" beside include", "include"));
    const char* allowed = "a list of points or a folder of such lists, beside this file";
    if (!expect(name, at, Kind::string, allowed)) return;
    if (included) return fail(name, at, "a list that is included includes no other", "points");
    const fs::path target = fs::path(name.place.source->folder) / name.text;
    std::vector<std::string> files{target.lexically_normal().string()};
    std::error_code error;
    if (fs::is_directory(target, error)) files = files_in(files[0], ".json");
    else if (!fs::exists(target, error)) return fail(name, at, "there is no file \"" + files[0] + "\"", allowed);
    if (files.empty()) return fail(name, at, "there is no *.json in \"" + name.text + "\"", allowed);
    for (const std::string& f : files) {
      if (const std::optional<std::string> bytes = scenario::read_file(f)) list(*bytes, f, true);
      else fail(name, at, "cannot read \"" + f + "\"", allowed);
    }
  }

  void point(const Node& n, const std::string& path) {
    const std::size_t before = mistakes_.count();
    known_keys(n, path, point_keys());
    Point p;
    report::PointResult& f = p.facts;
    const auto at = [&](const char* key) { return path + "/" + key; };
    const auto allowed = [&](const char* key) { return std::string(allowed_of(point_keys(), key)); };
    for (const PointKey& k : point_keys())
      if (k.needed && n.find(k.name) == nullptr) fail_open(n, path, std::string("has no ") + k.name, std::string(k.name) + ": " + k.allowed);
    if (const Node* c = n.find("id")) {
      text(*c, at("id"), f.id, allowed("id"));
      if (!f.id.empty() && !plain_name(f.id)) fail(*c, at("id"), "\"" + f.id + "\" cannot name a point", allowed("id"));
      else if (!f.id.empty() && !ids_.insert(f.id).second) fail(*c, at("id"), "the point \"" + f.id + "\" stands twice", "an id of its own");
    }
    if (const Node* c = n.find("source")) text(*c, at("source"), f.source, allowed("source"));
    if (const Node* c = n.find("where")) text(*c, at("where"), f.where, allowed("where"));
    if (const Node* c = n.find("note")) text(*c, at("note"), f.note, allowed("note"), true);
    if (const Node* c = n.find("unit")) text(*c, at("unit"), f.unit, allowed("unit"), true);
    if (const Node* c = n.find("year")) year(*c, at("year"), f);
    if (const Node* c = n.find("value")) real(*c, at("value"), f.published, allowed("value"));
    if (const Node* c = n.find("calibrated"); c && expect(*c, at("calibrated"), Kind::boolean, allowed("calibrated")))
      f.kind = c->flag ? report::PointResult::Kind::calibrated : report::PointResult::Kind::predicted;
    if (const Node* c = n.find("tolerance")) tolerance(*c, at("tolerance"), f.tolerance, f.published);
    if (const Node* why = n.find("not_modelled")) {
      text(*why, at("not_modelled"), f.reason, allowed("not_modelled"));
      for (const char* key : {"runs", "formula", "calibrated"})
        if (const Node* c = n.find(key)) mistakes_.add(diagnostic(c->key_place, at(key), std::string("a point that is not modelled has no ") + key, "runs and formula, or not_modelled"));
      f.kind = report::PointResult::Kind::not_modelled;
    } else {
      for (const char* key : {"tolerance", "runs", "formula"})
        if (n.find(key) == nullptr) fail_open(n, path, std::string("has no ") + key, std::string(key) + ": " + allowed(key) + "; or not_modelled: " + allowed("not_modelled"));
      if (const Node* c = n.find("runs")) runs(*c, at("runs"), p);
      if (const Node* c = n.find("formula")) formula(*c, at("formula"), n.find("runs"), p);
      if (const Node* c = n.find("unit")) unit(*c, at("unit"), p);
    }
    if (mistakes_.count() == before) out_.points.push_back(std::move(p));
  }

  void year(const Node& n, const std::string& path, report::PointResult& f) {
    double v = 0;
    const std::string allowed = allowed_of(point_keys(), "year");
    if (!real(n, path, v, allowed)) return;
    if (v != std::floor(v) || v < 1900 || v > 2999) return fail(n, path, n.text + " is no year", allowed);
    f.year = static_cast<int>(v);
  }

  void tolerance(const Node& n, const std::string& path, report::Tolerance& t, double published) {
    const std::string allowed = allowed_of(point_keys(), "tolerance");
    if (!expect(n, path, Kind::object, allowed)) return;
    const std::vector<std::string> names = {"rel", "abs", "min", "max"};
    for (const Node& c : n.children) {
      const std::string at = path + "/" + c.key;
      double v = 0;
      if (std::find(names.begin(), names.end(), c.key) == names.end()) {
        mistakes_.add(diagnostic(c.key_place, at, "unknown key \"" + c.key + "\"", scenario::join(names), scenario::nearest(c.key, names)));
      } else if (c.key == "rel") {
        if (share(c, at, v)) t.rel = v;
      } else if (real(c, at, v, "a number in the point's unit")) {
        if (c.key == "abs" && v < 0) fail(c, at, c.text + " is negative", "0 or more, in the point's unit");
        (c.key == "abs" ? t.abs : c.key == "min" ? t.min : t.max) = v;
      }
    }
    const int kinds = (t.rel ? 1 : 0) + (t.abs ? 1 : 0) + (t.min || t.max ? 1 : 0);
    if (n.children.empty()) fail(n, path, "is empty", allowed);
    if (kinds > 1) fail_open(n, path, "has more than one kind of bound", allowed);
    if (t.min && t.max && *t.min > *t.max) fail_open(n, path, "min is above max", allowed);
    if (t.rel && published == 0) fail_open(n, path, "a share of 0 allows nothing", "{\"abs\": 15} for a published value of 0");
  }

  // A share of the published value: 0.05, or "5%".
  bool share(const Node& n, const std::string& path, double& out) {
    const char* allowed = "a share from 0 to 1, as in 0.05 or \"5%\"";
    if (n.kind == Kind::string) {
      const scenario::Parsed p = scenario::parse_quantity(scenario::Type::share, n.text);
      if (p.value) out = static_cast<double>(*p.value) / 1e6;
      else fail(n, path, p.problem, allowed);
      return p.value.has_value();
    }
    if (!real(n, path, out, allowed)) return false;
    if (out >= 0 && out <= 1) return true;
    fail(n, path, n.text + " is no share from 0 to 1", allowed);
    return false;
  }

  void runs(const Node& n, const std::string& path, Point& p) {
    if (!expect(n, path, Kind::object, allowed_of(point_keys(), "runs"))) return;
    if (n.children.empty()) return fail(n, path, "is empty", "at least one run");
    for (const Node& c : n.children) {
      const std::string at = path + "/" + c.key;
      if (!plain_name(c.key)) mistakes_.add(diagnostic(c.key_place, at, "\"" + c.key + "\" cannot name a run", "letters, digits, dots, dashes and underscores"));
      if (!expect(c, at, Kind::object, scenario::join(names_of(point_run_keys())))) continue;
      known_keys(c, at, point_run_keys());
      PointRun r;
      r.name = c.key;
      r.path = at;
      r.place = c.place;
      r.place.end = r.place.begin + 1;
      if (const Node* s = c.find("scenario")) scenario_of(*s, at + "/scenario", r);
      else fail_open(c, at, "has no scenario", std::string("scenario: ") + allowed_of(point_run_keys(), "scenario"));
      if (const Node* s = c.find("strategy"); s && expect(*s, at + "/strategy", Kind::string, allowed_of(point_run_keys(), "strategy"))) {
        r.strategy = s->text;
        r.strategy_place = s->place;
      }
      if (const Node* s = c.find("set"); s && expect(*s, at + "/set", Kind::object, allowed_of(point_run_keys(), "set")))
        for (const Node& v : s->children) set(v, v.key, at + "/set/" + v.key, r);
      p.runs.push_back(std::move(r));
    }
  }

  void scenario_of(const Node& n, const std::string& path, PointRun& r) {
    const std::string allowed = allowed_of(point_run_keys(), "scenario");
    if (!expect(n, path, Kind::string, allowed)) return;
    r.scenario = (fs::path(n.place.source->folder) / n.text).lexically_normal().string();
    r.scenario_place = n.place;
    std::error_code error;
    if (n.text.empty() || !fs::exists(r.scenario, error)) fail(n, path, "there is no file \"" + r.scenario + "\"", allowed);
  }

  // A key with its value, or a section with keys of its own.
  void set(const Node& n, const std::string& key, const std::string& path, PointRun& r) {
    const scenario::KeyInfo* info = scenario::find_key(key);
    const bool section = n.kind == Kind::object && (info == nullptr || key == "costs") && (key == "costs" || key.starts_with("costs.") || scenario::is_section(scenario::pattern_of(key)));
    if (section || (n.kind == Kind::object && key.starts_with("costs."))) {
      for (const Node& c : n.children) set(c, key + "." + c.key, path + "/" + c.key, r);
      return;
    }
    if (key == "seed" || key == "extends" || key == "strategies") {
      mistakes_.add(diagnostic(n.key_place, path, "\"" + key + "\" is no key that a run can set", "keys of the modelled machine and its traffic"));
      return;
    }
    const std::string& all = n.place.source->text;
    std::string value = all.substr(n.place.begin, n.place.end - n.place.begin);
    const bool raw = info != nullptr && (info->type == scenario::Type::string || info->type == scenario::Type::path || info->path == "guests[].mac");
    if (n.kind == Kind::string && raw) value = info->type == scenario::Type::path ? path_of(n) : n.text;
    r.set.push_back({key, key + "=" + value, n.key_place, n.place});
  }

  // Relative to the list; a name that is no file beside it is left to the share folder.
  static std::string path_of(const Node& n) {
    const std::string beside = scenario::resolve_path(n);
    std::error_code error;
    return fs::exists(beside, error) ? beside : n.text;
  }

  void formula(const Node& n, const std::string& path, const Node* runs, Point& p) {
    if (!expect(n, path, Kind::string, allowed_of(point_keys(), "formula"))) return;
    names_.runs.clear();
    if (runs != nullptr)
      for (const Node& c : runs->children) names_.runs.push_back(c.key);
    try {
      p.formula = report::Formula(n.text, names_);
      p.facts.formula = n.text;
    } catch (const report::FormulaMistake& m) {
      Node part = n;
      // The text stands in the file as it is: the part itself is marked.
      if (n.place.end - n.place.begin == n.text.size() + 2) {
        part.place.begin = n.place.begin + 1 + std::min(m.begin, n.text.size());
        part.place.end = std::max(n.place.begin + 1 + std::min(m.end, n.text.size()), part.place.begin + 1);
      }
      return fail(part, path, m.what, m.allowed, m.nearest);
    }
    for (const Node& c : runs != nullptr ? runs->children : std::vector<Node>{})
      if (std::none_of(p.formula.uses().begin(), p.formula.uses().end(), [&](const auto& u) { return u.run == c.key; }))
        mistakes_.add(diagnostic(c.key_place, path, "the formula does not use the run \"" + c.key + "\"", "METRIC[" + c.key + "] in the formula, or no such run"));
  }

  // A metric as it stands has its own unit; one without a unit (a count, a ratio) may be called anything.
  void unit(const Node& n, const std::string& path, const Point& p) {
    const std::string* metric = p.formula.one_metric();
    const std::optional<std::string> is = metric != nullptr && names_.metric_unit ? names_.metric_unit(*metric) : std::nullopt;
    if (!is || is->empty() || n.kind != Kind::string || n.text == *is) return;
    if (const std::optional<double> factor = scenario::convert(1, scenario::scenario_unit(*is), n.text); factor && std::fabs(*factor - 1) < 1e-12) return;
    fail(n, path, *metric + " is in " + *is + ", not in " + (n.text.empty() ? "plain numbers" : n.text), *is + ", or a formula that converts");
  }

  report::FormulaNames names_;
  scenario::Mistakes& mistakes_;
  PointsList out_;
  std::set<std::string> ids_;
};

}  // namespace

PointsList read_points(const std::string& file, report::FormulaNames metrics, scenario::Mistakes& mistakes) {
  return parse_points(scenario::read_text(file, "a list of points", std::cin), file, std::move(metrics), mistakes);
}

PointsList parse_points(const std::string& text, const std::string& file, report::FormulaNames metrics, scenario::Mistakes& mistakes) {
  PointsReader r(std::move(metrics), mistakes);
  r.list(text, file, false);
  PointsList out = r.take();
  if (out.name.empty()) out.name = stem_of(file);
  return out;
}

}  // namespace gd::cli
