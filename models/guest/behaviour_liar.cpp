// The ring-liar: what its driver posts is right, what stands in the ring is not.
//
// The driver's own books stay true, so that it takes back whatever the device gives back, and goes on. Lies about address and
// length are told in the descriptors; the others overwrite ring memory after the driver has filled it. A packed ring has no
// avail index: the lie that breaks the queue is a buffer id outside the ring there, and the first descriptor of a batch, whose
// flags the driver keeps back, cannot be made endless.
#include <algorithm>

#include "models/base/rng.h"
#include "models/guest/behaviours.h"
#include "models/guest/rx_queue.h"

namespace gd {
namespace {

class RingLiar : public Behaviour {
 public:
  RingLiar(GuestContext& c, GuestRxQueue& rx)
      : c_(c), p_(c.params.behaviour), rx_(rx), rng_(p_.seed, "guest." + c.params.name + ".behaviour"), next_(p_.interval) {}

  // Some places of the avail ring are left for what is offered twice: else the index would run ahead of the ring.
  bool may_post(unsigned outstanding, Time) override { return outstanding + kTwice < rx_.ring().layout().size; }
  void describe(Segment* g, unsigned n, std::uint32_t) override {
    told_ = RingLie::mixed;
    if (rng_.below(1'000'000) >= p_.share) return;
    told_ = p_.lie != RingLie::mixed ? p_.lie : static_cast<RingLie>(1 + rng_.below(6));
    Segment& one = g[rng_.below(n)];
    if (told_ == RingLie::address) one.gpa = rng_.below(2) ? c_.space.size() + kPage * rng_.below(1024) : c_.space.size() - 1;
    if (told_ == RingLie::length) {
      const std::uint32_t lengths[] = {0, 1, 64, UINT32_MAX, static_cast<std::uint32_t>(std::min<Bytes>(c_.space.size() - one.gpa, UINT32_MAX))};
      one.len = lengths[rng_.below(std::size(lengths))];
    }
    if (told_ == RingLie::address || told_ == RingLie::length) ++c_.stats.lies;
  }

  void posted(RingView& v, std::uint16_t head, std::uint32_t) override {
    const VirtQueueLayout& l = rx_.ring().layout();
    const bool packed = rx_.ring().packed();
    const Gpa d = packed ? pvring::desc_at(l, rx_.ring().last_place()) : vring::desc_at(l, head);
    const Gpa flags_at = d + (packed ? pvring::kFlagsAt : 12), next_at = d + (packed ? 12 : 14);
    const auto put16 = [&](Gpa a, std::uint16_t value) { v.write(a, &value, 2); };
    const auto flags = [&] {
      std::uint16_t f = 0;
      v.read(flags_at, &f, 2);
      return f;
    };
    switch (told_) {
      case RingLie::mixed:
      case RingLie::address:
      case RingLie::length: return;
      case RingLie::changed_length:
        if (waiting_.size() < kChanging) waiting_.push_back({head, d + 8});
        return;
      case RingLie::loop:
        put16(flags_at, static_cast<std::uint16_t>((flags() & static_cast<std::uint16_t>(~vring::kIndirect)) | vring::kNext));
        if (!packed) put16(next_at, head);
        break;
      case RingLie::indirect: {
        // A table outside the memory, one of no whole descriptors, one in a chain, one that is a table again.
        put16(flags_at, static_cast<std::uint16_t>(flags() | vring::kIndirect | (rng_.below(4) == 0 && !packed ? vring::kNext : 0)));
        const std::uint32_t lengths[] = {0, 8, 16, UINT32_MAX};
        const std::uint32_t length = lengths[rng_.below(std::size(lengths))];
        const Gpa table = rng_.below(2) ? c_.space.size() - 8 : vring::desc_at(l, 0);
        v.write(d, &table, 8);
        v.write(d + 8, &length, 4);
        break;
      }
      case RingLie::reused_id:
        if (packed) put16(next_at, other_);
        else if (rx_.ring().is_outstanding(other_) && twice() < kTwice) rx_.ring().offer_again(v, other_);
        other_ = head;
        break;
      case RingLie::index_jump:
        if (packed) put16(next_at, l.size);
        else jump_ = true;
        break;
    }
    ++c_.stats.lies;
  }

  void returned(std::uint16_t head) override {
    for (Changing& w : waiting_)
      if (w.head == head) w.at = 0;
  }
  Time due() const override { return next_; }

  bool work(Step& s, RingView& v) override {
    next_ = s.now() + p_.interval;
    for (const Changing& w : waiting_) {
      if (w.at == 0) continue;
      std::uint32_t len = 0;
      v.read(w.at, &len, 4);
      const std::uint32_t other = len == kHuge ? 1 : kHuge;
      v.write(w.at, &other, 4);
      ++c_.stats.lies;
    }
    std::erase_if(waiting_, [](const Changing& w) { return w.at == 0; });
    if (jump_) {
      const auto ahead = static_cast<std::uint16_t>(rx_.ring().next_avail() + rx_.ring().layout().size + 1 + rng_.below(1024));
      v.publish(vring::avail_idx(rx_.ring().layout()), &ahead, 2);
    }
    return false;
  }

 private:
  struct Changing {
    std::uint16_t head;
    Gpa at;                          // of the descriptor's length
  };
  // Offers of the second kind that have not come back.
  unsigned twice() const {
    const DriverRing& r = rx_.ring();
    return static_cast<std::uint16_t>(r.next_avail() - r.next_used()) - std::min<unsigned>(r.outstanding(), static_cast<std::uint16_t>(r.next_avail() - r.next_used()));
  }
  static constexpr unsigned kTwice = 16;
  static constexpr std::size_t kChanging = 64;
  static constexpr std::uint32_t kHuge = 0x7fff'ffff;
  GuestContext& c_;
  const BehaviourParams& p_;
  GuestRxQueue& rx_;
  Rng rng_;
  std::vector<Changing> waiting_;
  RingLie told_ = RingLie::mixed;    // about the buffer in hand; mixed: none
  std::uint16_t other_ = 0;
  bool jump_ = false;
  Time next_;
};

}  // namespace

std::unique_ptr<Behaviour> make_ring_liar(GuestContext& c, GuestRxQueue& rx) { return std::make_unique<RingLiar>(c, rx); }

}  // namespace gd
