#include "src/cli/search_task.h"

#include <algorithm>

#include "src/report/verdict.h"
#include "src/report/words.h"
#include "src/scenario/sweep.h"

namespace gd::cli {

namespace {

using scenario::SweepSearch;
using Aim = SweepSearch::Aim;

const system::RunResult* of_label(const std::vector<system::RunResult>& runs, const std::string& label) {
  const auto at = std::find_if(runs.begin(), runs.end(), [&](const system::RunResult& r) { return r.label == label; });
  return at == runs.end() ? nullptr : &*at;
}

}  // namespace

SearchTask::SearchTask(const SweepSearch& search, std::size_t point, std::string label, std::string other)
    : search_(search), point_(point), labels_{label}, label_(std::move(label)), other_(std::move(other)) {
  const std::string& second = search.aim == Aim::crossover ? other_ : search.holds.other_label;
  if (!second.empty() && second != label_) labels_.push_back(second);
}

Seek SearchTask::seek() const { return search_.aim == Aim::lowest ? Seek::highest_change : Seek::lowest_change; }

std::vector<std::uint64_t> SearchTask::wanted() const {
  if (!given_up_.empty()) return {};
  // A line that does not hold at the end from which it must has no such value; what lies between is not looked at further.
  const std::uint64_t end = search_.aim == Aim::highest ? search_.from : search_.to;
  const auto at_end = known_.find(end);
  std::vector<std::uint64_t> next = next_values(search_, seek(), known_);
  if (search_.aim != Aim::crossover && at_end != known_.end() && at_end->second == 0) return {};
  return next;
}

void SearchTask::give_up(const std::string& outcome, const std::string& why) {
  if (given_up_.empty()) given_up_ = outcome, why_ = why;
}

void SearchTask::learn(std::uint64_t value, const std::vector<std::vector<system::RunResult>>& by_seed) {
  Seen seen;
  if (search_.aim != Aim::crossover) {
    scenario::Expectation line = search_.holds;
    line.label = label_;
    int holds = 1;
    for (const std::vector<system::RunResult>& runs : by_seed)
      for (const report::Verdict& v : report::evaluate({line}, runs)) {
        const bool pass = v.state == report::Verdict::State::pass;
        if (holds == 1 && (!pass || seen.detail.empty())) seen.detail = v.detail;
        if (!pass && !v.measured) give_up("no-value", "at " + shown(value) + " " + v.detail);
        holds = holds != 0 && pass ? 1 : 0;
      }
    known_[value] = holds;
  } else {
    for (const std::vector<system::RunResult>& runs : by_seed)
      for (const std::string& label : labels_) {
        const system::RunResult* run = of_label(runs, label);
        const std::optional<double> v = run == nullptr ? std::nullopt : report::shown_value(*run, search_.metric);
        if (!v) return give_up("no-value", "at " + shown(value) + " " + label + " has no value of " + search_.metric);
        (label == label_ ? seen.first : seen.second) += *v / static_cast<double>(by_seed.size());
      }
    known_[value] = seen.first < seen.second ? -1 : seen.first > seen.second ? 1 : 0;
  }
  seen_[value] = seen;
}

std::string SearchTask::shown(std::uint64_t value) const { return report::shown_json(scenario::number_json(search_.type, value)); }

std::string SearchTask::pair_at(std::uint64_t value) const {
  const Seen& s = seen_.at(value);
  return report::figure(s.first) + " against " + report::figure(s.second);
}

std::string SearchTask::lower(int state) const { return state < 0 ? label_ : state > 0 ? other_ : ""; }

std::optional<std::uint64_t> SearchTask::answer() const {
  const std::vector<Change> all = changes(known_);
  if (!given_up_.empty() || all.empty()) return std::nullopt;
  if (search_.aim == Aim::highest) return known_.begin()->second == 1 ? std::optional(all.front().below) : std::nullopt;
  if (search_.aim == Aim::lowest) return known_.rbegin()->second == 1 ? std::optional(all.back().above) : std::nullopt;
  return all.front().above;
}

void SearchTask::conclude_line(report::SearchResult& r, const std::vector<Change>& all) const {
  const std::string& line = search_.holds.text;
  const std::uint64_t end = search_.aim == Aim::highest ? known_.begin()->first : known_.rbegin()->first;
  if (known_.at(end) == 0) {
    r.outcome = "nowhere";
    r.words = line + " does not hold at " + shown(end) + ": " + seen_.at(end).detail;
  } else if (all.empty()) {
    r.outcome = "everywhere";
    r.words = line + " holds from " + shown(search_.from) + " to " + shown(search_.to) + ": the range has no limit in it";
  } else {
    const Change& c = search_.aim == Aim::highest ? all.front() : all.back();
    const std::uint64_t good = search_.aim == Aim::highest ? c.below : c.above, bad = search_.aim == Aim::highest ? c.above : c.below;
    r.words = line + " holds " + (search_.aim == Aim::highest ? "up to " : "from ") + shown(good) + "; at " + shown(bad) + ": " + seen_.at(bad).detail;
  }
}

void SearchTask::conclude_pair(report::SearchResult& r, const std::vector<Change>& all) const {
  const auto who = [&](int state) { return state == 0 ? std::string("both are equal") : lower(state) + " is lower"; };
  const auto first = known_.begin(), last = std::prev(known_.end());
  if (all.empty()) {
    r.outcome = "no-change";
    r.words = search_.metric + ": " + who(first->second) + " from " + shown(first->first) + " (" + pair_at(first->first) + ") to " + shown(last->first) + " (" + pair_at(last->first) + ")";
    return;
  }
  const Change& c = all.front();
  r.lower_below = lower(c.state_below);
  r.lower_above = lower(c.state_above);
  r.words = search_.metric + ": " + who(c.state_below) + " up to " + shown(c.below) + " (" + pair_at(c.below) + "), " + who(c.state_above) + " from " + shown(c.above) + " (" + pair_at(c.above) + ")";
}

report::SearchResult SearchTask::result() const {
  report::SearchResult r;
  r.label = label_;
  r.other = other_;
  r.looked_at = known_.size();
  if (!given_up_.empty() || known_.empty()) {
    r.outcome = given_up_;
    r.words = why_;
    return r;
  }
  const std::vector<Change> all = changes(known_);
  r.outcome = "found";
  if (search_.aim == Aim::crossover) conclude_pair(r, all);
  else conclude_line(r, all);
  const bool found = r.outcome == "found";
  if (found) {
    const Change& c = seek() == Seek::lowest_change ? all.front() : all.back();
    r.below = scenario::number_json(search_.type, c.below);
    r.above = scenario::number_json(search_.type, c.above);
    r.value = scenario::number_json(search_.type, *answer());
    r.number = *answer();
  }
  for (const Change& c : all) {
    if (found && c == (seek() == Seek::lowest_change ? all.front() : all.back())) continue;
    r.other_changes.push_back({scenario::number_json(search_.type, c.below), scenario::number_json(search_.type, c.above)});
    r.words += (r.other_changes.size() == 1 ? "; not monotone: it changes too between " : ", ") + shown(c.below) + " and " + shown(c.above);
  }
  return r;
}

}  // namespace gd::cli
