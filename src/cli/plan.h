// What is to be run: the scenario, loaded and checked, with every mistake that can be told before a run told.
#pragma once
#include <string>
#include <vector>

#include "src/cli/args.h"
#include "src/report/comparison.h"
#include "src/scenario/loader.h"
#include "src/system/system.h"

namespace gd::cli {

struct Plan {
  scenario::Scenario scenario;
  std::vector<scenario::StrategyChoice> run;       // can be served
  std::vector<report::Refused> refused;            // with "all"
};

// How the loader is called: share folder, strategies, metrics, and the user's --set, --seed, --strategy.
scenario::LoadOptions load_options(const Options& options);

// Throws UserError: mistakes of the file, a capture that cannot be replayed, an expect line whose unit does not fit its
// metric, something that this version cannot run, a named strategy that cannot be served, or none that can.
Plan make_plan(const std::string& file, const scenario::LoadOptions& options);

// For `compare`: throws UserError for an expect line that names a strategy that does not run.
void require_expected_strategies(const Plan& plan);

}  // namespace gd::cli
