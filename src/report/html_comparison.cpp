// The page of `run` and `compare`.
#include <algorithm>
#include <map>

#include "models/ports/frame.h"
#include "src/report/html.h"
#include "src/report/html_part.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

using system::Metric;
using system::RunResult;

// The stage of a frame's way at which the bytes of a ledger's context are moved.
const char* stage_of(const std::string& context) {
  if (context == "device") return stage_name(Stage::dma);
  if (context == "hardirq" || context == "softirq") return stage_name(Stage::stack);
  if (context == "vhost") return stage_name(Stage::deliver);
  if (context == "guest-softirq" || context == "guest-hardirq") return stage_name(Stage::guest);
  return stage_name(Stage::app);
}

void cycles_part(JsonText& j, const RunResult& r) {
  std::map<std::string, std::uint64_t> sums;   // milli-cycles by component
  for (const system::LedgerLine& l : r.ledger) sums[l.component] += l.milli_cycles;
  const std::uint64_t packets = packets_of(r);
  j.key("cycles").open('[');
  for (const auto& [component, mc] : sums)
    if (packets != 0 && mc != 0) j.open('[').string(component).real(static_cast<double>(mc) / 1000 / static_cast<double>(packets)).close();
  j.close();
}

// Bytes moved for each packet, and at which stage of its way.
void moves_part(JsonText& j, const RunResult& r) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> sums;
  for (const system::LedgerLine& l : r.ledger) {
    if (l.bytes == 0) continue;
    const bool device = l.context == "device";
    sums[{stage_of(l.context), device ? l.component + " " + l.operation : l.component + "." + l.operation + " (" + l.context + ")"}] += l.bytes;
  }
  const std::uint64_t packets = packets_of(r);
  j.key("moves").open('[');
  for (const auto& [name, bytes] : sums)
    if (packets != 0) j.open('{').key("stage").string(name.first).key("what").string(name.second).key("bytes").real(static_cast<double>(bytes) / static_cast<double>(packets)).close();
  j.close();
}

void way_part(JsonText& j, const RunResult& r) {
  j.key("medians").open('{');
  for (int s = 1; s < static_cast<int>(Stage::count_); ++s) {
    const std::string stage = stage_name(static_cast<Stage>(s));
    if (const Metric* m = r.find("latency.stage." + stage + ".p50")) j.key(stage).raw(m->text());
  }
  j.close();
  if (r.way.steps.empty()) {
    j.key("way").raw("null");
    return;
  }
  j.key("way").open('{').key("frame").count(r.way.frame).key("bytes").count(r.way.bytes).key("steps").open('[');
  for (const system::Way::Step& s : r.way.steps) j.open('[').string(s.stage).real(static_cast<double>(s.at) / 1000).close();
  j.close().close();
}

// Upper bounds in ns and how many frames took at most that long, of all seeds.
void latency_part(JsonText& j, const std::vector<const RunResult*>& runs) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> buckets;   // by upper and lower bound
  for (const RunResult* r : runs)
    for (const system::Distribution& d : r->distributions)
      if (d.name == "latency" || d.name == "dma.latency")
        for (const auto& b : d.buckets) buckets[{b.upper, b.lower}] += b.count;
  j.key("lowest").count(buckets.empty() ? 0 : buckets.begin()->first.second).key("latency").open('[');
  std::uint64_t seen = 0;
  for (const auto& [bounds, count] : buckets) {
    seen += count;
    j.open('[').count(bounds.first).count(seen).close();
  }
  j.close();
}

void strategy_part(JsonText& j, const ComparisonInput& in, const Comparison& c, std::size_t i) {
  // Of several seeds: cycles of all with the same weight, all frames' latencies, a frame of the first seed and the bytes moved in it.
  const RunResult& shown = in.runs[i];
  const RunResult pooled = in.seeds.empty() ? RunResult{} : pooled_run(in.seeds[i]);
  std::vector<const RunResult*> all{&shown};
  if (!in.seeds.empty()) {
    all.clear();
    for (const RunResult& r : in.seeds[i]) all.push_back(&r);
  }
  const RunResult& books = in.seeds.empty() ? shown : pooled;
  j.open('{', JsonText::flat).key("label").string(c.columns[i].label).key("strategy").string(c.columns[i].strategy).key("suffers").open('[');
  for (const Suffering& s : c.columns[i].suffers)
    if (std::string_view(s.word) != "fine") j.string(std::string(s.word) + (s.figure.empty() ? "" : " (" + s.figure + ")"));
  j.close();
  cycles_part(j, books);
  moves_part(j, *all.front());
  way_part(j, *all.front());
  latency_part(j, all);
  j.close();
}

