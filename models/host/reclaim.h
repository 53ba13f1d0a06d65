// A thread of the host that takes a guest's receive buffers back when the guest holds too many of them for too long.
//
// A guest holds too much when of the buffers that it once had in its ring at least `share` have come back to it used and are
// not offered again, when it has offered none for `after`, and when host or card have buffers or pinned pages of it. A guest
// that is quiet because no frames come for it is not meant: what waits in its ring is its own.
// Before that, and while a guest posts ever fresh memory: pages of its pool that have held none of its buffers for `after` are
// unmapped and unpinned; nobody has them, so nothing must stop. They are pinned anew when the guest offers them again.
// What reclaiming means while the card holds buffers, in this order:
//   1 close   the path posts and refills no more
//   2 stop    RXDCTL.ENABLE is cleared; the card drops the queue's frames, finishes what is under way, and reports it
//   3 drain   the register is read until it says so; then `stop_wait` passes, and the driver takes what was reported
//   4 clean   descriptors that the card has not used give up their buffers
//   5 give    the vhost worker delivers or drops what waits for the guest, gives all buffers back unused, unmaps (with the
//             invalidation that the IOMMU's mode wants) and unpins
// Then the queue stands still: its frames are dropped by the card (no-descriptor), and take no room from other guests', until the
// guest offers a buffer that it had not offered before. From then on the queue runs with what is offered.
// Not modelled: filters that steer the queue's frames elsewhere first; a device that is taken away from its guest for good
// (DEVICE_NEEDS_RESET); buffers in clones (packet sockets), which come back when those are read. Of a pool pinned as a whole
// (host.pin whole-guest) buffers come back and pages stay. A card's own virtqueue (passthrough) is not the host's to empty.
// Sources: 82599 data sheet 4.6.7.1.2 (disabling a receive queue: poll RXDCTL.ENABLE, wait 100 us before memory is released);
// ixgbe_disable_rx_queue, ixgbe_clean_rx_ring; i40e_pf_rxq_wait (the distance of reads); vhost_net_set_backend.
#pragma once
#include <vector>

#include "models/host/napi.h"
#include "models/host/vhost_worker.h"

namespace gd {

struct ReclaimParams {
  Time after = 0;                 // more than 0; looks come in half that distance
  std::uint32_t share = 500'000;  // ppm of the buffers that a guest had in its ring, at most
  Time stop_wait = 100 * kUs;     // from the card's answer until memory may be given away
  Time reread = 15 * kUs;         // between reads of the register: usleep_range(10, 20) of i40e_pf_rxq_wait
};

struct ReclaimStats {
  std::uint64_t reclaims = 0;     // ended ones
  Time longest = 0;               // from the stop of a queue until its buffers were given back
};

class BufferReclaim : public Actor, public Task {
 public:
  // Costs: reclaim.look (a guest and round, with a look at its ring), reclaim.clean (a descriptor emptied), driver.head (a read of the
  // queue's register), mmio.write.
  BufferReclaim(Agenda& agenda, std::uint32_t actor_rank, const ReclaimParams& params, NicControl& nic, MmioBus& bus, CostBook& costs);
  // Set-up. `drains` false is the hazard reclaim-undrained: steps 2 and 3 are not waited for.
  void watch(NapiQueue& queue, RxPath& path, VhostWorker& worker, bool drains);
  void act(Time now) override;
  bool step(Step& s) override;
  const ReclaimStats& stats() const { return stats_; }

 private:
  enum class State : std::uint8_t { watching, draining, waiting, cleaning, giving };
  struct Watched {
    NapiQueue* queue;
    RxPath* path;
    VhostWorker* worker;
    bool drains;
    State state = State::watching;
    Time at = 0;                  // next thing to do
    bool ageing = false;          // a look is under way
    bool holds = false;           // at the last look
    std::uint64_t progress = 0;
    Time since = 0, stopped = 0;
  };
  bool go_on(Step& s, Watched& w);
  bool look(Step& s, Watched& w);
  ReclaimParams params_;
  NicControl& nic_;
  MmioBus& bus_;
  Cost look_, clean_, head_;
  std::vector<Watched> guests_;
  ReclaimStats stats_;
};

}  // namespace gd
