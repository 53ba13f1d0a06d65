#include "models/virtio/driver_ring.h"

#include "models/base/error.h"

namespace gd {

DriverRing::DriverRing(const VirtQueueLayout& layout)
    : layout_(layout), event_idx_(feature::has(layout.features, feature::kEventIdx)), free_count_(layout.size) {
  vring::check(layout, "virtqueue (driver side)");
  chains_.resize(layout.size);
  for (unsigned i = 0; i < layout.size; ++i) chains_[i].next = static_cast<std::uint16_t>(i + 1);
}

int DriverRing::add(RingView& v, const Segment* segments, unsigned n, std::uint32_t token) {
  require(n > 0, "ring buffer without segments");
  if (n > free_count_) return kFull;
  const std::uint16_t head = free_head_;
  std::uint16_t index = head;
  for (unsigned i = 0; i < n; ++i) {
    const std::uint16_t next = chains_[index].next;
    vring::Desc d;
    d.addr = segments[i].gpa;
    d.len = segments[i].len;
    d.flags = static_cast<std::uint16_t>((segments[i].write ? vring::kWrite : 0) | (i + 1 < n ? vring::kNext : 0));
    d.next = i + 1 < n ? next : 0;
    v.write(vring::desc_at(layout_, index), &d, sizeof d);
    index = next;
  }
  free_head_ = index;
  free_count_ -= n;
  ++outstanding_;
  chains_[head].token = token;
  chains_[head].count = static_cast<std::uint16_t>(n);
  v.write(vring::avail_slot(layout_, avail_ & (layout_.size - 1u)), &head, 2);
  ++avail_;
  return head;
}

void DriverRing::publish(RingView& v) {
  if (avail_ == published_) return;
  published_ = avail_;
  v.publish(vring::avail_idx(layout_), &published_, 2);
}

bool DriverRing::kick_needed(RingView& v) {
  if (published_ == decided_) return false;
  const std::uint16_t old_idx = decided_;
  decided_ = published_;
  std::uint16_t word = 0;
  v.read(event_idx_ ? vring::avail_event(layout_) : vring::used_flags(layout_), &word, 2);
  return event_idx_ ? vring::need_event(word, published_, old_idx) : !(word & vring::kNoNotify);
}

unsigned DriverRing::waiting(RingView& v) {
  if (used_ == last_used_) more_used(v);
  return static_cast<std::uint16_t>(used_ - last_used_);
}

bool DriverRing::get_used(RingView& v, Used& u) {
  while (waiting(v) != 0) {
    vring::UsedElem e;
    v.read(vring::used_slot(layout_, last_used_ & (layout_.size - 1u)), &e, sizeof e);
    ++last_used_;
    if (event_idx_ && callbacks_) v.publish(vring::used_event(layout_), &last_used_, 2);
    if (e.id >= layout_.size || chains_[e.id].count == 0) {
      ++errors_;
      continue;
    }
    Chain& c = chains_[e.id];
    u.head = static_cast<std::uint16_t>(e.id);
    u.len = e.len;
    u.token = c.token;
    std::uint16_t last = u.head;
    for (unsigned i = 1; i < c.count; ++i) last = chains_[last].next;
    chains_[last].next = free_head_;
    free_head_ = u.head;
    free_count_ += c.count;
    c.count = 0;
    --outstanding_;
    return true;
  }
  return false;
}

void DriverRing::disable_callbacks(RingView& v) {
  if (!callbacks_) return;
  callbacks_ = false;
  if (!event_idx_) v.publish(vring::avail_flags(layout_), &vring::kNoInterrupt, 2);
}

void DriverRing::enable_callbacks(RingView& v) {
  if (callbacks_ && !event_idx_) return;
  callbacks_ = true;
  const std::uint16_t flags = 0;
  if (event_idx_) v.publish(vring::used_event(layout_), &last_used_, 2);
  else v.publish(vring::avail_flags(layout_), &flags, 2);
}

bool DriverRing::more_used(RingView& v) {
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

}  // namespace gd
