// The consumer `host-forward`: a user driver that polls one receive queue, rewrites the Ethernet addresses, and sends the
// frame out of the port that it came from.
//
// A round: reclaim what the card has sent; take a burst from the receive ring, each frame's buffer replaced by a fresh one;
// swap source and destination of each; write transmit descriptors and ring the doorbell once. A frame is delivered when
// the card has sent it. Rounds without a frame are a spin: the poller sleeps on the card's write-back and its core is
// charged all the same. No interrupt, no kernel. A frame is dropped where the pool has no fresh buffer (its own stays in
// the ring) and where the transmit ring is full.
// Modelled: descriptors read and written where they lie, mbufs of a pool with a cache for each core (mempool.h), headers
// prefetched so that their misses overlap, steps cut within a burst, completions reported once a burst.
// Not modelled: scattered receive (a frame fits one buffer), completion queues (the card reports in descriptors, whatever
// nic.completion says), vector receive, doorbell records in memory, flow control.
// Source: DPDK examples/l2fwd, drivers/net/mlx5 (mlx5_rx_burst, replacement of buffers); FastClick FromDPDKDevice,
// EtherMirror, ToDPDKDevice (BLOCKING false).
#pragma once
#include <vector>

#include "models/base/plant.h"
#include "models/host/bus.h"
#include "models/host/mempool.h"
#include "models/ports/nic_port.h"
#include "models/ports/rx_check.h"

namespace gd {

struct ForwarderParams {
  std::uint32_t ring_size = 1024, tx_ring_size = 1024;
  std::uint32_t burst = 32;              // frames of a round at most
  std::uint32_t cache = 256;             // of the core's mempool cache
};

struct ForwarderStats {
  std::uint64_t bursts = 0, frames = 0;  // rounds with frames, and those frames
  std::uint64_t forwarded = 0, no_buffer = 0, tx_full = 0, reclaimed = 0;
  std::uint64_t min_free = UINT64_MAX;   // free objects of pool and cache, at each burst
};

class Forwarder : public Task, public RingWatcher {
 public:
  // Costs: forward.poll (a round), forward.rx, forward.rewrite, forward.tx, forward.free (a frame each), mempool's,
  // mmio.write; account forward.spin.
  Forwarder(std::uint32_t queue, const ForwarderParams& params, NicControl& nic, MmioBus& bus, PhysMem& phys, Iommu& iommu,
            FrameTable& frames, FaultPlan& fault, Mempool& pool, CostBook& costs);
  // Programs both rings; the first steps fill the receive ring.
  void start();
  // The first fill of the ring is over.
  bool filled() const { return phase_ != Phase::fill; }
  bool step(Step& s) override;
  void ring_written(Time now) override { Task::wake(now); }
  // Frames taken and neither given to the card nor dropped.
  std::uint32_t held() const { return held_; }
  // Buffers whose transmission is not yet reclaimed.
  std::uint32_t unreclaimed() const { return unreclaimed_; }
  const ForwarderStats& stats() const { return stats_; }

 private:
  struct Frame {
    std::uint32_t object, length;
    FrameRef frame;
  };
  enum class Phase : std::uint8_t { fill, poll, receive, rewrite, send };
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::uint32_t kLook = 4;              // frames that a step takes from the ring
  void post(Step& s, std::uint32_t object);
  bool take(Step& s);
  void rewrite(Step& s, const Frame& f);
  void send(Step& s, const Frame& f, bool last);
  void reclaim(Step& s);
  std::uint32_t next(std::uint32_t i, std::uint32_t size) const { return i + 1 == size ? 0 : i + 1; }

  std::uint32_t queue_;
  ForwarderParams params_;
  NicControl& nic_;
  MmioBus& bus_;
  PhysMem& phys_;
  FrameTable& frames_;
  FaultPlan& fault_;
  Mempool& pool_;
  MempoolCache cache_;
  Cost poll_, rx_, rewrite_, tx_, free_;
  OpId spin_;
  Hpa rx_ring_ = 0, tx_ring_ = 0;
  Iova rx_iova_ = 0, tx_iova_ = 0;
  std::vector<std::uint32_t> rx_objects_, tx_objects_;   // by slot
  std::uint32_t clean_ = 0, fill_ = 0, posted_ = 0;      // receive ring: next to look at, next to fill, filled
  std::uint32_t tx_head_ = 0, tx_tail_ = 0, tx_used_ = 0;
  std::vector<std::uint32_t> reports_;                   // ring of slots whose completion is reported, oldest first
  std::uint32_t report_first_ = 0, report_count_ = 0;
  std::vector<Frame> burst_;
  std::uint32_t at_ = 0, held_ = 0, unreclaimed_ = 0, sent_ = 0;
  Phase phase_ = Phase::fill;
  ForwarderStats stats_;
};

// Ends the frames that the card has sent, and compares them: all bytes as they came, the addresses swapped.
class Departures : public DepartureSink {
 public:
  Departures(FrameTable& frames, ExpectedBytes& expected) : frames_(frames), check_(frames, expected) {}
  void departed(FrameRef frame, const std::uint8_t* bytes, std::uint32_t length, bool sent, Time now) override;
  const RxCheck& check() const { return check_; }

 private:
  FrameTable& frames_;
  RxCheck check_;
};

}  // namespace gd
