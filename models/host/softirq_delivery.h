// Delivery to a guest without its vhost worker: a softirq on the interrupt's core hands packets over, publishes the used
// entries and signals. The worker posts buffers and sends, nothing else.
//
// Modelled: a list of packets that GRO fills and a softirq drains, merged packets cut before it and checksums completed for a guest
// that did not negotiate them (gso.h), publication when the list is empty or more entries wait
// than vhost's batch, the signal decision in a later step, the ring's spin lock (held for one packet; a worker that wants
// the ring meanwhile spins), and waking the worker when buffers run low, since no packet does it. No tap queue and no wake-up
// stand between GRO and the guest. What may fault or sleep cannot happen here: buffers and ring are pinned, and a design that
// copies into guest memory is refused at bind (models/buffers). Not modelled: pinning the ring itself (once, at bind).
// Source: the shape of mpassthru's receive path (netdev 2010: skb destructor and kiocb completion in softirq); vhost's vmap'ed
// metadata (lkml 2019, "vhost: accelerate metadata access through vmap()") shows a ring that is reached without the owner's mm.
#pragma once
#include <vector>

#include "models/host/gro_stage.h"
#include "models/host/gso.h"
#include "models/host/vhost_rules.h"

namespace gd {

struct SoftirqDeliveryStats {
  std::uint64_t packets = 0, worker_wakes = 0, waits = 0;   // waits: for buffers that a packet needs beside its own
};

class SoftirqDelivery : public Task, public PacketSink {
 public:
  // `capacity`: packets in the list; further ones are dropped as at a tap. `offloads`: what the guest lets pass. Costs:
  // softirq.deliver (a packet), GsoSegmenter's.
  SoftirqDelivery(const VhostParams& params, std::uint32_t capacity, PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs,
                  TapOffloads offloads);
  void connect(RxPath& path, Task& worker) { path_ = &path, worker_ = &worker; }
  void packet(Step& s, Skb* skb) override;
  bool step(Step& s) override;
  std::uint32_t held() const override { return held_frames_ + (begun_ ? list_[head_]->frames.count : 0); }
  // In the midst of a packet: its used entries must be consecutive.
  bool holds_ring() const { return holds_; }
  // The packet at the head waits for buffers: the worker wakes the softirq when it has posted.
  bool waits() const { return waits_; }
  const SoftirqDeliveryStats& stats() const { return stats_; }
  const GsoStats& segmented() const { return gso_.stats(); }

 private:
  void enqueue(Step& s, Skb* skb);
  static void show(void* self, std::uint64_t, Core&, Time now);
  Progress hand_over(Step& s);
  VhostParams params_;
  FrameTable& frames_;
  TapOffloads offloads_;
  GsoSegmenter gso_;
  RxPath* path_ = nullptr;
  Task* worker_ = nullptr;
  Cost deliver_;
  std::vector<Skb*> list_;
  std::uint32_t head_ = 0, count_ = 0, entering_ = 0, held_frames_ = 0;   // entering_: put in by a step that has not ended
  bool holds_ = false, waits_ = false, begun_ = false;
  SoftirqDeliveryStats stats_;
  std::uint64_t counted_ = 0;      // packets at the end of the last round
};

}  // namespace gd
