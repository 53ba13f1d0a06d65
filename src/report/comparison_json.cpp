// The comparison as JSON, alone and in the one document of `--format json`.
#include "src/report/comparison.h"
#include "src/report/json_text.h"
#include "src/report/results.h"
#include "src/report/summary_part.h"

namespace gd::report {

namespace {

void strings(JsonText& j, const char* key, const std::vector<std::string>& items) {
  j.key(key).open('[');
  for (const std::string& s : items) j.string(s);
  j.close();
}

void row_part(JsonText& j, const Comparison& c, const Row& row) {
  j.open('{', JsonText::flat).key("metric").string(row.metric).key("title").string(row.title).key("unit").string(row.unit);
  j.key("better").string(row.better > 0 ? "more" : row.better < 0 ? "less" : "neither");
  j.key("values").open('{');
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    j.key(c.columns[i].label);
    if (!row.cells[i].value) j.raw("null");
    else if (c.seeds.seeds.empty()) j.real(*row.cells[i].value);
    else j.raw(statistic(*row.cells[i].value));
  }
  bool spread = false;
  for (const Cell& x : row.cells) spread |= x.half > 0;
  if (spread) {
    j.close().key("half").open('{');
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      if (row.cells[i].value) j.key(c.columns[i].label).raw(statistic(row.cells[i].half));
  }
  j.close().key("best").open('[');
  for (std::size_t i = 0; i < row.cells.size(); ++i)
    if (row.cells[i].best) j.string(c.columns[i].label);
  j.close();
  bool noted = false;
  for (const Cell& x : row.cells) noted |= !x.note.empty();
  if (noted) {
    j.key("mostly").open('{');
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      if (!row.cells[i].note.empty()) j.key(c.columns[i].label).string(row.cells[i].note);
    j.close();
  }
  j.close();
}

void facts(JsonText& j, const char* key, const std::vector<Fact>& list) {
  j.key(key).open('[');
  for (const Fact& f : list)
    j.open('{', JsonText::flat).key("name").string(f.name).key("unit").string(f.unit).key("from").real(f.from).key("to").real(f.to).key("difference").real(f.to - f.from).close();
  j.close();
}

void reason_part(JsonText& j, const Reason& r) {
  j.open('{').key("from").string(r.from).key("to").string(r.to).key("unit").string("cycles/packet");
  if (r.measured) {
    std::int64_t sum = 0;
    for (const Term& t : r.terms) sum += t.difference();
    j.key("cycles").open('{', JsonText::flat).key("from").raw(milli_text(r.cycles_from)).key("to").raw(milli_text(r.cycles_to));
    j.key("difference").raw(milli_text(r.cycles_to - r.cycles_from)).key("sum_of_terms").raw(milli_text(sum)).key("remainder").raw(milli_text(r.remainder)).close();
    j.key("terms").open('[');
    for (const Term& t : r.terms)
      j.open('{', JsonText::flat).key("component").string(t.component).key("from").raw(milli_text(t.from)).key("to").raw(milli_text(t.to)).key("difference").raw(milli_text(t.difference())).close();
    j.close();
    facts(j, "traffic", r.traffic);
    facts(j, "waiting", r.waiting);
  }
  strings(j, "words", r.sentences);
  j.close();
}

void refused_part(JsonText& j, const std::vector<Refused>& list) {
  j.key("refused").open('[');
  for (const Refused& r : list) j.open('{', JsonText::flat).key("label").string(r.label).key("strategy").string(r.strategy).key("reason").string(r.reason).close();
  j.close();
}

void expect_part(JsonText& j, const std::vector<Verdict>& verdicts) {
  j.key("expect").open('[');
  for (const Verdict& v : verdicts) {
    j.open('{', JsonText::flat).key("state").string(verdict_name(v.state)).key("line").string(v.text).key("place").string(v.place);
    j.key("metric").string(v.metric).key("label").string(v.label).key("measured");
    if (v.measured) j.real(*v.measured);
    else j.raw("null");
    j.key("wanted");
    if (v.wanted) j.real(*v.wanted);
    else j.raw("null");
    j.key("unit").string(v.unit).key("detail").string(v.detail).close();
  }
  j.close();
}

void comparison_part(JsonText& j, const Comparison& c) {
  j.key("strategies").open('[');
  for (const Column& x : c.columns) {
    j.open('{', JsonText::flat).key("label").string(x.label).key("strategy").string(x.strategy).key("suffers").open('[', JsonText::flat);
    for (const Suffering& w : x.suffers) j.open('{', JsonText::flat).key("word").string(w.word).key("figure").string(w.figure).close();
    j.close().close();
  }
  j.close().key("rows").open('[');
  for (const Row& r : c.rows) row_part(j, c, r);
  j.close().key("reasons").open('[');
  for (const Reason& r : c.reasons) reason_part(j, r);
  j.close();
  strings(j, "notes", c.notes);
  std::vector<std::string> labels;
  for (const Column& x : c.columns) labels.push_back(x.label);
  seeds_part(j, c.seeds, labels);
}

}  // namespace

std::string comparison_json(const Comparison& c, const std::vector<Verdict>& verdicts) {
  JsonText j;
  j.open('{').key("schema").count(kSchema).key("scenario").string(c.scenario).key("description").string(c.description);
  comparison_part(j, c);
  refused_part(j, c.refused);
  expect_part(j, verdicts);
  j.close();
  return j.text();
}

std::string document_json(const std::string& command, const ComparisonInput& input, const std::vector<Verdict>& verdicts) {
  JsonText j;
  j.open('{').key("schema").count(kSchema).key("command").string(command).key("scenario").string(input.scenario);
  j.key("runs").open('[');
  if (input.seeds.empty())
    for (const system::RunResult& r : input.runs) summary_part(j, r);
  for (const SeedRuns& of : input.seeds)
    for (const system::RunResult& r : of) summary_part(j, r);
  j.close().key("comparison").open('{');
  comparison_part(j, compare(input));
  j.close();
  refused_part(j, input.refused);
  expect_part(j, verdicts);
  j.close();
  return j.text();
}

}  // namespace gd::report
