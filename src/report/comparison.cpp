#include "src/report/comparison.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "src/report/words.h"

namespace gd::report {

namespace {

using system::Metric;
using system::RunResult;

// A row of the table. `scale`: shown value = metric * scale.
struct RowInfo {
  const char *metric, *title, *unit;
  int better;
  double scale = 1;
  bool per_packet = false;                     // a counter, shown for each packet
};
const RowInfo kRows[] = {
    {"dma.bandwidth", "DMA bandwidth", "Gb/s", +1},
    {"dma.read_bandwidth", "DMA reads", "Gb/s", +1},
    {"dma.write_bandwidth", "DMA writes", "Gb/s", +1},
    {"dma.latency.p50", "DMA latency p50", "ns", -1},
    {"dma.latency.p99", "DMA latency p99", "ns", -1},
    {"throughput.goodput", "goodput", "Gb/s", +1},
    {"packets.delivered", "delivered", "frames", +1},
    {"drops.total", "dropped", "frames", -1},
    {"latency.p50", "latency p50", "us", -1, 1e-3},
    {"latency.p99", "latency p99", "us", -1, 1e-3},
    {"host.cycles_per_packet", "host CPU", "cycles/packet", -1},
    {"guest.cycles_per_packet", "guest CPU", "cycles/packet", -1},
    {"cpu.cycles_per_packet", "all CPU", "cycles/packet", -1},
    {"cpu.cycles_per_byte", "all CPU", "cycles/byte", -1},
    {"copy.host_bytes_per_packet", "host copies", "bytes/packet", -1},
    {"copy.guest_bytes_per_packet", "guest copies", "bytes/packet", -1},
    {"pcie.upstream_bytes", "PCIe upstream", "bytes/packet", -1, 1, true},
    {"pcie.downstream_bytes", "PCIe downstream", "bytes/packet", -1, 1, true},
    {"dram.bytes_per_payload_byte", "DRAM per payload", "bytes/byte", -1},
    {"llc.ddio_write_hit_rate", "DDIO write hits", "%", +1},
    {"pinned.peak_bytes", "pinned, peak", "MiB", -1, 1.0 / (1 << 20)},
    {"interrupts.host", "host interrupts", "count", -1},
    {"interrupts.guest", "guest interrupts", "count", -1},
    {"vm_exits", "VM exits", "count", -1},
    {"gro.segments_per_packet", "GRO segments", "per packet", 0},
};

double decimal(const Metric& m) {
  const std::string text = m.text();
  double v = 0;
  std::from_chars(text.data(), text.data() + text.size(), v);
  return v;
}

bool delivered(const RunResult& r) {
  const Metric* m = r.find("packets.delivered");
  if (!m) m = r.find("dma.operations");
  return m && m->num > 0;
}

// The reason of most of the drops, or "".
std::string main_drop(const RunResult& r) {
  const Metric* most = nullptr;
  for (const Metric& m : r.metrics)
    if (m.name.starts_with("drops.") && m.name != "drops.total" && m.num > 0 && (!most || m.value() > most->value())) most = &m;
  return most ? most->name.substr(6) : "";
}

Cell cell(const RowInfo& info, const RunResult& r) {
  Cell c;
  c.text = "-";
  const Metric* m = r.find(info.metric);
  const std::uint64_t packets = info.per_packet ? packets_of(r) : 1;
  if (!m || packets == 0) return c;
  const double scale = std::string_view(info.unit) == "%" && m->unit != "%" ? 100 : info.scale;
  c.value = decimal(*m) * scale / static_cast<double>(packets);
  c.text = figure(*c.value);
  return c;
}

void mark_best(Row& row, const std::vector<RunResult>& runs) {
  if (row.better == 0) return;
  const auto key = [&](const Cell& c) { return c.text; };
  const Cell* best = nullptr;
  std::size_t eligible = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Cell& c = row.cells[i];
    if (!c.value || !delivered(runs[i])) continue;
    ++eligible;
    if (!best || *c.value * row.better > *best->value * row.better) best = &c;
  }
  if (!best || eligible < 2) return;
  const std::string shown = key(*best);
  std::vector<Cell*> equal;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (row.cells[i].value && delivered(runs[i]) && key(row.cells[i]) == shown) equal.push_back(&row.cells[i]);
  if (equal.size() == eligible) return;
  for (Cell* c : equal) c->best = true;
}

// The mean over seeds, and its interval.
Cell cell(const RowInfo& info, const SeedRuns& runs) {
  Cell c;
  c.text = "-";
  std::vector<double> values;
  for (const RunResult& r : runs)
    if (const Cell one = cell(info, r); one.value) values.push_back(*one.value);
  if (values.empty()) return c;
  const Interval i = interval_of(values);
  c.value = i.mean;
  c.half = i.half;
  c.text = figure(i.mean);
  return c;
}

void add_rows(Comparison& c, const ComparisonInput& in) {
  for (const RowInfo& info : kRows) {
    Row row{info.metric, info.title, info.unit, info.better, {}};
    for (std::size_t i = 0; i < in.runs.size(); ++i) row.cells.push_back(in.seeds.empty() ? cell(info, in.runs[i]) : cell(info, in.seeds[i]));
    if (std::none_of(row.cells.begin(), row.cells.end(), [](const Cell& x) { return x.value.has_value(); })) continue;
    if (row.metric == "drops.total")
      for (std::size_t i = 0; i < in.runs.size(); ++i) row.cells[i].note = main_drop(in.runs[i]);
    mark_best(row, in.runs);
    for (Cell& x : row.cells)
      if (x.half > 0) x.text += " ± " + figure(x.half);
    c.rows.push_back(std::move(row));
  }
  const bool buffers = std::any_of(in.buffering.begin(), in.buffering.end(), [](std::uint64_t n) { return n > 0; });
  if (in.buffering.size() != in.runs.size() || !buffers) return;
  Row row{"buffering", "total buffering", "frames", 0, {}};
  for (const std::uint64_t n : in.buffering) row.cells.push_back({static_cast<double>(n), grouped(static_cast<std::int64_t>(n)), 0, false, ""});
  c.rows.push_back(std::move(row));
}

void add_notes(Comparison& c, const std::vector<RunResult>& runs) {
  const Metric* first = nullptr;
  std::string first_label;
  std::vector<std::string> apart;
  for (const RunResult& r : runs) {
    if (!delivered(r)) c.notes.push_back(r.label + " delivered nothing; its figures per packet are missing.");
    const Metric* m = r.find("packets.offered");
    if (!m) continue;
    if (!first) first = m, first_label = r.label;
    // Closed-loop senders offer what the design lets through.
    if (std::abs(m->value() - first->value()) > 0.001 * std::max(m->value(), first->value())) apart.push_back(r.label + " " + figure(decimal(*m)));
  }
  if (!apart.empty()) c.notes.push_back("The offered frames differ (" + first_label + " " + figure(decimal(*first)) + ", " + listed(apart) + "): compare figures per packet and per byte.");
  for (const RunResult& r : runs)
    for (const char* name : {"integrity.errors", "ownership.violations"})
      if (const Metric* m = r.find(name); m && m->num != 0) {
        const std::string message = r.messages.first_about(name);
        c.notes.push_back(r.label + ": " + name + " " + figure(decimal(*m)) + (message.empty() ? "" : ", first: " + message) + ".");
      }
}

void add_reasons(Comparison& c, const std::vector<RunResult>& runs) {
  std::size_t best = runs.size();
  const auto cycles = [&](std::size_t i) { return runs[i].find("cpu.cycles_per_packet")->value(); };
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (delivered(runs[i]) && runs[i].find("cpu.cycles_per_packet") && (best == runs.size() || cycles(i) < cycles(best))) best = i;
  for (std::size_t i = 1; i < runs.size(); ++i) c.reasons.push_back(explain(runs.front(), runs[i]));
  if (best == runs.size()) return;
  for (std::size_t i = 1; i < runs.size(); ++i)
    if (i != best && best != 0) c.reasons.push_back(explain(runs[i], runs[best]));
}

}  // namespace

Comparison compare(const ComparisonInput& in) {
  Comparison c;
  c.scenario = in.scenario;
  c.description = in.description;
  for (const RunResult& r : in.runs) c.columns.push_back({r.label, r.strategy, sufferings(r)});
  c.refused = in.refused;
  add_rows(c, in);
  add_notes(c, in.runs);
  if (in.seeds.empty()) {
    add_reasons(c, in.runs);
    return c;
  }
  c.seeds = seed_statistics(in.seeds, in.policies);
  std::vector<RunResult> pooled;
  for (const SeedRuns& of : in.seeds) pooled.push_back(pooled_run(of));
  add_reasons(c, pooled);
  return c;
}

}  // namespace gd::report
