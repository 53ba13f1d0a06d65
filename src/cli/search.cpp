#include "src/cli/search.h"

#include <algorithm>
#include <deque>
#include <set>

#include "src/cli/exit_code.h"
#include "src/cli/output.h"
#include "src/cli/results_folder.h"
#include "src/cli/search_task.h"
#include "src/cli/signals.h"
#include "src/cli/sweep_runs.h"
#include "src/report/results.h"
#include "src/scenario/sweep_search.h"

namespace gd::cli {

namespace {

using scenario::SweepRun;
using scenario::SweepSearch;

// All that is searched, and the runs made for it.
class Searches {
 public:
  explicit Searches(const SweepPlanner& planner) : planner_(planner), search_(*planner.base().sweep.search) {
    scenario::Sweep sweep = planner.base().sweep;
    seeds_ = sweep.seeds;
    for (std::uint64_t i = 0; seeds_.size() < std::max<std::uint64_t>(sweep.seed_count, sweep.seeds.empty() ? 1 : 0); ++i) seeds_.push_back(planner.base().seed + i);
    sweep.seeds = {planner.base().seed};
    sweep.seed_count = 0;
    points_ = scenario::sweep_runs(sweep, planner.base().seed);
    std::vector<SweepRun> first;
    for (std::size_t p = 0; p < points_.size(); ++p)
      for (const std::uint64_t v : first_values(search_)) ask(p, v, first);
    load(first);
    for (std::size_t p = 0; p < points_.size(); ++p) make_tasks(p);
  }

  const std::vector<std::uint64_t>& seeds() const { return seeds_; }
  std::size_t points() const { return points_.size(); }
  std::deque<SearchTask>& tasks() { return tasks_; }

  // Makes what the searches ask for next and tells them; false when they ask for nothing. `code` is the worst exit code.
  bool round(const Options& o, const std::string& folder, int& code) {
    struct Wish { SearchTask* task; std::uint64_t value; };
    std::vector<Wish> wishes;
    std::vector<SweepRun> fresh;
    for (SearchTask& t : tasks_)
      for (const std::uint64_t v : t.wanted()) {
        wishes.push_back({&t, v});
        ask(t.point(), v, fresh);
      }
    if (wishes.empty()) return false;
    load(fresh);
    std::vector<Piece> pieces;
    for (const Wish& w : wishes)
      for (std::size_t s = 0; s < seeds_.size(); ++s) need(*w.task, w.value, s, pieces);
    std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return std::pair(a.run->run.index, a.choice) < std::pair(b.run->run.index, b.choice); });
    code = run_pieces(pieces, o, folder);
    if (code != kFine) return false;
    for (const Piece& p : pieces) {
      system::RunResult& r = results_[{p.run->run.index, p.choice->label}] = report::read_summary(folder + "/" + folder_of(*p.run, p.choice->label) + "/summary.json");
      r.ledger.clear();
      r.distributions.clear();
    }
    for (const Wish& w : wishes) tell(*w.task, w.value);
    return true;
  }

  // The runs as one plan, in the order of points, values and seeds, each with the strategies that were asked for.
  SweepPlan as_plan() const {
    SweepPlan out{planner_.base().name, scenario::resolved(planner_.base()), planner_.keys(), {}};
    out.keys.push_back(search_.key);
    for (const auto& [at, run] : runs_) {
      PlannedSweepRun r = *run;
      std::erase_if(r.plan.run, [&](const scenario::StrategyChoice& c) { return results_.count({r.run.index, c.label}) == 0; });
      if (!r.plan.run.empty()) out.runs.push_back(std::move(r));
    }
    return out;
  }

