// Why one strategy differs from another: terms from the ledgers, facts from the metrics, and both in words.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "src/report/comparison.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

using system::Metric;
using system::RunResult;

constexpr std::size_t kTermsInWords = 6;

std::int64_t divided(__int128 n, std::int64_t d) { return static_cast<std::int64_t>((n + (n < 0 ? -d : d) / 2) / d); }

// Milli-units of a metric; 0 when it has no value.
std::int64_t milli_of(const RunResult& r, const char* name) {
  const Metric* m = r.find(name);
  return m ? divided(static_cast<__int128>(m->num) * 1000, static_cast<std::int64_t>(m->den)) : 0;
}

void fact(std::vector<Fact>& facts, const RunResult& a, const RunResult& b, const char* metric, const char* name, const char* unit, double from_by = 1, double to_by = 1) {
  const Metric *x = a.find(metric), *y = b.find(metric);
  if (x && y) facts.push_back({name, unit, x->value() * from_by, y->value() * to_by});
}

// Which operation makes most of a component's difference: " (mostly copy)", or nothing.
std::string most_of(const std::string& component, const RunResult& a, std::uint64_t packets_a, const RunResult& b, std::uint64_t packets_b) {
  std::map<std::string, double> operations;
  double sum = 0;
  const auto add = [&](const RunResult& r, double by) {
    for (const system::LedgerLine& l : r.ledger)
      if (l.component == component) operations[l.operation] += static_cast<double>(l.milli_cycles) * by, sum += static_cast<double>(l.milli_cycles) * by;
  };
  add(a, -1.0 / static_cast<double>(packets_a));
  add(b, 1.0 / static_cast<double>(packets_b));
  if (operations.size() < 2) return operations.empty() || operations.begin()->first == component ? "" : " (" + operations.begin()->first + ")";
  for (const auto& [name, d] : operations)
    if (sum != 0 && d / sum > 0.6 && d / sum < 1.5) return " (mostly " + name + ")";
  return "";
}

std::string cycles_in_words(const Reason& r, const RunResult& a, std::uint64_t packets_a, const RunResult& b, std::uint64_t packets_b) {
  const std::int64_t from = rounded_milli(r.cycles_from), to = rounded_milli(r.cycles_to), total = to - from;
  const std::string range = " (" + grouped(from) + " -> " + grouped(to) + ")";
  std::string text = total == 0 ? r.to + " needs as many cycles per packet as " + r.from + " (" + grouped(to) + ")"
                                : r.to + " needs " + grouped(std::abs(total)) + " cycles per packet " + (total < 0 ? "less" : "more") + " than " + r.from + range;
  std::int64_t gross = 0;
  for (const Term& t : r.terms) gross += std::abs(t.difference());
  std::vector<std::string> items;
  std::int64_t shown = 0;
  for (const Term& t : r.terms) {
    const std::int64_t d = rounded_milli(t.difference());
    if (items.size() == kTermsInWords || d == 0 || std::abs(t.difference()) * 100 < gross) break;
    items.push_back(t.component + " " + signed_grouped(d) + most_of(t.component, a, packets_a, b, packets_b));
    shown += d;
  }
  // What the ledgers do not explain is named; rounding and small terms are "other", so that the figures add up.
  const bool gap = std::abs(r.remainder) * 100 > std::abs(r.cycles_to - r.cycles_from) && std::abs(r.remainder) >= 1000;
  const std::int64_t unexplained = gap ? rounded_milli(r.remainder) : 0;
  if (const std::int64_t other = total - shown - unexplained; other != 0) items.push_back("other " + signed_grouped(other));
  if (gap) items.push_back("not in the ledgers " + signed_grouped(unexplained));
  if (items.empty()) return text + ".";
  text += ": ";
  for (std::size_t i = 0; i < items.size(); ++i) text += (i ? ", " : "") + items[i];
  return text + ".";
}

bool differs(const Fact& f) { return figure(f.from) != figure(f.to); }

std::string traffic_in_words(const Reason& r) {
  std::vector<std::string> items;
  for (const Fact& f : r.traffic)
    if (differs(f)) items.push_back(f.name + " " + figure(f.from) + " -> " + figure(f.to) + " " + f.unit);
  if (r.traffic.empty()) return "";
  if (items.empty()) return "Both move the same bytes.";
  std::string text = "Bytes moved: ";
  for (std::size_t i = 0; i < items.size(); ++i) text += (i ? "; " : "") + items[i];
  return text + ".";
}

