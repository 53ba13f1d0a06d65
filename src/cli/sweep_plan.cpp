#include "src/cli/sweep_plan.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "src/report/sweep.h"
#include "src/scenario/keys.h"
#include "src/scenario/reader.h"
#include "src/scenario/sweep_search.h"

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
  if (!s.search) return s;
  for (const scenario::SweepAxis& a : s.axes)
    for (const scenario::SweepAxis::Key& k : a.keys)
      if (k.key == s.search->key) throw base.error("sweep.search", k.key + " is searched, and is an axis too");
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

SweepPlanner::SweepPlanner(const std::string& file, const Options& o) : file_(file), options_(o) {
  if (file == "-") text_ = scenario::read_text(file, "a scenario", std::cin);
  for (const auto& [name, given] : {std::pair{"--highest", &o.highest}, {"--lowest", &o.lowest}, {"--crossover", &o.crossover}})
    if (*given && !o.search) require_search(name);
  settings_ = scenario::search_settings(o.search, o.highest, o.lowest, o.crossover);
  scenario::LoadOptions l = settings();
  std::istringstream in(text_);
  l.standard_input = &in;
  base_ = scenario::load(file, l);
  base_.sweep = wanted(base_, o);
  for (const scenario::SweepAxis& a : base_.sweep.axes)
    for (const scenario::SweepAxis::Key& k : a.keys) keys_.push_back(k.key);
}

// What is looked for is of a search that the scenario or --search gives.
void SweepPlanner::require_search(const char* option) const {
  scenario::LoadOptions l = load_options(options_);
  std::istringstream in(text_);
  l.standard_input = &in;
  if (!scenario::load(file_, l).sweep.search)
    throw UserError(std::string("option ") + option + " means nothing without a search: --search KEY=FROM..TO, or `search` in the scenario's sweep block");
}

scenario::LoadOptions SweepPlanner::settings() const {
  scenario::LoadOptions l = load_options(options_);
  l.set.insert(l.set.end(), settings_.begin(), settings_.end());
  return l;
}

PlannedSweepRun SweepPlanner::planned(SweepRun r) const {
  scenario::LoadOptions l = settings();
  for (const auto& [key, value] : r.set) l.set.push_back(set_argument(key, value));
  l.seed = std::to_string(r.seed);
  std::istringstream in(text_);
  l.standard_input = &in;
  const bool seeds = base_.sweep.seeds.size() > 1 || base_.sweep.seed_count > 1 || r.set.empty();
  const std::string name = called(r, seeds);
  try {
    Plan p = make_plan(file_, l);
    p.scenario.sweep = {};
    return {std::move(r), std::move(p), name};
  } catch (const scenario::ScenarioError& e) {
    std::vector<Diagnostic> all = e.diagnostics;
    for (Diagnostic& d : all) d.message = name + ": " + d.message;
    throw scenario::ScenarioError(all);
  } catch (const UserError& e) {
    throw UserError(name + ": " + e.what());
  }
}

std::vector<PlannedSweepRun> SweepPlanner::planned(std::vector<SweepRun> runs) const {
  std::vector<PlannedSweepRun> out;
  scenario::Mistakes mistakes;
  for (SweepRun& r : runs) {
    try {
      PlannedSweepRun p = planned(std::move(r));
      if (!mistakes.any()) out.push_back(std::move(p));
    } catch (const scenario::ScenarioError& e) {
      for (const Diagnostic& d : e.diagnostics) mistakes.add(d);
      if (mistakes.count() >= scenario::Mistakes::kShown) break;
    }
  }
  mistakes.raise();
  return out;
}

SweepPlan SweepPlanner::product() const {
  SweepPlan out{base_.name, scenario::resolved(base_), keys_, {}};
  std::vector<SweepRun> runs = scenario::sweep_runs(base_.sweep, base_.seed);
  if (options_.run_index && *options_.run_index >= runs.size())
    throw UserError("option --run-index: there is no run " + std::to_string(*options_.run_index) + "; the sweep has 0 to " + std::to_string(runs.size() - 1));
  if (options_.run_index) runs = {runs[*options_.run_index]};
  out.runs = planned(std::move(runs));
  return out;
}

}  // namespace gd::cli
