#include "src/system/result.h"

#include "models/nic/cut.h"
#include "models/packet/gro.h"
#include "models/ports/frame.h"
#include "src/scenario/loader.h"

namespace gd::system {

const std::vector<MetricInfo>& metric_table() {
  static const std::vector<MetricInfo> table = {
      {"throughput.goodput", "Gb/s", "payload accepted by the application inside the measuring window", 1},
      {"throughput.offered", "Gb/s", "payload whose last bit was on the wire inside the measuring window", 0},
      {"throughput.packets", "Mpps", "packets.accepted a microsecond of the measuring window", 1},
      {"packets.offered", "frames", "wire frames of the cohort: last bit on the wire inside the measuring window", 0},
      {"packets.delivered", "frames", "frames of the cohort that reached the application (or the stack, without payload; the stage that consumer drop names; with host-forward, that left by the wire)", 1},
      {"packets.dropped", "frames", "frames of the cohort that were dropped anywhere", -1},
      {"packets.consumed_by_host", "frames", "frames of the cohort that the host took for itself", 0},
      {"packets.replicas", "frames", "replicas that the host (passthrough: the card) made of broadcasts and multicasts of the cohort; each ends like a frame", 0},
      {"packets.in_flight", "frames", "frames of the cohort without an end when the drain was over", -1},
      {"packets.accepted", "frames", "frames that ended inside the window as delivered, of whatever cohort: what figures per packet divide by", 1},
      {"drops.total", "frames", "as packets.dropped", -1},
      {"drops.<reason>", "frames", "frames of the cohort dropped for one reason", -1},
      {"latency.p50", "ns", "median time from the last bit on the wire to the application (host-forward: until the frame leaves by the wire)", -1},
      {"latency.p90", "ns", "90th percentile of the same", -1},
      {"latency.p99", "ns", "99th percentile of the same", -1},
      {"latency.p99.9", "ns", "99.9th percentile; absent with fewer than 10,000 frames", -1},
      {"latency.p99.99", "ns", "99.99th percentile; absent with fewer than 100,000 frames", -1},
      {"latency.max", "ns", "longest time from the wire to the application", -1},
      {"latency.stage.<stage>.p50", "ns", "median time to a stage from the stage before it", -1},
      {"latency.stage.<stage>.p99", "ns", "99th percentile of the same", -1},
      {"host.cycles_per_packet", "cycles", "cycles of all host contexts by frames delivered in the window", -1},
      {"guest.cycles_per_packet", "cycles", "cycles of all guest contexts by frames delivered in the window", -1},
      {"cpu.cycles_per_packet", "cycles", "host and guest together", -1},
      {"cpu.cycles_per_byte", "cycles", "host and guest together by payload byte delivered", -1},
      {"cpu.cycles.<component>", "cycles", "cycles of one component of the ledger (napi, gro, skb, vhost, app ...) by frames delivered in the window", -1},
      {"host.cycles.<context>", "cycles", "cycles of one context inside the window (softirq, vhost, exit, guest-app ...)", -1},
      {"cpu.utilisation.<core>", "%", "share of the window for which a core was busy", -1},
      {"copy.host_bytes_per_packet", "bytes", "bytes copied by host CPUs by frame delivered", -1},
      {"copy.engine_bytes_per_packet", "bytes", "bytes copied by the host's copy engine by frame delivered", 0},
      {"copy_engine.utilisation", "%", "share of the time in which the copy engine's channels copied", 0},
      {"copy_engine.full", "", "copies that found no free descriptor of the engine, and that a core made", -1},
      {"copy.guest_bytes_per_packet", "bytes", "bytes copied by guest CPUs by frame delivered", -1},
      {"fallback.copied.<cause>", "frames", "frames copied although the design avoids it: small, unsplit, no_buffer, foreign, shared, large, headroom", -1},
      {"fallback.reserve_pages", "", "pages of the host's reserve that the card was given because a guest had posted no buffers (defences.depleted copy)", -1},
      {"fallback.copy_faults", "", "copies to a guest that ended at an address where nothing is mapped, because its descriptor was believed", -1},
      {"limits.memlock", "", "times that the taking of a guest's buffers met host.memlock_limit", -1},
      {"limits.pin_quota", "", "times that it met defences.pin_quota", -1},
      {"limits.buffer_quota", "", "times that it met defences.buffer_quota", -1},
      {"limits.host_reserve", "", "times that the reserve of host pages (defences.host_reserve) was used up", -1},
      {"limits.shared_pool", "", "times that a receive queue shared by guests stood still because its pool (defences.shared_pool) was used up", -1},
      {"limits.shared_share", "frames", "frames dropped because their guest held its share of a shared queue (defences.shared_share), over the whole run", -1},
      {"limits.reclaims", "", "times that a guest's receive buffers were taken back (defences.reclaim), over the whole run", -1},
      {"limits.reclaimed_buffers", "", "buffers that went back to guests unused thereby, over the whole run", -1},
      {"limits.reclaim_ns.max", "ns", "longest time from the stop of a guest's queue until its buffers were given back, over the whole run", -1},
      {"fallback.unsplit_bytes", "bytes", "payload bytes that the host moved or copied because the card had not split their frames", -1},
      {"fallback.unsplit_share", "%", "frames that the card had not split by frame delivered", -1},
      {"host.rewritten", "frames", "frames whose headers the host changed", 0},
      {"host.cloned", "frames", "frames that a packet socket of the host got too", 0},
      {"host.clone_drops", "frames", "clones that a full packet socket dropped", -1},
      {"security.leaked_bytes", "bytes", "bytes of packets for others that stayed in a guest's memory, and of other guests' memory that a guest got", -1},
      {"toctou.exposed_bytes", "bytes", "header bytes that the host parsed in memory that the guest can change", -1},
      {"toctou.acted_on", "packets", "packets whose headers the guest had changed between the host's parsing and its acting on them, over the whole run", -1},
      {"misbehaves", "", "of a guest: 1 when its behaviour is not well-behaved", 0},
      {"misdeeds", "", "of a guest that spoils its memory: buffers changed, lies told, pages taken away, stops, over the whole run", 0},
      {"security.scrubbed_bytes", "bytes", "bytes of packets for others that were overwritten there", 0},
      {"gso.packets", "packets", "merged packets that the host had to cut for a guest that cannot take them", -1},
      {"gso.segments", "packets", "segments that came of them", -1},
      {"pcie.upstream_bytes", "bytes", "bytes on the link from the device, headers and DLLPs included", -1},
      {"pcie.downstream_bytes", "bytes", "bytes on the link to the device", -1},
      {"pcie.utilisation", "%", "share of the window for which the busier direction was reserved", -1},
      {"nic.writeback_bytes_per_packet", "bytes", "bytes that the card wrote to report received frames, by frame from the wire", -1},
      {"nic.completions_compressed", "%", "frames reported by a mini-completion of 8 B, by frame from the wire", 0},
      {"nic.cut.<cut>", "frames", "header split on, by frame from the wire: cut behind TCP or UDP (transport), behind IP for want of a known transport header (fragment, unknown_l4), "
       "behind the outer headers of a tunnel (tunnel), without payload (no_payload); left whole in the packet buffer (small, undecodable, overflow), whole in the header buffer (header_buffer), or cut at its end (forced)", 0},
      {"nic.unsplit_bytes.header_buffer", "bytes", "bytes of frames that were not cut behind their transport header, in header buffers", 0},
      {"nic.unsplit_bytes.packet_buffer", "bytes", "the same in packet buffers; with header split off, nothing is counted", -1},
      {"nic.lost_data_writes", "frames", "frames of which a write was lost by fault", -1},
      {"nic.lost_writebacks", "", "reports of received frames that were lost by fault", -1},
      {"nic.lost_interrupts", "", "interrupt messages that were lost by fault", -1},
      {"nic.misplaced_fragments", "frames", "IP fragments whose payload the card stored in the wrong place", -1},
      {"driver.skipped_descriptors", "", "descriptors whose report was lost and that the driver's watchdog gave up, over the whole run", -1},
      {"pause.frames", "frames", "PAUSE frames that the card sent inside the window, renewals and ends of pauses included", -1},
      {"link.tx_lost", "frames", "frames that the card sent inside the window while the link was down", -1},
      {"pause.time", "%", "share of the window by which PAUSE frames delayed frames that the far end had ready", -1},
      {"dma.bandwidth", "Gb/s", "dma-bench: payload of operations that ended in the window; of mixed operations the direction with less", 1},
      {"dma.read_bandwidth", "Gb/s", "dma-bench: payload read", 1},
      {"dma.write_bandwidth", "Gb/s", "dma-bench: payload written", 1},
      {"dma.operations", "", "dma-bench: operations that ended in the window", 1},
      {"dma.outstanding", "", "dma-bench: mean number of operations under way", 0},
      {"dma.latency.min", "ns", "dma-bench: shortest time from the request of the device's program to the end that it sees", -1},
      {"dma.latency.p50", "ns", "dma-bench: median of the same", -1},
      {"dma.latency.p90", "ns", "dma-bench: 90th percentile", -1},
      {"dma.latency.p99", "ns", "dma-bench: 99th percentile", -1},
      {"dma.latency.p99.9", "ns", "dma-bench: 99.9th percentile; absent with fewer than 10,000 operations", -1},
      {"dma.latency.max", "ns", "dma-bench: longest", -1},
      {"iommu.iotlb_miss_rate", "%", "IOTLB misses by lookup", -1},
      {"iommu.maps", "", "mappings made", -1},
      {"iommu.invalidations", "", "invalidations sent to the IOMMU", -1},
      {"iommu.invalidation_wait", "ns", "mean time for which a core waited for others at the invalidation queue, by invalidation", -1},
      {"iommu.iotlb_misses", "", "IOTLB look-ups that began a page walk", -1},
      {"iommu.walk_reads", "", "memory reads of page walks", -1},
      {"iommu.stale_dma", "", "device requests that reached a page after its unmap", -1},
      {"iommu.faults", "", "device requests that were blocked", -1},
      {"iommu.faults_unrecorded", "", "of these, those that found all fault recording registers in use", -1},
      {"iommu.fault_interrupts", "", "fault events of the IOMMU", -1},
      {"llc.ddio_write_hit_rate", "%", "lines written by devices that were in the cache already", 1},
      {"llc.remote_hits_per_packet", "lines", "host.far_cores: cache lines that a core took from the other socket's cache, by frame delivered", -1},
      {"guest.llc_misses_per_packet", "lines", "cache lines that guest contexts missed by frame delivered", -1},
      {"dram.read_bytes", "bytes", "read from DRAM inside the window", -1},
      {"dram.write_bytes", "bytes", "written to DRAM inside the window", -1},
      {"dram.bytes_per_payload_byte", "bytes/byte", "DRAM traffic by payload byte delivered", -1},
      {"pinned.peak_bytes", "bytes", "most bytes of distinct pages pinned at once, over the whole run", -1},
      {"pinned.avg_bytes", "bytes", "time average of pinned bytes inside the window", -1},
      {"pin.ops", "", "pages pinned and unpinned", -1},
      {"dirty_log.pages", "", "with host.dirty_log: pages of guests that vhost marked as written, by buffers and rings, each time they were", -1},
      {"buffers.fill_ratio", "%", "receive buffers that were free, as seen by arriving frames", 1},
      {"buffers.min_free", "frames", "fewest receive buffers that a frame found free (host-forward: buffers of the pool)", 1},
      {"buffers.capacity_frames", "frames", "receive buffers that the NIC can have at once", 1},
      {"buffers.hold_ns.p50", "ns", "median time for which a guest has a used buffer before it returns it to its allocator; buffers still kept at the end of the run count with their time so far", -1},
      {"buffers.hold_ns.p99", "ns", "99th percentile of the same", -1},
      {"packets.lost_share", "%", "of a guest: frames of the cohort that were for it and neither delivered nor consumed, by frame offered", -1},
      {"stack.packets", "packets", "of a guest: packets that its driver handed up inside the window, a merged one as one; of an application: those of which it has read all", 1},
      {"throughput.accepted", "Gb/s", "of a guest: payload of its flows accepted inside the window, by the wire's frames (throughput.goodput: bytes that its application copied)", 1},
      {"integrity.self_inflicted", "frames", "of a guest that spoils its own memory: frames whose bytes were not those that were sent", 0},
      {"forward.frames_per_burst", "frames", "consumer host-forward: frames that a round of a poller took, rounds without any apart", 0},
      {"user.bytes_per_completion", "bytes", "consumer user-async: payload by completion that the application read", 1},
      {"user.completions_per_packet", "", "completions by frame delivered in the window", -1},
      {"user.enters", "", "system calls of the application: to have completions made, or to wait for them", -1},
      {"limits.user_buffers", "", "times that a copy found no buffer of the application, so that packets waited in the socket", -1},
      {"limits.completion_ring", "", "times that the completion queue had no room", -1},
      {"ring.hol_ns", "ns", "with in-order use of the receive ring: mean time for which a used buffer waited for an older one", -1},
      {"reorder.frames", "frames", "frames of the cohort delivered after a later frame of their flow", -1},
      {"fairness.jain", "", "Jain's index of the guests' goodput: 1 when all got the same", 1},
      {"gro.segments_per_packet", "frames", "wire frames by packet that left the host's GRO; of a guest: by packet that its stack got", 1},
      {"gro.flush.<reason>", "", "packets that left GRO for one reason", 0},
      {"interrupts.host", "", "interrupts of the NIC taken by the host", -1},
      {"moderation.changes", "", "adaptive moderation: times that a driver gave the card another profile", 0},
      {"moderation.delay", "ns", "adaptive moderation: delay of the profile in force at the end, mean of the host's receive queues", 0},
      {"moderation.frames", "frames", "the same of the profile's frames", 0},
      {"interrupts.guest", "", "interrupts taken by guests", -1},
      {"vm_exits", "", "exits of guests: kicks, halts, external interrupts, injections and EOIs without posted interrupts, exits to user space", -1},
      {"vm_exits.user", "", "of these, to user space: reads of the ISR port by a guest without MSI-X", -1},
      {"vhost.wakeups", "", "times that a vhost worker was woken from sleep", -1},
      {"integrity.errors", "frames", "frames whose bytes were not those that were sent, over the whole run", -1},
      {"ownership.violations", "", "wrong moves of buffers, over the whole run", -1},
      {"security.escapes", "", "writes for a guest to memory that is neither its own nor a buffer of the host, and uses of shared info that a guest had changed, over the whole run", -1},
      {"ownership.guest_faults", "", "wrong things that guests did with rings and buffers, counted and survived", -1},
  };
  return table;
}

namespace {

bool known_part(const std::string& pattern, const std::string& part) {
  if (pattern == "<reason>") {
    for (int d = 0; d < static_cast<int>(Drop::count_); ++d)
      if (part == drop_name(static_cast<Drop>(d))) return true;
    for (int g = 1; g < static_cast<int>(GroReason::count_); ++g)
      if (part == gro_reason_name(static_cast<GroReason>(g))) return true;
    return false;
  }
  if (pattern == "<stage>") {
    for (int s = 1; s < static_cast<int>(Stage::count_); ++s)
      if (part == stage_name(static_cast<Stage>(s))) return true;
    return false;
  }
  if (pattern == "<cut>") {
    for (int c = 0; c < static_cast<int>(Cut::count_); ++c)
      if (part == cut_name(static_cast<Cut>(c))) return true;
    return false;
  }
  if (pattern == "<core>") return part.rfind("cpu", 0) == 0 && part.size() > 3;
  if (pattern == "<cause>") return part == "small" || part == "unsplit" || part == "no_buffer" || part == "foreign" || part == "shared" || part == "large" || part == "headroom";
  return !part.empty();
}

bool matches(const std::string& pattern, const std::string& name) {
  const auto open = pattern.find('<');
  if (open == std::string::npos) return pattern == name;
  const auto close = pattern.find('>');
  const std::string before = pattern.substr(0, open), after = pattern.substr(close + 1);
  if (name.size() <= before.size() + after.size() || name.rfind(before, 0) != 0) return false;
  if (name.compare(name.size() - after.size(), after.size(), after) != 0) return false;
  return known_part(pattern.substr(open, close - open + 1), name.substr(before.size(), name.size() - before.size() - after.size()));
}

}  // namespace

const MetricInfo* find_metric(const std::string& name) {
  for (const MetricInfo& m : metric_table())
    if (matches(m.name, name)) return &m;
  const std::string guest = scenario::guest_of_metric(name);
  if (guest.empty()) return nullptr;
  for (const MetricInfo& m : metric_table())
    if (matches(m.name, name.substr(guest.size() + 7))) return &m;
  return nullptr;
}

}  // namespace gd::system
