// The NIC driver's receive side of one queue: interrupt, NAPI poll, descriptors, refill, and the GRO stage behind it.
//
// Modelled: interrupt -> softirq, poll with a budget, transmit queues cleaned first, completions read where the NIC wrote
// them (in the descriptors, or in a queue of their own, compressed or not), refill by threshold with one doorbell, GRO flush
// and interrupt re-arm at the end of a poll; a timer that polls instead of the interrupt (gro_flush_timeout,
// napi_defer_hard_irqs). Not modelled: threaded NAPI, busy polling of the queue.
// Source: drivers/net/ethernet/intel/ixgbe/ixgbe_main.c (ixgbe_clean_rx_irq), net/core/dev.c (net_rx_action,
// napi_complete_done, napi_watchdog), drivers/net/ethernet/mellanox/mlx5/core/en_txrx.c (mlx5e_napi_poll).
#pragma once
#include <vector>

#include "models/buffers/strategy.h"
#include "models/cpu/core.h"
#include "models/host/bus.h"
#include "models/host/dim.h"
#include "models/host/gro_stage.h"
#include "models/host/transmit.h"

namespace gd {

struct NapiParams {
  std::uint32_t ring_size = 512;
  std::uint32_t budget = 64;             // NAPI_POLL_WEIGHT
  Bytes completion_size = 16;            // 16: the card's write-backs replace descriptors; 64, 128: entries of a completion queue
  bool compress = false;                 // the card may compress completions (entries of 64 bytes)
  bool arm_by_index = false;             // the interrupt is armed with the count of completions taken (reg::rx_arm)
  std::uint32_t refill_threshold = 16;   // used descriptors before a refill (ixgbe: IXGBE_RX_BUFFER_WRITE)
  bool adaptive = false;                 // the queue's moderation follows its load (models/host/dim.h)
  Dim::Period period = Dim::Period::event;
  Time moderation_command = 0;           // from the decision until it is in force: a worker thread, a command to the firmware
  // After a poll that found something and left entries in GRO: only old ones are flushed, and the queue is polled again
  // after this time; 0: all are flushed.
  Time gro_flush_timeout = 0;
  // Polls by that timer, without an interrupt in between, that a queue gets after its last frame before its interrupt is
  // armed again. No effect without the timeout.
  std::uint32_t defer_hard_irqs = 0;
  bool drop_when_empty = false;          // the card drops a frame that finds no descriptor; else it waits in the FIFO
};

struct NapiStats {
  std::uint64_t interrupts = 0, polls = 0, frames = 0, full_polls = 0, timer_polls = 0, refills = 0, doorbells = 0, shortages = 0;
  std::uint64_t skipped = 0;             // descriptors taken as empty because their report was lost
};

class NapiQueue;

// A program that the driver runs on each frame before an skb exists (XDP), and that takes every frame.
struct DriverHook {
  virtual ~DriverHook() = default;
  // The whole frame lies at `at`; its buffer is the driver's again when this returns.
  virtual void frame(Step& s, Hpa at, FrameRef frame) = 0;
};

// The hard interrupt of a queue: schedules NAPI.
class IrqTask : public Task, public InterruptSink {
 public:
  IrqTask(NapiQueue& napi, CostBook& costs);      // cost: irq.handler
  bool step(Step& s) override;
  void interrupt(std::uint32_t vector, Time now) override;

 private:
  NapiQueue& napi_;
  Cost handler_;
};

// The queue's high-resolution timer: its interrupt schedules NAPI.
class NapiTimer : public Actor, public Task {
 public:
  // Costs: napi.timer (its interrupt), napi.arm_timer.
  NapiTimer(Agenda& agenda, std::uint32_t actor_rank, NapiQueue& napi, CostBook& costs);
  // Expires at `t` and at no other time.
  void arm(Step& s, Time t);
  void act(Time now) override { Task::wake(now); }
  bool step(Step& s) override;

 private:
  NapiQueue& napi_;
  Cost expire_, arm_;
};

class NapiQueue : public Task {
 public:
  // Costs: napi.poll (per poll), napi.frame (per frame: descriptor, skb fields; its unit: per further descriptor of the
  // frame), napi.refill (per descriptor), napi.complete, napi.cqe_expand (per mini-completion); with a hook, xdp.frame in
  // place of napi.frame; adaptive: napi.dim (per end of a poll), napi.dim_apply (per change).
  NapiQueue(std::uint32_t queue, const NapiParams& params, NicControl& nic, MmioBus& bus, PhysMem& phys, Iommu& iommu,
            FrameTable& frames, FaultPlan& fault, CostBook& costs);
  // Set-up: the path that owns the queue's buffers, GRO behind it, and where packets go.
  void connect(RxPath& path, GroStage& gro, PacketSink& up);
  // Set-up: frames end here and not in the stack; the path must have been bound for that.
  void hook(DriverHook& hook, CostBook& costs);
  // Set-up: what expires after gro_flush_timeout; must be there when that is not 0.
  void connect(NapiTimer& timer) { timer_ = &timer; }
  // Set-up: a transmit queue that each poll cleans.
  void clean(TxDriver& tx) { tx_.push_back(&tx); }
  // Programs the queue's registers; the first step fills the ring. `vector` is the queue's interrupt.
  void start(std::uint32_t vector);

