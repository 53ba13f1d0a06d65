#include "src/report/sweep.h"

#include <algorithm>

#include "src/report/json_text.h"
#include "src/report/results.h"
#include "src/report/verdict.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

struct Shown { const char *metric, *title; };
const Shown kShownMetrics[] = {{"throughput.goodput", "Gb/s"}, {"packets.dropped", "dropped"}, {"cpu.cycles_per_packet", "cycles/packet"},
                               {"host.cycles_per_packet", "host"}, {"copy.host_bytes_per_packet", "copied B"}, {"latency.p50", "p50 ns"}, {"latency.p99", "p99 ns"},
                               {"dma.bandwidth", "DMA Gb/s"}};

std::vector<std::vector<std::string>> table_of(const SweepResult& s) {
  std::vector<Shown> columns;
  for (const Shown& c : kShownMetrics)
    if (std::any_of(s.rows.begin(), s.rows.end(), [&](const SweepRow& r) { return r.run.find(c.metric) != nullptr; })) columns.push_back(c);
  std::vector<std::vector<std::string>> out;
  std::vector<std::string>& head = out.emplace_back(std::vector<std::string>{"run", "seed"});
  head.insert(head.end(), s.keys.begin(), s.keys.end());
  head.push_back("strategy");
  for (const Shown& c : columns) head.emplace_back(c.title);
  for (const SweepRow& r : s.rows) {
    std::vector<std::string>& line = out.emplace_back(std::vector<std::string>{std::to_string(r.index), std::to_string(r.run.seed)});
    for (const auto& [key, value] : r.set) line.push_back(shown_json(value));
    line.push_back(r.run.label);
    for (const Shown& c : columns) {
      const std::optional<double> v = shown_value(r.run, c.metric);
      line.push_back(v ? figure(*v) : "-");
    }
  }
  return out;
}

bool is_text(const SweepResult& s, std::size_t column) { return column >= 2 && column < 3 + s.keys.size(); }

void search_members(JsonText& j, const SweepResult& s) {
  j.key("search").open('{', JsonText::flat).key("key").string(s.search->key).key("aim").string(s.search->aim).key("what").string(s.search->what);
  j.key("from").raw(s.search->from).key("to").raw(s.search->to).key("precision").raw(s.search->precision).close();
  j.key("searches").open('[');
  for (const SearchResult& r : s.searches) {
    j.open('{').key("set").open('{', JsonText::flat);
    for (const auto& [key, value] : r.set) j.key(key).raw(value);
    j.close();
    if (r.other.empty()) j.key("label").string(r.label);
    else j.key("between").open('[', JsonText::flat).string(r.label).string(r.other).close();
    j.key("outcome").string(r.outcome);
    if (r.value) {
      j.key("value").raw(*r.value).key("below").raw(*r.below).key("above").raw(*r.above).key("index").count(r.index);
      if (!r.other.empty()) j.key("lower_below").string(r.lower_below).key("lower_above").string(r.lower_above);
    }
    if (!r.other_changes.empty()) {
      j.key("other_changes").open('[', JsonText::flat);
      for (const auto& [below, above] : r.other_changes) j.open('[').raw(below).raw(above).close();
      j.close();
    }
    j.key("looked_at").count(r.looked_at).key("words").string(r.words).close();
  }
  j.close();
}

std::string title_of(const SearchInfo& s) {
  return (s.aim == "crossover" ? "Cross-over of " + s.what + " over " + s.key : (s.aim == "highest" ? "Highest " : "Lowest ") + s.key + " with " + s.what) + ", " + shown_json(s.from) +
         " to " + shown_json(s.to);
}

}  // namespace

std::vector<std::string> sweep_refusals(const SweepResult& s) {
  std::vector<std::string> out;   // those of one reason as one line
  std::vector<std::string> told;
  for (const SweepResult::NotRun& n : s.refused) {
    const std::string text = n.refused.label + ": " + n.refused.reason;
    if (std::find(told.begin(), told.end(), text) != told.end()) continue;
    told.push_back(text);
    const auto same = std::count_if(s.refused.begin(), s.refused.end(), [&](const SweepResult::NotRun& x) { return x.refused.label == n.refused.label && x.refused.reason == n.refused.reason; });
    out.push_back("refused in " + std::to_string(same) + " of " + std::to_string(s.runs) + " runs: " + text);
  }
  return out;
}

std::vector<std::string> search_words(const SweepResult& s) {
  std::vector<std::string> out;
  if (s.search) out.push_back(title_of(*s.search) + ":");
  for (const SearchResult& r : s.searches) out.push_back(search_called(r) + ": " + r.words);
  return out;
}

