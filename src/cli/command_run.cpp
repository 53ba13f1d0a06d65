// run and compare: the same runs, shown one by one or side by side.
#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/evaluate.h"
#include "src/cli/exit_code.h"
#include "src/cli/gates.h"
#include "src/cli/output.h"
#include "src/cli/plots.h"
#include "src/cli/policy_file.h"
#include "src/cli/signals.h"
#include "src/report/html.h"
#include "src/report/results.h"
#include "src/report/words.h"

namespace gd::cli {

namespace {

std::vector<report::Verdict> of_label(const std::vector<report::Verdict>& all, const std::string& label) {
  std::vector<report::Verdict> out;
  for (const report::Verdict& v : all)
    if (v.label == label) out.push_back(v);
  return out;
}

// The same with several seeds: means and intervals.
std::string seed_results(const Evaluation& e, const report::SeedStatistics& s, const Options& o) {
  const report::TextOptions text = text_options();
  std::string out = o.format == Format::csv ? "label,metric,unit,seeds,mean,half\n" : "";
  for (std::size_t i = 0; i < e.input.runs.size(); ++i) {
    const std::string& label = e.input.runs[i].label;
    if (o.format == Format::csv) out += report::seed_metrics_csv(s, i, label);
    else if (o.format == Format::markdown) out += (i == 0 ? "" : "\n") + report::seed_metrics_markdown(s, i, e.input.scenario + ", " + label);
    else out += report::seed_metrics_text(s, i, e.input.scenario + ", " + label) + "\n";
  }
  if (o.format != Format::text) return out;
  for (const report::Refused& r : e.input.refused) out += report::wrap("refused " + r.label + ": " + r.reason, text.width, 2);
  return out + report::verdicts_text(e.verdicts, text.colour);
}

std::string run_results(const Evaluation& e, const report::SeedStatistics& seeds, const Options& o) {
  if (o.format == Format::json) return report::document_json("run", e.input, e.verdicts);
  if (!e.input.seeds.empty()) return seed_results(e, seeds, o);
  std::string out;
  switch (o.format) {
    case Format::json: break;
    case Format::csv:
      out = "label,metric,value,unit\n";
      for (const system::RunResult& r : e.input.runs)
        for (const system::Metric& m : r.metrics) out += r.label + "," + report::csv_field(m.name) + "," + m.text() + "," + report::csv_field(m.unit) + "\n";
      return out;
    case Format::markdown:
      for (const system::RunResult& r : e.input.runs) out += (out.empty() ? "" : "\n") + report::run_markdown(r, of_label(e.verdicts, r.label));
      return out;
    case Format::text: break;
  }
  const report::TextOptions text = text_options();
  for (const system::RunResult& r : e.input.runs) out += report::run_text(r, text) + "\n";
  for (const report::Refused& r : e.input.refused) out += report::wrap("refused " + r.label + ": " + r.reason, text.width, 2);
  return out + report::verdicts_text(e.verdicts, text.colour);
}

std::string comparison_results(const Evaluation& e, const report::Comparison& c, const Options& o) {
  switch (o.format) {
    case Format::json: return report::document_json("compare", e.input, e.verdicts);
    case Format::csv: return report::comparison_csv(c);
    case Format::markdown: return report::capped(report::comparison_markdown(c, e.verdicts));
    case Format::text: break;
  }
  const report::TextOptions text = text_options();
  return report::comparison_text(c, text) + report::verdicts_text(e.verdicts, text.colour);
}

// Formats without room for the expect lines: those that do not hold or were skipped are told on standard error.
void tell_verdicts(const Evaluation& e, const Options& o, bool side_by_side) {
  const bool shown = o.format == Format::text || o.format == Format::json || (o.format == Format::markdown && side_by_side);
  for (const report::Verdict& v : e.verdicts)
    if (!shown && v.state != report::Verdict::State::pass)
      write_error(v.place + ": " + report::verdict_name(v.state) + ": " + v.text + (v.label.empty() ? "" : " (" + v.label + ")") + ": " + v.detail);
}

int execute(const Options& o, bool side_by_side) {
  const std::string& file = o.arguments[0];
  require_gate_files(o);
  ResultsFolder folder(o, stem_of(file));
  const Plan plan = make_plan(file, load_options(o));
  if (side_by_side) require_expected_strategies(plan);
  seeds_of(plan, o);   // told before anything is written
  if (o.policy && !o.seeds) throw UserError("option --policy means nothing to compare without --seeds");
  const report::Policies policies = read_policies(o.policy.value_or(""));
  hold_signals();
  folder.open();
  Evaluation e = evaluate(plan, o, folder);
  if (e.code != kFine) return e.code;

  e.input.policies = policies;
  std::string out, undrawn;
  const report::Comparison c = report::compare(e.input);
  if (side_by_side) {
    report::write_file(folder.temporary() + "/comparison.json", report::comparison_json(c, e.verdicts));
    report::write_file(folder.temporary() + "/comparison.md", report::comparison_markdown(c, e.verdicts));
    if (o.plots) undrawn = draw(folder.temporary());
    out = comparison_results(e, c, o);
  } else {
    out = run_results(e, c.seeds, o);
  }
  report::write_file(folder.temporary() + "/report.html", report::comparison_html(e.input, c, e.verdicts, report::page_files(folder.temporary())));
  check_signals();
  folder.commit();
  write_out(out);
  if (!undrawn.empty()) write_error("warning: no pictures were drawn: " + undrawn);
  tell_verdicts(e, o, side_by_side);
  write_gate(report::gate_of(side_by_side ? "compare" : "run", plan.scenario.name, e.verdicts), o);
  const int code = judge(e, plan, o);
  write_note(o, "results in " + folder.shown());
  return code;
}

}  // namespace

int run_command(const Options& o) { return execute(o, false); }
int compare_command(const Options& o) { return execute(o, true); }

}  // namespace gd::cli
