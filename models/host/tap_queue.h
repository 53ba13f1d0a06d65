// The queue of a tap or macvtap device: what the host's receive path puts in and the vhost worker takes out.
//
// Modelled: a bounded ring of skbs (tx_queue_len), tail drop, the path from netif_receive_skb to it (bridge or macvtap
// handler), the wake-up of a sleeping worker. Source: drivers/net/tun.c tun_net_xmit, macvtap/tap.c tap_handle_frame.
#pragma once
#include <vector>

#include "models/buffers/strategy.h"
#include "models/host/gro_stage.h"

namespace gd {

class TapQueue : public PacketSink {
 public:
  // Costs: netif.receive (per packet up to the handler), tap.enqueue. `capacity` in packets.
  TapQueue(std::uint32_t capacity, FrameTable& frames, CostBook& costs, std::string_view backend);
  void connect(Task& worker) { worker_ = &worker; }
  void packet(Step& s, Skb* skb) override;
  // Oldest packet, or null. Its reading is charged by the worker.
  Skb* pop();
  Skb* front() const { return count_ ? ring_[head_] : nullptr; }
  bool empty() const { return count_ == 0; }
  std::uint32_t held() const override { return held_frames_; }
  std::uint32_t peak() const { return peak_; }
  void observe(Observer* o, std::uint32_t level) { observer_ = o, level_ = level; }

 private:
  std::vector<Skb*> ring_;
  std::uint32_t head_ = 0, count_ = 0, peak_ = 0, held_frames_ = 0;
  FrameTable& frames_;
  Cost receive_, enqueue_;
  Task* worker_ = nullptr;
  Observer* observer_ = nullptr;
  std::uint32_t level_ = 0;
};

}  // namespace gd
