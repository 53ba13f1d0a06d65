// What a sweep measured: a row for each run and strategy, in the order of the runs. Terminal, CSV and JSON are written from it.
#pragma once
#include <cstddef>
#include <optional>
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

// What a `search` looks for (src/scenario/sweep_search.h). Values are JSON text.
struct SearchInfo {
  std::string key, aim;                                     // "highest", "lowest", "crossover"
  std::string what;                                         // the line, or the metric of a cross-over
  std::string from, to, precision, unit;                    // unit of `number`
};

// What one search found: for one strategy, or a pair of them.
struct SearchResult {
  std::vector<std::pair<std::string, std::string>> set;     // the point of the axes
  std::string label, other;                                 // other: the second of a pair
  // found; everywhere: the line holds in the whole range; nowhere: not even at the end where it must; no-change: one of the pair is
  // lower all along; refused: a strategy cannot be served; no-value: a metric has none
  std::string outcome;
  std::optional<std::string> value, below, above;           // JSON; below and above: the neighbours between which it changes
  std::string lower_below, lower_above;                     // of a pair: which is lower; "": both are equal
  std::vector<std::pair<std::string, std::string>> other_changes;   // between values that were looked at: it is not monotone
  std::size_t looked_at = 0, index = 0;                     // values; the run at `value`
  std::uint64_t seed = 0, number = 0;                       // of that run; `value` in the key's base unit
  std::string words;
};

struct SweepResult {
  std::string scenario;
  std::vector<std::string> keys;                            // that are swept, in the order of the axes
  std::vector<SweepRow> rows;                               // by run, then in the scenario's order of strategies
  struct NotRun { std::size_t index; Refused refused; };
  std::vector<NotRun> refused;                              // by run
  std::size_t runs = 0;
  std::optional<SearchInfo> search;
  std::vector<SearchResult> searches;                       // by point, then in the order of strategies
};

// Tidy: a line for each metric of each row: index, seed, the swept keys, label, strategy, metric, unit, value. What a search found
// is a metric search.<aim> of the run at that value (of a pair: of the second), in the base unit of the key.
std::string sweep_csv(const SweepResult& s);
// sweep.json, and the one document of `--format json`.
std::string sweep_json(const SweepResult& s);
// A line for each row with the metrics that `compare` opens with.
std::string sweep_text(const SweepResult& s);
std::string sweep_markdown(const SweepResult& s);

// "nic.ring_size=64: guest-head against vhost-copy": which search.
std::string search_called(const SearchResult& r);
// What was looked for, and what each search found; nothing without a search.
std::vector<std::string> search_words(const SweepResult& s);
// What did not run, runs of one reason as one line.
std::vector<std::string> sweep_refusals(const SweepResult& s);

// "64", "10Gbps": a value as it is shown, without the quotes of JSON.
std::string shown_json(const std::string& json);

}  // namespace gd::report
