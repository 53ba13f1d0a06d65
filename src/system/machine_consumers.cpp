// The consumers of a machine: guests behind vhost or behind a device ring, and the host's own socket.
#include <algorithm>

#include "models/base/error.h"
#include "models/virtio/layout.h"
#include "src/system/environment.h"
#include "src/system/machine.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

namespace {

// A MSI-X vector of the NIC that is one of the guest's own (posted interrupt).
struct GuestVector : InterruptSink {
  GuestVector(InterruptSink& g, std::uint32_t v) : guest(g), vector(v) {}
  void interrupt(std::uint32_t, Time now) override { guest.interrupt(vector, now); }
  InterruptSink& guest;
  std::uint32_t vector;
};

// A guest's kick that is a doorbell of the device.
struct Doorbell : KickSink {
  Doorbell(MmioBus& b, std::uint32_t q) : bus(b), nic_queue(q) {}
  void kick(std::uint32_t, Time now) override { bus.post(reg::virtio_notify(nic_queue), 0, now); }
  MmioBus& bus;
  std::uint32_t nic_queue;
};

const char* backend_name(sc::Backend b) {
  return b == sc::Backend::tap ? "tap" : b == sc::Backend::macvtap ? "macvtap" : "raw_socket";
}

// `udp`: whoever gets the packets can take merged UDP.
GroParams gro_params(const sc::Host& h, const BindEnvironment& e, bool udp) {
  GroParams p;
  p.enabled = h.gro.enabled;
  p.rules = h.gro.rules == sc::GroRules::linux_6 ? GroRules::linux_6 : GroRules::linux_2_6_35;
  p.udp = h.gro.udp && udp;
  p.hz = static_cast<std::uint32_t>(h.hz);
  p.normal_batch = static_cast<std::uint32_t>(h.gro.normal_batch);
  p.frag_shift_bug = e.options.hazard == Hazard::frag_shift;
  return p;
}

constexpr std::uint32_t kGuestRank = 4500, kInjectionRank = 4600, kTimerRank = 4700, kPollRank = 4800, kCloneRank = 4900;   // between interrupts and cores

}  // namespace

