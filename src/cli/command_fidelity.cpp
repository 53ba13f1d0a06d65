// fidelity: published points against what the models say.
#include <algorithm>
#include <thread>

#include "src/cli/commands.h"
#include "src/cli/evaluate.h"
#include "src/cli/exit_code.h"
#include "src/cli/gates.h"
#include "src/cli/output.h"
#include "src/cli/plots.h"
#include "src/cli/points_plan.h"
#include "src/cli/progress.h"
#include "src/cli/signals.h"
#include "src/report/html.h"
#include "src/report/json_text.h"
#include "src/report/results.h"

namespace gd::cli {

namespace {

// The place of a run inside the result folder.
std::string run_folder(std::size_t i) { return "runs/" + std::to_string(i); }

void number_or_nothing(report::JsonText& j, const char* key, std::optional<double> v) {
  if (v) j.key(key).real(*v);
}

// The points with their runs as they were resolved: `fidelity DIR/config.json` gives the same figures.
std::string config_json(const PointsPlan& plan) {
  report::JsonText j;
  j.open('{').key("version").count(1).key("fidelity").string(plan.name).key("points").open('[');
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    const report::PointResult& p = plan.points[i].facts;
    j.open('{').key("id").string(p.id);
    for (const auto& [key, text] : {std::pair{"source", p.source}, {"where", p.where}, {"note", p.note}})
      if (!text.empty()) j.key(key).string(text);
    if (p.year) j.key("year").raw(std::to_string(*p.year));
    j.key("value").real(p.published).key("unit").string(p.unit);
    const report::Tolerance& t = p.tolerance;
    if (t.rel || t.abs || t.min || t.max) {
      j.key("tolerance").open('{', report::JsonText::flat);
      number_or_nothing(j, "rel", t.rel), number_or_nothing(j, "abs", t.abs), number_or_nothing(j, "min", t.min), number_or_nothing(j, "max", t.max);
      j.close();
    }
    if (p.kind == report::PointResult::Kind::not_modelled) {
      j.key("not_modelled").string(p.reason).close();
      continue;
    }
    j.key("runs").open('{');
    for (std::size_t r = 0; r < plan.points[i].runs.size(); ++r)
      j.key(plan.points[i].runs[r].name).open('{', report::JsonText::flat).key("scenario").string(run_folder(plan.of_point[i][r]) + "/config.json").close();
    j.close().key("formula").string(p.formula).key("calibrated").boolean(p.kind == report::PointResult::Kind::calibrated).close();
  }
  return j.close().close().text();
}

struct Ran {
  std::vector<system::RunResult> runs;
  std::vector<std::string> folders;        // "runs/3/none"
  int code = kFine;
};

Ran run_all(const PointsPlan& plan, const Options& o, const ResultsFolder& folder) {
  Ran out;
  std::vector<Job> jobs;
  std::vector<std::string> labels;
  folder.inside("runs");
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const PlannedRun& r = plan.runs[i];
    const scenario::StrategyChoice& choice = r.plan.run.front();
    report::write_file(folder.inside(run_folder(i)) + "/config.json", scenario::resolved(r.plan.scenario));
    out.folders.push_back(run_folder(i) + "/" + choice.label);
    labels.push_back(r.called);
    jobs.push_back({r.called, [&r, &choice, &o, path = folder.inside(out.folders.back())](Reporter& reporter) { return run_strategy(r.plan, choice, o, path, reporter); }});
  }
  std::vector<Outcome> outcomes;
  {
    const auto display = make_progress(o, labels);
    PoolOptions pool = pool_options(o, std::thread::hardware_concurrency());
    pool.watcher = display.get();
    outcomes = run_jobs(jobs, pool);
  }
  out.code = tell_failures(jobs, outcomes);
  if (out.code != kFine) return out;
  for (const std::string& f : out.folders) out.runs.push_back(report::read_results(folder.temporary() + "/" + f));
  return out;
}

report::Fidelity measured(const PointsPlan& plan, const Ran& ran) {
  std::vector<report::PointResult> results;
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    const Point& p = plan.points[i];
    report::PointResult r = p.facts;
    for (std::size_t k = 0; k < p.runs.size(); ++k) r.runs.emplace_back(p.runs[k].name, ran.folders[plan.of_point[i][k]]);
    if (!p.runs.empty()) {
      const auto run_named = [&](const std::string& run) -> const system::RunResult& {
        const auto at = std::find_if(p.runs.begin(), p.runs.end(), [&](const PointRun& x) { return x.name == run; });
        return ran.runs[plan.of_point[i][static_cast<std::size_t>(at - p.runs.begin())]];
      };
      const report::Formula::Value v = p.formula.value(run_named);
      r.simulated = v.value;
      r.problem = v.problem;
    }
    results.push_back(std::move(r));
  }
  return report::judge_points(plan.name, std::move(results));
}

std::string shown(const report::Fidelity& f, const Options& o) {
  switch (o.format) {
    case Format::json: return report::fidelity_json(f);
    case Format::csv: return report::fidelity_csv(f);
    case Format::markdown: return report::capped(report::fidelity_markdown(f));
    case Format::text: break;
  }
  return report::fidelity_text(f, text_options());
}

}  // namespace

int fidelity_command(const Options& o) {
  const std::string& file = o.arguments[0];
  require_gate_files(o);
  ResultsFolder folder(o, stem_of(file));
  const PointsPlan plan = plan_points(file, o);
  hold_signals();
  folder.open();
  const Ran ran = run_all(plan, o, folder);
  if (ran.code != kFine) return ran.code;

  const report::Fidelity f = measured(plan, ran);
  report::write_file(folder.temporary() + "/fidelity.json", report::fidelity_json(f));
  report::write_file(folder.temporary() + "/fidelity.md", report::fidelity_markdown(f));
  report::write_file(folder.temporary() + "/config.json", config_json(plan));
  const std::string undrawn = o.plots ? draw(folder.temporary()) : "";
  report::write_file(folder.temporary() + "/report.html", report::fidelity_html(f, report::page_files(folder.temporary())));
  check_signals();
  folder.commit();
  write_out(shown(f, o));
  if (!undrawn.empty()) write_error("warning: no picture was drawn: " + undrawn);
  write_gate(report::gate_of(f), o);
  int code = f.misses() != 0 ? kGateFailed : kFine;
  for (std::size_t i = 0; i < ran.runs.size(); ++i) code = worse(code, judge_run(ran.runs[i], plan.runs[i].plan.scenario, plan.runs[i].called, o));
  write_note(o, "results in " + folder.shown());
  return code;
}

}  // namespace gd::cli
