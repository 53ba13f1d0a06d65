// The files of one strategy's folder (DIR/<label>/): written from a RunResult, and read back into one.
//
//   summary.json     metrics with exact decimals; `run`, the last key on a line of its own, is all that depends on the machine
//   ledger.json      cycles and bytes by core, context, component, operation, with the totals
//   cycles.folded    the same cycles as input of flame graph tools: "core;context;component;operation cycles"
//   histogram.json   distributions, the way of a frame, the first messages, and whether the scenario carries a hazard
// Without `run` the bytes of all of them depend on the result alone.
#pragma once
#include <string>
#include <vector>

#include "src/system/result.h"

namespace gd::report {

inline constexpr int kSchema = 1;         // `schema` of all documents; raised when a key changes its meaning

// The texts of the files; each ends with a newline.
std::string summary_json(const system::RunResult& r);
std::string ledger_json(const system::RunResult& r);
std::string cycles_folded(const system::RunResult& r);    // lines without cycles are left out
std::string histogram_json(const system::RunResult& r);

// Writes the four files into `folder`, which exists. Throws UserError when a file cannot be written.
void write_results(const system::RunResult& r, const std::string& folder);
// Reads what write_results() wrote: metrics as their decimals. Throws UserError, naming the file, when one is missing or
// is not such a file.
system::RunResult read_results(const std::string& folder);

// summary.json alone, or a baseline, which is one without `run`: no ledger, no distributions. Throws UserError like read_results().
system::RunResult read_summary(const std::string& path);

// summary.json's text without its `run` line.
std::string without_run(const std::string& summary);

// What a baseline holds: the summary without what depends on the machine, a line for each metric so that changes can be read in a
// version control system, and the names of metrics that are 0 in one list, since most of a run's are. read_summary() gives back
// every metric.
std::string baseline_json(const system::RunResult& r);

// Writes a whole file. Throws UserError: "cannot write PATH: reason".
void write_file(const std::string& path, const std::string& text);
// The same beside its place first, then renamed: who reads `path` sees the old file or the new one, whole.
void replace_file(const std::string& path, const std::string& text);
// Throws UserError: "cannot read PATH: reason".
std::string read_file(const std::string& path);

}  // namespace gd::report