  bool step(Step& s) override;
  IrqTask& irq() { return irq_; }
  void scheduled() { polling_ = true; ++stats_.interrupts; }
  // The timer expired; true when it began a poll.
  bool expired();
  const NapiStats& stats() const { return stats_; }
  std::uint32_t queue() const { return queue_; }
  // What the queue's interrupts wait for at most as the driver has chosen; null: the card's own moderation.
  const Dim::Profile* moderation() const;
  // Frames taken from the ring and not yet passed on (planted faults and scattered frames aside: those in GRO).
  std::uint32_t held() const { return gro_->held_frames(); }
  // For a watchdog. Descriptors taken so far; whether the queue waits at a slot that the card's head `head` has passed without a
  // report; the descriptors before `head` that have none are taken as empty ones by the next poll.
  std::uint64_t cleaned() const { return cleaned_; }
  bool stuck_before(std::uint32_t head) const;
  void skip_to(std::uint32_t head);
  // The queue stops (models/host/napi_stop.cpp), which its card will have done when rx_drained() says so; whether the driver has
  // taken all that the card has reported by then. clean_ring(): descriptors that the card has not used give their buffers
  // back to the path, `each` charged for one; true when there are more. After the last the queue begins again with the first buffer.
  void stop(Step& s);
  bool caught_up(std::uint32_t head) const { return !polling_ && (posted_ == 0 || clean_ == head); }
  bool clean_ring(Step& s, const Cost& each);
  // The first fill is over: the ring is full, or the path had no more buffers. Its doorbell is at most a step behind.
  bool filled() const { return started_; }
  // Descriptors that the NIC may use.
  std::uint32_t posted() const { return posted_; }
  void observe(Observer* o, std::uint32_t level) { observer_ = o; level_ = level; }

 private:
  bool take_one(Step& s);
  bool reported(Step& s, RxWriteback& w);
  bool completion(Step& s, RxWriteback& w);
  RxWriteback take_mini(Step& s);
  bool refill(Step& s);
  void begin_end();
  void arm(Step& s);
  void moderate(Step& s);
  std::uint32_t moderation_of(int index) const;
  bool complete(Step& s);
  void begin_again(Step& s);
  void align(Step& s);

  std::uint32_t queue_;
  NapiParams params_;
  NicControl& nic_;
  MmioBus& bus_;
  PhysMem& phys_;
  FrameTable& frames_;
  FaultPlan& fault_;
  RxPath* path_ = nullptr;
  GroStage* gro_ = nullptr;
  NapiTimer* timer_ = nullptr;
  PacketSink* up_ = nullptr;
  std::vector<TxDriver*> tx_;
  std::size_t next_tx_ = 0;                            // the first that the present poll has not cleaned yet
  DriverHook* hook_ = nullptr;
  Hpa ring_ = 0;
  Iova ring_iova_ = 0;
  Hpa completions_ = 0;                                // 0: completions stand in the descriptors
  Iova completions_iova_ = 0;
  bool phase_ = true;                                  // owner bit of the present round
  // The compressed session being read.
  RxWriteback title_;
  std::uint32_t title_slot_ = 0, minis_ = 0, mini_ = 0;
  std::uint32_t clean_ = 0, fill_ = 0, posted_ = 0;    // next to look at, next to fill, filled
  std::uint64_t cleaned_ = 0, skip_before_ = 0;        // free-running counts of descriptors
  std::uint32_t work_ = 0;                             // frames of the present poll
  std::uint32_t defers_ = 0;                           // polls by timer to come before the interrupt is armed
  bool polling_ = false, started_ = false, in_poll_ = false, stopped_ = false;
  bool refilling_ = false;                             // a refill under way
  std::uint32_t to_fill_ = 0;                          // ixgbe's cleaned_count: empty at the poll's start, and cleaned since the last refill
  std::uint32_t untold_ = 0;                           // descriptors that it has filled: its doorbell comes at its end
  // The poll has found the ring empty: flush, refill, re-arm, as was decided then.
  bool ending_ = false, rearm_ = false;
  Time timeout_ = 0;
  Cost poll_, frame_, refill_, complete_, expand_;
  // Adaptive moderation: what the stack has got so far, and a change on its way.
  Dim dim_;
  std::uint64_t stack_frames_ = 0, stack_bytes_ = 0;
  Time applied_at_ = kNever;
  bool changed_ = false;
  Cost moderate_, apply_;
  IrqTask irq_;
  NapiStats stats_;
  Observer* observer_ = nullptr;
  std::uint32_t level_ = 0;
};

}  // namespace gd
