// The consumer host-socket: applications of the host behind the kernel's sockets.
#include "src/system/machine.h"

namespace gd::system {

namespace sc = scenario;

TxDriver& Machine::ack_queue() {
  socket_tx.push_back(std::make_unique<TxDriver>(static_cast<std::uint32_t>(socket_tx.size()), static_cast<std::uint32_t>(scenario.nic.tx_ring_size),
                                                 nic, phys, iommu, bus, costs, scenario.host.tx_mapping == sc::TxMapping::each_use));
  return *socket_tx.back();
}

void Machine::build_sockets(const sc::StrategyChoice& choice) {
  HostSocketParams p;
  p.socket_buffer = scenario.host.socket_buffer;
  p.windows = scenario.traffic.kind == sc::TrafficKind::synthetic && scenario.traffic.tcp == sc::TcpMode::closed;
  const std::size_t n = scenario.host.sockets;
  for (std::size_t i = 0; i < n; ++i) {
    sockets.push_back(std::make_unique<HostSocket>(p, phys, frames, *expected, costs));
    core_for((scenario.host.affinity.socket_app + i) % cores.size(), "host.affinity.socket_app").attach(*sockets.back());
    sockets.back()->transmit_by(ack_queue());
  }
  for (std::uint32_t q = 0; q < nic.rx_queues(); ++q) start(open_host(q, choice), *sockets[q % n], interrupt_core(q));
  for (std::size_t i = 0; i < n && !observers.empty(); ++i)
    sockets[i]->observe(&observers, level("host", n == 1 ? "socket" : "socket" + std::to_string(i), "bytes", static_cast<std::int64_t>(p.socket_buffer)));
}

}  // namespace gd::system
