#include "src/system/params.h"

#include <algorithm>

#include "models/base/error.h"
#include "src/system/environment.h"

namespace gd::system {
namespace {

namespace sc = scenario;

std::uint64_t mac_value(const sc::Mac& m) {
  std::uint64_t v = 0;
  for (std::uint8_t b : m) v = v << 8 | b;
  return v;
}

// The loaded-latency curve (points by share of the peak) at the nine fixed places of the model, linear in between.
void sample_curve(const std::vector<sc::LoadPoint>& points, Time (&out)[9]) {
  for (unsigned i = 0; i < 9; ++i) {
    const std::uint64_t at = i * 125'000;
    Time v = points.empty() ? 0 : points.back().added;
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (points[k].load < at) continue;
      if (k == 0 || points[k].load == at) {
        v = points[k].added;
      } else {
        const auto& a = points[k - 1];
        const auto& b = points[k];
        v = a.added + (b.added - a.added) * static_cast<Time>(at - a.load) / static_cast<Time>(b.load - a.load);
      }
      break;
    }
    out[i] = v;
  }
}

}  // namespace

CostBook cost_book(const sc::Scenario& s) {
  CostBook b;
  for (const sc::CostEntry& e : s.costs) b.define(e.name, e.fixed_mc, e.unit_mc, e.per);
  return b;
}

MemoryParams memory_params(const sc::Scenario& s) {
  MemoryParams p;
  p.llc_size = s.memory.llc.size;
  p.llc_ways = static_cast<unsigned>(s.memory.llc.ways);
  p.llc_hit = s.memory.llc.hit_latency;
  p.llc_device = s.memory.llc.device_latency;
  p.ddio_ways = static_cast<unsigned>(s.memory.ddio_ways);
  p.stream_parallelism = static_cast<unsigned>(s.memory.stream_parallelism);
  p.prefetch_distance = static_cast<unsigned>(s.memory.prefetch_distance);
  p.dram_channels = static_cast<unsigned>(s.memory.dram.channels);
  p.dram_channel_rate = s.memory.dram.channel_rate / 8;
  p.dram_idle = s.memory.dram.idle_latency;
  p.dram_window = s.memory.dram.window;
  p.private_size = s.memory.private_cache.size;
  p.private_hit = s.memory.private_cache.hit_latency;
  p.dram_ranks = static_cast<unsigned>(s.memory.dram.ranks);
  p.dram_refresh_interval = s.memory.dram.refresh_interval;
  p.dram_refresh_time = s.memory.dram.refresh_time;
  p.remote_latency = s.memory.remote.latency;
  p.remote_rate = s.memory.remote.rate / 8;
  p.remote_cache = s.memory.remote.cache_latency;
  p.directory = s.memory.remote.directory;
  if (s.host.far_cores != 0) p.far_cores_from = static_cast<unsigned>(s.host.cores - s.host.far_cores);
  sample_curve(s.memory.dram.loaded_latency, p.dram_loaded);
  return p;
}

CopyEngineParams copy_engine_params(const sc::Scenario& s) {
  const sc::CopyEngine& e = s.host.copy_engine;
  CopyEngineParams p;
  p.channels = static_cast<unsigned>(e.channels);
  p.rate = e.rate / 8;
  p.per_copy = e.per_copy;
  p.start = e.start;
  p.ring = static_cast<std::uint32_t>(e.ring);
  return p;
}

CoreParams core_params(const sc::Scenario& s) {
  CoreParams p;
  p.hz = s.host.clock;
  p.step_max = s.host.step_max;
  p.slice = s.host.slice;
  p.idle_exit = s.host.idle_exit;
  p.softirq_max = s.host.softirq_max;
  return p;
}

