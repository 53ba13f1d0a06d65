// The NIC queues of the host's driver, whoever takes their packets.
#include "src/system/environment.h"
#include "src/system/machine.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

namespace {

// `udp`: whoever gets the packets can take merged UDP.
GroParams gro_params(const sc::Host& h, const BindEnvironment& e, bool udp, bool guest_memory) {
  GroParams p;
  p.enabled = h.gro.enabled;
  p.rules = h.gro.rules == sc::GroRules::linux_6 ? GroRules::linux_6 : GroRules::linux_2_6_35;
  p.udp = h.gro.udp && udp;
  p.hz = static_cast<std::uint32_t>(h.hz);
  p.normal_batch = static_cast<std::uint32_t>(h.gro.normal_batch);
  if (guest_memory) p.most_buffers = e.packet_buffers;
  p.frag_shift_bug = e.options.hazard == Hazard::frag_shift;
  return p;
}

}  // namespace

void Machine::open(HostQueue& h, std::uint32_t q, PathContext& context, bool udp) {
  h.napi = std::make_unique<NapiQueue>(q, napi_params(scenario), nic, bus, phys, iommu, frames, fault, costs);
  h.gro = std::make_unique<GroStage>(gro_params(scenario.host, context.env, udp, strategy.declaration().guest_memory && !demux), phys, skbs, frames, costs);
  context.softirq = h.napi.get();
  h.path = demux ? make_host_path(context) : strategy.make_path(context);
}

HostQueue& Machine::open_host(std::uint32_t q, const sc::StrategyChoice& choice) {
  host_queues.push_back(std::make_unique<HostQueue>());
  host_envs.push_back(std::make_unique<BindEnvironment>(environment(scenario, choice, 0)));
  PathContext c(phys, ownership, iommu, skbs, costs, frames, fault, agenda, *host_envs.back());
  bool udp = true;                         // every guest that shares the queue must be able to segment what is merged
  for (const auto& g : guests) udp = udp && takes_merged_udp(*g);
  open(*host_queues.back(), q, c, udp);
  return *host_queues.back();
}

Core& Machine::interrupt_core(std::uint32_t q) {
  return core_for((scenario.host.affinity.interrupt + q) % cores.size(), "host.affinity.interrupt");
}

void Machine::start(HostQueue& h, PacketSink& up, Core& core) {
  h.napi->connect(*h.path, *h.gro, up);
  attach(h, core, kTimerRank + h.napi->queue());
  h.napi->start(interrupts.add(h.napi->irq()));
}

// The queue's softirq, its interrupt, and the timer of gro_flush_timeout on their core.
void Machine::attach(HostQueue& queue, Core& core, std::uint32_t timer_rank) {
  core.attach(queue.napi->irq());
  core.attach(*queue.napi);
  if (const sc::Watchdog& w = scenario.host.watchdog; w.period) {
    if (!watchdog) {
      watchdog = std::make_unique<RxWatchdog>(agenda, kWatchdogRank, WatchdogParams{w.period, w.rearm, w.skip_stuck}, nic, bus, costs);
      core.attach(*watchdog);
    }
    watchdog->watch(*queue.napi);
  }
  if (scenario.host.gro.flush_timeout == 0) return;
  queue.timer = std::make_unique<NapiTimer>(agenda, timer_rank, *queue.napi, costs);
  core.attach(*queue.timer);
  queue.napi->connect(*queue.timer);
}

void Machine::clean_transmit_queues() {
  std::vector<NapiQueue*> polls;
  std::vector<TxDriver*> sends;
  for (const auto& g : guests) {
    if (g->queue.napi) polls.push_back(g->queue.napi.get());
    if (g->tx) sends.push_back(g->tx.get());
  }
  for (const auto& h : host_queues) polls.push_back(h->napi.get());
  for (const auto& t : socket_tx) sends.push_back(t.get());
  for (std::size_t i = 0; i < sends.size() && !polls.empty(); ++i) polls[i % polls.size()]->clean(*sends[i]);
}

}  // namespace gd::system
