#include "src/cli/evaluate.h"

#include <algorithm>
#include <set>
#include <thread>

#include "models/base/error.h"
#include "src/cli/exit_code.h"
#include "src/cli/output.h"
#include "src/cli/progress.h"
#include "src/report/results.h"
#include "src/report/traces.h"

namespace gd::cli {

namespace {

bool named_by_expect(const scenario::Scenario& s, const std::string& metric, const std::string& label) {
  return std::any_of(s.expect.begin(), s.expect.end(), [&](const scenario::Expectation& e) { return e.metric == metric && (e.label.empty() || e.label == label); });
}

}  // namespace

int run_strategy(const Plan& plan, const scenario::StrategyChoice& choice, const Options& o, const std::string& folder, Reporter& reporter) {
  report::Traces traces = report::make_traces(o.traces, folder, report::TraceLimits::of_frames(o.trace_limit));
  system::RunOptions run;
  for (const auto& t : traces) run.observers.push_back(t.get());
  run.progress = [&reporter](Time now, Time end) { reporter.progress(now, end); };
  const system::RunResult result = system::run(plan.scenario, choice, run);
  report::write_results(result, folder);
  for (const std::string& m : result.messages.standstill) reporter.message(choice.label + ": " + m);
  if (const std::string text = report::left_out(traces); !text.empty()) reporter.message(text);
  return kFine;
}

PoolOptions pool_options(const Options& o, unsigned by_default) {
  PoolOptions p;
  p.jobs = o.jobs != 0 ? o.jobs : std::max(1u, by_default);
  p.timeout = o.timeout;
  return p;
}

int tell_failures(const std::vector<Job>& jobs, const std::vector<Outcome>& outcomes) {
  int code = kFine;
  std::set<std::string> told;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Outcome& o = outcomes[i];
    code = worse(code, o.code);
    if (o.code == kFine) continue;
    const std::string text = o.message.empty() ? "ended with exit code " + std::to_string(o.code) : o.message;
    if (o.code == kUserMistake && !told.insert(text).second) continue;
    write_error(o.code == kUserMistake ? text : jobs[i].label + ": " + text);
  }
  return code;
}

std::vector<std::uint64_t> seeds_of(const Plan& plan, const Options& o) {
  std::vector<std::uint64_t> out;
  if (!o.seeds) return out;
  const std::uint64_t first = plan.scenario.seed, n = *o.seeds;
  if (n < 2) throw UserError("option --seeds: one seed has no interval; allowed: 2 or more (--seed chooses the first)");
  for (std::uint64_t i = 0; i < n; ++i) out.push_back(first + i);
  return out;
}

Evaluation evaluate(const Plan& plan, const Options& o, const ResultsFolder& folder) {
  const std::vector<std::uint64_t> seeds = seeds_of(plan, o);
  std::vector<Job> jobs;
  std::vector<std::string> labels, folders;
  const auto add = [&](const scenario::StrategyChoice& c, std::uint64_t seed, const std::string& called, const std::string& within) {
    labels.push_back(called);
    folders.push_back(folder.inside(within));
    jobs.push_back({called, [&plan, &c, &o, seed, path = folders.back()](Reporter& r) {
                      Plan seeded = plan;
                      seeded.scenario.seed = seed;
                      return run_strategy(seeded, c, o, path, r);
                    }});
  };
  for (const scenario::StrategyChoice& c : plan.run) {
    if (seeds.empty()) {
      add(c, plan.scenario.seed, c.label, c.label);
      continue;
    }
    folder.inside(c.label);
    for (const std::uint64_t s : seeds) add(c, s, c.label + " seed " + std::to_string(s), c.label + "/seed-" + std::to_string(s));
  }
  std::vector<Outcome> outcomes;
  {
    const auto display = make_progress(o, labels);
    PoolOptions pool = pool_options(o, std::thread::hardware_concurrency());
    pool.watcher = display.get();
    outcomes = run_jobs(jobs, pool);
  }
  for (std::size_t i = 0; i < jobs.size(); ++i)
    if (outcomes[i].code == kFine && !outcomes[i].message.empty()) write_note(o, jobs[i].label + ": " + outcomes[i].message);
  Evaluation e;
  e.code = tell_failures(jobs, outcomes);
  if (e.code != kFine) return e;
  e.input.scenario = plan.scenario.name;
  e.input.description = plan.scenario.description;
  e.input.refused = plan.refused;
  for (std::size_t i = 0; i < plan.run.size(); ++i) {
    e.input.buffering.push_back(system::buffering(plan.scenario, plan.run[i]));
    if (seeds.empty()) {
      e.input.runs.push_back(report::read_results(folders[i]));
      continue;
    }
    report::SeedRuns& of = e.input.seeds.emplace_back();
    for (std::size_t s = 0; s < seeds.size(); ++s) of.push_back(report::read_results(folders[i * seeds.size() + s]));
    e.input.runs.push_back(report::mean_run(of));
  }
  e.verdicts = seeds.empty() ? report::evaluate(plan.scenario.expect, e.input.runs) : report::evaluate_seeds(plan.scenario.expect, e.input.seeds);
  // Last: a folder without it is no result folder, so what a killed run leaves is never taken for one.
  report::write_file(folder.temporary() + "/config.json", scenario::resolved(plan.scenario));
  return e;
}

int judge_run(const system::RunResult& r, const scenario::Scenario& s, const std::string& called, const Options& o) {
  int code = kFine;
  for (const char* name : {"integrity.errors", "ownership.violations"}) {
    const system::Metric* m = r.find(name);
    if (m == nullptr || m->num == 0) continue;
    const bool demanded = r.hazard && named_by_expect(s, name, r.label);
    const std::string first = r.messages.first_about(name);
    const std::string text = called + ": " + name + " is " + m->text() + (first.empty() ? "" : ": " + first);
    if (demanded) write_note(o, text);
    else write_error(text);
    if (!demanded) code = worse(code, kBroken);
  }
  return code;
}

int judge(const Evaluation& e, const Plan& plan, const Options& o) {
  int code = kFine;
  if (e.input.seeds.empty())
    for (const system::RunResult& r : e.input.runs) code = worse(code, judge_run(r, plan.scenario, r.label, o));
  for (const report::SeedRuns& of : e.input.seeds)
    for (const system::RunResult& r : of) code = worse(code, judge_run(r, plan.scenario, r.label + " seed " + std::to_string(r.seed), o));
  if (report::any(e.verdicts, report::Verdict::State::invalid)) code = worse(code, kUserMistake);
  if (report::any(e.verdicts, report::Verdict::State::fail)) code = worse(code, kGateFailed);
  return code;
}

}  // namespace gd::cli
