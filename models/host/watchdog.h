// The service timer of a NIC driver, as far as it looks after receive queues.
//
// Modelled: a thread that a timer wakes in even distances; each round it raises the interrupt of every queue, so that a lost one is
// made up for (ixgbe), or looks whether a queue stands at a descriptor that the card's head has passed, and lets it go on behind
// (no driver of Linux does: a receive ring whose report was lost stands still until the interface is reset by hand).
// Not modelled: the rest of that timer's work (link, statistics, transmit hangs), the reset of a card.
// Source: drivers/net/ethernet/intel/ixgbe/ixgbe_main.c, ixgbe_check_hang_subtask, ixgbe_irq_rearm_queues.
#pragma once
#include <vector>

#include "models/host/napi.h"

namespace gd {

struct WatchdogParams {
  Time period = 0;            // between rounds; more than 0
  bool rearm = true;          // raise the queues' interrupts
  bool skip_stuck = false;    // go on behind descriptors whose report was lost
};

class RxWatchdog : public Actor, public Task {
 public:
  // Costs: driver.watchdog (per round), driver.head (per queue: a read of its head register), mmio.write per interrupt raised.
  RxWatchdog(Agenda& agenda, std::uint32_t actor_rank, const WatchdogParams& params, NicControl& nic, MmioBus& bus, CostBook& costs);
  // Set-up. The first round is one period after the first queue.
  void watch(NapiQueue& queue);
  void act(Time now) override;
  bool step(Step& s) override;
  std::uint64_t skipped() const { return skipped_; }   // rounds that freed a queue

 private:
  struct Watched {
    NapiQueue* queue;
    std::uint64_t cleaned = 0;   // descriptors that the driver had taken a round ago
  };
  WatchdogParams params_;
  NicControl& nic_;
  MmioBus& bus_;
  Cost round_, head_;
  std::vector<Watched> queues_;
  std::uint64_t skipped_ = 0;
};

}  // namespace gd
