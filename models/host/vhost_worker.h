// The vhost-net worker of one guest: a kernel thread that hands packets from the tap queue to the guest, posts the guest's
// buffers for designs that need that, and sends what the guest transmits.
//
// Modelled (rules of Linux 5 and 6): batches of 64 taken from the tap ring, publication after more than 64 used entries or
// at the end of a round, signal decision after publication, weight of 256 packets or 512 KiB a round, transmission between
// rounds, sleeping with the guest's kicks armed only when they are needed, no wake-ups by the tap while the guest has no
// buffers. Posting (zero copy) follows every batch. Not modelled: busy polling, the workqueue of 2.6.35, an injection
// latency of transmit interrupts, a transmit ring that is full (asked again in each step, instead of a completion).
// Source: drivers/vhost/net.c (handle_rx, handle_tx), drivers/vhost/vhost.c.
#pragma once
#include "models/buffers/strategy.h"
#include "models/cpu/core.h"
#include "models/host/tap_queue.h"
#include "models/host/transmit.h"
#include "models/virtio/device_ring.h"

namespace gd {

struct VhostParams {
  std::uint32_t batch = 64;               // packets: VHOST_NET_BATCH, and used entries beyond which they are published
  std::uint32_t weight_packets = 256;     // packets of a round: VHOST_NET_PKT_WEIGHT
  Bytes weight_bytes = 512 * 1024;        // bytes of a round: VHOST_NET_WEIGHT
};

struct VhostStats {
  std::uint64_t wakeups = 0, packets = 0, rounds = 0, starved = 0, tx_frames = 0, tx_errors = 0, kicks = 0;
};

class VhostWorker : public Task, public KickSink {
 public:
  // Costs: vhost.wakeup (per run after sleeping), vhost.batch (per batch taken), vhost.tx (per frame sent), vhost.tx_copy
  // (per byte), vhost.signal (transmit interrupts), vhost.post_round (a look at the avail ring for posting; zero copy only).
  VhostWorker(const VhostParams& params, GuestPort& guest, FrameTable& frames, CostBook& costs);
  // `tx` may be null: then the guest has no way to send.
  void connect(RxPath& path, TapQueue& tap, TxDriver* tx) {
    path_ = &path, tap_ = &tap, tx_ = tx;
    path.serve(*this);
  }
  bool step(Step& s) override;
  void kick(std::uint32_t queue, Time now) override;
  const VhostStats& stats() const { return stats_; }
  // Frames of the packet in hand.
  std::uint32_t held() const { return current_ ? current_->frames.count : 0; }
  std::uint64_t tx_signals() const { return tx_signals_; }

 private:
  enum class State : std::uint8_t { run, recheck, asleep };
  bool receive_round(Step& s);
  bool post(Step& s);
  bool transmit_round(Step& s);
  bool go_to_sleep(Step& s);
  bool sleep();

  VhostParams params_;
  GuestPort& guest_;
  FrameTable& frames_;
  RxPath* path_ = nullptr;
  TapQueue* tap_ = nullptr;
  TxDriver* tx_ = nullptr;
  DeviceRing tx_ring_;
  Cost wakeup_, batch_, tx_cost_, tx_copy_, signal_, post_round_;
  Skb* current_ = nullptr;
  State state_ = State::asleep;
  std::uint32_t in_batch_ = 0, round_packets_ = 0, since_post_ = 0;   // packets
  Bytes round_bytes_ = 0;
  bool starved_ = false, post_wanted_ = true, tx_wanted_ = false, tx_undecided_ = false, tx_armed_ = true, tx_check_ = false;
  VhostStats stats_;
  std::uint64_t tx_signals_ = 0;
};

}  // namespace gd
