#include "src/report/verdict.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "models/base/error.h"
#include "src/report/ansi.h"
#include "src/report/words.h"
#include "src/scenario/diagnostics.h"
#include "src/scenario/loader.h"
#include "src/scenario/units.h"

namespace gd::report {

namespace {

using scenario::Compare;
using scenario::Expectation;
using system::RunResult;
using State = Verdict::State;

const char* sign(Compare op) {
  switch (op) {
    case Compare::less: return "<";
    case Compare::less_equal: return "<=";
    case Compare::equal: return "==";
    case Compare::not_equal: return "!=";
    case Compare::greater_equal: return ">=";
    case Compare::greater: return ">";
  }
  return "?";
}

// Values that a change of units may have parted are equal.
bool holds(double a, Compare op, double b) {
  const bool same = std::fabs(a - b) <= 1e-12 * std::max(std::fabs(a), std::fabs(b));
  switch (op) {
    case Compare::less: return a < b && !same;
    case Compare::less_equal: return a < b || same;
    case Compare::equal: return same;
    case Compare::not_equal: return !same;
    case Compare::greater_equal: return a > b || same;
    case Compare::greater: return a > b && !same;
  }
  return false;
}

// Metrics of which a run lists only those that happened. Of a guest these are the drops, and none where the run knows
// nothing of its frames.
bool counts_by_reason(const RunResult& r, const std::string& name) {
  const std::string guest = scenario::guest_of_metric(name);
  if (guest.empty()) return name.starts_with("drops.") || name.starts_with("fallback.copied.") || name.starts_with("gro.flush.");
  const std::string drops = "guest." + guest + ".drops.";
  return name.starts_with(drops) && r.find(drops + "total");
}

struct Measured {
  std::optional<double> value;
  std::string unit;
};

// As shown in summary.json, so that a run and a reader of its file judge alike.
Measured measure(const RunResult& r, const std::string& metric) {
  const system::Metric* m = r.find(metric);
  if (!m) return counts_by_reason(r, metric) ? Measured{0.0, "frames"} : Measured{};
  const std::string text = m->text();
  double v = 0;
  std::from_chars(text.data(), text.data() + text.size(), v);
  return {v, m->unit};
}

std::string with_unit(double v, const std::string& unit) { return figure(v) + (unit.empty() ? "" : unit == "%" ? "%" : " " + unit); }

const RunResult* find_run(const std::vector<RunResult>& runs, const std::string& label) {
  const auto at = std::find_if(runs.begin(), runs.end(), [&](const RunResult& r) { return r.label == label; });
  return at != runs.end() ? &*at : nullptr;
}

void judge(Verdict& v, const Expectation& e, const RunResult& run, const std::vector<RunResult>& runs) {
  const Measured m = measure(run, e.metric);
  v.unit = m.unit;
  if (!m.value) {
    v.detail = run.label + " has no value of " + e.metric;
    return;
  }
  v.measured = m.value;
  if (!e.other_metric.empty()) {
    const RunResult* other = find_run(runs, e.other_label.empty() ? run.label : e.other_label);
    if (!other) {
      v.state = State::skipped;
      v.detail = e.other_label + " did not run";
      return;
    }
    const Measured o = measure(*other, e.other_metric);
    if (!o.value) {
      v.detail = other->label + " has no value of " + e.other_metric;
      return;
    }
    v.wanted = e.number * *o.value;
    v.detail = "measured " + with_unit(*v.measured, v.unit) + ", wanted " + sign(e.op) + " " + with_unit(*v.wanted, v.unit) + " (" + figure(e.number) + " * " + with_unit(*o.value, o.unit) + ")";
  } else {
    v.wanted = e.number;
    if (!e.unit.empty()) {
      v.measured = scenario::convert(*m.value, scenario::scenario_unit(m.unit), e.unit);
      v.unit = e.unit;
      if (!v.measured) {
        v.state = State::invalid;
        v.detail = e.metric + " is in " + (m.unit.empty() ? "plain numbers" : m.unit) + ", not in " + e.unit;
        if (!scenario::known_unit(scenario::scenario_unit(m.unit))) v.detail += ": the number stands without a unit";
        return;
      }
    }
    v.detail = "measured " + with_unit(*v.measured, v.unit) + ", wanted " + sign(e.op) + " " + with_unit(*v.wanted, v.unit);
  }
  v.state = holds(*v.measured, e.op, *v.wanted) ? State::pass : State::fail;
}

Verdict start(const Expectation& e, const std::string& label) {
  Verdict v;
  v.place = e.at.text();
  v.text = e.text;
  v.metric = e.metric;
  v.label = label;
  return v;
}

}  // namespace

const char* verdict_name(State s) {
  switch (s) {
    case State::pass: return "pass";
    case State::fail: return "fail";
    case State::skipped: return "skipped";
    case State::invalid: return "invalid";
  }
  return "?";
}

std::vector<Verdict> evaluate(const std::vector<Expectation>& lines, const std::vector<RunResult>& runs) {
  std::vector<Verdict> out;
  for (const Expectation& e : lines) {
    bool any_run = false;
    for (const RunResult& r : runs) {
      if (!e.label.empty() && r.label != e.label) continue;
      any_run = true;
      judge(out.emplace_back(start(e, r.label)), e, r, runs);
    }
    if (any_run) continue;
    Verdict v = start(e, e.label);
    v.state = State::skipped;
    v.detail = e.label.empty() ? "no strategy ran" : e.label + " did not run";
    out.push_back(std::move(v));
  }
  return out;
}

std::optional<double> shown_value(const RunResult& run, const std::string& metric) { return measure(run, metric).value; }

void require_labels(const std::vector<Expectation>& lines, const std::vector<std::string>& labels) {
  for (const Expectation& e : lines)
    for (const std::string* label : {&e.label, &e.other_label}) {
      if (label->empty() || std::find(labels.begin(), labels.end(), *label) != labels.end()) continue;
      const std::string near = scenario::nearest(*label, labels);
      throw UserError(e.at.text() + ": error: \"" + e.text + "\" names " + *label + ", which is not run; run are " + listed(labels) + (near.empty() ? "" : " (did you mean " + near + "?)"));
    }
}

bool any(const std::vector<Verdict>& v, State s) {
  return std::any_of(v.begin(), v.end(), [s](const Verdict& x) { return x.state == s; });
}

std::string verdicts_text(const std::vector<Verdict>& list, bool colour) {
  if (list.empty()) return "";
  std::size_t passed = 0, failed = 0, skipped = 0;
  std::string out = "\nExpectations\n";
  for (const Verdict& v : list) {
    const bool bad = v.state == State::fail || v.state == State::invalid;
    passed += v.state == State::pass;
    failed += bad;
    skipped += v.state == State::skipped;
    std::string state = pad_right(verdict_name(v.state), 8);
    if (colour && v.state != State::skipped) state = (bad ? ansi::kRed : ansi::kGreen) + state + ansi::kOff;
    const bool named = v.label.empty() || v.text.find("[" + v.label + "]") != std::string::npos;
    out += state + v.text + (named ? "" : "  (" + v.label + ")") + ": " + v.detail + "\n";
    if (bad) out += "        " + v.place + "\n";
  }
  return out + std::to_string(passed) + " passed, " + std::to_string(failed) + " failed, " + std::to_string(skipped) + " skipped\n";
}

}  // namespace gd::report
