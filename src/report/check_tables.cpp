// A check as text, markdown, CSV and JSON.
#include <algorithm>
#include <cmath>

#include "src/report/ansi.h"
#include "src/report/check.h"
#include "src/report/json_text.h"
#include "src/report/results.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

using ChangeState = MetricChange::State;

constexpr std::size_t kMostRows = 40;      // of a pair, in text and markdown; the failed ones are always shown

std::string change_text(const MetricChange& c) {
  return c.change ? signed_figure(std::round(*c.change * 1e4) / 100) + " %" : "-";
}

// What became of a pair, in words.
std::string outcome(const PairCheck& p) {
  if (p.missing) return "missing in the new results";
  if (p.not_comparable) return "another configuration";
  std::size_t failed = 0, told = 0, better = 0;
  for (const MetricChange& c : p.changes) failed += c.state == ChangeState::failed, told += c.state == ChangeState::told, better += c.state == ChangeState::better;
  const std::string n = std::to_string(p.compared) + " metrics";
  if (p.same_run) {
    if (failed != 0) return "the same run, but " + std::to_string(failed) + " of " + n + " differ";
    return p.fingerprint_equal ? "the same run, " + n + " equal" : "the same run, " + n + " equal, but it went another way (fingerprint)";
  }
  std::string out = n + ", " + std::to_string(failed) + " failed, " + std::to_string(told) + " changed, " + std::to_string(better) + " better";
  if (p.other_configuration) out += "; another configuration";
  if (!p.seeds.empty()) out += "; " + std::to_string(p.seeds.size()) + " seeds (" + seeds_in_words(p.seeds) + ") paired, intervals of 95 %";
  if (p.seed != p.old_seed) out += "; seed " + std::to_string(p.seed) + " against " + std::to_string(p.old_seed);
  return out;
}

// The pair's name: its label, and its seed where the label has several.
std::string called(const Check& c, const PairCheck& p) {
  const auto like = std::count_if(c.pairs.begin(), c.pairs.end(), [&](const PairCheck& o) { return o.label == p.label; });
  return like > 1 ? p.label + " seed " + std::to_string(p.seed) : p.label;
}

// The changes that are shown: the failed ones, and others as long as there is room.
std::vector<const MetricChange*> shown(const PairCheck& p) {
  std::vector<const MetricChange*> out;
  for (const MetricChange& c : p.changes)
    if (c.state == ChangeState::failed || out.size() < kMostRows) out.push_back(&c);
  return out;
}

std::string last_line(const Check& c) {
  const std::size_t n = c.failures();
  std::string out = std::to_string(c.pairs.size() - n) + " of " + std::to_string(c.pairs.size()) + " runs hold";
  if (!c.comparable()) out = "not comparable";
  return out;
}

}  // namespace

std::string check_text(const Check& c, bool colour) {
  std::string out;
  for (const PairCheck& p : c.pairs) {
    const bool bad = p.failed() || p.not_comparable;
    const std::string head = called(c, p) + ": " + outcome(p);
    out += (colour ? (bad ? ansi::kRed : ansi::kGreen) + head + ansi::kOff : head) + "\n";
    const std::vector<const MetricChange*> list = shown(p);
    std::size_t metric = 0, before = 0, now = 0, change = 0;
    for (const MetricChange* m : list) {
      metric = std::max(metric, columns_of(m->metric)), before = std::max(before, columns_of(m->before_text));
      now = std::max(now, columns_of(m->now_text)), change = std::max(change, columns_of(change_text(*m)));
    }
    for (const MetricChange* m : list)
      out += "  " + pad_right(change_name(m->state), 8) + pad_right(m->metric, metric) + "  " + pad_left(m->before_text, before) + " -> " + pad_left(m->now_text, now) + "  " +
             pad_left(change_text(*m), change) + "  " + m->detail + "\n";
    if (list.size() < p.changes.size()) out += "  and " + std::to_string(p.changes.size() - list.size()) + " more that fail nothing\n";
  }
  for (const std::string& label : c.unpaired) out += label + ": not in the old results\n";
  for (const std::string& n : c.notes) out += "note: " + n + "\n";
  return out + last_line(c) + "\n";
}

