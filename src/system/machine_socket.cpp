// The consumer host-socket: an application of the host behind the kernel's sockets.
#include "src/system/environment.h"
#include "src/system/machine.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

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
    PathContext c(phys, ownership, iommu, skbs, costs, frames, fault, agenda, *socket_envs.back());
    open(h, q, c, true);
    start(h, *socket, irq_core);
  }
  if (!observers.empty()) socket->observe(&observers, level("host", "socket", "bytes", static_cast<std::int64_t>(p.socket_buffer)));
}

}  // namespace gd::system
