#include "src/system/metrics.h"

#include <algorithm>
#include <map>

#include "src/system/sheet.h"

namespace gd::system {

namespace {

bool is_guest(const std::string& context) { return context.rfind("guest", 0) == 0; }

// Milli-cycles and bytes of a window by what the metrics ask for.
struct Totals {
  std::uint64_t host_mc = 0, guest_mc = 0, host_copied = 0, guest_copied = 0;
  std::vector<std::pair<std::string, std::uint64_t>> contexts;
};

Totals ledger_lines(const Machine& m, const Snapshot& b, const Snapshot& e, std::vector<LedgerLine>& lines) {
  Totals t;
  const auto& ops = m.costs.entries();
  const auto& rows = m.ledger.rows();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::uint64_t sum = 0;
    for (std::size_t o = 0; o < ops.size(); ++o) {
      const Ledger::Cell &x = b.ledger[r * ops.size() + o], &y = e.ledger[r * ops.size() + o];
      if (y.mc == x.mc && y.bytes == x.bytes && y.calls == x.calls) continue;
      lines.push_back({rows[r].core, rows[r].context, ops[o].component, ops[o].operation, y.mc - x.mc, y.calls - x.calls, y.bytes - x.bytes});
      sum += y.mc - x.mc;
      (is_guest(rows[r].context) ? t.guest_copied : t.host_copied) += y.bytes - x.bytes;
    }
    (is_guest(rows[r].context) ? t.guest_mc : t.host_mc) += sum;
    auto at = std::find_if(t.contexts.begin(), t.contexts.end(), [&](auto& c) { return c.first == rows[r].context; });
    if (at == t.contexts.end()) at = t.contexts.insert(at, {rows[r].context, 0});
    at->second += sum;
  }
  device_lines(b, e, lines);
  std::sort(lines.begin(), lines.end(), [](const LedgerLine& x, const LedgerLine& y) {
    return std::tie(x.core, x.context, x.component, x.operation) < std::tie(y.core, y.context, y.component, y.operation);
  });
  return t;
}

}  // namespace

void device_lines(const Snapshot& b, const Snapshot& e, std::vector<LedgerLine>& lines) {
  auto line = [&](const char* component, const char* operation, std::uint64_t n) {
    if (n) lines.push_back({"-", "device", component, operation, 0, 0, n});
  };
  line("copy-engine", "copy", e.copy_engine.bytes - b.copy_engine.bytes);
  line("dram", "read", e.memory.dram_read_bytes - b.memory.dram_read_bytes);
  line("dram", "write", e.memory.dram_write_bytes - b.memory.dram_write_bytes);
  line("pcie", "downstream", e.pcie.downstream_bytes - b.pcie.downstream_bytes);
  line("pcie", "upstream", e.pcie.upstream_bytes - b.pcie.upstream_bytes);
}

void distribution(const std::string& name, const Histogram& h, RunResult& out) {
  if (h.count() == 0) return;
  Distribution d;
  d.name = name;
  d.unit = "ns";
  h.each([&](std::uint64_t lower, std::uint64_t upper, std::uint64_t n) { d.buckets.push_back({lower / 1000, upper / 1000, n}); });
  out.distributions.push_back(std::move(d));
}

namespace {

void latency(Sheet& sheet, const Machine& m, RunResult& out) {
  const Histogram& h = m.frames.latency();
  sheet.quantile("latency.p50", h, 1, 2);
  sheet.quantile("latency.p90", h, 9, 10);
  sheet.quantile("latency.p99", h, 99, 100);
  sheet.quantile("latency.p99.9", h, 999, 1000);
  sheet.quantile("latency.p99.99", h, 9999, 10000);
  if (h.count()) sheet.add("latency.max", "ns", h.max(), 1000);
  distribution("latency", h, out);
  for (int i = 1; i < static_cast<int>(Stage::count_); ++i) {
    const auto stage = static_cast<Stage>(i);
    const Histogram& s = m.frames.stage_latency(stage);
    const std::string name = std::string("latency.stage.") + stage_name(stage);
    sheet.quantile(name + ".p50", s, 1, 2);
    sheet.quantile(name + ".p99", s, 99, 100);
    distribution(name, s, out);
  }
}

void packets(Sheet& sheet, const Machine& m) {
  const auto& c = m.frames.cohort();
  sheet.count("packets.offered", "frames", c.offered);
  sheet.count("packets.delivered", "frames", c.delivered);
  sheet.count("packets.dropped", "frames", c.dropped);
  sheet.count("packets.consumed_by_host", "frames", c.consumed);
  sheet.count("packets.replicas", "frames", c.replicas);
  sheet.count("packets.in_flight", "frames", c.offered + c.replicas - c.delivered - c.dropped - c.consumed);
  sheet.count("drops.total", "frames", c.dropped);
  for (int d = 0; d < static_cast<int>(Drop::count_); ++d)
    sheet.count(std::string("drops.") + drop_name(static_cast<Drop>(d)), "frames", c.drops[d]);
}

}  // namespace