IommuParams iommu_params(const sc::Scenario& s) {
  IommuParams p;
  p.mode = static_cast<IommuMode>(s.iommu.mode);
  p.page = s.iommu.page;
  p.iotlb_entries = static_cast<unsigned>(s.iommu.iotlb_entries);
  p.walkers = static_cast<unsigned>(s.iommu.walkers);
  p.levels = static_cast<unsigned>(s.iommu.levels);
  p.cached_levels = static_cast<unsigned>(s.iommu.cached_levels);
  p.hit_latency = s.iommu.hit_latency;
  p.walk_overhead = s.iommu.walk_overhead;
  p.walk_cache_entries = static_cast<unsigned>(s.iommu.walk_cache_entries);
  p.invalidation_hint = s.iommu.invalidation_hint;
  p.invalidation_latency = s.iommu.invalidation_latency;
  p.invalidation_interval = s.iommu.invalidation_interval;
  p.iova_cache = static_cast<IovaCache>(s.iommu.iova_cache);
  p.lazy_batch = static_cast<unsigned>(s.iommu.lazy_batch);
  p.lazy_timeout = s.iommu.lazy_timeout;
  p.fault_records = static_cast<unsigned>(s.iommu.faults.records);
  p.injected_faults = static_cast<std::uint32_t>(s.iommu.faults.injected);
  p.fault_seed = s.seed;
  return p;
}

PcieParams pcie_params(const sc::Scenario& s) {
  PcieParams p;
  p.generation = static_cast<unsigned>(s.pcie.generation);
  p.lanes = static_cast<unsigned>(s.pcie.lanes);
  p.max_payload = s.pcie.max_payload;
  p.max_read_request = s.pcie.max_read_request;
  p.read_completion_boundary = s.pcie.read_completion_boundary;
  p.dllp_ppm = static_cast<std::uint32_t>(s.pcie.dllp_overhead);
  p.link_latency = s.pcie.link_latency;
  p.root_latency = s.pcie.root_complex_latency;
  p.mmio_write = s.pcie.mmio_write_latency;
  p.ack_tlps = static_cast<std::uint32_t>(s.pcie.ack_tlps);
  p.fc_tlps = static_cast<std::uint32_t>(s.pcie.flow_control_tlps);
  p.posted_buffer = s.pcie.posted_credit_bytes;
  p.posted_headers = static_cast<unsigned>(s.pcie.posted_headers);
  p.nonposted_headers = static_cast<unsigned>(s.pcie.nonposted_headers);
  p.tags = static_cast<unsigned>(s.pcie.tags);
  p.completion_headers = static_cast<unsigned>(s.pcie.completion_headers);
  p.completion_buffer = s.pcie.completion_credit_bytes;
  if (s.pcie.ecrc) p.tlp_framing += 4;   // the end-to-end CRC of every TLP
  return p;
}

NicParams nic_params(const sc::Scenario& s, std::uint32_t rx_queues, std::uint32_t tx_queues, bool device_rings) {
  NicParams p;
  p.replicate = device_rings && rx_queues > 1;
  p.rx_queues = rx_queues;
  p.tx_queues = tx_queues;
  p.fifo = s.nic.fifo;
  p.mtu = s.nic.mtu;
  p.rx_latency = p.tx_latency = s.nic.engine_latency;
  p.checksum_offload = s.nic.checksum_check;
  p.drop_bad_checksum = s.nic.drop_bad_checksum;
  p.scatter = s.nic.scatter;
  p.rss = s.nic.rss;
  p.rss_udp = s.nic.rss_udp;
  p.flow_filters = s.nic.flow_filters;
  p.drop_when_no_descriptor = s.nic.drop_when_no_descriptor;
  p.fetch_batch = static_cast<std::uint32_t>(s.nic.descriptor_prefetch);
  p.max_outstanding_writes = static_cast<std::uint32_t>(s.nic.max_outstanding_writes);
  p.max_outstanding_bytes = s.nic.max_outstanding_bytes;
  p.max_outstanding_reads = static_cast<std::uint32_t>(s.nic.max_outstanding_reads);
  p.descriptor_cache = static_cast<std::uint32_t>(s.nic.descriptor_cache);
  p.prefetch_threshold = static_cast<std::uint32_t>(s.nic.prefetch_threshold);
  p.prefetch_host = static_cast<std::uint32_t>(s.nic.prefetch_host);
  p.tx_fifo = s.nic.tx_fifo;
  p.tx_fetch_batch = static_cast<std::uint32_t>(s.nic.tx_fetch_batch);
  p.virtio_chain_cache = static_cast<std::uint32_t>(s.nic.virtio_chain_cache);
  p.virtio_fetch_batch = static_cast<std::uint32_t>(s.nic.virtio_fetch_batch);
  p.pause_high = s.nic.pause.high;
  p.pause_low = s.nic.pause.low;
  p.pause_quanta = static_cast<std::uint16_t>(s.nic.pause.quanta);
  p.link_rate = s.nic.link_rate;
  p.writeback_batch = static_cast<std::uint32_t>(s.nic.descriptor_writeback_batch);
  p.writeback_timeout = s.nic.writeback_timeout;
  p.moderation_delay = s.nic.interrupt_moderation.delay;
  p.moderation_from = static_cast<ModerationFrom>(s.nic.interrupt_moderation.from);
  p.moderation_frames = static_cast<std::uint32_t>(s.nic.interrupt_moderation.frames);
  p.moderation_command = s.nic.interrupt_moderation.command;
  p.lost_data_writes = static_cast<std::uint32_t>(s.nic.faults.lost_data_writes);
  p.lost_writebacks = static_cast<std::uint32_t>(s.nic.faults.lost_writebacks);
  p.lost_interrupts = static_cast<std::uint32_t>(s.nic.faults.lost_interrupts);
  p.misplaced_fragments = s.nic.faults.misplaced_fragments;
  p.write_tlp = s.pcie.max_payload;
  p.fault_seed = s.seed;
  return p;
}

