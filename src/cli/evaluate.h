// Runs a plan into a result folder, and judges what came out.
#pragma once
#include <vector>

#include "src/cli/plan.h"
#include "src/cli/pool.h"
#include "src/cli/results_folder.h"
#include "src/report/verdict.h"

namespace gd::cli {

struct Evaluation {
  report::ComparisonInput input;           // read back from the files, so that no two figures disagree
  std::vector<report::Verdict> verdicts;
  int code = 0;                            // of the runs alone: 0, 2 or 3; when not 0 `input` has no runs
};

// The seeds of --seeds, from the scenario's on; none without the option. Throws UserError: fewer than two.
std::vector<std::uint64_t> seeds_of(const Plan& plan, const Options& options);

// Writes config.json and each strategy's folder, with --seeds one for each seed in it. Failures are told on standard error.
Evaluation evaluate(const Plan& plan, const Options& options, const ResultsFolder& folder);

// The work of one child: runs `choice` and writes its results (and the traces asked for) into `folder`.
int run_strategy(const Plan& plan, const scenario::StrategyChoice& choice, const Options& options, const std::string& folder, Reporter& reporter);

// The exit code of one run by its integrity and ownership, called `name` in what is told.
int judge_run(const system::RunResult& run, const scenario::Scenario& scenario, const std::string& name, const Options& options);

// The exit code of what was measured: broken integrity or ownership, expect lines. Tells what is broken.
int judge(const Evaluation& e, const Plan& plan, const Options& o);

// Tells each outcome that did not end well (a text that several share once) and returns the worst code.
int tell_failures(const std::vector<Job>& jobs, const std::vector<Outcome>& outcomes);

PoolOptions pool_options(const Options& options, unsigned jobs_by_default);

}  // namespace gd::cli
