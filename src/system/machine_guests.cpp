// Guests of a machine: behind vhost, or behind a device ring.
#include <algorithm>

#include "models/virtio/layout.h"
#include "src/system/environment.h"
#include "src/system/machine.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

namespace {

// A MSI-X vector of the NIC that is one of the guest's own.
struct GuestVector : InterruptSink {
  GuestVector(InterruptSink& g, Vcpu& c, bool p, std::uint32_t v) : guest(g), vcpu(c), posted(p), vector(v) {}
  void interrupt(std::uint32_t, Time now) override {
    vcpu.device_interrupt(posted);
    guest.interrupt(vector, now);
  }
  InterruptSink& guest;
  Vcpu& vcpu;
  bool posted;
  std::uint32_t vector;
};

// A guest's kick that is a doorbell of the device.
struct Doorbell : KickSink {
  Doorbell(MmioBus& b, std::uint32_t q) : bus(b), nic_queue(q) {}
  void kick(std::uint32_t, Time) override { bus.post(reg::virtio_notify(nic_queue), 0); }
  MmioBus& bus;
  std::uint32_t nic_queue;
};

// A guest's device reset reaches the path of its queue.
struct PathReset : ResetSink {
  explicit PathReset(RxPath& p) : path(p) {}
  void reset(Time now) override { path.reset(now); }
  RxPath& path;
};
// Where the receive queue is the card's, the register of that.
struct DeviceReset : ResetSink {
  DeviceReset(MmioBus& b, const NicControl& n, std::uint32_t q) : bus(b), nic(n), nic_queue(q) {}
  void reset(Time) override { bus.post(reg::rx_enable(nic_queue), 0); }
  bool done() const override { return nic.rx_drained(nic_queue); }
  void begin(Time) override { bus.post(reg::rx_enable(nic_queue), 1); }
  MmioBus& bus;
  const NicControl& nic;
  std::uint32_t nic_queue;
};
constexpr Bytes kBehind = 1 << 20;   // of the process behind a guest, mapped next to the guest's memory: its heap

const char* backend_name(sc::Backend b) {
  return b == sc::Backend::tap ? "tap" : b == sc::Backend::macvtap ? "macvtap" : "raw_socket";
}

}  // namespace

void Machine::build_guest(std::size_t g, const sc::StrategyChoice& choice) {
  auto owned = std::make_unique<GuestSlot>();
  GuestSlot& slot = *owned;
  guests.push_back(std::move(owned));
  const sc::Guest& x = scenario.guests[g];
  slot.env = environment(scenario, choice, g);
  slot.space = std::make_unique<GuestSpace>(phys, x.memory, sc::bytes_of(x.backing_page), static_cast<unsigned>(x.memory_node));
  // What a host reaches that does not check addresses: the process behind the guest.
  if (!slot.env.defences.validate || !slot.env.defences.read_once) ownership.fence(slot.space->continue_unchecked(kBehind), kBehind);

  GuestParams p = guest_params(scenario, g);
  const Bytes page = slot.space->backing_page();
  for (Gpa a = 0; a < slot.space->size(); a += page)
    ownership.belongs(slot.space->translate(a), page, static_cast<unsigned>(g), !spoils_memory(p.behaviour.kind));
  p.layout = strategy.guest_layout(slot.env);
  std::uint64_t untaken = 0;   // extensions that this guest's driver does not know
  if (!slot.env.used_offset) untaken |= feature::bit(feature::kUsedOffset);
  if (!slot.env.split_layout) untaken |= feature::bit(feature::kSplitLayout);
  p.virtio.wanted |= strategy.guest_features(slot.env) & ~untaken;
  p.virtio.offered &= offered_features(scenario, strategy.declaration().device_ring);
  p.kick_exits = !strategy.declaration().device_ring;
  if (strategy.declaration().device_ring) {
    p.msix = true;          // a card's own virtio device
    p.kick_latency = 0;     // no eventfd, no worker: its doorbell is a posted write
  }
  // Linux negotiates USO since 6.2, whenever it is offered: here, when the host may merge UDP and the design hands it over.
  if (scenario.host.gro.enabled && scenario.host.gro.udp && strategy.merges(slot.env) && !strategy.declaration().device_ring &&
      slot.env.rx_mode != RxMode::small && p.virtio.driver == GuestDriverRules::linux_6)
    p.virtio.wanted |= feature::bit(feature::kGuestUso4) | feature::bit(feature::kGuestUso6);
  p.socket_level = level("guest-" + x.name, "socket", "bytes", static_cast<std::int64_t>(x.app.socket_buffer));
  p.ring_level = level("guest-" + x.name, "ring", "buffers", static_cast<std::int64_t>(x.virtio.queue_size));
  const Guest::Environment env{agenda, *slot.space, ownership, frames, costs, *expected, &fault};
  slot.guest = std::make_unique<Guest>(p, env, kGuestRank + static_cast<std::uint32_t>(g));

  const auto& vcpus = scenario.host.affinity.vcpu;
  Core& core = core_for(vcpus[std::min(g, vcpus.size() - 1)], "host.affinity.vcpu");
  slot.vcpu = std::make_unique<Vcpu>("vcpu-" + x.name, costs);
  core.attach(*slot.vcpu);
  slot.guest->attach(*slot.vcpu, core, *slot.vcpu, core);
  if (strategy.declaration().device_ring) {
    connect_device(slot, g);
  } else {
    connect_host(slot, g);
  }
}

