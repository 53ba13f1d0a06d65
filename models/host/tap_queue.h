// The queue of a tap or macvtap device: what the host's receive path puts in and the vhost worker takes out.
//
// Modelled: a bounded ring of skbs (tx_queue_len), tail drop, the path from netif_receive_skb to it (bridge or macvtap
// handler), software segmentation and checksums for a guest that did not negotiate merged frames (gso.h; a packet is cut
// in the step that brings it), the wake-up of a sleeping worker unless it has stopped polling because the guest has no
// buffers.
// A packet can be taken when the step that put it in is over.
// Source: drivers/net/tun.c tun_net_xmit, macvtap/tap.c tap_handle_frame, drivers/vhost/net.c vhost_net_disable_vq.
#pragma once
#include <vector>

#include "models/buffers/strategy.h"
#include "models/host/gro_stage.h"
#include "models/host/gso.h"

namespace gd {

class TapQueue : public PacketSink {
 public:
  // Costs: netif.<backend> (per packet up to the handler; backend tap, macvtap or raw_socket), tap.enqueue. `capacity` in
  // packets, at least 1.
  // GsoSegmenter's too. `offloads`: what the guest lets pass; a raw socket lets nothing pass.
  TapQueue(std::uint32_t capacity, PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs, std::string_view backend,
           TapOffloads offloads);
  void connect(Task& worker) { worker_ = &worker; }
  void packet(Step& s, Skb* skb) override;
  bool room(const Skb&) const override { return !full(); }
  // Oldest packet, or null. Its reading is charged by the worker.
  Skb* pop();
  Skb* front() const { return count_ ? ring_[head_] : nullptr; }
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ + entering_ == ring_.size(); }
  // Whether new packets wake the worker (on at start).
  void listen(bool on) { listening_ = on; }
  std::uint32_t held() const override { return held_frames_; }
  std::uint32_t peak() const { return peak_; }
  const GsoStats& segmented() const { return gso_.stats(); }
  void observe(Observer* o, std::uint32_t level) { observer_ = o, level_ = level; }

 private:
  void enqueue(Step& s, Skb* skb);
  static void show(void* self, std::uint64_t, Core& core, Time now);
  std::vector<Skb*> ring_;
  std::uint32_t head_ = 0, count_ = 0, peak_ = 0, held_frames_ = 0;   // count_: those that can be taken
  std::uint32_t entering_ = 0;                                        // behind them: put in by the present step
  bool listening_ = true;
  FrameTable& frames_;
  TapOffloads offloads_;
  bool raw_;
  GsoSegmenter gso_;
  Cost receive_, enqueue_;
  Task* worker_ = nullptr;
  Observer* observer_ = nullptr;
  std::uint32_t level_ = 0;
};

}  // namespace gd
