#include "src/system/machine.h"

#include <algorithm>

#include "models/base/error.h"
#include "models/wire/rewritten.h"
#include "src/system/environment.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

namespace {

FaultPlan fault_plan(const sc::Scenario& s) {
  static const std::pair<const char*, Fault> kinds[] = {
      {"flip-wire", Fault::flip_wire}, {"flip-nic", Fault::flip_nic}, {"flip-host", Fault::flip_host},
      {"flip-guest", Fault::flip_guest}, {"lose-nic", Fault::lose_nic}, {"lose-host", Fault::lose_host},
      {"lose-guest", Fault::lose_guest}, {"free-twice", Fault::free_twice}, {"leak-buffer", Fault::leak_buffer},
      {"wrong-queue", Fault::wrong_queue}, {"dma-after-return", Fault::dma_after_return}, {"uncharged-cycle", Fault::uncharged_cycle}};
  FaultPlan p;
  p.frame = s.debug.fault.frame;
  for (const auto& [name, kind] : kinds)
    if (s.debug.fault.kind == name) p.kind = kind;
  return p;
}

std::uint32_t queues_needed(const sc::Scenario& s) {
  return static_cast<std::uint32_t>(addressed(s) ? s.guests.size() : s.nic.rx_queues);
}

// The IOMMU's translation of a guest's memory is needed by device rings in every mode; see Iommu::map_guest.
const Strategy& strategy_of(const sc::StrategyChoice& c) {
  const Strategy* s = find_strategy(c.name);
  if (!s) throw UserError("there is no strategy \"" + c.name + "\"");
  return *s;
}


}  // namespace

Machine::Machine(const sc::Scenario& s, const sc::StrategyChoice& choice, const RunOptions& options)
    : scenario(s), strategy(strategy_of(choice)), fault(fault_plan(s)), observers(options.observers), costs(cost_book(s)),
      phys(sc::memory_of(s, 0), kMemorySeed, sc::memory_of(s, 1), static_cast<unsigned>(s.host.memory_node)),
      agenda("agenda"), memory("memory", agenda, phys, memory_params(s), kMemorySeed),
      iommu("iommu", agenda, iommu_params(s), memory, costs, kMemorySeed), pcie("pcie", agenda, pcie_params(s)),
      interrupts("interrupts", agenda),
      nic("nic", agenda, nic_params(s, queues_needed(s), queues_needed(s), strategy.declaration().device_ring), phys, ownership, frames, &fault,
          observers.empty() ? nullptr : &observers),
      bus("bus", costs), skbs(phys, ownership, iommu, costs, 2048) {
  ownership.sees(phys);
  agenda.decouple(kQuantum);
  if (s.debug.shuffle) agenda.shuffle(0x5eed);
  nic.bus.bind(pcie.from_device);
  pcie.to_root.bind(iommu.from_bus);
  pcie.to_interrupts.bind(interrupts.socket);
  pcie.to_device.bind(nic.registers);
  iommu.to_memory.bind(memory.socket);
  bus.socket.bind(pcie.from_cpu);
  for (std::uint32_t i = 0; i < s.host.cores; ++i)
    cores.push_back(std::make_unique<Core>(agenda, i, core_params(s), memory, ledger, costs));

  if (s.host.copy_engine.channels) copy_engine = std::make_unique<CopyEngine>(agenda, kCopyEngineRank, memory, copy_engine_params(s));

  build_traffic();
  if (shares_queue(s)) demux = std::make_unique<GuestDemux>(static_cast<std::uint32_t>(s.defences.shared_share), phys, frames, costs);
  if (s.consumer == sc::Consumer::guest) {
    for (std::size_t g = 0; g < s.guests.size(); ++g) build_guest(g, choice);
    if (demux) start(open_host(0, choice), *demux, interrupt_core(0));
    for (auto& from : guests)
      for (auto& to : guests)
        if (from != to && from->bridge) from->bridge->peer(*to->tap);
  } else if (s.consumer == sc::Consumer::user_async) {
    build_users(choice);
  } else if (s.consumer == sc::Consumer::drop) {
    build_drop(choice);
  } else if (s.consumer == sc::Consumer::host_forward) {
    build_forward();
  } else {
    build_sockets(choice);
  }
  clean_transmit_queues();
  // Wherever requests are translated they may fault: by injection, by what a guest posts, by a hazard.
  if (s.iommu.mode == sc::IommuMode::lazy || s.iommu.mode == sc::IommuMode::strict || strategy.declaration().device_ring) {
    fault_handler = std::make_unique<IommuFaultHandler>(agenda, kIommuFaultRank, iommu, costs);
    core_for(s.host.affinity.interrupt, "host.affinity.interrupt").attach(*fault_handler);
    iommu.report_faults(fault_handler.get());
  }
  steer();
  nic.connect(link.get());
  ledger.seal(costs.entries().size());
  if (fault.kind == Fault::uncharged_cycle) cores.front()->plant_uncharged_cycle();

  std::vector<std::uint32_t> rings;
  for (std::uint32_t q = 0; q < nic.rx_queues(); ++q)
    rings.push_back(level("nic", "ring" + std::to_string(q), "descriptors", static_cast<std::int64_t>(s.nic.ring_size)));
  nic.set_levels(level("nic", "fifo", "bytes", static_cast<std::int64_t>(s.nic.fifo)), rings);
  frames.listen(&way);
  if (!observers.empty()) {
    way.pass_to(&observers);
    for (auto& c : cores) c->observe(&observers);
    for (auto& g : guests) g->guest->observe(&observers);
  }
}