std::string search_called(const SearchResult& r) {
  std::string out;
  for (const auto& [key, value] : r.set) out += (out.empty() ? "" : ", ") + key + "=" + shown_json(value);
  return out + (out.empty() ? "" : ": ") + r.label + (r.other.empty() ? "" : " against " + r.other);
}

std::string shown_json(const std::string& json) {
  return json.size() >= 2 && json.front() == '"' && json.back() == '"' && json.find('\\') == std::string::npos ? json.substr(1, json.size() - 2) : json;
}

std::string sweep_csv(const SweepResult& s) {
  std::string out = "index,seed";
  for (const std::string& k : s.keys) out += "," + csv_field(k);
  out += ",label,strategy,metric,unit,value\n";
  for (const SweepRow& r : s.rows) {
    std::string head = std::to_string(r.index) + "," + std::to_string(r.run.seed);
    for (const auto& [key, value] : r.set) head += "," + csv_field(shown_json(value));
    head += "," + csv_field(r.run.label) + "," + csv_field(r.run.strategy) + ",";
    for (const SearchResult& f : s.searches)
      if (f.value && f.index == r.index && f.seed == r.run.seed && (f.other.empty() ? f.label : f.other) == r.run.label)
        out += head + "search." + s.search->aim + "," + csv_field(s.search->unit) + "," + std::to_string(f.number) + "\n";
    for (const system::Metric& m : r.run.metrics) out += head + csv_field(m.name) + "," + csv_field(m.unit) + "," + m.text() + "\n";
  }
  return out;
}

std::string sweep_json(const SweepResult& s) {
  JsonText j;
  j.open('{').key("schema").count(kSchema).key("command").string("sweep").key("scenario").string(s.scenario).key("runs").count(s.runs);
  j.key("keys").open('[', JsonText::flat);
  for (const std::string& k : s.keys) j.string(k);
  j.close().key("rows").open('[');
  for (const SweepRow& r : s.rows) {
    j.open('{').key("index").count(r.index).key("seed").count(r.run.seed).key("set").open('{', JsonText::flat);
    for (const auto& [key, value] : r.set) j.key(key).raw(value);
    j.close().key("label").string(r.run.label).key("strategy").string(r.run.strategy).key("folder").string(r.folder);
    j.key("config_sha256").string(r.run.config_sha256).key("metrics").open('{');
    for (const system::Metric& m : r.run.metrics) j.key(m.name).open('{', JsonText::flat).key("value").raw(m.text()).key("unit").string(m.unit).close();
    j.close().close();
  }
  j.close().key("refused").open('[');
  for (const SweepResult::NotRun& n : s.refused)
    j.open('{', JsonText::flat).key("index").count(n.index).key("label").string(n.refused.label).key("strategy").string(n.refused.strategy).key("reason").string(n.refused.reason).close();
  j.close();
  if (s.search) search_members(j, s);
  return j.close().text();
}

std::string sweep_text(const SweepResult& s) {
  const std::vector<std::vector<std::string>> table = table_of(s);
  std::vector<std::size_t> width(table.front().size());
  for (const std::vector<std::string>& row : table)
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], columns_of(row[c]));
  std::string out;
  for (const std::vector<std::string>& row : table) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) line += (c ? "  " : "") + (is_text(s, c) ? pad_right(row[c], width[c]) : pad_left(row[c], width[c]));
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  for (const std::string& r : sweep_refusals(s)) out += r + "\n";
  if (s.search) out += "\n" + title_of(*s.search) + "\n";
  for (const SearchResult& r : s.searches) out += "  " + search_called(r) + ": " + (r.value ? shown_json(*r.value) + " (" + r.words + ")" : r.words) + "\n";
  return out;
}

std::string sweep_markdown(const SweepResult& s) {
  std::string out = "# " + markdown_cell(s.scenario) + ": " + std::to_string(s.runs) + " runs\n\n";
  const std::vector<std::vector<std::string>> table = table_of(s);
  for (std::size_t i = 0; i < table.size(); ++i) {
    out += "|";
    for (const std::string& cell : table[i]) out += " " + markdown_cell(cell) + " |";
    out += "\n";
    if (i != 0) continue;
    out += "|";
    for (std::size_t c = 0; c < table[i].size(); ++c) out += is_text(s, c) ? "---|" : "--:|";
    out += "\n";
  }
  for (const std::string& r : sweep_refusals(s)) out += "\n" + markdown_cell(r) + "\n";
  if (s.search) out += "\n## " + markdown_cell(title_of(*s.search)) + "\n\n";
  for (const SearchResult& r : s.searches) out += "- " + markdown_cell(search_called(r) + ": " + (r.value ? shown_json(*r.value) + " (" + r.words + ")" : r.words)) + "\n";
  return out;
}

}  // namespace gd::report
