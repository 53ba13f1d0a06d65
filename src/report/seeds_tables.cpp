// Statistics over seeds as text, markdown, CSV and JSON.
#include <algorithm>
#include <cstdio>

#include "src/report/json_text.h"
#include "src/report/seeds.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

std::string confidence() { return figure(kConfidence * 100) + " %"; }

bool about_the_first(const SeedStatistics& s, const PairDifference& d) { return !s.differences.empty() && d.from == s.differences.front().from; }

void interval_part(JsonText& j, const char* key, const Interval& i) {
  j.key(key).open('{', JsonText::flat).key("mean").raw(statistic(i.mean)).key("lower").raw(statistic(i.lower())).key("upper").raw(statistic(i.upper())).close();
}

std::string head_line(const SeedStatistics& s) {
  return "Differences over " + std::to_string(s.seeds.size()) + " seeds (" + seeds_in_words(s.seeds) + "), " + confidence() + " intervals, paired by seed";
}

bool of_one_guest(const std::string& metric) { return metric.starts_with("guest.") && metric.find('.', 6) != std::string::npos; }

std::string signed_span(const PairDifference& d) {
  const std::string low = signed_figure(d.paired.difference.lower()), high = signed_figure(d.paired.difference.upper());
  return (low == high ? low : low + " to " + high) + (d.unit.empty() ? "" : " " + d.unit);
}

// Pairs with the first strategy: the other's label, and what policies gate of the whole run.
struct Against { std::string label; std::vector<const PairDifference*> counted, others; };
std::vector<Against> against_the_first(const SeedStatistics& s) {
  std::vector<Against> out;
  for (const PairDifference& d : s.differences) {
    if (!about_the_first(s, d) || !d.gate || of_one_guest(d.metric)) continue;
    if (out.empty() || out.back().label != d.to) out.push_back({d.to, {}, {}});
    (d.paired.finding == Finding::counted ? out.back().counted : out.back().others).push_back(&d);
  }
  return out;
}

}  // namespace

std::string statistic(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", v);
  return text;
}

std::string seeds_note(const SeedStatistics& s) {
  bool any = false;
  for (const std::vector<MetricSeeds>& list : s.metrics)
    for (const MetricSeeds& m : list) any = any || m.interval.half > 0;
  return "Means over " + std::to_string(s.seeds.size()) + " seeds (" + seeds_in_words(s.seeds) + ")" +
         (any ? ", ± half of the " + confidence() + " interval." : ". The seeds change nothing: no part of this scenario is drawn at random.");
}

std::string seeds_in_words(const std::vector<std::uint64_t>& seeds) {
  bool in_a_row = seeds.size() > 2;
  for (std::size_t i = 1; i < seeds.size(); ++i) in_a_row = in_a_row && seeds[i] == seeds[i - 1] + 1;
  if (in_a_row) return std::to_string(seeds.front()) + " to " + std::to_string(seeds.back());
  std::vector<std::string> items;
  for (const std::uint64_t s : seeds) items.push_back(std::to_string(s));
  return listed(items);
}

std::string with_half(const Interval& i) {
  if (i.n == 0) return "-";
  return figure(i.mean) + (i.half > 0 ? " ± " + figure(i.half) : "");
}

std::string differences_text(const SeedStatistics& s, unsigned width) {
  if (s.differences.empty()) return "";
  std::string out = "\n" + head_line(s) + "\n";
  for (const Against& a : against_the_first(s)) {
    out += a.label + " against " + s.differences.front().from + "\n";
    std::size_t wide = 0;
    for (const PairDifference* d : a.counted) wide = std::max(wide, columns_of(d->metric));
    for (const PairDifference* d : a.counted) out += wrap("  " + pad_right(d->metric, wide) + "  " + d->words, width, wide + 4);
    std::vector<std::string> rest, same;
    for (const PairDifference* d : a.others) {
      if (d->paired.finding == Finding::equal) same.push_back(d->metric);
      else rest.push_back(d->metric + " " + (d->paired.finding == Finding::unknown ? "(one seed)" : "(" + signed_span(*d) + ")"));
    }
    if (!rest.empty()) out += wrap("  no difference that counts: " + listed(rest), width, 4);
    if (!same.empty()) out += wrap("  the same in both: " + listed(same), width, 4);
  }
  return out;
}

