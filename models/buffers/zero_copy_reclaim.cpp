// Taking the guest's buffers back from the designs whose buffers are the guest's; models/host/reclaim.h says when and in what order.
#include <algorithm>

#include "models/buffers/zero_copy.h"

namespace gd {

GuestHold ZeroCopyPath::holds(Step& s, OpId op) {
  GuestHold h;
  h.progress = side_.offered(s, op);
  h.at_host = posted_.outstanding();
  h.pinned = posted_.pinned();
  const std::uint32_t here = h.at_host + static_cast<std::uint16_t>(h.progress - side_.ring().next_avail());
  most_ = std::max(most_, here);
  h.at_guest = door_ == Door::open ? most_ - here : 0;   // what was taken back is not asked for again
  return h;
}

void ZeroCopyPath::close(const GuestHold& seen) {
  door_ = Door::closing;
  closed_at_ = seen.progress;
  renewed_ = false;
}

// The guest has shown by an offer of its own that it goes on. What it had offered before, and what it got back of the queue and
// has not offered again, does not count.
bool ZeroCopyPath::opens(Step& s) {
  posted_.release_unmapped(s);
  if (door_ == Door::closing || (!renewed_ && side_.offered(s, packet_.op) == closed_at_)) return false;
  door_ = Door::open;
  return true;
}

void ZeroCopyPath::take_back(Step& s, std::uint32_t slot) {
  const std::uint32_t token = slots_[slot];
  left_ring(token);
  if (Bounce::is(token)) {
    bounce_->take(s, token, false);
    bounce_->free(s, token);
  } else {
    posted_.queue_front(token, s.now());
  }
  starved_ = true;
}

bool ZeroCopyPath::reclaim(Step& s) {
  while (!s.over()) {
    std::uint32_t token = kNoToken;
    if (!posted_.empty()) token = posted_.next();
    else if (reserved()) token = reserve_[reserve_head_++ & (reserve_.size() - 1)];
    else token = next_stored();
    if (token == kNoToken) {
      if (posted_.release_idle(s, s.now())) return true;
      if (const Time t = posted_.later_ends(s.now()); t != kNever && worker_) side_.timer().retry(*worker_, t);
      door_ = Door::closed;
      return false;
    }
    posted_.give(s, token, 0, Owner::posted);
    ++stats_.reclaimed;
  }
  return true;
}

}  // namespace gd