Machine::~Machine() = default;

std::uint32_t Machine::level(const std::string& component, const std::string& name, const std::string& unit, std::int64_t capacity) {
  const auto id = static_cast<std::uint32_t>(levels.size());
  levels.push_back({id, component, name, unit, capacity});
  return id;
}

Core& Machine::core_for(std::size_t wanted, const char* key) {
  if (wanted >= cores.size()) throw scenario.error(key, "there are only " + std::to_string(cores.size()) + " cores (host.cores)");
  return *cores[wanted];
}

void Machine::build_traffic() {
  const sc::Traffic& t = scenario.traffic;
  Link::Params lp = link_params(scenario);
  link = std::make_unique<Link>(agenda, rank::kWire, frames, lp);
  if (t.kind == sc::TrafficKind::pcap) {
    std::optional<std::uint64_t> mac;
    if (t.rewrite_dst_mac == sc::DstMac::guest && addressed(scenario)) mac = guest_mac(scenario, 0);
    try {
      capture = std::make_unique<Capture>(Capture::load(t.file, mac));
    } catch (const UserError& e) {
      throw scenario.error("traffic.file", e.what());
    }
    Replay::Params p;
    p.rate = t.rate.value_or(0);
    p.loop = t.loop;
    traffic = std::make_unique<Replay>(frames, *capture, p);
    expected = std::make_unique<CaptureExpected>(*capture);
  } else if (t.tcp == sc::TcpMode::closed) {
    const TcpSender::Params p = tcp_params(scenario);
    auto sender = std::make_unique<TcpSender>(agenda, rank::kWire + 1, frames, p);
    far_end = sender.get();
    link->far_end(far_end);
    traffic = std::move(sender);
    expected = std::make_unique<StreamExpected>(p.flows, p.seed);
  } else {
    Synthetic::Params p = synthetic_params(scenario);
    traffic = std::make_unique<Synthetic>(frames, p);
    expected = std::make_unique<StreamExpected>(p.flows, p.seed);
  }
  if (lp.damage.any()) expected = std::make_unique<DamagedExpected>(std::move(expected));
  if (scenario.host.rewrite.share) expected = std::make_unique<RewrittenExpected>(std::move(expected), bridge_params(scenario).values);
  if (addressed(scenario) && t.kind != sc::TrafficKind::pcap) {
    const std::vector<std::size_t> to = destinations(scenario);
    std::vector<std::uint32_t> group;
    for (std::size_t f = 0; f < scenario.traffic.flows; ++f) group.push_back(static_cast<std::uint32_t>(to[f % to.size()]));
    if (t.foreign.total()) frames.strangers(static_cast<std::uint32_t>(group.size()), 2);   // the host's, another guest's; then everybody's
    frames.group(std::move(group), static_cast<std::uint32_t>(scenario.guests.size()));
  }
  if (capture && one_takes_all(scenario)) frames.group(std::vector<std::uint32_t>(capture->flows(), 0), 1);
  link->connect(*traffic, nic);
  link->plant(&fault);
}

