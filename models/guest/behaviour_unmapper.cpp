// The unmapper: takes memory away while it is posted, as a balloon or an munmap() of the VMM's process does.
//
// Every `interval` one page in which a posted buffer lies gets other host memory behind it, at once: the guest sees zeros, the
// host's translations from then on lead there, and the old page is the guest's no longer; whoever has pinned it keeps it from
// being used otherwise. Modelled with backing pages of 4 KiB only. Not modelled: the time of the remapping in the VMM, faults of
// the host on memory that is not there at all, notifiers that tell the host.
#include "models/base/error.h"
#include "models/base/rng.h"
#include "models/guest/behaviours.h"

namespace gd {
namespace {

class Unmapper : public Behaviour {
 public:
  Unmapper(GuestContext& c, GuestBuffers& buffers)
      : c_(c), p_(c.params.behaviour), buffers_(buffers), rng_(p_.seed, "guest." + c.params.name + ".behaviour"), next_(p_.interval) {
    if (c.space.backing_page() != kPage)
      throw UserError("guest " + c.params.name + ": the behaviour unmapper takes single pages away and needs backing_page 4KiB");
  }
  void posted(RingView&, std::uint16_t head, std::uint32_t buffer) override {
    if (rng_.below(1'000'000) >= p_.share) return;
    if (recent_.size() < kRecent) recent_.push_back({head, buffer});
    else recent_[at_++ % kRecent] = {head, buffer};
  }
  void returned(std::uint16_t head) override {
    for (Posted& p : recent_)
      if (p.head == head) p.buffer = kNil;
  }
  Time due() const override { return next_; }
  bool work(Step& s, RingView&) override {
    next_ = s.now() + p_.interval;
    if (recent_.empty()) return false;
    Posted& p = recent_[rng_.below(recent_.size())];
    if (p.buffer == kNil) return false;
    const Gpa page = align_down(buffers_[p.buffer].gpa, kPage);
    p.buffer = kNil;
    Hpa fresh = 0;
    try {
      fresh = c_.phys.alloc_page();
    } catch (const UserError&) {
      return false;   // the host has no page left to give
    }
    std::memset(c_.phys.at(fresh), 0, kPage);
    const Hpa old = c_.space.remap(page, fresh);
    c_.ownership.revoke(old, s.now());
    c_.ownership.belongs(fresh, kPage, c_.params.index, false);
    buffers_.rebase(page, fresh);
    s.charge(c_.costs.page_alloc);
    ++c_.stats.unmapped;
    return false;
  }

 private:
  struct Posted {
    std::uint16_t head;
    std::uint32_t buffer;
  };
  static constexpr std::size_t kRecent = 64;   // of the buffers posted last, one is chosen
  GuestContext& c_;
  const BehaviourParams& p_;
  GuestBuffers& buffers_;
  Rng rng_;
  std::vector<Posted> recent_;
  std::size_t at_ = 0;
  Time next_;
};

}  // namespace

std::unique_ptr<Behaviour> make_unmapper(GuestContext& c, GuestBuffers& buffers) { return std::make_unique<Unmapper>(c, buffers); }

}  // namespace gd