std::string differences_markdown(const SeedStatistics& s) {
  if (s.differences.empty()) return "";
  std::string out = "\n## " + head_line(s) + "\n";
  for (const Against& a : against_the_first(s)) {
    out += "\n" + markdown_cell(a.label) + " against " + markdown_cell(s.differences.front().from) + ":\n\n| metric | difference |\n|---|---|\n";
    for (const auto* list : {&a.counted, &a.others})
      for (const PairDifference* d : *list)
        out += "| " + markdown_cell(d->metric) + " | " + (list == &a.counted ? "**" + markdown_cell(d->words) + "**" : markdown_cell(d->words)) + " |\n";
  }
  return out;
}

std::string seed_metrics_text(const SeedStatistics& s, std::size_t n, const std::string& title) {
  std::string out = title + ": " + std::to_string(s.seeds.size()) + " seeds (" + seeds_in_words(s.seeds) + "), mean and " + confidence() + " interval\n\n";
  std::size_t name = 0;
  for (const MetricSeeds& m : s.metrics[n]) name = std::max(name, columns_of(m.metric));
  for (const MetricSeeds& m : s.metrics[n])
    if (m.interval.mean != 0 || m.interval.half != 0)
      out += pad_right(m.metric, name) + "  " + with_half(m.interval) + (m.unit.empty() ? "" : " " + m.unit) +
             (m.interval.n == s.seeds.size() ? "" : "  (" + std::to_string(m.interval.n) + " of the seeds have it)") + "\n";
  return out;
}

std::string seed_metrics_markdown(const SeedStatistics& s, std::size_t n, const std::string& title) {
  std::string out = "# " + markdown_cell(title) + "\n\n" + std::to_string(s.seeds.size()) + " seeds (" + seeds_in_words(s.seeds) + "), mean and half of the " + confidence() +
                    " interval\n\n| metric | mean | ± | unit | seeds |\n|---|--:|--:|---|--:|\n";
  for (const MetricSeeds& m : s.metrics[n])
    out += "| " + markdown_cell(m.metric) + " | " + figure(m.interval.mean) + " | " + figure(m.interval.half) + " | " + markdown_cell(m.unit) + " | " + std::to_string(m.interval.n) + " |\n";
  return out;
}

std::string seed_metrics_csv(const SeedStatistics& s, std::size_t n, const std::string& label) {
  std::string out;
  for (const MetricSeeds& m : s.metrics[n])
    out += csv_field(label) + "," + csv_field(m.metric) + "," + csv_field(m.unit) + "," + std::to_string(m.interval.n) + "," + statistic(m.interval.mean) + "," + statistic(m.interval.half) + "\n";
  return out;
}

void seeds_part(JsonText& j, const SeedStatistics& s, const std::vector<std::string>& labels) {
  if (s.seeds.empty()) return;
  j.key("seeds").open('{').key("seeds").open('[', JsonText::flat);
  for (const std::uint64_t n : s.seeds) j.count(n);
  j.close().key("confidence").real(kConfidence).key("metrics").open('{');
  for (std::size_t i = 0; i < s.metrics.size(); ++i) {
    j.key(labels[i]).open('{');
    for (const MetricSeeds& m : s.metrics[i])
      j.key(m.metric).open('{', JsonText::flat).key("mean").raw(statistic(m.interval.mean)).key("half").raw(statistic(m.interval.half)).key("n").count(m.interval.n).key("unit").string(m.unit).close();
    j.close();
  }
  j.close().key("differences").open('[');
  for (const PairDifference& d : s.differences) {
    j.open('{', JsonText::flat).key("from").string(d.from).key("to").string(d.to).key("metric").string(d.metric).key("unit").string(d.unit).key("gate").boolean(d.gate);
    j.key("n").count(d.paired.difference.n);
    interval_part(j, "difference", d.paired.difference);
    j.key("tolerance").raw(statistic(d.paired.tolerance)).key("finding").string(finding_name(d.paired.finding)).key("words").string(d.words).close();
  }
  j.close().close();
}

}  // namespace gd::report
