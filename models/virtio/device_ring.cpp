#include "models/virtio/device_ring.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

const char* ring_error_name(RingError e) {
  static constexpr const char* kNames[] = {"none",      "index-jump",  "bad-head",  "loop",        "bad-next",
                                           "bad-address", "bad-order", "bad-indirect", "too-long"};
  static_assert(sizeof kNames / sizeof *kNames == static_cast<int>(RingError::count_));
  return kNames[static_cast<int>(e)];
}

DeviceRing::DeviceRing(const VirtQueueLayout& layout, Bytes memory)
    : layout_(layout), memory_(memory), event_idx_(feature::has(layout.features, feature::kEventIdx)),
      indirect_(feature::has(layout.features, feature::kIndirect)) {
  vring::check(layout, "virtqueue (device side)");
}

void DeviceRing::count(RingError e) {
  ++errors_;
  ++by_kind_[static_cast<int>(e)];
}

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

unsigned DeviceRing::available(RingView& v) {
  if (broken_ || (avail_ == last_avail_ && !refresh(v))) return 0;
  return static_cast<std::uint16_t>(avail_ - last_avail_);
}

bool DeviceRing::take(RingView& v, Segment* out, unsigned room, Taken& t) {
  t = Taken{};
  if (available(v) == 0) return false;
  std::uint16_t head = 0;
  v.read(vring::avail_slot(layout_, last_avail_ & (layout_.size - 1)), &head, 2);
  if (head >= layout_.size) {
    broken_ = true;
    count(RingError::bad_head);
    return false;
  }
  ++last_avail_;
  t.head = head;
  t.error = walk(v, head, out, room, t);
  if (t.error != RingError::none) count(t.error);
  return true;
}

RingError DeviceRing::add(const vring::Desc& d, Segment* out, unsigned room, Taken& t) {
  if (d.len == 0 || d.addr >= memory_ || d.len > memory_ - d.addr) return RingError::bad_address;
  const bool write = d.flags & vring::kWrite;
  if (!write && t.writable != 0) return RingError::bad_order;
  if (t.segments == room) return RingError::too_long;
  std::uint32_t& sum = write ? t.writable : t.readable;
  if (sum + static_cast<std::uint64_t>(d.len) > UINT32_MAX) return RingError::bad_address;
  sum += d.len;
  out[t.segments++] = Segment{d.addr, d.len, write};
  return RingError::none;
}

RingError DeviceRing::walk(RingView& v, std::uint16_t head, Segment* out, unsigned room, Taken& t) {
  unsigned index = head;
  for (unsigned seen = 0;; ++seen) {
    if (seen == layout_.size) return RingError::loop;
    vring::Desc d;
    v.read(vring::desc_at(layout_, index), &d, sizeof d);
    if (d.flags & vring::kIndirect) {
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
        if (const RingError bad = add(e, out, room, t); bad != RingError::none) return bad;
        if (!(e.flags & vring::kNext)) return RingError::none;
        if (e.next >= entries) return RingError::bad_next;
        i = e.next;
      }
    }
    if (const RingError bad = add(d, out, room, t); bad != RingError::none) return bad;
    if (!(d.flags & vring::kNext)) return RingError::none;
    if (d.next >= layout_.size) return RingError::bad_next;
    index = d.next;
  }
}

void DeviceRing::untake(unsigned n) {
  require(n <= taken(), "more chains untaken than were taken");
  last_avail_ = static_cast<std::uint16_t>(last_avail_ - n);
}

void DeviceRing::push(RingView& v, const vring::UsedElem* e, unsigned n) {
  require(n <= taken(), "used entry for a chain that was not taken");
  while (n > 0) {
    const unsigned slot = used_ & (layout_.size - 1u);
    const unsigned part = std::min<unsigned>(n, layout_.size - slot);
    v.write(vring::used_slot(layout_, slot), e, part * static_cast<unsigned>(sizeof *e));
    used_ = static_cast<std::uint16_t>(used_ + part);
    e += part;
    n -= part;
  }
}

void DeviceRing::publish(RingView& v) {
  if (used_ == published_) return;
  // As vhost: when the window of one decision would be passed by a whole turn of the index, the next decision is yes.
  if (static_cast<std::uint16_t>(used_ - decided_) < static_cast<std::uint16_t>(used_ - published_)) signalled_ = false;
  published_ = used_;
  due_ = true;
  v.publish(vring::used_idx(layout_), &published_, 2);
}

bool DeviceRing::signal_needed(RingView& v) {
  if (!due_) return false;
  due_ = false;
  const std::uint16_t old_idx = decided_;
  const bool first = !signalled_;
  decided_ = published_;
  signalled_ = true;
  if (feature::has(layout_.features, feature::kNotifyOnEmpty) && taken() == 0 && available(v) == 0) return true;
  std::uint16_t word = 0;
  v.read(event_idx_ ? vring::used_event(layout_) : vring::avail_flags(layout_), &word, 2);
  return event_idx_ ? first || vring::need_event(word, published_, old_idx) : !(word & vring::kNoInterrupt);
}

void DeviceRing::disable_notify(RingView& v) {
  if (!notify_) return;
  notify_ = false;
  if (!event_idx_) v.publish(vring::used_flags(layout_), &vring::kNoNotify, 2);
}

void DeviceRing::enable_notify(RingView& v) {
  if (notify_ && !event_idx_) return;
  notify_ = true;
  const std::uint16_t flags = 0;
  if (event_idx_) v.publish(vring::avail_event(layout_), &avail_, 2);
  else v.publish(vring::used_flags(layout_), &flags, 2);
}

bool DeviceRing::recheck(RingView& v) {
  const std::uint16_t known = avail_;
  refresh(v);
  return avail_ != known;
}

void DeviceRing::reset() {
  last_avail_ = avail_ = used_ = published_ = decided_ = 0;
  notify_ = true;
  broken_ = signalled_ = due_ = false;
}

}  // namespace gd
