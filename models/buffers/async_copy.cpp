// async-copy: as vhost-copy, but pieces of a packet from a threshold on are copied by a DMA engine of the host; headers and shorter
// pieces by the vhost worker. A packet's used entries follow when its last copy is done, in the order of the packets.
//
// Modelled: a descriptor for each piece (contiguous on both sides), a doorbell for 32 of them or at the end of a round, the completion
// count looked at with each doorbell and after a wait (once a burst, as the vhost example polls); a worker that has nothing else to do
// waits for the copies: asleep, woken by the engine's interrupt (one for all that are under way), or polling. Without a free descriptor
// the core copies. Not modelled: lookup of guest addresses in an IOMMU table of the engine, locked guest memory, which the real one needs.
// Sources: DPDK lib/vhost/virtio_net.c (virtio_dev_rx_async_submit, rte_vhost_poll_enqueue_completed), vhost_lib.rst: thresholds of 512
// to 1024 B, completions in order; Linux 2.6.18 to 3.12 net_dma for the worker that sleeps.
#include "models/base/error.h"
#include "models/buffers/received.h"
#include "models/buffers/vhost_copy_path.h"
#include "models/memory/copy_engine.h"

namespace gd {
namespace {

constexpr std::uint64_t kDoorbellBatch = 32;   // descriptors; DPDK: MAX_PKT_BURST of the vhost example

// The engine's interrupt.
struct CopyInterrupt final : Task {
  explicit CopyInterrupt(CostBook& costs) : Task("irq", Priority::irq), handler(costs.get("copy_engine.interrupt")) {}
  bool step(Step& s) override {
    s.charge(handler);
    s.wake(*worker);
    return false;
  }
  Cost handler;
  Task* worker = nullptr;
};

class AsyncCopyPath final : public VhostCopyPath, private CopyEngine::Listener {
 public:
  explicit AsyncCopyPath(PathContext c)
      : VhostCopyPath(std::move(c)), engine_(*c_.copy_engine), queue_(engine_.open()), interrupt_(c_.costs), submit_(c_.costs.get("copy_engine.submit")),
        doorbell_(c_.costs.get("copy_engine.doorbell")), reap_(c_.costs.get("copy_engine.reap")), wait_(c_.costs.account("copy_engine.wait")) {}

  void serve(Task& worker) override { interrupt_.worker = &worker; }
  Task* own_interrupt() override { return &interrupt_; }
  void publish(Step& s) override {
    ring(s);
    side_.publish(s);
  }
  void settle(Step& s) override {
    if (due_) reap(s);
    side_.settle(s);
  }
  bool awaits() const override { return first_ < pending_.size(); }
  bool await(Step& s) override {
    ring(s);
    s.at_end([](void* self, std::uint64_t, Core&, Time now) { static_cast<AsyncCopyPath*>(self)->arm(now); }, this, 0);
    if (polls()) s.spin(wait_);
    return polls();
  }
  void reset(Time now) override {
    VhostCopyPath::reset(now);
    for (std::size_t i = first_; i < pending_.size(); ++i)
      for (unsigned h = 0; h < pending_[i].heads && !pending_[i].told; ++h) side_.stale(kept_heads_[pending_[i].head + h].id);
  }
  std::uint32_t held() const override {
    std::uint32_t n = 0;
    for (std::size_t i = first_; i < pending_.size(); ++i) n += pending_[i].skb->frames.count;
    return n;
  }

  std::uint64_t unreclaimed() const override {
    std::uint64_t n = VhostCopyPath::unreclaimed();
    for (std::size_t i = first_; i < pending_.size(); ++i)
      if (pending_[i].told) n += buffers_of(c_.ownership, pending_[i].skb);
    return n;
  }

 private:
  // A packet whose copies are under way, or that waits behind one.
  struct Pending {
    Skb* skb;
    std::uint64_t last;            // its last copy, or an earlier packet's
    std::size_t head, segment;     // where its ring buffers begin in kept_heads_, kept_segments_
    unsigned heads;
    bool told;                     // its used entries are written (hazard early-completion)
  };
  bool polls() const { return c_.env.options.completion == CopyCompletion::poll; }
  bool early() const { return c_.env.options.hazard == Hazard::early_completion; }

