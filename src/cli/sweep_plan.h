// The runs of a sweep, each loaded and checked before any of them runs.
#pragma once
#include <string>
#include <vector>

#include "src/cli/plan.h"
#include "src/scenario/sweep.h"

namespace gd::cli {

struct PlannedSweepRun {
  scenario::SweepRun run;
  Plan plan;                       // its scenario has no `sweep` block: config.json of the run is a scenario of its own
  std::string called;              // "run 12 (traffic.frame_bytes=64, seed 2)"
};

struct SweepPlan {
  std::string name, config;        // scenario's name; the resolved scenario with its whole `sweep`
  std::vector<std::string> keys;   // in the order of the axes
  std::vector<PlannedSweepRun> runs;
};

// The scenario's `sweep` block with the command line's --axis and --seeds over it. With --run-index that run alone is loaded.
// Throws UserError: nothing to sweep, an index beyond the runs; ScenarioError: up to twenty mistakes, each naming its run.
SweepPlan plan_sweep(const std::string& file, const Options& options);

// A shell's word for `text`.
std::string shell_word(const std::string& text);
// "KEY=VALUE" as --set takes it, for a value in JSON.
std::string set_argument(const std::string& key, const std::string& json);

}  // namespace gd::cli