void bus_and_memory(Sheet& sheet, const Snapshot& b, const Snapshot& e, std::uint64_t payload) {
  const auto window = static_cast<std::uint64_t>(e.at - b.at);
  const std::uint64_t up = e.pcie.upstream_bytes - b.pcie.upstream_bytes, down = e.pcie.downstream_bytes - b.pcie.downstream_bytes;
  sheet.count("pcie.upstream_bytes", "bytes", up);
  sheet.count("pcie.downstream_bytes", "bytes", down);
  const auto up_busy = static_cast<std::uint64_t>(e.up_reserved - b.up_reserved), down_busy = static_cast<std::uint64_t>(e.down_reserved - b.down_reserved);
  sheet.ratio("pcie.utilisation", "%", 100 * std::max(up_busy, down_busy), window);
  const MemoryStats &x = b.memory, &y = e.memory;
  const std::uint64_t hits = y.ddio_hits - x.ddio_hits, allocs = y.ddio_allocs - x.ddio_allocs;
  sheet.ratio("llc.ddio_write_hit_rate", "%", 100 * hits, hits + allocs);
  const std::uint64_t reads = y.dram_read_bytes - x.dram_read_bytes, writes = y.dram_write_bytes - x.dram_write_bytes;
  sheet.count("dram.read_bytes", "bytes", reads);
  sheet.count("dram.write_bytes", "bytes", writes);
  sheet.ratio("dram.bytes_per_payload_byte", "bytes/byte", reads + writes, payload);
  sheet.ratio("nic.writeback_bytes_per_packet", "bytes", e.nic.writeback_bytes - b.nic.writeback_bytes, e.nic.frames - b.nic.frames);
  sheet.ratio("nic.completions_compressed", "%", 100 * (e.nic.compressed - b.nic.compressed), e.nic.frames - b.nic.frames);
  const IommuStats &i = b.iommu, &j = e.iommu;
  sheet.ratio("iommu.iotlb_miss_rate", "%", 100 * (j.misses - i.misses), j.lookups - i.lookups);
  sheet.count("iommu.iotlb_misses", "", j.misses - i.misses);
  sheet.count("iommu.maps", "", j.maps - i.maps);
  sheet.count("iommu.invalidations", "", j.invalidations - i.invalidations);
  sheet.ratio("iommu.invalidation_wait", "ns", static_cast<std::uint64_t>(j.invalidation_wait - i.invalidation_wait),
              (j.invalidations - i.invalidations) * static_cast<std::uint64_t>(kNs));
  sheet.count("iommu.walk_reads", "", j.walk_reads - i.walk_reads);
  sheet.count("iommu.stale_dma", "", j.stale_dma - i.stale_dma);
  sheet.count("iommu.faults", "", j.faults - i.faults);
  sheet.count("iommu.faults_unrecorded", "", j.faults_unrecorded - i.faults_unrecorded);
  sheet.count("iommu.fault_interrupts", "", j.fault_interrupts - i.fault_interrupts);
}

