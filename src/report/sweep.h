// What a sweep measured: a row for each run and strategy, in the order of the runs. Terminal, CSV and JSON are written from it.
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "src/report/comparison.h"
#include "src/system/result.h"

namespace gd::report {

struct SweepRow {
  std::size_t index = 0;                                    // of the run
  std::vector<std::pair<std::string, std::string>> set;     // key and JSON text, in the order of the axes
  std::string folder;                                       // in the results: "runs/12/vhost-copy"
  system::RunResult run;                                    // metrics; no ledger
};

struct SweepResult {
  std::string scenario;
  std::vector<std::string> keys;                            // that are swept, in the order of the axes
  std::vector<SweepRow> rows;                               // by run, then in the scenario's order of strategies
  struct NotRun { std::size_t index; Refused refused; };
  std::vector<NotRun> refused;                              // by run
  std::size_t runs = 0;
};

// Tidy: a line for each metric of each row: index, seed, the swept keys, label, strategy, metric, unit, value.
std::string sweep_csv(const SweepResult& s);
// sweep.json, and the one document of `--format json`.
std::string sweep_json(const SweepResult& s);
// A line for each row with the metrics that `compare` opens with.
std::string sweep_text(const SweepResult& s);
std::string sweep_markdown(const SweepResult& s);

// "64", "10Gbps": a value as it is shown, without the quotes of JSON.
std::string shown_json(const std::string& json);

}  // namespace gd::report
