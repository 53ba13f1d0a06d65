// The frame of the designs whose buffers are the guest's: posting, refill, publication. A design adds what it reads from
// a written-back descriptor and how it hands a packet over.
#pragma once
#include "models/buffers/guest_side.h"
#include "models/buffers/posted.h"

namespace gd {

class ZeroCopyPath : public RxPath {
 public:
  explicit ZeroCopyPath(PathContext c)
      : c_(std::move(c)), side_(c_), posted_(c_, side_, stats_), packet_(c_.costs.get("zerocopy.packet")), slots_(c_.env.ring_size, kNoToken) {}

  void publish(Step& s) override { side_.publish(s); }
  void settle(Step& s) override { side_.settle(s); }
  bool unsettled() const override { return side_.unsettled(); }
  std::uint32_t unpublished() const override { return const_cast<GuestSide&>(side_).ring().unpublished(); }
  // The worker posts whenever it runs; a kick is wanted only when the driver may run dry before that.
  bool ask_for_kick(Step& s, bool starved) override {
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
  void own(Step& s, std::uint32_t token, Owner from, Owner to, const char* where) {
    const BufferId b = posted_[token].id;
    if (b != kNoBuffer) c_.ownership.move(b, from, to, s.now(), where);
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
  Cost packet_;                                // handing over one packet
  std::vector<std::uint32_t> slots_;
  std::uint32_t in_ring_ = 0;
  bool starved_ = false;
};

}  // namespace gd
