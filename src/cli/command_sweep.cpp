// sweep: a scenario's runs over axes and seeds. Each strategy of each run is a process of its own, whose folder appears whole
// in runs/<index>/<label>; so a sweep that was ended goes on (--resume), or can be worked on from many places (--run-index).
#include <algorithm>
#include <filesystem>
#include <thread>

#include "src/cli/commands.h"
#include "src/cli/evaluate.h"
#include "src/cli/exit_code.h"
#include "src/cli/gates.h"
#include "src/cli/output.h"
#include "src/cli/plots.h"
#include "src/cli/progress.h"
#include "src/cli/results_folder.h"
#include "src/cli/signals.h"
#include "src/cli/sweep_plan.h"
#include "src/report/results.h"
#include "src/report/sweep.h"

namespace gd::cli {

namespace fs = std::filesystem;

namespace {

std::string piece(const PlannedSweepRun& r, const std::string& label) { return "runs/" + std::to_string(r.run.index) + "/" + label; }

// The summary of a piece that is there and is of this configuration.
bool done(const std::string& folder, const PlannedSweepRun& r, const scenario::StrategyChoice& c) {
  std::error_code error;
  const std::string path = folder + "/" + piece(r, c.label) + "/summary.json";
  if (!fs::exists(path, error)) return false;
  const system::RunResult found = report::read_summary(path);
  return found.seed == r.plan.scenario.seed && found.config_sha256 == scenario::config_sha256(scenario::for_strategy(r.plan.scenario, c));
}

// Runs what is not done yet, below `folder`. Pieces are renamed when whole.
int run_pieces(const SweepPlan& plan, const Options& o, const std::string& folder) {
  std::vector<Job> jobs;
  std::vector<std::string> labels;
  for (const PlannedSweepRun& r : plan.runs) {
    const std::string of_run = folder + "/runs/" + std::to_string(r.run.index);
    std::error_code error;
    fs::create_directories(of_run, error);
    if (error) throw UserError("cannot make " + of_run + ": " + error.message());
    report::write_file(of_run + "/config.json", scenario::resolved(r.plan.scenario));
    for (const scenario::StrategyChoice& c : r.plan.run) {
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
  }
  if (jobs.empty()) return kFine;
  const auto display = make_progress(o, labels);
  PoolOptions pool = pool_options(o, std::thread::hardware_concurrency());
  pool.watcher = display.get();
  return tell_failures(jobs, run_jobs(jobs, pool));
}

struct Gathered {
  report::SweepResult result;
  report::Gate gate;
  int code = kFine;
};

// Reads the pieces, and judges integrity and expect lines of each run.
Gathered gather(const SweepPlan& plan, const Options& o, const std::string& folder) {
  Gathered out;
  out.result.scenario = plan.name;
  out.result.keys = plan.keys;
  out.result.runs = plan.runs.size();
  out.gate.name = "guestdma sweep " + plan.name;
  for (const PlannedSweepRun& r : plan.runs) {
    std::vector<system::RunResult> runs;
    for (const scenario::StrategyChoice& c : r.plan.run) {
      const std::string at = piece(r, c.label);
      if (!done(folder, r, c)) throw UserError(folder + "/" + at + ": is missing, or is of another configuration; guestdma sweep --run-index " + std::to_string(r.run.index) + " makes it");
      const system::RunResult run = report::read_results(folder + "/" + at);
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
      if (v.state == report::Verdict::State::fail || v.state == report::Verdict::State::invalid)
        write_error(v.place + ": " + report::verdict_name(v.state) + ": " + v.text + " (" + r.called + (v.label.empty() ? "" : ", " + v.label) + "): " + v.detail);
      report::Gate one = report::gate_of("sweep", plan.name + "." + std::to_string(r.run.index), {v});
      out.gate.lines.push_back(std::move(one.lines.front()));
    }
  }
  return out;
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

void write_tables(const SweepPlan& plan, const Gathered& g, const std::string& folder) {
  report::replace_file(folder + "/sweep.csv", report::sweep_csv(g.result));
  report::replace_file(folder + "/sweep.json", report::sweep_json(g.result));
  report::replace_file(folder + "/config.json", plan.config);
}

// Pictures of tables that are whole; tells why there are none.
void draw_tables(const Options& o, const std::string& folder) {
  const std::string undrawn = o.plots ? draw(folder) : "";
  if (!undrawn.empty()) write_error("warning: no pictures were drawn: " + undrawn);
}

// What would run.
int list_runs(const SweepPlan& plan) {
  std::string out;
  std::size_t pieces = 0;
  for (const PlannedSweepRun& r : plan.runs) {
    std::string labels;
    for (const scenario::StrategyChoice& c : r.plan.run) labels += (labels.empty() ? "" : ", ") + c.label;
    pieces += r.plan.run.size();
    out += r.called + ": " + labels + "\n";
  }
  write_out(out + std::to_string(plan.runs.size()) + " runs, " + std::to_string(pieces) + " processes\n");
  return kFine;
}

// A command for each run, for GNU parallel, make or a cluster.
int list_commands(const SweepPlan& plan, const Options& o) {
  if (!o.out) throw UserError("--list-commands needs --out DIR, in which the runs meet; then: guestdma sweep --collect --out DIR");
  if (o.arguments[0] == "-") throw UserError("--list-commands needs a file, not standard input");
  std::string common = "guestdma sweep " + shell_word(o.arguments[0]);
  for (const std::string& s : o.set) common += " --set " + shell_word(s);
  for (const std::string& a : o.axes) common += " --axis " + shell_word(a);
  if (o.seeds) common += " --seeds " + std::to_string(*o.seeds);
  if (o.seed) common += " --seed " + shell_word(*o.seed);
  if (o.strategy) common += " --strategy " + shell_word(*o.strategy);
  if (o.timeout > 0) common += " --timeout " + std::to_string(o.timeout);
  common += " --quiet --out " + shell_word(*o.out) + " --run-index ";
  std::string out;
  for (const PlannedSweepRun& r : plan.runs) out += common + std::to_string(r.run.index) + "\n";
  write_out(out);
  return kFine;
}

int one_run(const SweepPlan& plan, const Options& o) {
  if (!o.out) throw UserError("--run-index needs --out DIR, in which the runs meet");
  const int code = run_pieces(plan, o, *o.out);
  if (code != kFine) return code;
  const Gathered g = gather(plan, o, *o.out);
  write_gate(g.gate, o);
  write_note(o, "results in " + *o.out + "/runs/" + std::to_string(plan.runs.front().run.index));
  return g.code;
}

int finish(const SweepPlan& plan, const Gathered& g, const Options& o, const std::string& where) {
  write_out(shown(g.result, o));
  write_gate(g.gate, o);
  write_note(o, std::to_string(plan.runs.size()) + " runs; results in " + where);
  return g.code;
}

}  // namespace

int sweep_command(const Options& o) {
  require_gate_files(o);
  const std::string& file = o.arguments[0];
  if ((o.dry_run ? 1 : 0) + (o.list_commands ? 1 : 0) + (o.run_index ? 1 : 0) + (o.collect ? 1 : 0) + (o.resume ? 1 : 0) > 1)
    throw UserError("of --dry-run, --list-commands, --run-index, --collect and --resume one can be given");
  const SweepPlan plan = plan_sweep(file, o);
  if (o.dry_run) return list_runs(plan);
  if (o.list_commands) return list_commands(plan, o);
  hold_signals();
  if (o.run_index) return one_run(plan, o);
  if (o.collect) {
    if (!o.out) throw UserError("--collect needs --out DIR, in which the runs meet");
    const Gathered g = gather(plan, o, *o.out);
    write_tables(plan, g, *o.out);
    draw_tables(o, *o.out);
    return finish(plan, g, o, *o.out);
  }
  ResultsFolder folder(o, stem_of(file));
  folder.open_part(o.resume, plan.config);
  const int code = run_pieces(plan, o, folder.temporary());
  if (code != kFine) return code;
  const Gathered g = gather(plan, o, folder.temporary());
  write_tables(plan, g, folder.temporary());
  draw_tables(o, folder.temporary());
  check_signals();
  folder.commit();
  return finish(plan, g, o, folder.shown());
}

}  // namespace gd::cli
