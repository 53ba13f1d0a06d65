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

// The scenario's `sweep` block with the command line's --axis, --search and --seeds over it, and what it makes of the scenario.
class SweepPlanner {
 public:
  // Loads the scenario as it is. Throws UserError.
  SweepPlanner(const std::string& file, const Options& options);
  const scenario::Scenario& base() const { return base_; }
  const std::vector<std::string>& keys() const { return keys_; }     // of the axes

  // Loads and checks runs. Throws ScenarioError, UserError: up to twenty mistakes, each naming its run.
  PlannedSweepRun planned(scenario::SweepRun run) const;
  std::vector<PlannedSweepRun> planned(std::vector<scenario::SweepRun> runs) const;

  // All runs of the axes and seeds; with --run-index that one alone. Throws UserError: nothing to sweep, an index beyond the runs.
  SweepPlan product() const;

 private:
  scenario::LoadOptions settings() const;
  void require_search(const char* option) const;
  std::string file_, text_;                // text_: of standard input, which is read once
  const Options& options_;
  std::vector<std::string> settings_, keys_;
  scenario::Scenario base_;
};

// A shell's word for `text`.
std::string shell_word(const std::string& text);
// "KEY=VALUE" as --set takes it, for a value in JSON.
std::string set_argument(const std::string& key, const std::string& json);

}  // namespace gd::cli