std::string check_markdown(const Check& c) {
  std::string out = "# " + markdown_cell(c.scenario) + ": " + last_line(c) + "\n\n" + markdown_cell(c.new_name) + " against " + markdown_cell(c.old_name) + "\n";
  for (const PairCheck& p : c.pairs) {
    out += "\n## " + markdown_cell(called(c, p)) + ": " + outcome(p) + "\n";
    const std::vector<const MetricChange*> list = shown(p);
    if (!list.empty()) out += "\n| | metric | old | new | unit | change | |\n|---|---|--:|--:|---|--:|---|\n";
    for (const MetricChange* m : list) {
      const std::string name = change_name(m->state);
      out += "| " + (m->state == ChangeState::failed ? "**" + name + "**" : name) + " | " + markdown_cell(m->metric) + " | " + m->before_text + " | " + m->now_text + " | " + markdown_cell(m->unit) + " | " +
             change_text(*m) + " | " + markdown_cell(m->detail) + " |\n";
    }
    if (list.size() < p.changes.size()) out += "\nand " + std::to_string(p.changes.size() - list.size()) + " more that fail nothing\n";
  }
  for (const std::string& label : c.unpaired) out += "\n" + markdown_cell(label) + ": not in the old results\n";
  for (const std::string& n : c.notes) out += "\nNote: " + markdown_cell(n) + "\n";
  return out;
}

std::string check_csv(const Check& c) {
  std::string out = "label,seed,metric,unit,old,new,change,state\n";
  for (const PairCheck& p : c.pairs)
    for (const MetricChange& m : p.changes)
      out += csv_field(p.label) + "," + std::to_string(p.seed) + "," + csv_field(m.metric) + "," + csv_field(m.unit) + "," + (m.before ? m.before_text : "") + "," + (m.now ? m.now_text : "") + "," +
             (m.change ? number(*m.change) : "") + "," + change_name(m.state) + "\n";
  return out;
}

std::string check_json(const Check& c) {
  JsonText j;
  j.open('{').key("schema").count(kSchema).key("command").string("check").key("scenario").string(c.scenario);
  j.key("new").string(c.new_name).key("old").string(c.old_name).key("comparable").boolean(c.comparable()).key("failed").count(c.failures());
  j.key("runs").open('[');
  for (const PairCheck& p : c.pairs) {
    j.open('{').key("label").string(p.label).key("seed").count(p.seed).key("old_seed").count(p.old_seed).key("failed").boolean(p.failed());
    if (!p.seeds.empty()) {
      j.key("seeds").open('[', JsonText::flat);
      for (const std::uint64_t s : p.seeds) j.count(s);
      j.close();
    }
    j.key("missing").boolean(p.missing).key("same_run").boolean(p.same_run).key("other_configuration").boolean(p.other_configuration);
    j.key("fingerprint_equal").boolean(p.fingerprint_equal).key("metrics").count(p.compared).key("changes").open('[');
    for (const MetricChange& m : p.changes) {
      j.open('{', JsonText::flat).key("metric").string(m.metric).key("unit").string(m.unit).key("state").string(change_name(m.state));
      j.key("old").raw(m.before ? m.before_text : "null").key("new").raw(m.now ? m.now_text : "null").key("change");
      if (m.change) j.real(*m.change);
      else j.raw("null");
      j.key("detail").string(m.detail).close();
    }
    j.close().close();
  }
  j.close().key("unpaired").open('[', JsonText::flat);
  for (const std::string& l : c.unpaired) j.string(l);
  j.close().key("notes").open('[', JsonText::flat);
  for (const std::string& n : c.notes) j.string(n);
  return j.close().close().text();
}

}  // namespace gd::report