  void report(report::SweepResult& out) const {
    const auto json = [&](std::uint64_t v) { return scenario::number_json(search_.type, v); };
    report::SearchInfo& info = out.search.emplace();
    info.key = search_.key;
    info.aim = scenario::aim_name(search_.aim);
    info.what = search_.aim == SweepSearch::Aim::crossover ? search_.metric : search_.holds.text;
    info.from = json(search_.from);
    info.to = json(search_.to);
    info.precision = search_.step != 0 ? json(search_.step) : "\"" + search_.precision + "\"";
    info.unit = unit();
    for (const SearchTask& t : tasks_) {
      report::SearchResult& r = out.searches.emplace_back(t.result());
      r.set = points_[t.point()].set;
      if (!t.answer()) continue;
      r.index = runs_.at({t.point(), *t.answer(), 0})->run.index;
      r.seed = seeds_.front();
    }
  }

 private:
  using At = std::tuple<std::size_t, std::uint64_t, std::size_t>;   // point, value, place of the seed

  const char* unit() const {
    switch (search_.type) {
      case scenario::Type::time: return "ps";
      case scenario::Type::rate: return "b/s";
      case scenario::Type::size: return "B";
      case scenario::Type::frequency: return "Hz";
      case scenario::Type::share: return "ppm";
      default: return "";
    }
  }

  // Adds the runs of a value that are not known yet; indices follow the order of asking.
  void ask(std::size_t point, std::uint64_t value, std::vector<SweepRun>& fresh) {
    for (std::size_t s = 0; s < seeds_.size(); ++s) {
      if (!runs_.try_emplace(At{point, value, s}, nullptr).second) continue;
      SweepRun r = points_[point];
      r.set.emplace_back(search_.key, scenario::number_json(search_.type, value));
      r.seed = seeds_[s];
      r.index = asked_.size();
      asked_.push_back({point, value, s});
      fresh.push_back(std::move(r));
    }
  }

  void load(const std::vector<SweepRun>& fresh) {
    for (PlannedSweepRun& p : planner_.planned(fresh)) {
      const std::size_t index = p.run.index;
      runs_[asked_[index]] = &planned_.emplace_back(std::move(p));
    }
  }

  // The strategies that are searched at a point; one that is named and is not among them is the user's mistake.
  void make_tasks(std::size_t point) {
    const PlannedSweepRun& run = *runs_.at({point, search_.from, 0});
    std::vector<std::string> served, known;
    for (const scenario::StrategyChoice& c : run.plan.run) served.push_back(c.label);
    known = served;
    for (const report::Refused& r : run.plan.refused) known.push_back(r.label);
    const bool pairs = search_.aim == SweepSearch::Aim::crossover;
    std::vector<std::string> wanted = pairs ? search_.between : std::vector<std::string>{};
    if (!pairs && !search_.holds.label.empty()) wanted = {search_.holds.label};
    std::vector<std::string> named = wanted;
    if (!pairs && !search_.holds.other_label.empty()) named.push_back(search_.holds.other_label);
    const std::string at = pairs ? "sweep.search.crossover.between" : "sweep.search." + std::string(scenario::aim_name(search_.aim));
    for (const std::string& label : named)
      if (std::find(known.begin(), known.end(), label) == known.end())
        throw planner_.base().error(at, "there is no strategy \"" + label + "\" in this scenario; there are " + scenario::join(known) + did_you_mean(label, known));
    if (wanted.empty()) wanted = served;
    if (pairs && wanted.size() < 2) throw planner_.base().error("sweep.search.crossover", "a cross-over is between two strategies or more; " + scenario::join(wanted) + " alone can be served (" + run.called + ")");
    for (std::size_t i = pairs ? 1 : 0; i < wanted.size(); ++i) {
      tasks_.emplace_back(search_, point, pairs ? wanted[0] : wanted[i], pairs ? wanted[i] : "");
      for (const std::uint64_t v : first_values(search_)) check_served(tasks_.back(), v);
    }
  }

  bool check_served(SearchTask& t, std::uint64_t value) const {
    const PlannedSweepRun& run = *runs_.at({t.point(), value, 0});
    for (const std::string& label : t.labels())
      for (const report::Refused& r : run.plan.refused)
        if (r.label == label) {
          t.give_up("refused", run.called + ": " + label + " is refused: " + r.reason);
          return false;
        }
    return true;
  }

