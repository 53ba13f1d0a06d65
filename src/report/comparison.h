// Strategies side by side, and why they differ. One object, from which terminal, JSON, markdown and CSV are written, so
// that no two figures disagree.
//
// A difference in cycles per packet is explained by differences of the ledgers: each run's milli-cycles of a component,
// divided by the packets that its cpu.cycles_per_packet divides by, minus the same of the other run. The terms sum to the
// measured difference; what is left by rounding is kept in `remainder`.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/report/seeds.h"
#include "src/report/suffering.h"
#include "src/report/verdict.h"
#include "src/system/result.h"

namespace gd::report {

// A strategy of the list that did not run.
struct Refused {
  std::string label, strategy, reason;
};

struct ComparisonInput {
  std::string scenario, description;
  std::vector<system::RunResult> runs;         // in the order of the scenario; the first is the base of the reasons
  std::vector<SeedRuns> seeds;                 // with several seeds: all runs of each strategy, `runs` then being their mean_run()
  Policies policies;                           // what a difference between seeds' means has to exceed
  std::vector<std::uint64_t> buffering;        // frames, one for each run; empty: not shown
  std::vector<Refused> refused;
};

// A figure of one strategy.
struct Cell {
  std::optional<double> value;                 // in the row's unit
  std::string text;                            // as shown; "-" without a value
  double half = 0;                             // of the interval over the seeds, in the row's unit; 0 for one seed
  bool best = false;                           // the only best, or one of several that are equally good but not all
  std::string note;                            // "nic-fifo" beside a number of drops
};

struct Row {
  std::string metric, title, unit;             // unit as shown: "Gb/s", "us", "cycles"
  int better = 0;                              // +1 more, -1 less, 0 neither
  std::vector<Cell> cells;                     // one for each column
};

struct Column {
  std::string label, strategy;
  std::vector<Suffering> suffers = {};         // from guests that misbehave, worst first
};

// The part of one component in a difference, in milli-cycles per packet.
struct Term {
  std::string component;
  std::int64_t from = 0, to = 0;
  std::int64_t difference() const { return to - from; }
};

// A difference that is not of cycles: copied bytes, PCIe, DRAM, waiting.
struct Fact {
  std::string name, unit;                      // "host copies", "bytes per packet"
  double from = 0, to = 0;
};

// Why `to` differs from `from`.
struct Reason {
  std::string from, to;                        // labels
  bool measured = false;                       // both delivered something; else there are only sentences
  std::int64_t cycles_from = 0, cycles_to = 0; // milli-cycles per packet, as the metric has them
  std::vector<Term> terms;                     // every component that differs, largest difference first
  std::int64_t remainder = 0;                  // measured difference less the sum of the terms
  std::vector<Fact> traffic;                   // copied, PCIe and DRAM bytes
  std::vector<Fact> waiting;                   // median time to reach each stage from the one before, ns
  std::vector<std::string> sentences;          // the above in words
};

struct Comparison {
  std::string scenario, description;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::vector<Reason> reasons;                 // each against the first; then the best (fewest cycles) against the others
  std::vector<std::string> notes;              // what makes columns hard to compare: nothing delivered, other offered load
  std::vector<Refused> refused;
  SeedStatistics seeds;                        // with several seeds; rows are means then, and reasons explain the means
};

Comparison compare(const ComparisonInput& input);

// Packets by which a run's per-packet figures are divided: packets.accepted, or packets.delivered where a result has no
// such metric. 0 when nothing was delivered.
std::uint64_t packets_of(const system::RunResult& r);
// Why `to` differs from `from`.
Reason explain(const system::RunResult& from, const system::RunResult& to);

struct TextOptions {
  bool colour = false;                         // marks by colour as well; the star stays
  unsigned width = 100;                        // columns; more strategies than fit go into a further table
};
// Whether colour is wanted: on a terminal, unless NO_COLOR is set (and not empty) or TERM is dumb or missing.
bool colour_wanted(bool terminal);

std::string comparison_text(const Comparison& c, const TextOptions& options = {});
std::string comparison_markdown(const Comparison& c, const std::vector<Verdict>& verdicts = {});
// One line a figure: metric, title, unit, then a column for each strategy; RFC 4180.
std::string comparison_csv(const Comparison& c);
// comparison.json.
std::string comparison_json(const Comparison& c, const std::vector<Verdict>& verdicts = {});

// The one document of `--format json`: {schema, command, scenario, runs: [summary...], comparison, refused, expect}.
std::string document_json(const std::string& command, const ComparisonInput& input, const std::vector<Verdict>& verdicts);

// What `run` prints for one strategy: the comparison's rows, then every metric that is not zero.
std::string run_text(const system::RunResult& r, const TextOptions& options = {});
std::string run_markdown(const system::RunResult& r, const std::vector<Verdict>& verdicts = {});
std::string run_csv(const system::RunResult& r);       // metric,value,unit

}  // namespace gd::report
