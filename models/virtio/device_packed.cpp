// DeviceRing: the packed format (VIRTIO 1.2 section 2.8).
#include <algorithm>

#include "models/virtio/device_ring.h"

namespace gd {

// Whether the next descriptor is marked available. It is read as a whole, and then only once.
bool DeviceRing::look(RingView& v) {
  if (seen_) return true;
  if (slots_taken_ == layout_.size) return false;   // all of the ring is here: no mark can be a new one
  v.read(pvring::desc_at(layout_, at_.at), &head_, sizeof head_);
  seen_ = pvring::is_avail(head_.flags, at_.wrap);
  return seen_;
}

// A list is followed to its end even where it is malformed: only its last descriptor names the buffer. False: it cannot
// be named.
bool DeviceRing::take_packed(RingView& v, Segment* out, unsigned room, Taken& t) {
  pvring::Desc d = head_;
  seen_ = false;
  pvring::Position p = at_;
  unsigned slots = 0;
  for (bool more = true; more;) {
    if (slots == layout_.size - slots_taken_) {
      count(RingError::loop);
      return false;
    }
    if (slots > 0) v.read(pvring::desc_at(layout_, p.at), &d, sizeof d);
    const Gpa at = pvring::desc_at(layout_, p.at);
    ++slots;
    p.advance(1, layout_.size);
    more = d.flags & vring::kNext;
    if (t.error != RingError::none) continue;
    if (!(d.flags & vring::kIndirect)) t.error = add({d.addr, d.len, d.flags, 0}, at, out, room, t);
    else t.error = more || slots > 1 ? RingError::bad_indirect : walk_packed_table(v, d, out, room, t);
  }
  if (d.id >= layout_.size || slots_[d.id] != 0) {
    count(RingError::bad_head);
    return false;
  }
  t.head = d.id;
  at_ = p;
  ahead_ -= std::min(ahead_, slots);
  slots_taken_ += slots;
  slots_[d.id] = static_cast<std::uint16_t>(slots);
  took(t, slots);
  return true;
}

// Of a table's descriptors only the WRITE flag counts (section 2.8.7); their number is the table's length.
RingError DeviceRing::walk_packed_table(RingView& v, const pvring::Desc& d, Segment* out, unsigned room, Taken& t) {
  const unsigned entries = d.len / sizeof(pvring::Desc);
  if (!indirect_ || d.len % sizeof(pvring::Desc) || entries == 0 || entries > layout_.size || d.addr >= memory_ || d.len > memory_ - d.addr)
    return RingError::bad_indirect;
  for (unsigned i = 0; i < entries; ++i) {
    pvring::Desc e;
    v.read(d.addr + 16ULL * i, &e, sizeof e);
    if (const RingError bad = add({e.addr, e.len, static_cast<std::uint16_t>(e.flags & vring::kWrite), 0}, d.addr + 16ULL * i, out, room, t); bad != RingError::none)
      return bad;
  }
  return RingError::none;
}

// The flags of the first used descriptor since the last publication stay back until the next one.
void DeviceRing::write_packed(RingView& v, const vring::UsedElem& e, pvring::Position at) {
  ++entries_;
  struct {
    std::uint32_t len;
    std::uint16_t id, flags;
  } u{e.len, static_cast<std::uint16_t>(e.id), static_cast<std::uint16_t>(pvring::used_marks(at.wrap) | (e.len ? vring::kWrite : 0))};
  static_assert(sizeof u == 8);
  const Gpa a = pvring::desc_at(layout_, at.at) + pvring::kLenAt;
  pvring::Position start = put_;
  start.retreat(pending_, layout_.size);
  const bool first = start.at == at.at;
  if (first) {
    first_ = at;
    first_flags_ = u.flags;
  }
  v.write(a, &u, first ? 6 : 8);
}

}  // namespace gd
