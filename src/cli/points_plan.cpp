#include "src/cli/points_plan.h"

#include <map>
#include <set>

namespace gd::cli {

using scenario::Diagnostic;
using scenario::Place;

namespace {

// The folder and label of a dma-bench, which runs without a strategy.
const char* const kNoStrategy = "none";

// What the loader calls the run's own settings, and where in the list they stand.
struct Origin {
  Place key_place, place;
  std::string path;
};
using Origins = std::map<std::string, Origin>;

Origins origins_of(const PointRun& r) {
  Origins out;
  for (const PointRun::Set& s : r.set) out["--set " + s.argument] = {s.key_place, s.place, r.path + "/set/" + s.key};
  if (r.strategy) out["--strategy " + *r.strategy] = {r.strategy_place, r.strategy_place, r.path + "/strategy"};
  return out;
}

Diagnostic at_place(const Origin& o, const Diagnostic& d) {
  return scenario::diagnostic(d.message.starts_with("unknown key") ? o.key_place : o.place, o.path, d.message, d.allowed, d.nearest);
}

class Planner {
 public:
  Planner(const Options& o, scenario::Mistakes& mistakes) : load_(load_options(o)), set_(o.set), mistakes_(mistakes) {}

  const scenario::LoadOptions& load() const { return load_; }

  // The place of the run in `runs`; SIZE_MAX after a mistake.
  std::size_t plan(const PointRun& r, const std::string& called, std::vector<PlannedRun>& runs) {
    std::string wanted = r.scenario + '\0' + r.strategy.value_or("");
    for (const PointRun::Set& s : r.set) wanted += '\0' + s.argument;
    if (const auto it = wanted_.find(wanted); it != wanted_.end()) return it->second;
    std::size_t& place = wanted_[wanted] = SIZE_MAX;
    std::optional<Plan> p = make(r);
    if (!p) return place;
    const scenario::StrategyChoice& c = p->run.front();
    std::string same = scenario::config_sha256(scenario::for_strategy(p->scenario, c)) + " " + std::to_string(p->scenario.seed) + " " + c.name + " " + c.hazard;
    for (const auto& [key, value] : c.options) same += " " + key + "=" + value;
    const auto [it, is_new] = same_.try_emplace(same, runs.size());
    if (is_new) runs.push_back({std::move(*p), called});
    return place = it->second;
  }

 private:
  std::optional<Plan> make(const PointRun& r) {
    scenario::LoadOptions load = load_;
    load.set.clear();
    for (const PointRun::Set& s : r.set) load.set.push_back(s.argument);
    load.set.insert(load.set.end(), set_.begin(), set_.end());
    if (r.strategy && *r.strategy != kNoStrategy) load.strategy = r.strategy;
    try {
      Plan p = make_plan(r.scenario, load);
      if (const std::string wrong = choice_of(p, r); wrong.empty()) return p;
    } catch (const scenario::ScenarioError& e) {
      for (const Diagnostic& d : e.diagnostics) tell(d, r);
    } catch (const UserError& e) {
      tell(parts_of(e.what()), r);
    }
    return std::nullopt;
  }

  // One strategy, and none for a dma-bench.
  std::string choice_of(const Plan& p, const PointRun& r) {
    const bool bench = p.scenario.traffic.kind == scenario::TrafficKind::dma_bench;
    std::vector<std::string> labels;
    for (const scenario::StrategyChoice& c : p.run) labels.push_back(c.label);
    std::string wrong, allowed;
    if (bench && r.strategy && *r.strategy != kNoStrategy) {
      wrong = "a dma-bench runs without a strategy";
      allowed = "no strategy here";
    } else if (!bench && r.strategy == kNoStrategy) {
      wrong = "the scenario is no dma-bench: it runs with a strategy";
      allowed = scenario::join(labels);
    } else if (p.run.size() != 1) {
      wrong = "runs " + std::to_string(p.run.size()) + " strategies instead of one";
      allowed = "\"strategy\": one of " + scenario::join(labels);
    }
    if (wrong.empty()) return wrong;
    if (r.strategy) mistakes_.add(diagnostic(r.strategy_place, r.path + "/strategy", wrong, allowed));
    else mistakes_.add(diagnostic(r.place, r.path, wrong, allowed));
    return wrong;
  }

  // A message of a check behind the loader: "PLACE: error: /path/of/key: what".
  static Diagnostic parts_of(const std::string& text) {
    Diagnostic d;
    const std::string mark = ": error: ";
    const std::size_t at = text.find(mark);
    d.message = at == std::string::npos ? text : text.substr(at + mark.size());
    if (at != std::string::npos) d.at.file = text.substr(0, at);
    if (const std::size_t end = d.message.find(": "); d.message.starts_with('/') && end != std::string::npos) {
      d.path = d.message.substr(0, end);
      d.message.erase(0, end + 2);
    }
    return d;
  }

  void tell(Diagnostic d, const PointRun& r) {
    const Origins origins = origins_of(r);
    if (const auto it = origins.find(d.at.file); it != origins.end()) d = at_place(it->second, d);
    else if (d.at.file.empty()) d = at_place({r.place, r.place, r.path}, d);
    if (told_.insert(d.text()).second) mistakes_.add(std::move(d));
  }

  scenario::LoadOptions load_;
  std::vector<std::string> set_;
  scenario::Mistakes& mistakes_;
  std::map<std::string, std::size_t> wanted_, same_;
  std::set<std::string> told_;
};

void check_kinds(const std::vector<Point>& points, const std::string& file, scenario::Mistakes& mistakes) {
  using Kind = report::PointResult::Kind;
  std::size_t modelled = 0, calibrated = 0;
  for (const Point& p : points) {
    modelled += p.facts.kind != Kind::not_modelled;
    calibrated += p.facts.kind == Kind::calibrated;
  }
  Diagnostic d;
  d.at.file = file == "-" ? "<stdin>" : file;
  if (modelled == 0) d.message = "no point is modelled, nothing is run";
  else if (calibrated * 2 > modelled) d.message = std::to_string(calibrated) + " of " + std::to_string(modelled) + " modelled points are calibrated; at most half may be";
  if (!d.message.empty()) mistakes.add(std::move(d));
}

PointsPlan plan_list(PointsList list, const std::string& file, Planner& planner, scenario::Mistakes& mistakes) {
  PointsPlan out;
  out.name = std::move(list.name);
  out.points = std::move(list.points);
  if (!mistakes.any()) check_kinds(out.points, file, mistakes);
  for (const Point& p : out.points) {
    std::vector<std::size_t>& of = out.of_point.emplace_back();
    for (const PointRun& r : p.runs) of.push_back(planner.plan(r, p.facts.id + "[" + r.name + "]", out.runs));
  }
  mistakes.raise();
  return out;
}

}  // namespace

PointsPlan plan_points(const std::string& file, const Options& options) {
  scenario::Mistakes mistakes;
  Planner planner(options, mistakes);
  PointsList list = read_points(file, {planner.load().known_metric, planner.load().metric_names, {}, planner.load().metric_unit}, mistakes);
  return plan_list(std::move(list), file, planner, mistakes);
}

PointsPlan plan_points(PointsList list, const std::string& file, const Options& options) {
  scenario::Mistakes mistakes;
  Planner planner(options, mistakes);
  return plan_list(std::move(list), file, planner, mistakes);
}

}  // namespace gd::cli
