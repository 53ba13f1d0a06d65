// A run of dma-bench: its checks at the end and its metrics.
#include "models/base/error.h"
#include "src/system/drive.h"
#include "src/system/machine_bench.h"
#include "src/system/metrics.h"
#include "src/system/sheet.h"

namespace gd::system {

namespace {

void bandwidths(Sheet& sheet, BenchOp op, const DmaBenchStats& b, const DmaBenchStats& e, std::uint64_t window) {
  // Bits per picosecond times 1000 are Gb/s.
  const std::uint64_t read = e.read_bytes - b.read_bytes, written = e.written_bytes - b.written_bytes;
  const bool reads = op != BenchOp::write, writes = op != BenchOp::read;
  if (reads) sheet.ratio("dma.read_bandwidth", "Gb/s", read * 8000, window);
  if (writes) sheet.ratio("dma.write_bandwidth", "Gb/s", written * 8000, window);
  sheet.ratio("dma.bandwidth", "Gb/s", (!reads ? written : !writes ? read : std::min(read, written)) * 8000, window);
  sheet.count("dma.operations", "", e.completed - b.completed);
  if (window) sheet.add("dma.outstanding", "", static_cast<std::uint64_t>((e.in_flight_ps - b.in_flight_ps) / (window / 1000 + (window < 1000))), 1000);
}

}  // namespace

RunResult run_bench(const scenario::Scenario& s, const scenario::StrategyChoice& choice, const RunOptions& options) {
  BenchMachine m(s, options);
  BenchWindows windows(m, options);
  const Time end = drive(m, windows, options);
  const bool quiet = m.device.quiet(end);
  const DmaBenchStats all = m.device.stats(end);
  if (all.issued != all.completed + m.device.in_flight())
    broken("conservation: " + std::to_string(all.issued) + " operations issued, " + std::to_string(all.completed) + " completed, " +
           std::to_string(m.device.in_flight()) + " in flight");
  if (quiet) {
    m.ownership.expect(Owner::in_flight, 0, end, "at the end, with nothing in flight");
    m.device.verify();
  }

  RunResult r = result_of(s, choice);
  r.fingerprint = m.device.fingerprint().value();
  Sheet sheet(r.metrics);
  const Snapshot &b = windows.begin(), &e = windows.end();
  const auto window = static_cast<std::uint64_t>(e.at - b.at);
  const DmaBenchStats &x = windows.device_begin(), &y = windows.device_end();
  bandwidths(sheet, dma_bench_params(s).op, x, y, window);
  const Histogram& h = m.device.latency();
  if (h.count()) sheet.add("dma.latency.min", "ns", h.min(), 1000);
  sheet.quantile("dma.latency.p50", h, 1, 2);
  sheet.quantile("dma.latency.p90", h, 9, 10);
  sheet.quantile("dma.latency.p99", h, 99, 100);
  sheet.quantile("dma.latency.p99.9", h, 999, 1000);
  if (h.count()) sheet.add("dma.latency.max", "ns", h.max(), 1000);
  distribution("dma.latency", h, r);
  bus_and_memory(sheet, b, e, y.read_bytes + y.written_bytes - x.read_bytes - x.written_bytes);
  sheet.count("integrity.errors", "frames", m.device.stats(end).integrity_errors);
  sheet.count("ownership.violations", "", m.ownership.violations());
  sheet.sort();
  device_lines(b, e, r.ledger);
  r.messages.ownership = m.ownership.messages();
  r.messages.integrity = m.device.messages();
  r.frames = all.completed;
  r.activations = m.agenda.activations();
  r.lookups = m.memory.stats().lookups;
  r.bytes_moved = all.read_bytes + all.written_bytes;
  r.simulated = end;
  return r;
}

}  // namespace gd::system
