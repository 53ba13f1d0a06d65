// DriverRing: the packed format (VIRTIO 1.2 section 2.8).
#include "models/base/error.h"
#include "models/virtio/driver_ring.h"

namespace gd {

// The flags of the first descriptor since the last publication stay back until the next one: a device that looks at
// them goes no further, whatever lies behind.
void DriverRing::add_packed(RingView& v, std::uint16_t head, const Segment* segments, unsigned n, bool indirect) {
  const unsigned slots = indirect ? 1 : n;
  for (unsigned i = 0; i < slots; ++i) {
    const bool more = i + 1 < slots;
    pvring::Desc d{segments[i].gpa, segments[i].len, head,
                   static_cast<std::uint16_t>((segments[i].write ? vring::kWrite : 0) | (more ? vring::kNext : 0))};
    if (indirect) d = {table(head), n * 16u, head, vring::kIndirect};
    d.flags |= pvring::avail_marks(next_.wrap);
    const bool first = pending_++ == 0;
    if (first) {
      first_ = next_;
      first_flags_ = d.flags;
    }
    v.write(pvring::desc_at(layout_, next_.at), &d, first ? pvring::kFlagsAt : sizeof d);
    next_.advance(1, layout_.size);
  }
  if (!in_order_) free_head_ = chains_[head].next;
}

// Whether the next descriptor is marked used. It is read as a whole, and then only once.
bool DriverRing::look(RingView& v) {
  if (seen_) return true;
  v.read(pvring::desc_at(layout_, taken_.at), &head_, sizeof head_);
  seen_ = outstanding_ > 0 && pvring::is_used(head_.flags, taken_.wrap);
  return seen_;
}

bool DriverRing::get_packed(RingView& v, Used& u) {
  while (look(v)) {
    seen_ = false;
    const std::uint32_t len = head_.flags & vring::kWrite ? head_.len : 0;   // reserved without the flag (section 2.8.4)
    if (in_order_) {
      if (begin_batch(head_.id, len, outstanding_)) return next_of_batch(u);
    } else if (head_.id < layout_.size && chains_[head_.id].count != 0) {
      release(head_.id, head_.id, u, len);
      return true;
    }
    ++errors_;
    taken_.advance(1, layout_.size);
  }
  return false;
}

}  // namespace gd