  void need(SearchTask& t, std::uint64_t value, std::size_t seed, std::vector<Piece>& pieces) const {
    if (!check_served(t, value)) return;
    const PlannedSweepRun& run = *runs_.at({t.point(), value, seed});
    for (const std::string& label : t.labels())
      for (const scenario::StrategyChoice& c : run.plan.run) {
        const bool there = c.label != label || results_.count({run.run.index, label}) != 0 || std::any_of(pieces.begin(), pieces.end(), [&](const Piece& p) { return p.choice == &c; });
        if (!there) pieces.push_back({&run, &c});
      }
  }

  void tell(SearchTask& t, std::uint64_t value) {
    if (!check_served(t, value)) return;
    std::vector<std::vector<system::RunResult>> by_seed;
    for (std::size_t s = 0; s < seeds_.size(); ++s) {
      std::vector<system::RunResult>& runs = by_seed.emplace_back();
      for (const std::string& label : t.labels()) runs.push_back(results_.at({runs_.at({t.point(), value, s})->run.index, label}));
    }
    t.learn(value, by_seed);
  }

  const SweepPlanner& planner_;
  const SweepSearch& search_;
  std::vector<std::uint64_t> seeds_;
  std::vector<SweepRun> points_;
  std::deque<SearchTask> tasks_;
  std::deque<PlannedSweepRun> planned_;
  std::map<At, const PlannedSweepRun*> runs_;
  std::vector<At> asked_;                                            // by index
  std::map<std::pair<std::size_t, std::string>, system::RunResult> results_;   // by index and label
};

// What is known ahead.
int list_searches(Searches& all, const SweepSearch& s) {
  std::string out;
  std::size_t first = 0, most = 0;
  std::string values;
  for (const std::uint64_t v : first_values(s)) values += (values.empty() ? "" : ", ") + report::shown_json(scenario::number_json(s.type, v));
  const report::SweepResult named = [&] { report::SweepResult r; all.report(r); return r; }();
  for (const report::SearchResult& r : named.searches) {
    const std::size_t runs = r.outcome == "refused" ? 0 : all.seeds().size() * (r.other.empty() && s.holds.other_label.empty() ? 1 : 2);
    first += runs * first_values(s).size();
    most += runs * most_values(s);
    out += report::search_called(r) + ": " + (runs == 0 ? r.words : s.key + " at " + values + "; then where " + named.search->what + " changes, " + std::to_string(most_values(s)) + " values at most") + "\n";
  }
  out += std::to_string(named.searches.size()) + " searches, " + std::to_string(first) + " to " + std::to_string(most) + " processes (less those that two searches share); which values follow is known only from what is found\n";
  write_out(out);
  return kFine;
}

}  // namespace

int search_sweep(const SweepPlanner& planner, const Options& o) {
  const SweepSearch& s = *planner.base().sweep.search;
  for (const auto& [given, name] : {std::pair{o.list_commands, "--list-commands"}, {o.run_index.has_value(), "--run-index"}, {o.slurm, "--slurm"}, {o.collect, "--collect"}, {o.slurm, "--slurm"}})
    if (given) throw UserError(std::string("option ") + name + " needs the list of runs ahead, which a search (" + s.key + ") makes as it goes; -j makes them side by side, --resume goes on");
  Searches all(planner);
  if (o.dry_run) return list_searches(all, s);
  hold_signals();
  ResultsFolder folder(o, stem_of(o.arguments[0]));
  folder.open_part(o.resume, scenario::resolved(planner.base()));
  int code = kFine;
  while (all.round(o, folder.temporary(), code)) check_signals();
  if (code != kFine) return code;
  const SweepPlan plan = all.as_plan();
  Gathered g = gather(plan, o, folder.temporary());
  all.report(g.result);
  return commit_sweep(plan, g, o, folder);
}

}  // namespace gd::cli
