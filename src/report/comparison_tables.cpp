// The comparison as markdown and CSV.
#include "src/report/comparison.h"
#include "src/report/json_text.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

std::string table_row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& c : cells) out += " " + c + " |";
  return out + "\n";
}

std::string expect_markdown(const std::vector<Verdict>& verdicts) {
  if (verdicts.empty()) return "";
  std::string out = "\n## Expectations\n\n| result | line | strategy | detail |\n|---|---|---|---|\n";
  for (const Verdict& v : verdicts) out += table_row({verdict_name(v.state), markdown_cell(v.text), markdown_cell(v.label), markdown_cell(v.detail)});
  return out;
}

}  // namespace

std::string comparison_markdown(const Comparison& c, const std::vector<Verdict>& verdicts) {
  std::string out = "# " + markdown_cell(c.scenario) + "\n\n";
  if (!c.description.empty()) out += markdown_cell(c.description) + "\n\n";
  std::vector<std::string> head{"", "unit"};
  std::string rule = "|---|---|";
  for (const Column& x : c.columns) head.push_back(markdown_cell(x.label)), rule += "--:|";
  if (!c.columns.empty()) {
    out += table_row(head) + rule + "\n";
    for (const Row& row : c.rows) {
      std::vector<std::string> cells{markdown_cell(row.title), markdown_cell(row.unit)};
      for (const Cell& x : row.cells) {
        const std::string text = x.text + (x.note.empty() ? "" : " (" + markdown_cell(x.note) + ")");
        cells.push_back(x.best ? "**" + text + "**" : text);
      }
      out += table_row(cells);
    }
    if (c.columns.size() > 1) out += "\nBold: best of the row.\n";
    if (!c.seeds.seeds.empty()) out += "\n" + seeds_note(c.seeds) + "\n";
  }
  if (!c.refused.empty() || !c.notes.empty()) out += "\n";
  for (const Refused& r : c.refused) out += "- refused `" + r.label + "`: " + markdown_cell(r.reason) + "\n";
  for (const std::string& n : c.notes) out += "- note: " + markdown_cell(n) + "\n";
  out += differences_markdown(c.seeds);
  if (!c.reasons.empty()) out += c.seeds.seeds.empty() ? "\n## Why they differ\n\n" : "\n## Why the means differ\n\n";
  for (const Reason& r : c.reasons)
    for (std::size_t i = 0; i < r.sentences.size(); ++i) out += (i == 0 ? "- " : "  ") + markdown_cell(r.sentences[i]) + "\n";
  return out + expect_markdown(verdicts);
}

std::string comparison_csv(const Comparison& c) {
  std::string out = "metric,title,unit";
  for (const Column& x : c.columns) out += "," + csv_field(x.label);
  const bool seeds = !c.seeds.seeds.empty();
  for (const Column& x : c.columns)
    if (seeds) out += "," + csv_field(x.label + " half");
  out += "\n";
  for (const Row& row : c.rows) {
    out += csv_field(row.metric) + "," + csv_field(row.title) + "," + csv_field(row.unit);
    for (const Cell& x : row.cells) out += "," + (!x.value ? "" : seeds ? statistic(*x.value) : number(*x.value));
    for (const Cell& x : row.cells)
      if (seeds) out += "," + (x.value ? statistic(x.half) : "");
    out += "\n";
  }
  return out;
}

std::string run_markdown(const system::RunResult& r, const std::vector<Verdict>& verdicts) {
  std::string out = "# " + markdown_cell(r.scenario) + ", " + markdown_cell(r.label) + "\n\n| metric | value | unit |\n|---|--:|---|\n";
  for (const system::Metric& m : r.metrics) out += table_row({markdown_cell(m.name), m.text(), markdown_cell(m.unit)});
  const std::vector<std::string> messages = r.messages.all();
  for (const std::string& m : messages) out += "\n- " + markdown_cell(m);
  if (!messages.empty()) out += "\n";
  return out + expect_markdown(verdicts);
}

std::string run_csv(const system::RunResult& r) {
  std::string out = "metric,value,unit\n";
  for (const system::Metric& m : r.metrics) out += csv_field(m.name) + "," + m.text() + "," + csv_field(m.unit) + "\n";
  return out;
}

}  // namespace gd::report