NapiParams napi_params(const sc::Scenario& s) {
  NapiParams p;
  p.ring_size = static_cast<std::uint32_t>(s.nic.ring_size);
  p.completion_size = s.nic.completion.bytes;
  p.compress = s.nic.completion.compression;
  p.budget = static_cast<std::uint32_t>(s.host.napi_budget);
  p.adaptive = s.nic.interrupt_moderation.adaptive == sc::AdaptiveModeration::dim;
  p.period = s.nic.interrupt_moderation.from == sc::ModerationStart::last_completion ? Dim::Period::completion : Dim::Period::event;
  p.moderation_command = s.nic.interrupt_moderation.command;
  p.arm_by_index = s.nic.interrupt_moderation.arming == sc::VectorArming::consumer_index;
  p.refill_threshold = static_cast<std::uint32_t>(s.host.refill_threshold);
  p.gro_flush_timeout = s.host.gro.flush_timeout;
  p.defer_hard_irqs = static_cast<std::uint32_t>(s.host.gro.defer_hard_irqs);
  p.drop_when_empty = (s.consumer == sc::Consumer::guest || s.consumer == sc::Consumer::user_async) && s.defences.depleted != sc::Depleted::wait;
  return p;
}

UserAppParams user_app_params(const sc::Scenario& s, std::size_t application) {
  const sc::Guest& g = s.guests.at(application);
  const sc::Misbehaviour& m = g.misbehaviour;
  UserAppParams p;
  p.kernel_thread = s.user_async.completions == sc::Completer::kernel_thread;
  switch (g.behaviour) {
    case sc::Behaviour::hoarder: p.behaviour = AppBehaviour::hoarder; break;
    case sc::Behaviour::idle: p.behaviour = AppBehaviour::idle; break;
    case sc::Behaviour::slow_refill: p.behaviour = AppBehaviour::slow_refill; break;
    case sc::Behaviour::ring_liar: p.behaviour = AppBehaviour::ring_liar; break;
    case sc::Behaviour::flood_poster: p.behaviour = AppBehaviour::flood_poster; break;
    case sc::Behaviour::header_scribbler: p.behaviour = AppBehaviour::header_scribbler; break;
    case sc::Behaviour::unmapper: p.behaviour = AppBehaviour::unmapper; break;
    case sc::Behaviour::crasher: p.behaviour = AppBehaviour::crasher; break;
    default: break;
  }
  p.seed = s.seed;
  if (application) p.stream = "user-app." + g.name + ".behaviour";
  p.hold = static_cast<AppHold>(m.hold);
  p.hold_time = m.hold_time;
  p.interval = m.interval;
  p.batch = static_cast<std::uint32_t>(m.batch);
  p.share = static_cast<std::uint32_t>(m.share);
  p.flood = static_cast<AppFlood>(m.flood);
  p.delay = m.delay;
  p.up_time = m.up_time;
  p.down_time = m.down_time;
  return p;
}

ReclaimParams reclaim_params(const sc::Scenario& s) {
  ReclaimParams p;
  p.after = s.defences.reclaim.after;
  p.share = static_cast<std::uint32_t>(s.defences.reclaim.share);
  p.stop_wait = s.nic.queue_stop.wait;
  p.reread = s.nic.queue_stop.reread;
  return p;
}