// A merged UDP packet goes to a guest that can segment it; for another one UDP is not merged at all.
bool Machine::takes_merged_udp(const GuestSlot& slot) {
  const std::uint64_t features = slot.guest->rx().features;
  return feature::has(features, feature::kGuestUso4) && feature::has(features, feature::kGuestUso6);
}

void Machine::connect_host(GuestSlot& slot, std::size_t g) {
  const auto q = static_cast<std::uint32_t>(g);
  PathContext c(phys, ownership, iommu, skbs, costs, frames, fault, agenda, slot.env);
  c.guest = slot.guest.get();
  c.copy_engine = copy_engine.get();
  c.interrupt_rank = kInjectionRank + q;
  if (demux) slot.queue.path = strategy.make_path(c);
  else open(slot.queue, q, c, takes_merged_udp(slot));
  slot.tap = std::make_unique<TapQueue>(static_cast<std::uint32_t>(scenario.host.tap_queue), phys, skbs, frames, costs,
                                        backend_name(scenario.vhost.backend), TapOffloads::of(slot.guest->rx().features));
  slot.vhost = std::make_unique<VhostWorker>(vhost_params(scenario), *slot.guest, frames, costs);
  if (scenario.vhost.busy_poll) slot.vhost->use_timer(agenda, kPollRank + q);
  slot.tx = std::make_unique<TxDriver>(q, static_cast<std::uint32_t>(scenario.nic.tx_ring_size), nic, phys, iommu, bus, costs,
                                       scenario.host.tx_mapping == sc::TxMapping::each_use);
  PacketSink* up = slot.tap.get();
  if (slot.env.softirq_publish) {
    slot.delivery = std::make_unique<SoftirqDelivery>(vhost_params(scenario), static_cast<std::uint32_t>(scenario.host.tap_queue), phys, skbs,
                                                      frames, costs, TapOffloads::of(slot.guest->rx().features));
    up = slot.delivery.get();
  }
  const BridgeParams bridge = bridge_params(scenario);
  if (bridge.active(foreign_frames(scenario))) {
    slot.bridge = std::make_unique<HostBridge>(bridge, c, kCloneRank + q);
    slot.bridge->connect(*up);
    core_for(scenario.host.affinity.socket_app, "host.affinity.socket_app").attach(slot.bridge->reader());
  }
  if (slot.bridge) up = slot.bridge.get();
  slot.tap->connect(*slot.vhost);
  slot.vhost->connect(*slot.queue.path, *slot.tap, slot.tx.get());
  slot.guest->on_kick(*slot.vhost);
  slot.reset = std::make_unique<PathReset>(*slot.queue.path);
  slot.guest->on_reset(*slot.reset);

  Core& irq_core = core_for(scenario.host.affinity.interrupt, "host.affinity.interrupt");
  if (slot.delivery) {
    slot.vhost->leave_delivery_to(*slot.delivery);
    irq_core.attach(*slot.delivery);
  }
  if (demux) demux->add(scenario.guests[g].mac ? guest_mac(scenario, g) : 0, static_cast<std::uint16_t>(scenario.guests[g].vlan), *up, *slot.tap, Drop::tap_full);
  else start(slot.queue, *up, irq_core);
  Core& vhost_core = core_for((scenario.host.affinity.vhost + g) % cores.size(), "host.affinity.vhost");
  vhost_core.attach(*slot.vhost);
  if (Task* interrupt = slot.queue.path->own_interrupt()) vhost_core.attach(*interrupt);
  if (const ReclaimParams r = reclaim_params(scenario); r.after && slot.queue.napi) {
    if (!reclaim) {
      reclaim = std::make_unique<BufferReclaim>(agenda, kReclaimRank, r, nic, bus, costs);
      core_for(scenario.host.affinity.vhost, "host.affinity.vhost").attach(*reclaim);
    }
    reclaim->watch(*slot.queue.napi, *slot.queue.path, *slot.vhost, slot.env.options.hazard != Hazard::reclaim_undrained);
  }
  if (!observers.empty()) {
    slot.tap->observe(&observers, level("tap-" + slot.guest->name(), "queue", "packets", static_cast<std::int64_t>(scenario.host.tap_queue)));
  }
}

void Machine::connect_device(GuestSlot& slot, std::size_t g) {
  const auto q = static_cast<std::uint32_t>(g);
  const auto domain = static_cast<std::uint16_t>(g + 1);
  const Iova base = iommu.map_guest(*slot.space, domain);
  for (Gpa a = 0; a < slot.space->size(); a += kPage) ownership.pin(slot.space->translate(a), 0);
  const auto vector = [&](std::uint32_t v) { return std::make_unique<GuestVector>(slot.guest->interrupts(), *slot.vcpu, scenario.host.posted_interrupts, v); };
  slot.rx_vector = vector(0);
  slot.tx_vector = vector(1);
  nic.configure_virtio_rx(q, {slot.guest->rx(), base, interrupts.add(*slot.rx_vector), domain, slot.space.get(),
                              scenario.defences.depleted != sc::Depleted::wait});
  nic.configure_virtio_tx(q, {slot.guest->tx(), base, interrupts.add(*slot.tx_vector), domain});
  slot.doorbell = std::make_unique<Doorbell>(bus, q);
  slot.guest->on_kick(*slot.doorbell);
  slot.reset = std::make_unique<DeviceReset>(bus, nic, q);
  slot.guest->on_reset(*slot.reset);
}

}  // namespace gd::system
