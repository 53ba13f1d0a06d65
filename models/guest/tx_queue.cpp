#include "models/guest/tx_queue.h"

#include "models/base/error.h"

namespace gd {

GuestTxQueue::GuestTxQueue(GuestContext& c, std::uint64_t features)
    : c_(c), layout_(vring::place(c.space, c.params.virtio.tx_queue_size, features)), ring_(layout_),
      per_frame_(feature::has(features, feature::kVersion1) || feature::has(features, feature::kAnyLayout) ? 1 : 2) {
  if (layout_.size < 2) throw UserError("guest " + c.params.name + ": a transmit ring needs 2 descriptors");
  vring::place_tables(c.space, layout_, per_frame_);
  ring_ = DriverRing(layout_);
  const unsigned count = layout_.size / ring_.slots_for(per_frame_);
  for (unsigned i = 0; i < count; ++i) {
    const unsigned in_page = i % (kPage / kSlot);
    slots_.push_back(in_page == 0 ? c.space.alloc(kPage, kPage) : slots_.back() + kSlot);
    free_.push_back(count - 1 - i);
  }
  SpaceView v(c.space);
  ring_.disable_callbacks(v);
}

bool GuestTxQueue::send(Step& s, RingView& v, const std::uint8_t* frame, std::uint32_t length) {
  require(length + layout_.header_length <= kSlot, "frame too long for a transmit slot");
  reclaim(s, v);
  if (free_.empty() || ring_.free_descriptors() < ring_.slots_for(per_frame_)) {
    ring_.enable_callbacks(v);
    return false;
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  const Gpa at = slots_[slot];
  std::uint8_t bytes[kSlot] = {};   // a zero header: complete checksum, no GSO
  std::memcpy(bytes + layout_.header_length, frame, length);
  const Hpa h = c_.space.translate(at);
  s.charge(c_.costs.tx_xmit);
  if (ring_.slots_for(per_frame_) < per_frame_) s.charge(c_.costs.indirect_table);
  s.store(c_.costs.tx_xmit.op, h, layout_.header_length + length);
  std::memcpy(c_.phys.at(h), bytes, layout_.header_length + length);
  Segment parts[2] = {{at, layout_.header_length, false}, {at + layout_.header_length, length, false}};
  if (per_frame_ == 1) parts[0].len += length;
  ring_.add(v, parts, per_frame_, slot);
  return true;
}

void GuestTxQueue::reclaim(Step& s, RingView& v) {
  DriverRing::Used u;
  while (ring_.outstanding() > 0 && ring_.get_used(v, u)) {
    s.charge(c_.costs.tx_reclaim);
    free_.push_back(u.token);
  }
}

}  // namespace gd