  void move(Step& s, Hpa to, Hpa from, std::uint32_t n) override {
    const Hpa slot = n < c_.env.options.threshold ? 0 : engine_.slot(queue_);
    if (slot == 0) return VhostCopyPath::move(s, to, from, n);
    s.charge(submit_);
    s.store(submit_.op, slot, kLine);
    added_ = engine_.add(queue_, to, from, n);
    if (added_ - rung_ >= kDoorbellBatch) ring(s);
  }
  void ring(Step& s) {
    if (added_ == rung_) return;
    rung_ = added_;
    due_ = true;
    s.charge(doorbell_);
    s.at_end([](void* self, std::uint64_t number, Core&, Time now) { auto* p = static_cast<AsyncCopyPath*>(self); p->engine_.ring(p->queue_, number, now); }, this, rung_);
  }
  void arm(Time now) {
    if (awaits()) engine_.await(queue_, polls() ? pending_[first_].last : pending_.back().last, *this, now);
  }
  void copies_done(Time now) override {
    due_ = true;
    if (polls()) interrupt_.worker->wake(now);
    else static_cast<Task&>(interrupt_).wake(now);
  }

  void conclude(Step& s, Skb* skb) override {
    if (added_ == concluded_ && !awaits()) return VhostCopyPath::conclude(s, skb);
    concluded_ = added_;
    if (!awaits()) pending_.clear(), kept_heads_.clear(), kept_segments_.clear(), first_ = 0;
    pending_.push_back({skb, added_, kept_heads_.size(), kept_segments_.size(), head_count_, false});
    kept_heads_.insert(kept_heads_.end(), heads_.begin(), heads_.begin() + head_count_);
    kept_segments_.insert(kept_segments_.end(), segments_.begin(), segments_.begin() + segment_count_);
    if (early()) tell(s, pending_.back());
  }
  void tell(Step& s, Pending& p) {
    finish(s, *p.skb, &kept_heads_[p.head], p.heads, &kept_segments_[p.segment]);
    p.told = true;
  }
  // Packets whose copies are done, the oldest first: those of one look at the count, however many steps it takes.
  void reap(Step& s) {
    due_ = false;
    if (!awaits()) return;
    if (!reaping_) {
      s.load(reap_.op, engine_.status(queue_), sizeof(std::uint64_t));
      completed_ = engine_.completed(queue_);
    }
    const auto done = [&] { return awaits() && pending_[first_].last <= completed_; };
    while (done() && !s.over()) {
      Pending& p = pending_[first_++];
      s.charge(reap_);
      if (!p.told) tell(s, p);
      p.skb->path->release(s, p.skb);
    }
    due_ = reaping_ = done();
    if (first_ < kCompact) return;
    // The queue never empties under load: what is done goes, at most a part of what was kept since.
    const std::size_t head = awaits() ? pending_[first_].head : kept_heads_.size(), segment = awaits() ? pending_[first_].segment : kept_segments_.size();
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(first_));
    kept_heads_.erase(kept_heads_.begin(), kept_heads_.begin() + static_cast<std::ptrdiff_t>(head));
    kept_segments_.erase(kept_segments_.begin(), kept_segments_.begin() + static_cast<std::ptrdiff_t>(segment));
    for (Pending& p : pending_) p.head -= head, p.segment -= segment;
    first_ = 0;
  }

  static constexpr std::size_t kCompact = 1024;
  CopyEngine& engine_;
  unsigned queue_;
  CopyInterrupt interrupt_;
  Cost submit_, doorbell_, reap_;
  OpId wait_;
  std::uint64_t added_ = 0, rung_ = 0, concluded_ = 0, completed_ = 0;   // copies; completed_: as it was looked at
  bool due_ = false, reaping_ = false;     // the count is to be looked at; what it says is being dealt with
  std::vector<Pending> pending_;           // from first_ on
  std::size_t first_ = 0;
  std::vector<Head> kept_heads_;
  std::vector<Segment> kept_segments_;
};

class AsyncCopy final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"async-copy",
                               "As vhost-copy, but longer pieces are copied by a DMA engine of the host, completed in order.",
                               "whole frame (or header and payload) to host pages",
                               "virtio header, headers and pieces below a threshold; a DMA engine the others",
                               "start of the first buffer",
                               "nothing",
                               "nothing (a copy engine in the host)",
                               0, false, false, true,
                               {"threshold", "completion"},
                               {Hazard::early_completion}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override {
    if (!e.copy_engine) return "the host has no copy engine (host.copy_engine.channels)";
    if (e.consumer != Consumer::guest) return "its copies go to guests; serves the consumer guest only";
    return refuse_host_copy(e);
  }
  std::string_view pin_in_force(const BindEnvironment&) const override { return "none"; }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t tap_queue) const override { return e.ring_size - 1 + tap_queue + e.queue_size; }
  std::unique_ptr<RxPath> make_path(PathContext c) const override { return std::make_unique<AsyncCopyPath>(std::move(c)); }
};

}  // namespace

const Strategy& async_copy_strategy() {
  static const AsyncCopy s;
  return s;
}

}  // namespace gd
