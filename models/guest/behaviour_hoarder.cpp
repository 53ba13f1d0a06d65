// The hoarder: takes what comes, and lets the host wait for its buffers.
//
// A packet's bytes reach the application as ever; then its buffers are kept for a drawn time, or for good. Of a share of
// packets the driver copies the bytes and lets the buffers go at once, as NetKVM does when few are left; the application then
// reads the copy (that second copy is charged as part of the same bytes). With a limit on buffers nothing is posted beyond it,
// as in a driver that has a fixed set, and what comes back is posted in batches, or at once when few are left; without one fresh memory is posted until the guest has none left.
#include <algorithm>

#include "models/base/rng.h"
#include "models/guest/behaviours.h"

namespace gd {
namespace {

class Hoarder : public Behaviour {
 public:
  Hoarder(GuestContext& c, GuestBuffers& buffers)
      : c_(c), p_(c.params.behaviour), buffers_(buffers), rng_(p_.seed, "guest." + c.params.name + ".behaviour"),
        copies_(p_.seed, "guest." + c.params.name + ".copies") {
    if (p_.copy_share) copy_ = c.space.alloc(kPage, kPage);
  }
  bool may_post(unsigned outstanding, Time) override {
    outstanding_ = outstanding;
    return p_.buffers == 0 || outstanding + held_ < p_.buffers;
  }

  bool keeps(Step& s, GuestPacket& p) override {
    if (p_.copy_share && copies_.below(1'000'000) < p_.copy_share) {
      const Hpa to = c_.space.translate(copy_);
      for (std::uint32_t b = p.first; b != kNil; b = buffers_[b].next)
        s.copy(c_.costs.linear_copy, to, buffers_[b].hpa + buffers_[b].at, std::min<Bytes>(buffers_[b].length, kPage));
      c_.stats.linear_copied += p.length;
      return false;
    }
    Kept k{kNever, s.now(), p.taken, p.first, 0};
    for (std::uint32_t b = p.first; b != kNil; b = buffers_[b].next) k.count += buffers_[b].own != kNoBuffer && !buffers_[b].rest;
    if (k.count == 0) return false;
    p.first = p.last = kNil;
    held_ += k.count;
    const auto mean = static_cast<std::uint64_t>(p_.hold_time);
    switch (p_.hold) {
      case HoldTime::never: break;
      case HoldTime::fixed: k.until = s.now() + p_.hold_time; break;
      case HoldTime::uniform: k.until = s.now() + static_cast<Time>(rng_.below(2 * mean + 1)); break;
      case HoldTime::exponential: k.until = s.now() + static_cast<Time>(rng_.exponential(mean)); break;
    }
    kept_.push_back(k);
    std::push_heap(kept_.begin(), kept_.end(), later);
    return true;
  }
  Time due() const override { return kept_.empty() ? kNever : kept_.front().until; }

  bool work(Step& s, RingView&) override {
    while (!kept_.empty() && kept_.front().until <= s.now() && !s.over()) {
      std::pop_heap(kept_.begin(), kept_.end(), later);
      const Kept k = kept_.back();
      kept_.pop_back();
      held_ -= k.count;
      s.charge_times(c_.costs.page_free, buffers_.put_list(k.first, s.now()));
      c_.hold.add(static_cast<std::uint64_t>(s.now() - k.taken));
      returned_ += k.count;
    }
    if (returned_ < p_.batch && outstanding_ >= p_.batch) return false;
    returned_ = 0;
    return true;
  }
  void kept_so_far(Histogram& h, Time now) const override {
    for (const Kept& k : kept_) h.add(static_cast<std::uint64_t>(std::max<Time>(now - k.taken, 0)));
  }

 private:
  struct Kept {
    Time until, since, taken;
    std::uint32_t first, count;
  };
  static bool later(const Kept& a, const Kept& b) { return a.until != b.until ? a.until > b.until : a.since != b.since ? a.since > b.since : a.first > b.first; }
  GuestContext& c_;
  const BehaviourParams& p_;
  GuestBuffers& buffers_;
  Rng rng_, copies_;
  std::vector<Kept> kept_;
  std::uint32_t held_ = 0, returned_ = 0;   // returned_: since the last refill that was asked for
  unsigned outstanding_ = 0;                // when the driver asked last
  Gpa copy_ = 0;
};

}  // namespace

std::unique_ptr<Behaviour> make_hoarder(GuestContext& c, GuestBuffers& buffers) { return std::make_unique<Hoarder>(c, buffers); }

}  // namespace gd
