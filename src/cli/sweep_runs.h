// The runs of a sweep in their folder: making them, reading them back, and what is told at the end. Each strategy of each run is a
// process of its own, whose folder appears whole in runs/<index>/<label>.
#pragma once
#include <string>
#include <vector>

#include "src/cli/results_folder.h"
#include "src/cli/sweep_plan.h"
#include "src/report/gate.h"
#include "src/report/sweep.h"

namespace gd::cli {

// One strategy of one run.
struct Piece {
  const PlannedSweepRun* run = nullptr;
  const scenario::StrategyChoice* choice = nullptr;
};

// All pieces of `runs`.
std::vector<Piece> pieces_of(const std::vector<PlannedSweepRun>& runs);

// Where a piece lies below the result folder: "runs/12/vhost-copy".
std::string folder_of(const PlannedSweepRun& run, const std::string& label);

// Runs what is not done yet, below `folder`. Failures are told; returns the worst exit code.
int run_pieces(const std::vector<Piece>& pieces, const Options& options, const std::string& folder);

struct Gathered {
  report::SweepResult result;
  report::Gate gate;
  std::vector<std::string> failed;     // expect lines that do not hold, in words
  int code = 0;
};

// Reads the pieces of `plan`, and judges integrity and expect lines of each run. Throws UserError for one that is missing.
Gathered gather(const SweepPlan& plan, const Options& options, const std::string& folder);

// sweep.csv, sweep.json, config.json.
void write_tables(const SweepPlan& plan, const Gathered& g, const std::string& folder);

// Pictures of tables that are whole, telling why there are none, and report.html.
void draw_tables(const Gathered& g, const Options& options, const std::string& folder);

// Tables and pictures into the folder, which is whole then; finish_sweep().
int commit_sweep(const SweepPlan& plan, const Gathered& g, const Options& options, ResultsFolder& folder);

// Prints what was gathered; `where` is the folder as the user named it. Returns the exit code.
int finish_sweep(const SweepPlan& plan, const Gathered& g, const Options& options, const std::string& where);

}  // namespace gd::cli