void rows_part(JsonText& j, const Comparison& c) {
  j.key("rows").open('[');
  for (const Row& row : c.rows) {
    j.open('{', JsonText::flat).key("metric").string(row.metric).key("title").string(row.title).key("unit").string(row.unit).key("better").raw(std::to_string(row.better)).key("cells").open('[');
    for (const Cell& x : row.cells) {
      j.open('{').key("value");
      if (x.value) j.real(*x.value);
      else j.raw("null");
      j.key("text").string(x.text + (x.half > 0 ? " ± " + figure(x.half) : "")).key("best").boolean(x.best).key("note").string(x.note).close();
    }
    j.close().close();
  }
  j.close();
}

void reasons_part(JsonText& j, const Comparison& c) {
  j.key("reasons").open('[');
  for (const Reason& r : c.reasons) {
    j.open('{', JsonText::flat).key("from").string(r.from).key("to").string(r.to).key("words").open('[');
    for (const std::string& s : r.sentences) j.string(s);
    for (const PairDifference& d : c.seeds.differences)
      if (d.gate && d.from == r.from && d.to == r.to) j.string("Over the seeds, " + d.metric + ": " + d.words);
    j.close().key("terms").open('[');
    for (const Term& t : r.terms) j.open('[').string(t.component).raw(milli_text(t.from)).raw(milli_text(t.to)).close();
    j.close().close();
  }
  j.close();
}

// Every metric that some run has and that is not 0 in all.
void metrics_part(JsonText& j, const std::vector<RunResult>& runs) {
  std::map<std::string, std::vector<const Metric*>> all;
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (const Metric& m : runs[i].metrics) {
      all[m.name].resize(runs.size());
      all[m.name][i] = &m;
    }
  j.key("metrics").open('[');
  for (const auto& [name, values] : all) {
    if (std::none_of(values.begin(), values.end(), [](const Metric* m) { return m && m->num != 0; })) continue;
    const Metric* any = *std::find_if(values.begin(), values.end(), [](const Metric* m) { return m != nullptr; });
    const system::MetricInfo* info = system::find_metric(name);
    j.open('{', JsonText::flat).key("name").string(name).key("unit").string(any->unit).key("about").string(info ? info->description : "").key("values").open('[');
    for (const Metric* m : values) j.raw(m ? m->text() : "null");
    j.close().close();
  }
  j.close();
}

}  // namespace

std::string comparison_html(const ComparisonInput& in, const Comparison& c, const std::vector<Verdict>& verdicts, const std::vector<std::string>& files) {
  JsonText j;
  j.open('{').key("kind").string("comparison").key("stages").open('[', JsonText::flat);
  for (int s = 0; s < static_cast<int>(Stage::count_); ++s) j.string(stage_name(static_cast<Stage>(s)));
  j.close().key("strategies").open('[');
  for (std::size_t i = 0; i < in.runs.size(); ++i) strategy_part(j, in, c, i);
  j.close();
  rows_part(j, c);
  reasons_part(j, c);
  j.key("notes").open('[');
  for (const std::string& n : c.notes) j.string(n);
  if (!c.seeds.seeds.empty()) j.string(seeds_note(c.seeds));
  j.close().key("refused").open('[');
  for (const Refused& r : c.refused) j.open('{', JsonText::flat).key("label").string(r.label).key("reason").string(r.reason).close();
  j.close().key("expect").open('[');
  for (const Verdict& v : verdicts)
    j.open('{', JsonText::flat).key("state").string(verdict_name(v.state)).key("line").string(v.text).key("label").string(v.label).key("detail").string(v.detail).close();
  j.close();
  metrics_part(j, in.runs);
  files_part(j, files);
  j.close();
  return page_html(c.scenario, c.description, comparison_text(c) + verdicts_text(verdicts), j.text());
}

}  // namespace gd::report
