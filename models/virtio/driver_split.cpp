// DriverRing: the split format (VIRTIO 1.2 section 2.7).
#include "models/base/error.h"
#include "models/virtio/driver_ring.h"

namespace gd {

void DriverRing::add_split(RingView& v, std::uint16_t head, const Segment* segments, unsigned n, bool indirect) {
  std::uint16_t index = head;
  const unsigned slots = indirect ? 1 : n;
  for (unsigned i = 0; i < slots; ++i) {
    // With IN_ORDER `next` is the neighbour, at the table's end the first (section 2.7.5.2).
    const std::uint16_t next = in_order_ ? static_cast<std::uint16_t>((index + 1u) & (layout_.size - 1u)) : chains_[index].next;
    const bool more = i + 1 < slots;
    vring::Desc d{segments[i].gpa, segments[i].len,
                  static_cast<std::uint16_t>((segments[i].write ? vring::kWrite : 0) | (more ? vring::kNext : 0)), more ? next : std::uint16_t{0}};
    if (indirect) d = {table(head), n * 16u, vring::kIndirect, 0};
    v.write(vring::desc_at(layout_, index), &d, sizeof d);
    index = next;
  }
  free_head_ = in_order_ ? free_head_ : index;
  if (in_order_) next_.advance(slots, layout_.size);
  v.write(vring::avail_slot(layout_, avail_ & (layout_.size - 1u)), &head, 2);
}

void DriverRing::offer_again(RingView& v, std::uint16_t head) {
  if (packed_ || static_cast<std::uint16_t>(avail_ - last_used_) >= layout_.size) return;
  v.write(vring::avail_slot(layout_, avail_ & (layout_.size - 1u)), &head, 2);
  ++avail_;
}

bool DriverRing::more_split(RingView& v) {
  std::uint16_t idx = 0;
  v.read(vring::used_idx(layout_), &idx, 2);
  // A device that claims more than is outstanding: what is beyond it cannot be meant.
  if (static_cast<std::uint16_t>(idx - last_used_) > layout_.size) {
    ++errors_;
    return false;
  }
  used_ = idx;
  return used_ != last_used_;
}

bool DriverRing::get_split(RingView& v, Used& u) {
  while (used_ != last_used_ || more_split(v)) {
    vring::UsedElem e;
    v.read(vring::used_slot(layout_, last_used_ & (layout_.size - 1u)), &e, sizeof e);
    if (in_order_) {
      if (begin_batch(e.id, e.len, static_cast<std::uint16_t>(used_ - last_used_))) return next_of_batch(u);
    } else if (e.id < layout_.size && chains_[e.id].count != 0) {
      std::uint16_t last = static_cast<std::uint16_t>(e.id);
      for (unsigned i = 1; i < chains_[e.id].count; ++i) last = chains_[last].next;
      release(static_cast<std::uint16_t>(e.id), last, u, e.len);
      return true;
    }
    ++errors_;
    ++last_used_;
  }
  return false;
}

}  // namespace gd
