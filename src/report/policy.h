// How much a metric may move between two runs that are not the same run (another seed, or another configuration).
#pragma once
#include <string>
#include <vector>

namespace gd::report {

// A change of a metric from `old` to `now` is tolerated up to the larger of rel_tol * |old| and abs_tol.
struct MetricPolicy {
  int better = 0;              // +1: only a fall counts, -1: only a rise, 0: either
  double rel_tol = 0.05;       // share of the old value, at least 0
  double abs_tol = 0;          // in the metric's unit, at least 0
  bool gate = true;            // a change beyond the tolerance fails the check; false: it is told
};

// One line of a policy file: what of a policy it sets, for the metrics whose name matches. A `*` stands for any text.
struct PolicyRule {
  std::string pattern;         // "latency.*", "guest.*.drops.total"
  bool sets_better = false, sets_rel_tol = false, sets_abs_tol = false, sets_gate = false;
  MetricPolicy value;
};

class Policies {
 public:
  Policies() = default;
  explicit Policies(std::vector<PolicyRule> rules) : rules_(std::move(rules)) {}
  // The default of the metric, changed by each rule that matches, in order.
  // Default: `better` of the metric table; 5 %; no absolute tolerance, but none at all for errors and violations. Gates are
  // throughput, losses, cycles a packet and a byte, copied bytes, pinned memory, latency and the checks; the rest is told.
  MetricPolicy of(const std::string& metric) const;

 private:
  std::vector<PolicyRule> rules_;
};

// Whether `name` is `pattern`, where `*` stands for any text, also for none.
bool matches_pattern(const std::string& pattern, const std::string& name);

}  // namespace gd::report
