// The part of `sweep` that searches (src/scenario/sweep_search.h): at each point of the product of the axes one search for each
// strategy, or for each pair of strategies. All searches look at their next values in rounds; what a round asks for runs at the same
// time. So the runs, their indices and what comes out are the same for any -j, and a search that was ended goes on: runs that are done
// are read, not made again.
#pragma once
#include "src/cli/sweep_plan.h"

namespace gd::cli {

// Throws UserError like plan and folder; also for what needs the list of runs ahead (--list-commands, --run-index, --collect), and
// for labels that are not among the strategies.
int search_sweep(const SweepPlanner& planner, const Options& options);

}  // namespace gd::cli
