// sweep: a scenario's runs over axes and seeds, or a search. A sweep that was ended goes on (--resume), or can be worked on from many
// places (--run-index).
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/gates.h"
#include "src/cli/output.h"
#include "src/cli/results_folder.h"
#include "src/cli/search.h"
#include "src/cli/signals.h"
#include "src/cli/slurm.h"
#include "src/cli/sweep_plan.h"
#include "src/cli/sweep_runs.h"

namespace gd::cli {

namespace {

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
  const std::string common = run_command_line("guestdma", o);
  std::string out;
  for (const PlannedSweepRun& r : plan.runs) out += common + std::to_string(r.run.index) + "\n";
  write_out(out);
  return kFine;
}

int one_run(const SweepPlan& plan, const Options& o) {
  if (!o.out) throw UserError("--run-index needs --out DIR, in which the runs meet");
  const int code = run_pieces(pieces_of(plan.runs), o, *o.out);
  if (code != kFine) return code;
  const Gathered g = gather(plan, o, *o.out);
  write_gate(g.gate, o);
  write_note(o, "results in " + *o.out + "/runs/" + std::to_string(plan.runs.front().run.index));
  return g.code;
}

}  // namespace

int sweep_command(const Options& o) {
  require_gate_files(o);
  const std::string& file = o.arguments[0];
  if ((o.dry_run ? 1 : 0) + (o.list_commands ? 1 : 0) + (o.run_index ? 1 : 0) + (o.collect ? 1 : 0) + (o.resume ? 1 : 0) + (o.slurm ? 1 : 0) > 1)
    throw UserError("of --dry-run, --list-commands, --run-index, --collect, --resume and --slurm one can be given");
  if (!o.slurm_args.empty() && !o.slurm) throw UserError("option --slurm-args means nothing without --slurm");
  const SweepPlanner planner(file, o);
  if (planner.base().sweep.search) return search_sweep(planner, o);
  const SweepPlan plan = planner.product();
  if (o.dry_run) return list_runs(plan);
  if (o.list_commands) return list_commands(plan, o);
  if (o.slurm) return submit_to_slurm(plan, o);
  hold_signals();
  if (o.run_index) return one_run(plan, o);
  if (o.collect) {
    if (!o.out) throw UserError("--collect needs --out DIR, in which the runs meet");
    const Gathered g = gather(plan, o, *o.out);
    write_tables(plan, g, *o.out);
    draw_tables(g, o, *o.out);
    return finish_sweep(plan, g, o, *o.out);
  }
  ResultsFolder folder(o, stem_of(file));
  folder.open_part(o.resume, plan.config);
  const int code = run_pieces(pieces_of(plan.runs), o, folder.temporary());
  if (code != kFine) return code;
  return commit_sweep(plan, gather(plan, o, folder.temporary()), o, folder);
}

}  // namespace gd::cli
