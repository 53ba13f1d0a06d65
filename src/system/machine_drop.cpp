// The consumer drop: a stage of the host's receive path behind every queue.
#include "src/system/machine.h"

namespace gd::system {

void Machine::build_drop(const scenario::StrategyChoice& choice) {
  DropParams p;
  p.stage = static_cast<DropAt>(scenario.drop.stage);
  p.conntrack = scenario.drop.conntrack;
  drop = std::make_unique<DropStage>(p, phys, frames, *expected, costs);
  for (std::uint32_t q = 0; q < nic.rx_queues(); ++q) {
    HostQueue& h = open_host(q, choice);
    if (drop->in_driver()) h.napi->hook(*drop, costs);
    start(h, *drop, interrupt_core(q));
  }
}

}  // namespace gd::system
