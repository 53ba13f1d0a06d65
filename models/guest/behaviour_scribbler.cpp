// Guests that change their buffers while the host works with them: header-scribbler and shinfo-scribbler.
//
// A marker is put where a frame's first byte will be; every `interval` the oldest posted buffers are looked at, and when a
// marker has gone, the card (or the host) has written. `delay` later the header-scribbler changes one field of the headers, once;
// the shinfo-scribbler changes what lies behind the frame at every visit, until the buffer comes back.
// Modelled: one vCPU that polls its own memory. Not modelled: a second vCPU that does it in a loop of nanoseconds.
#include "models/base/rng.h"
#include "models/guest/behaviours.h"
#include "models/guest/rx_queue.h"
#include "models/packet/scribble.h"

namespace gd {
namespace {

class Scribbler : public Behaviour {
 public:
  Scribbler(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx)
      : c_(c), p_(c.params.behaviour), buffers_(buffers), rx_(rx), rng_(p_.seed, "guest." + c.params.name + ".behaviour"),
        watched_(rx.ring().layout().size), next_(p_.interval) {}

  void posted(RingView& v, std::uint16_t head, std::uint32_t buffer) override {
    Watched& w = watched_[head];
    w = {};
    if (rng_.below(1'000'000) >= p_.share) return;
    const std::uint32_t at = rx_.layout().data_at;
    // The frame begins in the first buffer of the chain that has room behind it.
    while (buffer != kNil && buffers_[buffer].size < at + kMarked) buffer = buffers_[buffer].next;
    if (buffer == kNil) return;
    w.buffer = buffer;
    w.at = at;
    v.write(buffers_[buffer].gpa + at, &scribble::kMarker, sizeof scribble::kMarker);
    order_.push_back(head);
  }
  void returned(std::uint16_t head) override { watched_[head] = {}; }
  Time due() const override { return next_; }

  bool work(Step& s, RingView&) override {
    next_ = s.now() + p_.interval;
    unsigned looked = 0;
    std::size_t kept = 0, i = 0;
    for (; i < order_.size() && looked < kLooks; ++i) {
      Watched& w = watched_[order_[i]];
      if (w.buffer == kNil) continue;
      ++looked;
      if (look(s, w)) order_[kept++] = order_[i];
    }
    order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(kept), order_.begin() + static_cast<std::ptrdiff_t>(i));
    return false;
  }

 protected:
  struct Watched {
    std::uint32_t buffer = kNil, at = 0;
    Time seen = kNever;
  };
  // The bytes of `b` are there. False: enough done.
  virtual bool scribble(Step& s, const GuestBuffer& b, std::uint32_t at) = 0;
  void put(Step& s, Hpa at, const void* bytes, std::uint32_t n) {
    std::memcpy(c_.phys.at(at), bytes, n);
    s.store(c_.costs.header, at, n);
  }

  static constexpr std::uint32_t kMarked = 64;   // header bytes that must have room
  static constexpr unsigned kLooks = 32;         // buffers looked at in a visit
  GuestContext& c_;
  const BehaviourParams& p_;
  GuestBuffers& buffers_;
  GuestRxQueue& rx_;
  Rng rng_;

 private:
  // False: the buffer need not be looked at again.
  bool look(Step& s, Watched& w) {
    const GuestBuffer& b = buffers_[w.buffer];
    s.load(c_.costs.header, b.hpa + w.at, sizeof scribble::kMarker);
    if (w.seen == kNever && c_.phys.load<std::uint64_t>(b.hpa + w.at) != scribble::kMarker) w.seen = s.now();
    if (w.seen == kNever || s.now() < w.seen + p_.delay) return true;
    if (scribble(s, b, w.at)) return true;
    w = {};
    return false;
  }
  std::vector<Watched> watched_;                 // by head
  std::vector<std::uint16_t> order_;
  Time next_;
};

// One field of Ethernet, IPv4 or TCP header gets a value of the guest's choice.
class HeaderScribbler : public Scribbler {
 public:
  using Scribbler::Scribbler;
  bool scribble(Step& s, const GuestBuffer& b, std::uint32_t at) override {
    const std::uint16_t value = static_cast<std::uint16_t>(rng_());
    put(s, b.hpa + at + scribble::field(rng_), &value, sizeof value);
    ++c_.stats.scribbles;
    return false;
  }
};

// nr_frags 1, and a page and length of the guest's choice, in every 16 bytes of what lies behind the frame.
class SharedInfoScribbler : public Scribbler {
 public:
  using Scribbler::Scribbler;
  bool scribble(Step& s, const GuestBuffer& b, std::uint32_t) override {
    struct {
      std::uint32_t nr_frags, length;
      std::uint64_t page;
    } const fields{1, static_cast<std::uint32_t>(kPage), kPage};
    const std::uint32_t tail = std::max<std::uint32_t>(rx_.layout().tail, kMarked);
    for (std::uint32_t at = b.size - std::min(tail, b.size); at + sizeof fields <= b.size; at += sizeof fields) put(s, b.hpa + at, &fields, sizeof fields);
    ++c_.stats.scribbles;
    return true;
  }
};

}  // namespace

std::unique_ptr<Behaviour> make_header_scribbler(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx) {
  return std::make_unique<HeaderScribbler>(c, buffers, rx);
}
std::unique_ptr<Behaviour> make_shinfo_scribbler(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx) {
  return std::make_unique<SharedInfoScribbler>(c, buffers, rx);
}

}  // namespace gd
