#include "src/report/check.h"

#include <algorithm>
#include <cmath>

#include "src/report/verdict.h"
#include "src/report/words.h"

namespace gd::report {

using system::Metric;
using system::RunResult;
using Change = MetricChange;

namespace {

const char* const kNone = "-";

std::string percent(double share) { return figure(std::round(std::fabs(share) * 1e4) / 100) + " %"; }

std::string moved(const Change& c) {
  const double d = *c.now - *c.before;
  return std::string(d > 0 ? "rose" : "fell") + " by " + (c.change ? percent(*c.change) : figure(std::fabs(d)) + (c.unit.empty() ? "" : " " + c.unit));
}

// A metric of both runs, or nothing when it is as it should be.
std::optional<Change> judge_metric(Change c, bool same_run, const MetricPolicy& p) {
  if (*c.before != 0) c.change = (*c.now - *c.before) / std::fabs(*c.before);
  const double difference = *c.now - *c.before, size = std::fabs(difference);
  if (c.before_text == c.now_text) return std::nullopt;
  if (same_run) {
    c.excess = c.change ? std::fabs(*c.change) : size;
    c.detail = moved(c) + "; the same run has to give the same value";
    return c;
  }
  const double tolerance = std::max(p.rel_tol * std::fabs(*c.before), p.abs_tol);
  if (size <= tolerance) return std::nullopt;
  const double scale = tolerance > 0 ? tolerance : std::max(std::fabs(*c.before), 1e-300);
  c.excess = (size - tolerance) / scale;
  const bool worse = p.better == 0 || (difference > 0) != (p.better > 0);
  c.state = !worse ? Change::State::better : p.gate ? Change::State::failed : Change::State::told;
  c.detail = moved(c) + (worse ? "; allowed are " + allowed(p, c.unit) : "");
  return c;
}

Change described(const std::string& name, const Metric* now, const Metric* before) {
  Change c;
  c.metric = name;
  c.unit = (before ? before : now)->unit;
  c.before_text = before ? before->text() : kNone;
  c.now_text = now ? now->text() : kNone;
  if (before) c.before = std::strtod(c.before_text.c_str(), nullptr);
  if (now) c.now = std::strtod(c.now_text.c_str(), nullptr);
  return c;
}

// A metric that one of the runs does not have: 0 where it counts by reason.
void one_sided(Change c, bool in_new, const RunResult& other, bool same_run, const Policies& policies, PairCheck& out) {
  if (const std::optional<double> zero = shown_value(other, c.metric)) {
    (in_new ? c.before : c.now) = *zero;
    (in_new ? c.before_text : c.now_text) = "0";
    if (auto judged = judge_metric(std::move(c), same_run, policies.of(c.metric))) out.changes.push_back(std::move(*judged));
    return;
  }
  if (in_new && !same_run) {
    c.state = Change::State::added;
    c.detail = "not in the old results";
  } else {
    c.excess = HUGE_VAL;
    c.detail = in_new ? "not in the old results; the same run has to give the same metrics" : "missing in the new results";
  }
  out.changes.push_back(std::move(c));
}

void compare_metrics(const RunResult& now, const RunResult& before, const Policies& policies, PairCheck& out) {
  auto n = now.metrics.begin();
  auto b = before.metrics.begin();      // both are sorted by name
  while (n != now.metrics.end() || b != before.metrics.end()) {
    ++out.compared;
    if (b == before.metrics.end() || (n != now.metrics.end() && n->name < b->name)) {
      one_sided(described(n->name, &*n, nullptr), true, before, out.same_run, policies, out);
      ++n;
    } else if (n == now.metrics.end() || b->name < n->name) {
      one_sided(described(b->name, nullptr, &*b), false, now, out.same_run, policies, out);
      ++b;
    } else {
      Change c = described(n->name, &*n, &*b);
      if (n->unit != b->unit) {
        c.excess = HUGE_VAL;
        c.detail = "its unit was " + b->unit + " and is " + n->unit;
        out.changes.push_back(std::move(c));
      } else if (auto judged = judge_metric(std::move(c), out.same_run, policies.of(n->name))) {
        out.changes.push_back(std::move(*judged));
      }
      ++n, ++b;
    }
  }
  order_changes(out.changes);
}

const RunResult* partner(const RunResult& old, const std::vector<RunResult>& now, std::size_t seeds_of_label) {
  const RunResult* only = nullptr;
  std::size_t same_label = 0;
  for (const RunResult& r : now) {
    if (r.label != old.label) continue;
    if (r.seed == old.seed) return &r;
    ++same_label;
    only = &r;
  }
  return same_label == 1 && seeds_of_label == 1 ? only : nullptr;
}

// Puts the seeds of a label that go together in the place of the first of them. `partners`: the new run of each pair.
void join_seeds(Check& c, const std::vector<RunResult>& before, const std::vector<const RunResult*>& partners, const Policies& policies) {
  std::vector<PairCheck> out;
  std::vector<std::string> joined;
  const auto goes_together = [&](std::size_t i, const std::string& label) {
    const PairCheck& p = c.pairs[i];
    return p.label == label && p.other_configuration && !p.not_comparable && !p.missing && p.seed == p.old_seed;
  };
  for (std::size_t i = 0; i < c.pairs.size(); ++i) {
    const std::string label = c.pairs[i].label;
    SeedRuns old_runs, new_runs;
    for (std::size_t k = i; goes_together(i, label) && k < c.pairs.size(); ++k)
      if (goes_together(k, label)) old_runs.push_back(before[k]), new_runs.push_back(*partners[k]);
    if (std::find(joined.begin(), joined.end(), label) != joined.end() && goes_together(i, label)) continue;
    if (old_runs.size() < 2) {
      out.push_back(std::move(c.pairs[i]));
      continue;
    }
    joined.push_back(label);
    out.push_back(check_over_seeds(old_runs, new_runs, policies));
  }
  c.pairs = std::move(out);
}

}  // namespace

std::string allowed(const MetricPolicy& p, const std::string& unit) {
  std::string out;
  if (p.rel_tol > 0 || p.abs_tol == 0) out = percent(p.rel_tol);
  if (p.abs_tol > 0) out += (out.empty() ? "" : " or ") + figure(p.abs_tol) + (unit.empty() ? "" : " " + unit);
  return out;
}

void order_changes(std::vector<Change>& changes) {
  std::stable_sort(changes.begin(), changes.end(), [](const Change& x, const Change& y) { return x.state != y.state ? x.state < y.state : x.excess > y.excess; });
}

const char* change_name(Change::State s) {
  switch (s) {
    case Change::State::failed: return "FAILED";
    case Change::State::told: return "changed";
    case Change::State::better: return "better";
    case Change::State::added: return "new";
  }
  return "?";
}

bool PairCheck::failed() const {
  return missing || (same_run && !fingerprint_equal) || std::any_of(changes.begin(), changes.end(), [](const Change& c) { return c.state == Change::State::failed; });
}

std::size_t Check::failures() const {
  return static_cast<std::size_t>(std::count_if(pairs.begin(), pairs.end(), [](const PairCheck& p) { return p.failed(); }));
}

bool Check::comparable() const {
  return std::any_of(pairs.begin(), pairs.end(), [](const PairCheck& p) { return !p.missing; }) &&
         std::none_of(pairs.begin(), pairs.end(), [](const PairCheck& p) { return p.not_comparable; });
}

Check check_results(const CheckInput& in, const Policies& policies) {
  Check c;
  c.new_name = in.new_name;
  c.old_name = in.old_name;
  if (!in.now.empty()) c.scenario = in.now.front().scenario;
  if (!in.before.empty()) c.old_scenario = in.before.front().scenario;
  if (c.scenario != c.old_scenario) c.notes.push_back("the scenarios have different names: " + c.old_scenario + " and " + c.scenario);
  std::vector<const RunResult*> partners;
  for (const RunResult& old : in.before) {
    PairCheck p;
    p.label = old.label;
    p.old_seed = p.seed = old.seed;
    const auto seeds = static_cast<std::size_t>(std::count_if(in.before.begin(), in.before.end(), [&](const RunResult& r) { return r.label == old.label; }));
    const RunResult* now = partner(old, in.now, seeds);
    partners.push_back(now);
    if (!now) {
      p.missing = true;
      c.pairs.push_back(std::move(p));
      continue;
    }
    p.seed = now->seed;
    p.other_configuration = now->config_sha256 != old.config_sha256 || now->strategy != old.strategy;
    p.same_run = !p.other_configuration && now->seed == old.seed;
    p.fingerprint_equal = now->fingerprint == old.fingerprint;
    p.not_comparable = p.other_configuration && !in.allow_config;
    if (!p.not_comparable) compare_metrics(*now, old, policies, p);
    c.pairs.push_back(std::move(p));
  }
  join_seeds(c, in.before, partners, policies);
  for (const RunResult& r : in.now)
    if (std::none_of(in.before.begin(), in.before.end(), [&](const RunResult& o) { return o.label == r.label; }) &&
        std::find(c.unpaired.begin(), c.unpaired.end(), r.label) == c.unpaired.end())
      c.unpaired.push_back(r.label);
  return c;
}

}  // namespace gd::report
