// A check over several seeds.
#include <algorithm>
#include <cmath>
#include <map>

#include "src/report/check.h"

namespace gd::report {

PairCheck check_over_seeds(const SeedRuns& before, const SeedRuns& now, const Policies& policies) {
  using State = MetricChange::State;
  PairCheck out;
  out.label = before.front().label;
  out.seed = now.front().seed;
  out.old_seed = before.front().seed;
  out.other_configuration = true;
  std::map<std::string, std::string> names;      // of the old results, then what is new
  for (const SeedRuns* runs : {&before, &now})
    for (const system::RunResult& r : *runs)
      for (const system::Metric& m : r.metrics) names.emplace(m.name, m.unit);
  for (const system::RunResult& r : before) out.seeds.push_back(r.seed);
  for (const auto& [name, unit] : names) {
    ++out.compared;
    std::vector<double> from, to;
    bool in_old = false, in_new = false;
    for (std::size_t i = 0; i < before.size(); ++i) {
      const std::optional<double> x = shown_value(before[i], name), y = shown_value(now[i], name);
      in_old = in_old || x, in_new = in_new || y;
      if (x && y) from.push_back(*x), to.push_back(*y);
    }
    MetricChange c;
    c.metric = name;
    c.unit = unit;
    if (from.empty()) {
      c.before_text = c.now_text = "-";
      c.state = in_old ? State::failed : State::added;
      c.excess = HUGE_VAL;
      c.detail = in_old ? in_new ? "no seed has it in both results" : "missing in the new results" : "not in the old results";
      out.changes.push_back(std::move(c));
      continue;
    }
    const MetricPolicy policy = policies.of(name);
    const Paired p = pair_up(from, to, policy);
    const double size = std::fabs(p.difference.mean);
    // With one pair there is no interval: as for single runs, the tolerance decides.
    if (p.finding != Finding::counted && !(p.finding == Finding::unknown && size > p.tolerance)) continue;
    c.before = p.from.mean, c.now = p.to.mean;
    c.before_text = statistic(p.from.mean), c.now_text = statistic(p.to.mean);
    if (*c.before != 0) c.change = p.difference.mean / std::fabs(*c.before);
    c.excess = (size - p.tolerance) / (p.tolerance > 0 ? p.tolerance : std::max(std::fabs(*c.before), 1e-300));
    const bool worse = policy.better == 0 || (p.difference.mean > 0) != (policy.better > 0);
    c.state = !worse ? State::better : policy.gate ? State::failed : State::told;
    c.detail = in_words(p, unit) + (worse ? "; allowed are " + allowed(policy, unit) : "");
    out.changes.push_back(std::move(c));
  }
  order_changes(out.changes);
  return out;
}

}  // namespace gd::report