void Machine::build_guest(std::size_t g, const sc::StrategyChoice& choice) {
  auto owned = std::make_unique<GuestSlot>();
  GuestSlot& slot = *owned;
  guests.push_back(std::move(owned));
  const sc::Guest& x = scenario.guests[g];
  slot.env = environment(scenario, choice, g);
  slot.space = std::make_unique<GuestSpace>(phys, x.memory, sc::bytes_of(x.backing_page));

  GuestParams p = guest_params(scenario, g);
  p.layout = strategy.guest_layout(slot.env);
  std::uint64_t untaken = 0;   // extensions that this guest's driver does not know
  if (!slot.env.used_offset) untaken |= feature::bit(feature::kUsedOffset);
  if (!slot.env.split_layout) untaken |= feature::bit(feature::kSplitLayout);
  p.virtio.wanted |= strategy.guest_features(slot.env) & ~untaken;
  p.virtio.offered &= offered_features(scenario, strategy.declaration().device_ring);
  p.kick_exits = !strategy.declaration().device_ring;
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

// The queue's softirq, its interrupt, and the timer of gro_flush_timeout on their core.
void Machine::attach(HostQueue& queue, Core& core, std::uint32_t timer_rank) {
  core.attach(queue.napi->irq());
  core.attach(*queue.napi);
  if (scenario.host.gro.flush_timeout == 0) return;
  queue.timer = std::make_unique<NapiTimer>(agenda, timer_rank, *queue.napi, costs);
  core.attach(*queue.timer);
  queue.napi->connect(*queue.timer);
}

void Machine::connect_host(GuestSlot& slot, std::size_t g) {
  const auto q = static_cast<std::uint32_t>(g);
  // A merged UDP packet goes to a guest that can segment it; for another one UDP is not merged at all.
  const std::uint64_t features = slot.guest->rx().features;
  const bool uso = feature::has(features, feature::kGuestUso4) && feature::has(features, feature::kGuestUso6);
  slot.queue.napi = std::make_unique<NapiQueue>(q, napi_params(scenario), nic, bus, phys, iommu, frames, fault, costs);
  slot.queue.gro = std::make_unique<GroStage>(gro_params(scenario.host, slot.env, uso), phys, skbs, frames, costs);
  PathContext c(phys, ownership, iommu, skbs, costs, frames, fault, agenda, slot.env);
  c.guest = slot.guest.get();
  c.softirq = slot.queue.napi.get();
  c.interrupt_rank = kInjectionRank + q;
  slot.queue.path = strategy.make_path(c);
  slot.tap = std::make_unique<TapQueue>(static_cast<std::uint32_t>(scenario.host.tap_queue), phys, skbs, frames, costs,
                                        backend_name(scenario.vhost.backend), TapOffloads::of(slot.guest->rx().features));
  slot.vhost = std::make_unique<VhostWorker>(vhost_params(scenario), *slot.guest, frames, costs);
  if (scenario.vhost.busy_poll) slot.vhost->use_timer(agenda, kPollRank + q);
  slot.tx = std::make_unique<TxDriver>(q, static_cast<std::uint32_t>(scenario.nic.tx_ring_size), nic, phys, iommu, bus, costs);
  const BridgeParams bridge = bridge_params(scenario);
  if (bridge.active(scenario.traffic.foreign.total() != 0)) {
    slot.bridge = std::make_unique<HostBridge>(bridge, c, kCloneRank + q);
    slot.bridge->connect(*slot.tap);
    core_for(scenario.host.affinity.socket_app, "host.affinity.socket_app").attach(slot.bridge->reader());
  }
  PacketSink& up = slot.bridge ? static_cast<PacketSink&>(*slot.bridge) : *slot.tap;
  slot.queue.napi->connect(*slot.queue.path, *slot.queue.gro, up);
  slot.tap->connect(*slot.vhost);
  slot.vhost->connect(*slot.queue.path, *slot.tap, slot.tx.get());
  slot.guest->on_kick(*slot.vhost);

  Core& irq_core = core_for(scenario.host.affinity.interrupt, "host.affinity.interrupt");
  attach(slot.queue, irq_core, kTimerRank + q);
  core_for((scenario.host.affinity.vhost + g) % cores.size(), "host.affinity.vhost").attach(*slot.vhost);
  if (!observers.empty()) {
    slot.tap->observe(&observers, level("tap-" + slot.guest->name(), "queue", "packets", static_cast<std::int64_t>(scenario.host.tap_queue)));
  }
  slot.queue.napi->start(interrupts.add(slot.queue.napi->irq()));
}

void Machine::connect_device(GuestSlot& slot, std::size_t g) {
  const auto q = static_cast<std::uint32_t>(g);
  const auto domain = static_cast<std::uint16_t>(g + 1);
  const Iova base = iommu.map_guest(*slot.space, domain);
  for (Gpa a = 0; a < slot.space->size(); a += kPage) ownership.pin(slot.space->translate(a), 0);
  slot.rx_vector = std::make_unique<GuestVector>(slot.guest->interrupts(), 0);
  slot.tx_vector = std::make_unique<GuestVector>(slot.guest->interrupts(), 1);
  nic.configure_virtio_rx(q, {slot.guest->rx(), base, interrupts.add(*slot.rx_vector), domain, slot.space.get()});
  nic.configure_virtio_tx(q, {slot.guest->tx(), base, interrupts.add(*slot.tx_vector), domain});
  slot.doorbell = std::make_unique<Doorbell>(bus, q);
  slot.guest->on_kick(*slot.doorbell);
}

void Machine::build_socket(const sc::StrategyChoice& choice) {
  HostSocketParams p;
  p.socket_buffer = scenario.host.socket_buffer;
  socket = std::make_unique<HostSocket>(p, phys, frames, *expected, costs);
  core_for(scenario.host.affinity.socket_app, "host.affinity.socket_app").attach(*socket);
  Core& irq_core = core_for(scenario.host.affinity.interrupt, "host.affinity.interrupt");
  for (std::uint32_t q = 0; q < nic.rx_queues(); ++q) {
    auto owned = std::make_unique<HostQueue>();
    HostQueue& h = *owned;
    socket_queues.push_back(std::move(owned));
    socket_envs.push_back(std::make_unique<BindEnvironment>(environment(scenario, choice, 0)));
    h.napi = std::make_unique<NapiQueue>(q, napi_params(scenario), nic, bus, phys, iommu, frames, fault, costs);
    h.gro = std::make_unique<GroStage>(gro_params(scenario.host, *socket_envs.back(), true), phys, skbs, frames, costs);
    PathContext c(phys, ownership, iommu, skbs, costs, frames, fault, agenda, *socket_envs.back());
    c.softirq = h.napi.get();
    h.path = strategy.make_path(c);
    h.napi->connect(*h.path, *h.gro, *socket);
    attach(h, irq_core, kTimerRank + q);
    h.napi->start(interrupts.add(h.napi->irq()));
  }
  if (!observers.empty()) socket->observe(&observers, level("host", "socket", "bytes", static_cast<std::int64_t>(p.socket_buffer)));
}

}  // namespace gd::system
