// The consumer host-forward: a poller for each receive queue, one pool of buffers, and who sees the frames leave.
#include "src/system/machine.h"

namespace gd::system {

void Machine::build_forward() {
  const scenario::Scenario& s = scenario;
  if (nic.rx_queues() > cores.size())
    throw s.error("nic.rx_queues", "each poller of the consumer host-forward needs a core of its own; allowed: up to host.cores, " + std::to_string(cores.size()));
  if (s.forward.mempool < nic.rx_queues() * (s.nic.ring_size + s.forward.mempool_cache))
    throw s.error("forward.mempool", std::to_string(s.forward.mempool) + " buffers do not fill the receive rings and the cores' caches; needed: " +
                                         std::to_string(nic.rx_queues() * (s.nic.ring_size + s.forward.mempool_cache)));
  MempoolParams m;
  m.objects = static_cast<std::uint32_t>(s.forward.mempool);
  m.headroom = s.forward.headroom;
  m.data_room = s.nic.rx_buffer;
  pool = std::make_unique<Mempool>(m, phys, ownership, iommu);
  departures = std::make_unique<Departures>(frames, *expected);
  nic.connect(departures.get());
  ForwarderParams p;
  p.ring_size = static_cast<std::uint32_t>(s.nic.ring_size);
  p.tx_ring_size = static_cast<std::uint32_t>(s.nic.tx_ring_size);
  p.burst = static_cast<std::uint32_t>(s.forward.burst);
  p.cache = static_cast<std::uint32_t>(s.forward.mempool_cache);
  for (std::uint32_t q = 0; q < nic.rx_queues(); ++q) {
    forwarders.push_back(std::make_unique<Forwarder>(q, p, nic, bus, phys, iommu, frames, fault, *pool, costs));
    core_for((s.host.affinity.forward + q) % cores.size(), "host.affinity.forward").attach(*forwarders.back());
    forwarders.back()->start();
  }
}

}  // namespace gd::system