namespace {

void pins(Sheet& sheet, const Machine& m, const Snapshot& b, const Snapshot& e) {
  const auto window = static_cast<std::uint64_t>(e.at - b.at);
  sheet.count("pinned.peak_bytes", "bytes", m.ownership.pinned_peak());
  sheet.ratio("pinned.avg_bytes", "bytes", static_cast<std::uint64_t>((e.pinned - b.pinned) / std::max<std::uint64_t>(window, 1)), 1);
  sheet.count("pin.ops", "", e.pin_ops - b.pin_ops);
}

// Where the card cut frames, and where the bytes of those lie that it did not cut between transport header and payload.
void split_metrics(Sheet& sheet, const NicStats& b, const NicStats& e) {
  for (int k = 0; k < static_cast<int>(Cut::count_); ++k)
    sheet.count(std::string("nic.cut.") + cut_name(static_cast<Cut>(k)), "frames", e.cuts[k] - b.cuts[k]);
  sheet.count("nic.unsplit_bytes.header_buffer", "bytes", e.unsplit_header_bytes - b.unsplit_header_bytes);
  sheet.count("nic.unsplit_bytes.packet_buffer", "bytes", e.unsplit_packet_bytes - b.unsplit_packet_bytes);
}

// What the card lost or misplaced by fault, and what the driver's service timer did about it.
void device_faults(Sheet& sheet, const Machine& m, const NicStats& b, const NicStats& e) {
  sheet.count("nic.lost_data_writes", "frames", e.lost_data_writes - b.lost_data_writes);
  sheet.count("nic.lost_writebacks", "", e.lost_writebacks - b.lost_writebacks);
  sheet.count("nic.lost_interrupts", "", e.lost_interrupts - b.lost_interrupts);
  sheet.count("nic.misplaced_fragments", "frames", e.misplaced - b.misplaced);
  std::uint64_t skipped = 0;
  for (const auto& g : m.guests) skipped += g->queue.napi ? g->queue.napi->stats().skipped : 0;
  for (const auto& q : m.host_queues) skipped += q->napi->stats().skipped;
  sheet.count("driver.skipped_descriptors", "", skipped);
}

// Adaptive moderation: how often the drivers changed it, and what is in force at the end.
void moderation_metrics(Sheet& sheet, const Machine& m, const NicStats& b, const NicStats& e) {
  std::uint64_t queues = 0, delay = 0, frames = 0;
  const auto add = [&](const HostQueue& q) {
    if (const Dim::Profile* p = q.napi ? q.napi->moderation() : nullptr)
      ++queues, delay += static_cast<std::uint64_t>(p->delay / kNs), frames += p->frames;
  };
  for (const auto& g : m.guests) add(g->queue);
  for (const auto& q : m.host_queues) add(*q);
  if (queues == 0) return;
  sheet.count("moderation.changes", "", e.moderation_changes - b.moderation_changes);
  sheet.ratio("moderation.delay", "ns", delay, queues);
  sheet.ratio("moderation.frames", "frames", frames, queues);
}

// What the host did between GRO and tap, over all guests.
BridgeStats host_stage(Sheet& sheet, const Snapshot& b, const Snapshot& e) {
  BridgeStats sum;
  GsoStats gso;
  for (std::size_t g = 0; g < e.guests.size(); ++g) {
    const BridgeStats &x = b.guests[g].bridge, &y = e.guests[g].bridge;
    sum.rewritten += y.rewritten - x.rewritten;
    sum.cloned += y.cloned - x.cloned;
    sum.clone_drops += y.clone_drops - x.clone_drops;
    sum.copied_foreign += y.copied_foreign - x.copied_foreign;
    sum.copied_shared += y.copied_shared - x.copied_shared;
    sum.copied_headroom += y.copied_headroom - x.copied_headroom;
    sum.scrubbed_bytes += y.scrubbed_bytes - x.scrubbed_bytes;
    gso.packets += e.guests[g].gso.packets - b.guests[g].gso.packets;
    gso.segments += e.guests[g].gso.segments - b.guests[g].gso.segments;
  }
  sheet.count("host.rewritten", "frames", sum.rewritten);
  sheet.count("host.cloned", "frames", sum.cloned);
  sheet.count("host.clone_drops", "frames", sum.clone_drops);
  sheet.count("security.leaked_bytes", "bytes", e.watch.leaked_bytes - b.watch.leaked_bytes);
  sheet.count("toctou.exposed_bytes", "bytes", e.watch.exposed_bytes - b.watch.exposed_bytes);
  sheet.count("security.scrubbed_bytes", "bytes", sum.scrubbed_bytes);
  sheet.count("gso.packets", "packets", gso.packets);
  sheet.count("gso.segments", "packets", gso.segments);
  return sum;
}

struct PathSums {
  std::uint64_t small = 0, unsplit = 0, no_buffer = 0, large = 0, memlock = 0, pin_quota = 0, buffer_quota = 0, reserve = 0, reclaimed = 0, reserve_pages = 0, logged = 0, shared = 0, pool = 0, faults = 0, unsplit_bytes = 0, hol_ps = 0, hol_buffers = 0, fill = 0, samples = 0, min_free = UINT64_MAX;
};

void buffers_and_gro(Sheet& sheet, const Machine& m, const Snapshot& b, const Snapshot& e) {
  PathSums p;
  std::uint64_t capacity = 0, segments = 0, packets_up = 0, flushes[static_cast<int>(GroReason::count_)] = {};
  auto gro = [&](const GroStats& x, const GroStats& y) {
    segments += y.segments_out - x.segments_out;
    packets_up += y.packets_out - x.packets_out;
    for (int k = 0; k < static_cast<int>(GroReason::count_); ++k) flushes[k] += y.flushes[k] - x.flushes[k];
  };
  auto path = [&](const PathStats& x, const PathStats& y, const HostQueue& q) {
    p.small += y.copied_small - x.copied_small;
    p.unsplit += y.copied_unsplit - x.copied_unsplit;
    p.unsplit_bytes += y.copied_unsplit_bytes - x.copied_unsplit_bytes;
    p.no_buffer += y.copied_no_buffer - x.copied_no_buffer;
    p.hol_ps += static_cast<std::uint64_t>(y.hol_sum - x.hol_sum);
    p.hol_buffers += y.hol_buffers - x.hol_buffers;
    p.large += y.copied_large - x.copied_large;
    p.memlock += y.memlock_stalls - x.memlock_stalls;
    p.pin_quota += y.pin_quota_stalls - x.pin_quota_stalls;
    p.buffer_quota += y.buffer_quota_stalls - x.buffer_quota_stalls;
    p.reserve += y.reserve_empty - x.reserve_empty;
    p.reclaimed += y.reclaimed;
    p.reserve_pages += y.reserve_pages - x.reserve_pages;
    p.logged += y.logged_pages - x.logged_pages;
    p.shared += y.copied_shared - x.copied_shared;
    p.pool += y.pool_empty - x.pool_empty;
    p.faults += y.copy_faults - x.copy_faults;
    p.fill += y.fill_sum - x.fill_sum;
    p.samples += y.fill_samples - x.fill_samples;
    p.min_free = std::min(p.min_free, y.min_free);
    if (q.path) capacity += q.path->capacity();
  };
  for (std::size_t g = 0; g < m.guests.size(); ++g) {
    path(b.guests[g].path, e.guests[g].path, m.guests[g]->queue);
    gro(b.guests[g].gro, e.guests[g].gro);
    p.logged += e.guests[g].vhost.logged_pages - b.guests[g].vhost.logged_pages;
  }
  for (std::size_t q = 0; q < m.host_queues.size(); ++q) {
    path(b.host_path[q], e.host_path[q], *m.host_queues[q]);
    gro(b.host_gro[q], e.host_gro[q]);
  }
  p.min_free = std::min(p.min_free, e.forward.min_free);
  if (!m.forwarders.empty()) sheet.count("buffers.capacity_frames", "frames", m.forwarders.size() * (m.scenario.nic.ring_size - 1));
  sheet.ratio("forward.frames_per_burst", "frames", e.forward.frames - b.forward.frames, e.forward.bursts - b.forward.bursts);
  const BridgeStats host = host_stage(sheet, b, e);
  sheet.count("fallback.copied.headroom", "frames", host.copied_headroom);
  sheet.count("fallback.copied.small", "frames", p.small);
  sheet.count("fallback.copied.unsplit", "frames", p.unsplit);
  sheet.count("fallback.unsplit_bytes", "bytes", p.unsplit_bytes);
  sheet.ratio("fallback.unsplit_share", "%", 100 * p.unsplit, m.frames.delivered_in_window());
  sheet.count("fallback.copied.no_buffer", "frames", p.no_buffer);
  sheet.count("fallback.copied.foreign", "frames", host.copied_foreign);
  if (!m.users.empty() && m.strategy.declaration().guest_memory) p.shared += e.shared_frames - b.shared_frames;   // applications': all are copied
  sheet.count("fallback.copied.shared", "frames", host.copied_shared + p.shared);
  sheet.count("fallback.copied.large", "frames", p.large);
  sheet.count("limits.memlock", "", p.memlock);
  sheet.count("limits.pin_quota", "", p.pin_quota);
  sheet.count("limits.buffer_quota", "", p.buffer_quota);
  sheet.count("limits.host_reserve", "", p.reserve);
  sheet.count("limits.shared_pool", "", p.pool);
  sheet.count("limits.shared_share", "frames", m.demux ? m.demux->stats().over_share : 0);
  sheet.count("limits.reclaims", "", m.reclaim ? m.reclaim->stats().reclaims : 0);
  sheet.count("limits.reclaimed_buffers", "", p.reclaimed);
  if (m.reclaim) sheet.count("limits.reclaim_ns.max", "ns", static_cast<std::uint64_t>(m.reclaim->stats().longest / kNs));
  sheet.count("fallback.reserve_pages", "", p.reserve_pages);
  if (m.scenario.host.dirty_log) sheet.count("dirty_log.pages", "", p.logged);
  sheet.count("fallback.copy_faults", "", p.faults);
  if (p.hol_buffers) sheet.ratio("ring.hol_ns", "ns", p.hol_ps, p.hol_buffers * 1000);
  const auto paths = static_cast<std::uint64_t>(std::max<std::size_t>(1, m.guests.size() + m.host_queues.size()));
  if (capacity) sheet.ratio("buffers.fill_ratio", "%", 100 * p.fill * paths, p.samples * capacity);
  if (capacity) sheet.count("buffers.capacity_frames", "frames", capacity);
  if (p.min_free != UINT64_MAX) sheet.count("buffers.min_free", "frames", p.min_free);
  sheet.ratio("gro.segments_per_packet", "frames", segments, packets_up);
  for (int k = 1; k < static_cast<int>(GroReason::count_); ++k)
    sheet.count(std::string("gro.flush.") + gro_reason_name(static_cast<GroReason>(k)), "", flushes[k]);
}

// What is a guest's own: its part of the cohort, its latency, what is pinned for it, how long it has buffers.
void of_guests(Sheet& sheet, const Machine& m, const Snapshot& b, const Snapshot& e) {
  const auto window = static_cast<std::uint64_t>(e.at - b.at);
  Histogram all;
  for (std::size_t g = 0; g < m.guests.size(); ++g) {
    const Guest& guest = *m.guests[g]->guest;
    const std::string prefix = "guest." + guest.name() + ".";
    const auto number = static_cast<unsigned>(g);
    sheet.count(prefix + "pinned.peak_bytes", "bytes", m.ownership.pinned_peak(number));
    sheet.ratio(prefix + "pinned.avg_bytes", "bytes", static_cast<std::uint64_t>((e.guests[g].pinned - b.guests[g].pinned) / std::max<std::uint64_t>(window, 1)), 1);
    const Histogram hold = guest.hold_times(m.agenda.now());
    sheet.quantile(prefix + "buffers.hold_ns.p50", hold, 1, 2);
    sheet.quantile(prefix + "buffers.hold_ns.p99", hold, 99, 100);
    hold.each([&](std::uint64_t, std::uint64_t upper, std::uint64_t n) { all.add(upper, n); });
    sheet.count(prefix + "misbehaves", "", guest.params().behaviour.kind != BehaviourKind::well_behaved);
    if (const GuestStats& w = guest.stats(); spoils_memory(guest.params().behaviour.kind))
      sheet.count(prefix + "misdeeds", "", w.scribbles + w.lies + w.unmapped + w.crashes);
    sheet.count(prefix + "ownership.guest_faults", "", e.guests[g].guest.guest_errors + e.guests[g].path.guest_errors);
    if (spoils_memory(guest.params().behaviour.kind)) sheet.count(prefix + "integrity.self_inflicted", "frames", guest.stats().self_inflicted);
    if (g >= m.frames.groups().size()) continue;
    of_group(sheet, prefix, m.frames.groups()[g], window, m.guests.size() > 1);
  }
  sheet.quantile("buffers.hold_ns.p50", all, 1, 2);
  sheet.quantile("buffers.hold_ns.p99", all, 99, 100);
}

}  // namespace

