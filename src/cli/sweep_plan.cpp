#include "src/cli/sweep_plan.h"

#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "src/report/sweep.h"
#include "src/scenario/keys.h"

namespace gd::cli {

namespace {

using scenario::Diagnostic;
using scenario::SweepRun;

std::string called(const SweepRun& r, bool seeds) {
  std::string what;
  for (const auto& [key, value] : r.set) what += (what.empty() ? "" : ", ") + key + "=" + report::shown_json(value);
  if (seeds) what += (what.empty() ? "" : ", ") + std::string("seed ") + std::to_string(r.seed);
  return "run " + std::to_string(r.index) + " (" + what + ")";
}

scenario::Sweep wanted(const scenario::Scenario& base, const Options& o) {
  scenario::Sweep s = base.sweep;
  for (const std::string& a : o.axes) add_axis(s, scenario::parse_axis(a));
  if (o.seeds) s.seeds.clear(), s.seed_count = *o.seeds;
  return s;
}

}  // namespace

std::string shell_word(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%") == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

std::string set_argument(const std::string& key, const std::string& value) {
  using Json = nlohmann::json;
  const Json v = Json::parse(value);
  if (!v.is_string()) return key + "=" + value;
  const std::string text = v.get<std::string>();
  const scenario::KeyInfo* info = scenario::find_key(key);
  const bool raw = info != nullptr && (info->type == scenario::Type::string || info->type == scenario::Type::path || info->path == "guests[].mac");
  return key + "=" + (!raw && Json::accept(text) ? value : text);   // a text that would be read as JSON keeps its quotes
}

SweepPlan plan_sweep(const std::string& file, const Options& o) {
  std::string text;
  if (file == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  const auto load = [&](scenario::LoadOptions l, auto with) {
    std::istringstream in(text);
    l.standard_input = &in;
    return with(l);
  };
  scenario::Scenario base = load(load_options(o), [&](const scenario::LoadOptions& l) { return scenario::load(file, l); });
  base.sweep = wanted(base, o);
  SweepPlan out;
  out.name = base.name;
  out.config = scenario::resolved(base);
  for (const scenario::SweepAxis& a : base.sweep.axes)
    for (const scenario::SweepAxis::Key& k : a.keys) out.keys.push_back(k.key);
  std::vector<SweepRun> runs = scenario::sweep_runs(base.sweep, base.seed);
  const bool seeds = base.sweep.seeds.size() > 1 || base.sweep.seed_count > 1 || out.keys.empty();
  if (o.run_index && *o.run_index >= runs.size())
    throw UserError("option --run-index: there is no run " + std::to_string(*o.run_index) + "; the sweep has 0 to " + std::to_string(runs.size() - 1));
  scenario::Mistakes mistakes;
  for (SweepRun& r : runs) {
    if (o.run_index && r.index != *o.run_index) continue;
    scenario::LoadOptions l = load_options(o);
    for (const auto& [key, value] : r.set) l.set.push_back(set_argument(key, value));
    l.seed = std::to_string(r.seed);
    const std::string name = called(r, seeds);
    try {
      Plan p = load(l, [&](const scenario::LoadOptions& with) { return make_plan(file, with); });
      p.scenario.sweep = {};
      if (mistakes.any()) continue;
      out.runs.push_back({std::move(r), std::move(p), name});
    } catch (const scenario::ScenarioError& e) {
      for (Diagnostic d : e.diagnostics) {
        d.message = name + ": " + d.message;
        mistakes.add(std::move(d));
      }
      if (mistakes.count() >= scenario::Mistakes::kShown) break;
    } catch (const UserError& e) {
      throw UserError(name + ": " + e.what());
    }
  }
  mistakes.raise();
  return out;
}

}  // namespace gd::cli