std::string waiting_in_words(const Reason& r, const RunResult& a, const RunResult& b) {
  const Metric *x = a.find("latency.p50"), *y = b.find("latency.p50");
  if (!x || !y) return "";
  std::string text = "Waiting: the median frame takes " + figure(x->value() / 1000) + " -> " + figure(y->value() / 1000) + " us";
  std::vector<Fact> stages;
  for (const Fact& f : r.waiting)
    if (differs(f)) stages.push_back(f);
  std::stable_sort(stages.begin(), stages.end(), [](const Fact& p, const Fact& q) { return std::abs(p.to - p.from) > std::abs(q.to - q.from); });
  if (stages.size() > 3) stages.resize(3);
  for (std::size_t i = 0; i < stages.size(); ++i)
    text += (i == 0 ? "; to reach " : ", ") + stages[i].name + " " + signed_figure((stages[i].to - stages[i].from) / 1000) + " us";
  return text + ".";
}

}  // namespace

std::uint64_t packets_of(const RunResult& r) {
  for (const char* name : {"packets.accepted", "packets.delivered"})
    if (const Metric* m = r.find(name)) return m->num > 0 ? static_cast<std::uint64_t>(m->num) / m->den : 0;
  return 0;
}

Reason explain(const RunResult& from, const RunResult& to) {
  Reason r;
  r.from = from.label;
  r.to = to.label;
  const std::uint64_t packets_a = packets_of(from), packets_b = packets_of(to);
  if (packets_a == 0 || packets_b == 0) {
    r.sentences.push_back((packets_a == 0 ? from.label : to.label) + " delivered nothing: there is no cost per packet to compare.");
    return r;
  }
  r.measured = true;
  r.cycles_from = milli_of(from, "cpu.cycles_per_packet");
  r.cycles_to = milli_of(to, "cpu.cycles_per_packet");

  std::map<std::string, std::pair<__int128, __int128>> sums;
  for (const system::LedgerLine& l : from.ledger) sums[l.component].first += l.milli_cycles;
  for (const system::LedgerLine& l : to.ledger) sums[l.component].second += l.milli_cycles;
  std::int64_t explained = 0;
  for (const auto& [component, mc] : sums) {
    const Term t{component, divided(mc.first, static_cast<std::int64_t>(packets_a)), divided(mc.second, static_cast<std::int64_t>(packets_b))};
    explained += t.difference();
    if (t.difference() != 0) r.terms.push_back(t);
  }
  std::stable_sort(r.terms.begin(), r.terms.end(), [](const Term& a, const Term& b) { return std::abs(a.difference()) > std::abs(b.difference()); });
  r.remainder = r.cycles_to - r.cycles_from - explained;

  const double a = 1.0 / static_cast<double>(packets_a), b = 1.0 / static_cast<double>(packets_b);
  fact(r.traffic, from, to, "copy.host_bytes_per_packet", "host copies", "bytes per packet");
  fact(r.traffic, from, to, "copy.guest_bytes_per_packet", "guest copies", "bytes per packet");
  fact(r.traffic, from, to, "pcie.upstream_bytes", "PCIe upstream", "bytes per packet", a, b);
  fact(r.traffic, from, to, "pcie.downstream_bytes", "PCIe downstream", "bytes per packet", a, b);
  fact(r.traffic, from, to, "dram.bytes_per_payload_byte", "DRAM", "bytes per payload byte");
  for (const Metric& m : from.metrics) {
    const std::string prefix = "latency.stage.", suffix = ".p50";
    if (!m.name.starts_with(prefix) || !m.name.ends_with(suffix)) continue;
    const std::string stage = m.name.substr(prefix.size(), m.name.size() - prefix.size() - suffix.size());
    fact(r.waiting, from, to, m.name.c_str(), stage.c_str(), "ns");
  }

  r.sentences.push_back(cycles_in_words(r, from, packets_a, to, packets_b));
  for (std::string s : {traffic_in_words(r), waiting_in_words(r, from, to)})
    if (!s.empty()) r.sentences.push_back(std::move(s));
  return r;
}

}  // namespace gd::report