void of_group(Sheet& sheet, const std::string& prefix, const FrameTable::Group& f, std::uint64_t window, bool reasons) {
  sheet.ratio(prefix + "throughput.offered", "Gb/s", f.window_offered * 8000, window);
  sheet.ratio(prefix + "throughput.accepted", "Gb/s", f.window_payload * 8000, window);
  sheet.count(prefix + "packets.offered", "frames", f.cohort.offered);
  sheet.count(prefix + "packets.delivered", "frames", f.cohort.delivered);
  sheet.count(prefix + "packets.dropped", "frames", f.cohort.dropped);
  sheet.ratio(prefix + "packets.lost_share", "%", 100 * (f.cohort.offered + f.cohort.replicas - f.cohort.delivered - f.cohort.consumed), f.cohort.offered);
  sheet.count(prefix + "drops.total", "frames", f.cohort.dropped);
  for (int d = 0; d < static_cast<int>(Drop::count_); ++d)
    if (reasons || f.cohort.drops[d]) sheet.count(prefix + "drops." + drop_name(static_cast<Drop>(d)), "frames", f.cohort.drops[d]);
  sheet.quantile(prefix + "latency.p50", f.latency, 1, 2);
  sheet.quantile(prefix + "latency.p99", f.latency, 99, 100);
}