VhostParams vhost_params(const sc::Scenario& s) {
  VhostParams p;
  p.rules = s.vhost.rules == sc::GroRules::linux_6 ? VhostRules::linux_6 : VhostRules::linux_2_6_35;
  p.busy_poll = s.vhost.busy_poll;
  p.dirty_log = s.host.dirty_log;
  p.rx_ring = s.vhost.backend != sc::Backend::raw_socket;
  p.batch = static_cast<std::uint32_t>(s.vhost.batch);
  p.weight_packets = static_cast<std::uint32_t>(s.vhost.weight_packets);
  p.weight_bytes = s.vhost.weight_bytes;
  return p;
}

std::uint64_t offered_features(const sc::Scenario& s, bool device_ring) {
  if (device_ring || s.vhost.rules == sc::GroRules::linux_6) return ~std::uint64_t{0};
  // Event index: 3.0; mergeable buffers: 2.6.36; VERSION_1: 4.0.
  return ~(feature::bit(feature::kEventIdx) | feature::bit(feature::kMergeRxBuffers) | feature::bit(feature::kVersion1));
}

BridgeParams bridge_params(const sc::Scenario& s) {
  BridgeParams p;
  p.seed = s.seed;
  p.filter = static_cast<std::uint32_t>(s.host.filter.share);
  p.rewritten = static_cast<std::uint32_t>(s.host.rewrite.share);
  p.cloned = static_cast<std::uint32_t>(s.host.clone.share);
  p.rewrite = static_cast<Rewrite>(static_cast<int>(s.host.rewrite.kind) + 1);   // none comes first there
  p.values.mac = p.host_mac;
  p.values.vlan = static_cast<std::uint16_t>(s.host.rewrite.vlan);
  p.foreign = static_cast<ForeignAction>(s.host.foreign);
  p.scrub = s.host.scrub;
  p.clone = static_cast<CloneAction>(s.host.clone.action);
  p.clone_hold = s.host.clone.hold;
  return p;
}

std::uint64_t guest_mac(const sc::Scenario& s, std::size_t g) {
  return s.guests.at(g).mac ? mac_value(*s.guests.at(g).mac) : 0x020000000001ULL + g;
}

GuestParams guest_params(const sc::Scenario& s, std::size_t index) {
  const sc::Guest& g = s.guests.at(index);
  GuestParams p;
  p.index = static_cast<std::uint32_t>(index);
  p.name = g.name;
  p.mac = guest_mac(s, index);
  p.mtu = static_cast<std::uint32_t>(s.nic.mtu);
  p.virtio.queue_size = static_cast<std::uint16_t>(g.virtio.queue_size);
  p.virtio.rx_mode = static_cast<GuestRxMode>(g.virtio.rx_mode);
  p.virtio.driver = g.virtio.driver == sc::GroRules::linux_6 ? GuestDriverRules::linux_6 : GuestDriverRules::linux_2_6_35;
  p.virtio.event_idx = g.virtio.event_idx;
  p.msix = g.virtio.msix;
  p.posted_interrupts = s.host.posted_interrupts;
  p.kick_latency = s.vhost.kick_latency;
  p.virtio.checksum = g.virtio.guest_csum;
  p.virtio.tso4 = g.virtio.tso(g.virtio.guest_tso4);
  p.virtio.tso6 = g.virtio.tso(g.virtio.guest_tso6);
  p.virtio.version_1 = g.virtio.version_1;
  p.virtio.hash_report = g.virtio.hash_report;
  p.virtio.indirect = g.virtio.indirect;
  p.virtio.packed = g.virtio.ring == sc::RingFormat::packed;
  p.virtio.in_order = g.virtio.in_order;
  p.virtio.ip_align = static_cast<unsigned>(g.virtio.ip_align);
  p.virtio.mergeable_buffer = g.virtio.buffer;
  p.app.listens = g.app.listens;
  p.app.read_size = g.app.read_size;
  p.app.socket_buffer = g.app.socket_buffer;
  p.tunnel = s.host.rewrite.share && s.host.rewrite.kind == sc::RewriteKind::encapsulate;
  p.tcp.closed = s.traffic.kind == sc::TrafficKind::synthetic && s.traffic.tcp == sc::TcpMode::closed;
  p.tcp.delayed_ack = g.app.delayed_ack_timeout;
  p.tcp.ack_segments = static_cast<unsigned>(g.app.delayed_ack_segments);
  BehaviourParams& b = p.behaviour;
  const sc::Misbehaviour& m = g.misbehaviour;
  b.kind = static_cast<BehaviourKind>(g.behaviour);
  b.seed = s.seed;
  b.hold = static_cast<HoldTime>(m.hold);
  b.hold_time = m.hold_time;
  b.copy_share = static_cast<std::uint32_t>(m.copy_share);
  b.buffers = static_cast<std::uint32_t>(m.buffers);
  b.flood = static_cast<FloodOf>(m.flood);
  b.lie = static_cast<RingLie>(m.lie);
  b.share = static_cast<std::uint32_t>(m.share);
  b.interval = m.interval;
  b.batch = static_cast<std::uint32_t>(m.batch);
  b.delay = m.delay;
  b.up_time = m.up_time;
  b.down_time = m.down_time;
  p.gro.enabled = g.gro.enabled;   // the model knows that the driver of 2.6.35 has none
  p.gro.rules = g.gro.rules == sc::GroRules::linux_6 ? GroRules::linux_6 : GroRules::linux_2_6_35;
  return p;
}