void Machine::steer() {
  if (!addressed(scenario)) {
    nic.steer(0, 0, 0, nic.rx_queues());
    return;
  }
  if (demux) return nic.steer(0, 0, 0, 1);
  for (std::size_t g = 0; g < scenario.guests.size(); ++g) {
    const sc::Guest& x = scenario.guests[g];
    nic.steer(x.mac ? guest_mac(scenario, g) : 0, static_cast<std::uint16_t>(x.vlan), static_cast<std::uint32_t>(g), 1);
  }
}

bool Machine::filled() const {
  const auto done = [](const HostQueue& q) { return !q.napi || q.napi->filled(); };
  return std::all_of(guests.begin(), guests.end(), [&](const auto& g) { return done(g->queue); }) &&
         std::all_of(host_queues.begin(), host_queues.end(), [&](const auto& q) { return done(*q); }) &&
         std::all_of(forwarders.begin(), forwarders.end(), [](const auto& f) { return f->filled(); });
}

std::uint64_t Machine::held() const {
  std::uint64_t n = nic.held();
  for (const auto& g : guests) {
    if (g->queue.napi) n += g->queue.napi->held();
    if (g->queue.path) n += g->queue.path->held();
    if (g->bridge) n += g->bridge->held();
    if (g->tap) n += g->tap->held();
    if (g->delivery) n += g->delivery->held();
    if (g->vhost) n += g->vhost->held();
    for (const FrameChain& c : g->guest->rx().side->by_head) n += c.count;   // used entries that the guest has not taken
    n += g->guest->held();
  }
  for (const auto& q : host_queues) n += q->napi->held() + q->path->held();
  for (const auto& s : sockets) n += s->held();
  for (const auto& u : users) n += u->kernel->held();
  for (const auto& f : forwarders) n += f->held();
  return n;
}

std::string Machine::ledger_mismatch() const {
  for (const auto& c : cores) {
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < ledger.rows().size(); ++r)
      if (ledger.rows()[r].core == c->name()) sum += ledger.total_mc(static_cast<Ledger::Row>(r));
    if (sum != c->busy_mc())
      return c->name() + ": the ledger accounts for " + std::to_string(sum) + " milli-cycles, the core was busy for " +
             std::to_string(c->busy_mc());
  }
  return {};
}

std::uint64_t Machine::integrity_errors() const {
  std::uint64_t n = 0;
  for (const auto& s : sockets) n += s->check().errors();
  for (const auto& u : users) n += u->trusted ? u->kernel->check().errors() : 0;
  if (drop) n += drop->check().errors();
  if (departures) n += departures->check().errors();
  for (const auto& g : guests) n += g->guest->stats().integrity_errors;
  return n;
}

std::uint64_t Machine::unreclaimed() const {
  std::uint64_t n = 0;
  for (const auto& f : forwarders) n += f->unreclaimed();
  for (const auto& g : guests) {
    if (g->bridge) n += g->bridge->reader().unread_buffers();
    if (g->queue.path) n += g->queue.path->unreclaimed();
  }
  return n;
}

Messages Machine::messages() const {
  Messages m;
  m.ownership = ownership.messages();
  const auto add = [&m](const std::vector<std::string>& of) { m.integrity.insert(m.integrity.end(), of.begin(), of.end()); };
  for (const auto& g : guests) add(g->guest->integrity_messages());
  for (const auto& u : users)
    if (u->trusted) add(u->kernel->check().messages());
  for (const auto& s : sockets) add(s->check().messages());
  if (departures) add(departures->check().messages());
  if (drop) add(drop->check().messages());
  return m;
}

Topology Machine::topology() const {
  Topology t;
  t.levels = levels;
  for (const auto& c : cores) t.cores.push_back(c->name());
  for (const auto& r : ledger.rows()) t.contexts.push_back(r.context);
  for (const auto& g : guests) t.guests.push_back(g->guest->name());
  if (users.size() > 1)
    for (const auto& u : users) t.guests.push_back(u->name);
  return t;
}

}  // namespace gd::system
