// DeviceRing: the split format (VIRTIO 1.2 section 2.7).
#include <algorithm>

#include "models/virtio/device_ring.h"

namespace gd {

bool DeviceRing::refresh(RingView& v) {
  if (broken_) return false;
  std::uint16_t idx = 0;
  v.read(vring::avail_idx(layout_), &idx, 2);
  if (static_cast<std::uint16_t>(idx - last_avail_) > layout_.size) {
    broken_ = true;
    count(RingError::index_jump);
    return false;
  }
  avail_ = idx;
  return avail_ != last_avail_;
}

bool DeviceRing::take_split(RingView& v, Segment* out, unsigned room, Taken& t) {
  if (in_order_ && taken() == layout_.size) {   // a guest that offers again what the device still has
    count(RingError::index_jump);
    return false;
  }
  std::uint16_t head = 0;
  v.read(vring::avail_slot(layout_, last_avail_ & (layout_.size - 1)), &head, 2);
  if (head >= layout_.size) {
    count(RingError::bad_head);
    return false;
  }
  t.head = head;
  t.error = walk(v, head, out, room, t);
  took(t, 1);
  return true;
}

RingError DeviceRing::walk(RingView& v, std::uint16_t head, Segment* out, unsigned room, Taken& t) {
  unsigned index = head;
  for (unsigned seen = 0;; ++seen) {
    if (seen == layout_.size) return RingError::loop;
    vring::Desc d;
    v.read(vring::desc_at(layout_, index), &d, sizeof d);
    if (d.flags & vring::kIndirect) return walk_table(v, d, out, room, t);
    if (const RingError bad = add(d, vring::desc_at(layout_, index), out, room, t); bad != RingError::none) return bad;
    if (!(d.flags & vring::kNext)) return RingError::none;
    if (d.next >= layout_.size) return RingError::bad_next;
    index = d.next;
  }
}

RingError DeviceRing::walk_table(RingView& v, const vring::Desc& d, Segment* out, unsigned room, Taken& t) {
  const unsigned entries = d.len / sizeof(vring::Desc);
  if (!indirect_ || (d.flags & vring::kNext) || d.len % sizeof(vring::Desc) || entries == 0 || entries > layout_.size ||
      d.addr >= memory_ || d.len > memory_ - d.addr)
    return RingError::bad_indirect;
  unsigned i = 0;
  for (unsigned inner = 0;; ++inner) {
    if (inner == entries) return RingError::loop;
    vring::Desc e;
    v.read(d.addr + 16ULL * i, &e, sizeof e);
    if (e.flags & vring::kIndirect) return RingError::bad_indirect;
    if (const RingError bad = add(e, d.addr + 16ULL * i, out, room, t); bad != RingError::none) return bad;
    if (!(e.flags & vring::kNext)) return RingError::none;
    if (e.next >= entries) return RingError::bad_next;
    i = e.next;
  }
}

// Entries from the place of the free-running index `at`.
void DeviceRing::write_split(RingView& v, const vring::UsedElem* e, unsigned n, std::uint16_t at) {
  entries_ += n;
  while (n > 0) {
    const unsigned slot = at & (layout_.size - 1u);
    const unsigned part = std::min<unsigned>(n, layout_.size - slot);
    v.write(vring::used_slot(layout_, slot), e, part * static_cast<unsigned>(sizeof *e));
    at = static_cast<std::uint16_t>(at + part);
    e += part;
    n -= part;
  }
}

}  // namespace gd
