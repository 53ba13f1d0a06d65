// The scenario's `expect` lines, held against what the runs measured.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "src/scenario/scenario.h"
#include "src/system/result.h"

namespace gd::report {

struct Verdict {
  enum class State {
    pass,
    fail,          // also when the metric has no value in this run
    skipped,       // the line names a strategy that did not run
    invalid        // the line's unit does not fit the metric's: the user's mistake
  };
  State state = State::fail;
  std::string place;             // "file:line:col"
  std::string text;              // the line as written
  std::string metric, label;     // what was looked at; label of the run
  std::optional<double> measured, wanted;   // both in `unit`
  std::string unit;              // of the line, or the metric's when the line has none
  std::string detail;            // in words: "measured 61.2 us, wanted < 50 us"
};
const char* verdict_name(Verdict::State s);    // "pass", "fail", "skipped", "invalid"

// One verdict for each line, and for each run where the line has no label. Metrics that count by reason (drops.*,
// fallback.copied.*, gro.flush.*; guest.<name>.drops.* of a guest that has drops.total) are 0 where a run does not have them; any other metric without a value fails its line.
std::vector<Verdict> evaluate(const std::vector<scenario::Expectation>& lines, const std::vector<system::RunResult>& runs);

// A metric of a run as summary.json shows it, by the same rules; nothing when the run has no value of it.
std::optional<double> shown_value(const system::RunResult& run, const std::string& metric);

// For `compare`: throws UserError, with the line's place, for a line that names a label outside `labels`.
void require_labels(const std::vector<scenario::Expectation>& lines, const std::vector<std::string>& labels);

bool any(const std::vector<Verdict>& v, Verdict::State s);
// A line for each verdict and a count; "" when there is none.
std::string verdicts_text(const std::vector<Verdict>& v, bool colour = false);

}  // namespace gd::report
