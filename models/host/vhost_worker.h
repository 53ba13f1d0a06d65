// The vhost-net worker of one guest: a kernel thread that hands packets from the tap queue to the guest, posts the guest's
// buffers for designs that need that, and sends what the guest transmits.
//
// Modelled (Linux 5 and 6): batches of 64 taken from the tap ring, publication after more than 64 used entries or at the
// end of a round, signal decision after publication, weight of 256 packets or 512 KiB a round, transmission between rounds,
// sleeping with the guest's kicks armed only when they are needed, no wake-ups by the tap while the guest has no buffers,
// busy polling before sleep (what is pending is published first; data, a kick, another thread on the core or the timeout
// end it; the core is charged the spin, see Step::spin), waiting for a copy engine's work before sleep (RxPath::await). 2.6.35: a job of a workqueue, one packet for each recvmsg with a
// ring buffer taken before (also for the one that finds the socket empty), used entry and signal decision for each packet,
// no packet weight, woken by packets even while the guest has no buffers.
// Posting (zero copy) follows every batch. Delivery may be left to a softirq (softirq_delivery.h). Not modelled: a poller that sees the guest's rings without a kick, an injection
// latency of transmit interrupts, a transmit ring that is full (asked again in each step, instead of a completion).
// Source: drivers/vhost/net.c (handle_rx, handle_tx, vhost_net_busy_poll), drivers/vhost/vhost.c.
#pragma once
#include <memory>

#include "models/buffers/strategy.h"
#include "models/cpu/core.h"
#include "models/host/softirq_delivery.h"
#include "models/host/tap_queue.h"
#include "models/host/transmit.h"
#include "models/host/vhost_rules.h"
#include "models/virtio/device_ring.h"
#include "models/virtio/dirty_log.h"

namespace gd {

struct VhostStats {
  std::uint64_t wakeups = 0, packets = 0, rounds = 0, starved = 0, tx_frames = 0, tx_errors = 0, kicks = 0;
  std::uint64_t logged_pages = 0;                     // of the transmit ring
  std::uint64_t polls = 0, polls_ended_by_work = 0;   // spins begun, and those that packets or kicks ended
};

// Ends a spin that found nothing.
class PollTimer : public Actor {
 public:
  PollTimer(Agenda& agenda, std::uint32_t actor_rank, Task& worker) : Actor(agenda, actor_rank), worker_(worker) {}
  void set(Time t) { wake_only_at(t); }
  void act(Time now) override { worker_.wake(now); }

 private:
  Task& worker_;
};

class VhostWorker : public Task, public KickSink {
 public:
  // Costs: vhost.wakeup (per run after sleeping; 2.6.35: vhost.work), vhost.batch (per batch taken), vhost.tx (per frame sent), vhost.tx_copy
  // (per byte), vhost.signal (transmit interrupts), vhost.post_round (a look at the avail ring for posting; zero copy only).
  // DirtyLog's. Account: vhost.spin (busy polling).
  VhostWorker(const VhostParams& params, GuestPort& guest, FrameTable& frames, CostBook& costs);
  // Set-up, needed with busy polling only.
  void use_timer(Agenda& agenda, std::uint32_t actor_rank) { timer_ = std::make_unique<PollTimer>(agenda, actor_rank, *this); }
  // `tx` may be null: then the guest has no way to send.
  void connect(RxPath& path, TapQueue& tap, TxDriver* tx) {
    path_ = &path, tap_ = &tap, tx_ = tx;
    path.serve(*this);
  }
  // Packets are handed over, and used entries published, by a softirq; the worker posts and sends.
  void leave_delivery_to(SoftirqDelivery& d) {
    delivery_ = &d;
    d.connect(*path_, *this);
  }
  // Everything that waits for the guest is delivered or dropped, then the path gives the guest's buffers back; `asker` is woken
  // when that is done (models/host/reclaim.h).
  void give_all_back(Step& s, Task& asker);
  bool giving_back() const { return asker_ != nullptr; }
  bool step(Step& s) override;
  void kick(std::uint32_t queue, Time now) override;
  bool asleep() const override { return Task::asleep(); }
  const VhostStats& stats() const { return stats_; }
  // Frames of the packet in hand.
  std::uint32_t held() const { return current_ ? current_->frames.count : 0; }
  std::uint64_t tx_signals() const { return tx_signals_; }

 private:
  enum class State : std::uint8_t { run, polling, recheck, awaiting, asleep };
  void publish(Step& s);
  bool unsettled() const { return !delivery_ && path_->unsettled(); }
  Progress hand_over(Step& s);
  bool receive_round(Step& s);
  bool post(Step& s);
  bool transmit_round(Step& s);
  bool give_back_some(Step& s);
  bool go_to_sleep(Step& s);
  bool spin(Step& s);
  bool end_of_spin(Step& s);
  bool await(Step& s);
  bool sleep();

  VhostParams params_;
  GuestPort& guest_;
  FrameTable& frames_;
  RxPath* path_ = nullptr;
  TapQueue* tap_ = nullptr;
  TxDriver* tx_ = nullptr;
  SoftirqDelivery* delivery_ = nullptr;
  DeviceRing tx_ring_;
  DirtyLog log_;
  OpId spin_ = 0;
  std::unique_ptr<PollTimer> timer_;
  Cost wakeup_, batch_, tx_cost_, tx_copy_, signal_, post_round_;
  Task* asker_ = nullptr;             // of give_all_back(), until it is done
  Skb* current_ = nullptr;
  State state_ = State::asleep;
  std::uint32_t in_batch_ = 0, round_packets_ = 0, since_post_ = 0;   // packets
  Bytes round_bytes_ = 0;
  bool starved_ = false, post_wanted_ = true, tx_wanted_ = false, tx_undecided_ = false, tx_armed_ = true, tx_check_ = false;
  bool spins_ = false;                // awaiting: on its core
  bool polled_ = false;               // the present idleness has been spun through already
  VhostStats stats_;
  std::uint64_t tx_signals_ = 0;
};

}  // namespace gd