namespace {

// What the host does between GRO and tap needs a tap, and flows that bear it.
void check_host_stage(const sc::Scenario& s) {
  const bool closed = s.traffic.kind == sc::TrafficKind::synthetic && s.traffic.tcp == sc::TcpMode::closed;
  if (s.traffic.foreign.total() > 1'000'000)
    throw s.error("traffic.foreign", "the shares of frames for others add up to more than 100 %");
  if (s.traffic.foreign.total() && (closed || s.traffic.kind != sc::TrafficKind::synthetic))
    throw s.error("traffic.foreign", "frames for others need synthetic traffic with an open loop (traffic.kind, traffic.tcp)");
  if (closed && s.host.rewrite.share && s.host.rewrite.kind != sc::RewriteKind::mac && s.host.rewrite.kind != sc::RewriteKind::ttl)
    throw s.error("host.rewrite.kind", "a connection of which only some segments are rewritten needs kind mac or ttl (traffic.tcp is closed)");
  if (s.consumer == sc::Consumer::guest) return;
  if (s.host.dirty_log) throw s.error("host.dirty_log", "needs the consumer guest: nobody else is migrated");
  for (const auto& [key, share] : {std::pair{"host.rewrite.share", s.host.rewrite.share}, {"host.filter.share", s.host.filter.share},
                                   {"host.clone.share", s.host.clone.share}, {"traffic.foreign", s.traffic.foreign.total()}})
    if (share) throw s.error(key, "needs the consumer guest");
}

// Of the behaviours those that an application's rings allow; cores for those who poll.
void check_user(const sc::Scenario& s) {
  for (std::size_t i = 0; i < s.guests.size(); ++i) {
    const std::string at = "guests." + std::to_string(i);
    const sc::Guest& g = s.guests[i];
    if (g.behaviour == sc::Behaviour::shinfo_scribbler)
      throw s.error(at + ".behaviour", "an application of the consumer user-async has no shared info in its buffers: the kernel keeps it beside the sk_buff; "
                                       "allowed: every other behaviour");
    if (g.behaviour == sc::Behaviour::ring_liar && g.misbehaviour.lie != sc::Lie::mixed && g.misbehaviour.lie != sc::Lie::address)
      throw s.error(at + ".misbehaviour.lie", "an entry of an application's refill ring has a place in the area and nothing else that the kernel believes: no chains, tables, "
                                              "ids or lengths; allowed: mixed, address (a buffer that the kernel has already: behaviour flood-poster)");
  }
  if (s.user_async.completions != sc::Completer::kernel_thread) return;
  std::vector<bool> taken(s.host.cores);
  for (std::size_t i = 0; i < s.guests.size(); ++i)
    for (const sc::Count core : {s.host.affinity.socket_app + i, s.host.affinity.vhost + i}) {
      if (taken[core % s.host.cores])
        throw s.error("host.affinity.vhost", "a kernel thread and an application that both poll need a core each, and so do those of the next entries of guests on the "
                                             "next cores; allowed: " + std::to_string(2 * s.guests.size()) + " cores of their own from here and from host.affinity.socket_app on");
      taken[core % s.host.cores] = true;
    }
}

}  // namespace