void fairness(Sheet& sheet, const std::vector<std::uint64_t>& shares) {
  std::uint64_t sum = 0, squares = 0;
  for (const std::uint64_t bytes : shares) {
    const std::uint64_t kib = bytes >> 10;   // keeps the squares in 64 bits
    sum += kib;
    squares += kib * kib;
  }
  sheet.ratio("fairness.jain", "", sum * sum, squares * shares.size());
}

void compute_metrics(const Machine& m, const Snapshot& b, const Snapshot& e, RunResult& out) {
  Sheet sheet(out.metrics);
  const auto window = static_cast<std::uint64_t>(e.at - b.at);
  const Totals t = ledger_lines(m, b, e, out.ledger);
  const std::uint64_t frames = m.frames.delivered_in_window(), payload = m.frames.payload_in_window();

  // Bits per picosecond times 1000 are Gb/s.
  sheet.ratio("throughput.goodput", "Gb/s", payload * 8000, window);
  sheet.ratio("throughput.offered", "Gb/s", m.frames.offered_payload_in_window() * 8000, window);
  sheet.ratio("throughput.packets", "Mpps", frames * 1'000'000, window);
  packets(sheet, m);
  sheet.count("packets.accepted", "frames", frames);
  sheet.count("reorder.frames", "frames", m.frames.reordered());
  latency(sheet, m, out);
  sheet.ratio("host.cycles_per_packet", "cycles", t.host_mc, frames * 1000);
  sheet.ratio("guest.cycles_per_packet", "cycles", t.guest_mc, frames * 1000);
  sheet.ratio("cpu.cycles_per_packet", "cycles", t.host_mc + t.guest_mc, frames * 1000);
  sheet.ratio("cpu.cycles_per_byte", "cycles", t.host_mc + t.guest_mc, payload * 1000);
  std::map<std::string, std::uint64_t> components;
  for (const LedgerLine& l : out.ledger) components[l.component] += l.milli_cycles;
  for (const auto& [component, mc] : components)
    if (mc) sheet.ratio("cpu.cycles." + component, "cycles", mc, frames * 1000);
  for (const auto& [context, mc] : t.contexts) sheet.ratio("host.cycles." + context, "cycles", mc, 1000);
  for (std::size_t c = 0; c < m.cores.size(); ++c)
    sheet.ratio("cpu.utilisation." + m.cores[c]->name(), "%", 100 * (e.core_busy[c] - b.core_busy[c]), window);
  sheet.ratio("copy.host_bytes_per_packet", "bytes", t.host_copied, frames);
  if (m.copy_engine) {
    sheet.ratio("copy.engine_bytes_per_packet", "bytes", e.copy_engine.bytes - b.copy_engine.bytes, frames);
    sheet.ratio("copy_engine.utilisation", "%", 100 * static_cast<std::uint64_t>(e.copy_engine.busy - b.copy_engine.busy),
                m.scenario.host.copy_engine.channels * static_cast<std::uint64_t>(e.at - b.at));
    sheet.count("copy_engine.full", "", e.copy_engine.full - b.copy_engine.full);
  }
  sheet.ratio("copy.guest_bytes_per_packet", "bytes", t.guest_copied, frames);
  bus_and_memory(sheet, b, e, payload);
  pins(sheet, m, b, e);
  split_metrics(sheet, b.nic, e.nic);
  device_faults(sheet, m, b.nic, e.nic);
  moderation_metrics(sheet, m, b.nic, e.nic);
  sheet.count("pause.frames", "frames", e.link.pauses - b.link.pauses);
  sheet.count("link.tx_lost", "frames", e.link.tx_lost - b.link.tx_lost);
  sheet.ratio("pause.time", "%", 100 * static_cast<std::uint64_t>(e.link.paused - b.link.paused), window);
  sheet.ratio("guest.llc_misses_per_packet", "lines", e.memory.guest_misses - b.memory.guest_misses, frames);
  if (m.scenario.host.far_cores)
    sheet.ratio("llc.remote_hits_per_packet", "lines", e.memory.remote_hits - b.memory.remote_hits, frames);
  buffers_and_gro(sheet, m, b, e);

  std::uint64_t guest_interrupts = 0, user_exits = 0, wakeups = 0, guest_faults = e.nic.guest_faults + m.ownership.guest_faults(), escapes = 0;
  for (std::size_t g = 0; g < m.guests.size(); ++g) {
    const auto &x = b.guests[g], &y = e.guests[g];
    guest_interrupts += y.guest.interrupts - x.guest.interrupts;
    user_exits += y.guest.isr_reads - x.guest.isr_reads;
    wakeups += y.vhost.wakeups - x.vhost.wakeups;
    escapes += y.path.escapes;
    guest_faults += y.guest.guest_errors + y.path.guest_errors;
    const std::string prefix = "guest." + m.guests[g]->guest->name() + ".";
    sheet.count(prefix + "stack.packets", "packets", y.guest.packets - x.guest.packets);
    sheet.ratio(prefix + "throughput.goodput", "Gb/s", (y.guest.user_copied - x.guest.user_copied) * 8000, window);
    sheet.count(prefix + "interrupts.guest", "", y.guest.interrupts - x.guest.interrupts);
    sheet.count(prefix + "vm_exits", "", y.exits - x.exits);
    sheet.ratio(prefix + "gro.segments_per_packet", "frames", y.guest.gro_frames_out - x.guest.gro_frames_out,
                y.guest.gro_packets_out - x.guest.gro_packets_out);
    sheet.ratio(prefix + "copy.guest_bytes_per_packet", "bytes",
                y.guest.linear_copied + y.guest.user_copied - x.guest.linear_copied - x.guest.user_copied, y.guest.frames - x.guest.frames);
  }
  of_guests(sheet, m, b, e);
  if (!m.users.empty()) of_applications(sheet, m, b, e);
  if (m.users.empty()) {
    std::vector<std::uint64_t> shares;
    for (std::size_t g = 0; g < m.guests.size(); ++g) shares.push_back(e.guests[g].guest.user_copied - b.guests[g].guest.user_copied);
    fairness(sheet, shares);
  }
  sheet.count("interrupts.host", "", m.strategy.declaration().device_ring ? 0 : e.interrupts - b.interrupts);
  sheet.count("interrupts.guest", "", guest_interrupts);
  sheet.count("vm_exits", "", e.exits - b.exits);
  sheet.count("vm_exits.user", "", user_exits);
  sheet.count("vhost.wakeups", "", wakeups);
  sheet.count("integrity.errors", "frames", m.integrity_errors());
  sheet.count("ownership.violations", "", m.ownership.violations());
  sheet.count("security.escapes", "", escapes + m.ownership.watch().escapes);
  sheet.count("toctou.acted_on", "packets", m.ownership.watch().acted_on);
  for (const auto& u : m.users) guest_faults += u->pages->bad_entries();
  sheet.count("ownership.guest_faults", "", guest_faults);
  sheet.sort();
}

}  // namespace gd::system
