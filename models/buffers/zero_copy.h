// The frame of the designs whose buffers are the guest's: posting, refill, publication. A design adds what it reads from
// a written-back descriptor and how it hands a packet over.
#pragma once
#include "models/buffers/guest_side.h"
#include "models/buffers/posted.h"

namespace gd {

// What every such design asks of its environment; a reason, or nothing.
inline std::optional<std::string> refuse_zero_copy(const BindEnvironment& e) {
  if (e.consumer != Consumer::guest) return "serves the consumer guest only";
  if (e.in_order) return "used entries come in completion order; VIRTIO_F_IN_ORDER was negotiated";
  if (e.pin == PinPolicy::whole_guest && e.guest_memory > e.memlock_limit)
    return "host.pin is whole-guest and host.memlock_limit is smaller than the guest's memory";
  if (e.memlock_limit < kPage) return "host.memlock_limit does not allow one pinned page";
  return std::nullopt;
}

class ZeroCopyPath : public RxPath {
 public:
  // Costs: zerocopy.packet (handing over one packet), destructor.skb, destructor.shared_info (per packet),
  // destructor.page_hash (per buffer).
  explicit ZeroCopyPath(PathContext c)
      : c_(std::move(c)), side_(c_), posted_(c_, side_, stats_), packet_(c_.costs.get("zerocopy.packet")),
        destructor_(c_.costs.get(c_.env.options.destructor == Destructor::skb           ? "destructor.skb"
                                 : c_.env.options.destructor == Destructor::shared_info ? "destructor.shared_info"
                                                                                        : "destructor.page_hash")),
        slots_(c_.env.ring_size, kNoToken) {}

  void publish(Step& s) override { side_.publish(s); }
  void settle(Step& s) override { side_.settle(s); }
  bool unsettled() const override { return side_.unsettled(); }
  std::uint32_t unpublished() const override { return const_cast<GuestSide&>(side_).ring().unpublished(); }
  void serve(Task& worker) override { worker_ = &worker; }
  void attend(Step& s) override { side_.attend(s); }
  bool posts() const override { return true; }
  // The worker posts whenever it runs; a kick is wanted only when the driver may run dry before that. A stall at the
  // memlock limit ends by the worker's own deliveries, or with the flush of the IOMMU's queue.
  bool ask_for_kick(Step& s, bool starved) override {
    if (const Time t = posted_.stall_ends(s.now()); t != kNever && worker_) side_.timer().retry(*worker_, t);
    if (!starved && free_buffers() * 4 >= c_.guest->rx().size) return false;
    return side_.ask_for_kick(s);
  }
  bool recheck(Step& s) override { return side_.recheck(s); }
  std::uint64_t free_buffers() const override { return posted_.queued() + in_ring_; }
  std::uint64_t capacity() const override { return std::min<std::uint64_t>(c_.env.ring_size - 1, c_.guest->rx().size); }
  const PathStats& stats() const override {
    auto& st = const_cast<PathStats&>(stats_);
    st.guest_errors = side_.guest_errors();
    return st;
  }

 protected:
  // Buffers for the driver came after it ran short: refill runs in its softirq.
  void feed(Step& s) {
    if (!starved_) return;
    starved_ = false;
    if (c_.softirq) s.wake(*c_.softirq);
  }
  // The driver's next packet buffer for `slot`; kNoToken when none is posted.
  std::uint32_t next_for(std::uint32_t slot) {
    if (posted_.empty()) {
      starved_ = true;
      return kNoToken;
    }
    ++in_ring_;
    return slots_[slot] = posted_.next();
  }
  std::uint32_t taken_from(std::uint32_t slot) {
    --in_ring_;
    stats_.fill_sum += free_buffers();
    ++stats_.fill_samples;
    if (free_buffers() < stats_.min_free) stats_.min_free = free_buffers();
    return slots_[slot];
  }
  // Where a buffer is when its write-back is seen: in flight if the NIC wrote into it. A DMA that was blocked half way may
  // have touched a buffer of which the write-back says nothing.
  Owner at_device(std::uint32_t token, bool written) const {
    const BufferId b = posted_[token].id;
    return written || (b != kNoBuffer && c_.ownership.owner(b) == Owner::in_flight) ? Owner::in_flight : Owner::posted;
  }
  void own(Step& s, std::uint32_t token, Owner from, Owner to, const char* where) {
    const BufferId b = posted_[token].id;
    if (b != kNoBuffer) c_.ownership.move(b, from, to, s.now(), where);
  }
  // A packet ends that held `buffers` buffers: what it costs to find out whose they are. The shared info lies in the skb's
  // own memory, behind its linear part.
  void destruct(Step& s, const Skb& skb, unsigned buffers) {
    if (c_.env.options.destructor == Destructor::page_hash) return s.charge_times(destructor_, buffers);
    s.charge(destructor_);
    if (c_.env.options.destructor == Destructor::shared_info) s.load(destructor_.op, skb.slab_addr + Skb::kSlab - kLine, kLine);
  }
  bool hazard(Hazard h) const { return c_.env.options.hazard == h; }
  // The packet's buffers return to the driver's queue, and the packet is freed.
  void put_all(Step& s, Skb* skb) {
    unsigned buffers = 0;
    const bool forgotten = hazard(Hazard::forgotten_destructor);
    for_each_frag(*skb, [&](Frag& f) {
      if (f.token == kNoToken || forgotten) return;
      recycle(s, f.token, Owner::skb);
      ++buffers;
    });
    if (!forgotten) destruct(s, *skb, buffers);
    if (buffers) feed(s);
    c_.skbs.free(s, skb);
  }
  // The buffer was not used by the packet: the driver gets it again before all others.
  void recycle(Step& s, std::uint32_t token, Owner from) {
    own(s, token, from, Owner::posted, "recycled");
    posted_.queue_front(token);
  }

  static constexpr unsigned kPostBatch = 16;   // ring buffers taken in one call of post()
  PathContext c_;
  PathStats stats_;
  GuestSide side_;
  PostedBuffers posted_;
  Cost packet_, destructor_;
  std::vector<std::uint32_t> slots_;
  std::uint32_t in_ring_ = 0;
  bool starved_ = false;                       // the driver found no buffer at its last refill
  Task* worker_ = nullptr;
};

}  // namespace gd
