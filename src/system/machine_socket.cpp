// The consumer host-socket: an application of the host behind the kernel's sockets.
#include "src/system/machine.h"

namespace gd::system {

namespace sc = scenario;

void Machine::build_socket(const sc::StrategyChoice& choice) {
  HostSocketParams p;
  p.socket_buffer = scenario.host.socket_buffer;
  socket = std::make_unique<HostSocket>(p, phys, frames, *expected, costs);
  core_for(scenario.host.affinity.socket_app, "host.affinity.socket_app").attach(*socket);
  socket_tx = std::make_unique<TxDriver>(0, static_cast<std::uint32_t>(scenario.nic.tx_ring_size), nic, phys, iommu, bus, costs);
  socket->transmit_by(*socket_tx);
  for (std::uint32_t q = 0; q < nic.rx_queues(); ++q) start(open_host(q, choice), *socket, interrupt_core(q));
  if (!observers.empty()) socket->observe(&observers, level("host", "socket", "bytes", static_cast<std::int64_t>(p.socket_buffer)));
}

}  // namespace gd::system
