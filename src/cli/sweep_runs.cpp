#include "src/cli/sweep_runs.h"

#include <filesystem>
#include <thread>

#include "src/cli/evaluate.h"
#include "src/cli/exit_code.h"
#include "src/cli/gates.h"
#include "src/cli/output.h"
#include "src/cli/plots.h"
#include "src/cli/progress.h"
#include "src/cli/signals.h"
#include "src/report/html.h"
#include "src/report/results.h"

namespace gd::cli {

namespace fs = std::filesystem;

namespace {

bool is_of(const system::RunResult& found, const PlannedSweepRun& r, const scenario::StrategyChoice& c) {
  return found.seed == r.plan.scenario.seed && found.config_sha256 == scenario::config_sha256(scenario::for_strategy(r.plan.scenario, c));
}

bool is_there(const std::string& folder, const PlannedSweepRun& r, const scenario::StrategyChoice& c) {
  std::error_code error;
  return fs::exists(folder + "/" + folder_of(r, c.label) + "/summary.json", error);
}

// A piece that is there and is of this configuration.
bool done(const std::string& folder, const PlannedSweepRun& r, const scenario::StrategyChoice& c) {
  return is_there(folder, r, c) && is_of(report::read_summary(folder + "/" + folder_of(r, c.label) + "/summary.json"), r, c);
}

std::string shown(const report::SweepResult& s, const Options& o) {
  switch (o.format) {
    case Format::json: return report::sweep_json(s);
    case Format::csv: return report::sweep_csv(s);
    case Format::markdown: return report::capped(report::sweep_markdown(s));
    case Format::text: break;
  }
  return report::sweep_text(s);
}

}  // namespace

std::vector<Piece> pieces_of(const std::vector<PlannedSweepRun>& runs) {
  std::vector<Piece> out;
  for (const PlannedSweepRun& r : runs)
    for (const scenario::StrategyChoice& c : r.plan.run) out.push_back({&r, &c});
  return out;
}

std::string folder_of(const PlannedSweepRun& r, const std::string& label) { return "runs/" + std::to_string(r.run.index) + "/" + label; }

int run_pieces(const std::vector<Piece>& pieces, const Options& o, const std::string& folder) {
  std::vector<Job> jobs;
  std::vector<std::string> labels;
  for (const Piece& p : pieces) {
    const PlannedSweepRun& r = *p.run;
    const scenario::StrategyChoice& c = *p.choice;
    const std::string of_run = folder + "/runs/" + std::to_string(r.run.index);
    std::error_code error;
    fs::create_directories(of_run, error);
    if (error) throw UserError("cannot make " + of_run + ": " + error.message());
    if (&c == &r.plan.run.front() || !fs::exists(of_run + "/config.json", error)) report::write_file(of_run + "/config.json", scenario::resolved(r.plan.scenario));
    if (done(folder, r, c)) continue;
    labels.push_back(r.called + " " + c.label);
    jobs.push_back({labels.back(), [&r, &c, &o, of_run](Reporter& reporter) {
                      const std::string whole = of_run + "/" + c.label, part = of_run + "/." + c.label + ".tmp";
                      fs::remove_all(part);
                      fs::create_directory(part);
                      const int code = run_strategy(r.plan, c, o, part, reporter);
                      if (code != kFine) return code;
                      fs::remove_all(whole);
                      fs::rename(part, whole);
                      return code;
                    }});
  }
  if (jobs.empty()) return kFine;
  const auto display = make_progress(o, labels);
  PoolOptions pool = pool_options(o, std::thread::hardware_concurrency());
  pool.watcher = display.get();
  return tell_failures(jobs, run_jobs(jobs, pool));
}

Gathered gather(const SweepPlan& plan, const Options& o, const std::string& folder) {
  Gathered out;
  out.result.scenario = plan.name;
  out.result.keys = plan.keys;
  out.result.runs = plan.runs.size();
  out.gate.name = "guestdma sweep " + plan.name;
  for (const PlannedSweepRun& r : plan.runs) {
    std::vector<system::RunResult> runs;
    for (const scenario::StrategyChoice& c : r.plan.run) {
      const std::string at = folder_of(r, c.label);
      const bool there = is_there(folder, r, c);
      const system::RunResult run = there ? report::read_results(folder + "/" + at) : system::RunResult{};
      if (!there || !is_of(run, r, c)) throw UserError(folder + "/" + at + ": is missing, or is of another configuration; guestdma sweep --run-index " + std::to_string(r.run.index) + " makes it");
      out.code = worse(out.code, judge_run(run, r.plan.scenario, r.called + " " + c.label, o));
      runs.push_back(run);
      out.result.rows.push_back({r.run.index, r.run.set, at, run});
      out.result.rows.back().run.ledger.clear();
      out.result.rows.back().run.distributions.clear();
    }
    for (const report::Refused& f : r.plan.refused) out.result.refused.push_back({r.run.index, f});
    for (const report::Verdict& v : report::evaluate(r.plan.scenario.expect, runs)) {
      if (v.state == report::Verdict::State::invalid) out.code = worse(out.code, kUserMistake);
      if (v.state == report::Verdict::State::fail) out.code = worse(out.code, kGateFailed);
      if (v.state == report::Verdict::State::fail || v.state == report::Verdict::State::invalid) {
        out.failed.push_back(std::string(report::verdict_name(v.state)) + ": " + v.text + " (" + r.called + (v.label.empty() ? "" : ", " + v.label) + "): " + v.detail);
        write_error(v.place + ": " + out.failed.back());
      }
      report::Gate one = report::gate_of("sweep", plan.name + "." + std::to_string(r.run.index), {v});
      out.gate.lines.push_back(std::move(one.lines.front()));
    }
  }
  return out;
}

void write_tables(const SweepPlan& plan, const Gathered& g, const std::string& folder) {
  report::replace_file(folder + "/sweep.csv", report::sweep_csv(g.result));
  report::replace_file(folder + "/sweep.json", report::sweep_json(g.result));
  report::replace_file(folder + "/config.json", plan.config);
}

void draw_tables(const Gathered& g, const Options& o, const std::string& folder) {
  const std::string undrawn = o.plots ? draw(folder) : "";
  if (!undrawn.empty()) write_error("warning: no pictures were drawn: " + undrawn);
  report::replace_file(folder + "/report.html", report::sweep_html(g.result, g.failed, report::page_files(folder)));
}

int commit_sweep(const SweepPlan& plan, const Gathered& g, const Options& o, ResultsFolder& folder) {
  write_tables(plan, g, folder.temporary());
  draw_tables(g, o, folder.temporary());
  check_signals();
  folder.commit();
  return finish_sweep(plan, g, o, folder.shown());
}

int finish_sweep(const SweepPlan& plan, const Gathered& g, const Options& o, const std::string& where) {
  write_out(shown(g.result, o));
  write_gate(g.gate, o);
  write_note(o, std::to_string(plan.runs.size()) + " runs; results in " + where);
  return g.code;
}

}  // namespace gd::cli
