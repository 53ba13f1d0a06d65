// New results held against old ones: what `check` judges, and what its tables, files and exit code are written from.
//
// Runs are paired by label and seed; where the old results have one seed of a label and the new ones another one, those two are
// paired as well. A pair with the same seed and configuration is the same run: fingerprint and every metric have to be
// equal. Any other pair goes by policies; several seeds of a label in both, of different configurations, go together: a difference
// then counts only if the interval of the paired differences excludes zero as well (pairs.h).
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/report/policy.h"
#include "src/report/seeds.h"
#include "src/system/result.h"

namespace gd::report {

struct MetricChange {
  enum class State {
    failed,          // beyond its tolerance for the worse, not equal where it has to be, or missing
    told,            // beyond its tolerance, but no gate
    better,          // beyond its tolerance for the better
    added            // the old results do not have it
  };
  State state = State::failed;
  std::string metric, unit;
  std::optional<double> before, now;       // as summary.json shows them
  std::string before_text, now_text;       // their decimals; "-" for none
  std::optional<double> change;            // (now - before) / |before|; absent when before is 0 or one of them is missing
  double excess = 0;                       // distance beyond the tolerance by the tolerance (or by the old value where that is 0): for the order
  std::string detail;                      // "rose by 7.1 %, allowed are 5 %"
};
const char* change_name(MetricChange::State s);   // "FAILED", "changed", "better", "new"

struct PairCheck {
  std::string label;
  std::vector<std::uint64_t> seeds;        // those that go together; empty for a pair of single runs
  std::uint64_t seed = 0, old_seed = 0;
  bool same_run = false;                   // same seed and configuration
  bool other_configuration = false;
  bool missing = false;                    // the new results do not have the run
  bool fingerprint_equal = false;
  std::size_t compared = 0;                // metrics
  std::vector<MetricChange> changes;       // failed first, then told, better, added; in each the furthest first
  bool failed() const;
  bool not_comparable = false;             // another configuration, and that is not allowed
};

struct Check {
  std::string scenario, old_scenario, new_name, old_name;   // the two places as the user named them
  std::vector<PairCheck> pairs;            // in the order of the old results
  std::vector<std::string> unpaired;       // labels of the new results that the old ones do not have
  std::vector<std::string> notes;
  std::size_t failures() const;
  bool comparable() const;                 // something is paired, and nothing of another configuration
};

struct CheckInput {
  std::string new_name, old_name;
  std::vector<system::RunResult> now, before;
  bool allow_config = false;               // pairs of different configurations are judged by policies
};
Check check_results(const CheckInput& input, const Policies& policies);

// Several seeds of one label, before[i] and now[i] of the same seed: means, and verdicts by the paired differences.
PairCheck check_over_seeds(const SeedRuns& before, const SeedRuns& now, const Policies& policies);
// `changes` in their order.
void order_changes(std::vector<MetricChange>& changes);
// "5 % or 20 ns": what a policy tolerates of a metric in `unit`.
std::string allowed(const MetricPolicy& policy, const std::string& unit);

std::string check_text(const Check& c, bool colour = false);
std::string check_markdown(const Check& c);
std::string check_csv(const Check& c);     // label,seed,metric,unit,old,new,change,state
std::string check_json(const Check& c);

}  // namespace gd::report
