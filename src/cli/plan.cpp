#include "src/cli/plan.h"

#include <fstream>

#include "models/base/error.h"
#include "models/wire/capture.h"
#include "src/cli/paths.h"
#include "src/report/verdict.h"
#include "src/scenario/diagnostics.h"
#include "src/system/params.h"

namespace gd::cli {

namespace {

std::string source_line(const scenario::Position& at) {
  std::string line;
  std::ifstream in(at.file);
  for (unsigned i = 0; i < at.line && std::getline(in, line); ++i) {}
  return line;
}

// A mistake at the JSON string `quoted`, which begins at `at`.
scenario::Diagnostic mistake(const scenario::Scenario& s, const scenario::Position& at, const std::string& quoted, const std::string& path, const std::string& what) {
  scenario::Diagnostic d;
  d.at = at;
  if (d.at.file.empty()) d.at.file = s.file;
  if (at.line != 0) {
    d.path = path;
    d.line = source_line(at);
    if (at.column > 0 && at.column <= d.line.size() && d.line[at.column - 1] == '"') d.width = static_cast<unsigned>(quoted.size()) + 2;
  }
  d.message = what;
  return d;
}

// The capture is read here once, so that a broken one is told before anything starts.
void check_capture(const scenario::Scenario& s) {
  if (s.traffic.kind != scenario::TrafficKind::pcap) return;
  try {
    Capture::load(s.traffic.file);
  } catch (const UserError& e) {
    throw s.error("traffic.file", e.what());
  }
}

void choose(Plan& p) {
  const scenario::Scenario& s = p.scenario;
  std::vector<scenario::Diagnostic> wrong;
  const std::vector<scenario::StrategyChoice> all = system::choices(s);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::optional<std::string> why = system::refusal(s, all[i]);
    if (!why) {
      p.run.push_back(all[i]);
    } else if (s.all_strategies) {
      p.refused.push_back({all[i].label, all[i].name, *why});
    } else {
      wrong.push_back(mistake(s, all[i].at, all[i].name, "/strategies/" + std::to_string(i), "strategy \"" + all[i].label + "\" cannot be served: " + *why));
    }
  }
  if (!wrong.empty()) throw scenario::ScenarioError(wrong);
  if (!p.run.empty()) return;
  std::string text = s.file + ": error: no strategy can be served, nothing is run";
  for (const report::Refused& r : p.refused) text += "\n  " + r.label + ": " + r.reason;
  throw UserError(text);
}

}  // namespace

scenario::LoadOptions load_options(const Options& o) {
  scenario::LoadOptions l;
  l.share_dir = share_scenarios();
  l.set = o.set;
  l.seed = o.seed;
  l.strategy = o.strategy;
  system::describe_to_loader(l);
  return l;
}

Plan make_plan(const std::string& file, const scenario::LoadOptions& options) {
  Plan p;
  p.scenario = scenario::load(file, options);
  system::check_available(p.scenario);
  check_capture(p.scenario);
  choose(p);
  return p;
}

void require_expected_strategies(const Plan& plan) {
  std::vector<std::string> labels;
  for (const scenario::StrategyChoice& c : plan.run) labels.push_back(c.label);
  report::require_labels(plan.scenario.expect, labels);
}

}  // namespace gd::cli
