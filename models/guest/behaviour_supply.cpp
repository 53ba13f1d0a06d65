// Guests that post too little: idle, slow-refill; and too much: flood-poster.
#include "models/base/rng.h"
#include "models/guest/behaviours.h"

namespace gd {
namespace {

// Never posts a buffer.
class Idle : public Behaviour {
 public:
  bool may_post(unsigned, Time) override { return false; }
};

// A full ring at the start; then at most `batch` buffers every `interval`, whatever the device needs.
class SlowRefill : public Behaviour {
 public:
  explicit SlowRefill(const BehaviourParams& p) : p_(p), next_(p.interval) {}
  bool may_post(unsigned, Time now) override {
    if (now == 0) return true;
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  Time due() const override { return next_; }
  bool work(Step& s, RingView&) override {
    left_ = p_.batch;
    next_ = s.now() + p_.interval;
    return true;
  }

 private:
  const BehaviourParams& p_;
  Time next_;
  std::uint32_t left_ = 0;
};

// Posts whenever there is room and looks for room every `interval`. What the device refuses comes back and is posted again.
// A huge buffer runs from the buffer's address to the end of the guest's memory, over whatever lies there.
class FloodPoster : public Behaviour {
 public:
  explicit FloodPoster(GuestContext& c)
      : p_(c.params.behaviour), space_(c.space), rng_(p_.seed, "guest." + c.params.name + ".behaviour"), next_(p_.interval) {}
  bool eager() const override { return true; }
  void describe(Segment* segments, unsigned n, std::uint32_t) override {
    FloodOf kind = p_.flood;
    if (kind == FloodOf::mixed) kind = static_cast<FloodOf>(1 + rng_.below(3));
    for (unsigned i = 0; i < n; ++i) {
      Segment& g = segments[i];
      if (kind == FloodOf::huge) g.len = static_cast<std::uint32_t>(std::min<Bytes>(space_.size() - g.gpa, UINT32_MAX));
      if (kind == FloodOf::tiny) g.len = 1 + static_cast<std::uint32_t>(rng_.below(16));
      if (kind == FloodOf::zero) g.len = 0;
    }
  }
  Time due() const override { return next_; }
  bool work(Step& s, RingView&) override {
    next_ = s.now() + p_.interval;
    return true;
  }

 private:
  const BehaviourParams& p_;
  GuestSpace& space_;
  Rng rng_;
  Time next_;
};

}  // namespace

std::unique_ptr<Behaviour> make_idle() { return std::make_unique<Idle>(); }
std::unique_ptr<Behaviour> make_slow_refill(GuestContext& c) { return std::make_unique<SlowRefill>(c.params.behaviour); }
std::unique_ptr<Behaviour> make_flood_poster(GuestContext& c) { return std::make_unique<FloodPoster>(c); }

}  // namespace gd