void check_available(const sc::Scenario& s) {
  if (s.traffic.kind == sc::TrafficKind::dma_bench) return;   // software and guests have no part in it
  if (s.consumer == sc::Consumer::user_async) check_user(s);
  if (const Time after = s.defences.reclaim.after; after && after < 10 * kUs)
    throw s.error("defences.reclaim.after", "is shorter than a thread of the host can look twice in; allowed: 0s, or 10us and more");
  if (s.drop.conntrack && s.drop.stage != sc::DropAt::ip_filter)
    throw s.error("drop.conntrack", "frames that end at drop.stage are not tracked there; allowed: false, or drop.stage ip-filter");
  const sc::HostGro& gro = s.host.gro;
  if (gro.rules == sc::GroRules::linux_2_6_35) {
    auto old = [&](const char* key) { throw s.error(key, "does not exist under host.gro.rules linux-2.6.35"); };
    if (gro.udp) old("host.gro.udp");
    if (gro.flush_timeout) old("host.gro.flush_timeout");
    if (gro.defer_hard_irqs) old("host.gro.defer_hard_irqs");
  }
  if (gro.defer_hard_irqs && !gro.flush_timeout)
    throw s.error("host.gro.defer_hard_irqs", "has no effect without host.gro.flush_timeout, the time between the deferred polls");
  if (s.vhost.publish == sc::Publisher::softirq && s.vhost.busy_poll)
    throw s.error("vhost.busy_poll", "has nothing to poll for where a softirq delivers (vhost.publish)");
  if (s.vhost.publish == sc::Publisher::softirq && s.vhost.backend != sc::Backend::tap)
    throw s.error("vhost.backend", "has no part where a softirq delivers (vhost.publish): no device stands between GRO and the guest; allowed: tap");
  check_host_stage(s);
  const bool old_vhost = s.consumer == sc::Consumer::guest && s.vhost.rules == sc::GroRules::linux_2_6_35;
  if (old_vhost && s.vhost.busy_poll) throw s.error("vhost.busy_poll", "vhost of 2.6.35 (vhost.rules) does not poll; allowed: 0");
  for (std::size_t i = 0; i < s.guests.size(); ++i) {
    const std::string at = "guests." + std::to_string(i);
    if (old_vhost && s.guests[i].virtio.rx_mode == sc::RxMode::mergeable)
      throw s.error(at + ".virtio.rx_mode", "vhost of 2.6.35 (vhost.rules) does not offer mergeable buffers; allowed: small, big");
    const sc::Guest& g = s.guests[i];
    if (old_vhost && g.virtio.ring != sc::RingFormat::split)
      throw s.error(at + ".virtio.ring", "vhost of 2.6.35 (vhost.rules) does not offer packed rings; allowed: split");
    if (old_vhost && g.virtio.in_order) throw s.error(at + ".virtio.in_order", "vhost of 2.6.35 (vhost.rules) does not offer it; allowed: false");
    if (old_vhost && g.virtio.hash_report)
      throw s.error(at + ".virtio.hash_report", "vhost of 2.6.35 (vhost.rules) does not offer it; allowed: false");
    if (g.virtio.used_offset && g.virtio.rx_mode != sc::RxMode::mergeable)
      throw s.error(at + ".virtio.used_offset", "offsets in used entries need mergeable buffers (virtio.rx_mode)");
    if (s.consumer != sc::Consumer::user_async && g.behaviour == sc::Behaviour::unmapper && g.backing_page != sc::BackingPage::p4k)
      throw s.error(at + ".behaviour", "unmapper takes single pages away; allowed with backing_page 4KiB");
  }
  const std::size_t shares = destinations(s).size();
  if (addressed(s) && shares > s.guests.size() && shares > s.traffic.flows)
    throw s.error("traffic.flows", "the guests' traffic shares add up to " + std::to_string(shares) + "; allowed: at least as many flows");
  if (addressed(s) && s.nic.rx_queues != 1 && s.nic.rx_queues != s.guests.size())
    throw s.error("nic.rx_queues", "with the consumers guest and user-async each entry of guests has one receive queue; allowed: 1, or the number of guests");
  if (s.consumer != sc::Consumer::guest && s.consumer != sc::Consumer::host_socket && s.traffic.tcp == sc::TcpMode::closed &&
      s.traffic.kind == sc::TrafficKind::synthetic)
    throw s.error("traffic.tcp", "closed-loop TCP needs somebody who acknowledges with a window; allowed with the consumers guest and host-socket");
}

}  // namespace gd::system
