// DeviceRing: what both formats share.
#include "models/virtio/device_ring.h"

#include <algorithm>
#include <utility>

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
      indirect_(feature::has(layout.features, feature::kIndirect)), packed_(feature::has(layout.features, feature::kPacked)),
      in_order_(feature::has(layout.features, feature::kInOrder)) {
  vring::check(layout, "virtqueue (device side)");
  if (packed_) slots_.resize(layout.size);
  if (packed_ || in_order_) {
    std::size_t room = 1;
    while (room < layout.size) room *= 2;
    order_.resize(room);
  }
}

void DeviceRing::count(RingError e) {
  ++errors_;
  ++by_kind_[static_cast<int>(e)];
}

unsigned DeviceRing::available(RingView& v) {
  if (broken_) return 0;
  if (packed_) return look(v) ? 1 : 0;
  if (avail_ == last_avail_ && !refresh(v)) return 0;
  return static_cast<std::uint16_t>(avail_ - last_avail_);
}

bool DeviceRing::take(RingView& v, Segment* out, unsigned room, Taken& t) {
  t = Taken{};
  if (available(v) == 0) return false;
  if (!(packed_ ? take_packed(v, out, room, t) : take_split(v, out, room, t))) {
    broken_ = true;
    return false;
  }
  if (t.error != RingError::none) count(t.error);
  return true;
}

RingError DeviceRing::add(const vring::Desc& d, Gpa at, Segment* out, unsigned room, Taken& t) {
  const Bytes end = trusts_ ? UINT64_MAX : memory_;
  if (d.len == 0 || d.addr >= end || d.len > end - d.addr) return RingError::bad_address;
  const bool write = d.flags & vring::kWrite;
  if (!write && t.writable != 0) return RingError::bad_order;
  if (t.segments == room) return RingError::too_long;
  std::uint32_t& sum = write ? t.writable : t.readable;
  if (sum + static_cast<std::uint64_t>(d.len) > UINT32_MAX) return RingError::bad_address;
  sum += d.len;
  out[t.segments++] = Segment{d.addr, d.len, write, at};
  return RingError::none;
}

// Books about a chain that has been taken, where the used entry needs them.
void DeviceRing::took(const Taken& t, unsigned slots) {
  ++last_avail_;
  if (order_.empty()) return;
  order(taken_seq_++) = {t.head, static_cast<std::uint16_t>(slots), false, t.error == RingError::none, t.writable, 0};
}

void DeviceRing::untake(unsigned n) {
  require(n <= taken(), "more chains untaken than were taken");
  last_avail_ = static_cast<std::uint16_t>(last_avail_ - n);
  if (order_.empty()) return;
  for (; n > 0; --n) {
    const Order& o = order(--taken_seq_);
    require(!o.done, "a chain untaken that was pushed");
    if (!packed_) continue;
    require(slots_[o.id] == o.slots, "a chain untaken that was pushed");
    slots_[o.id] = 0;
    slots_taken_ -= o.slots;
    ahead_ += o.slots;
    at_.retreat(o.slots, layout_.size);
    seen_ = false;
  }
}

void DeviceRing::push(RingView& v, const vring::UsedElem* e, unsigned n) {
  require(n <= taken(), "used entry for a chain that was not taken");
  if (in_order_) {
    for (; n > 0; --n) push_ordered(v, *e++);
  } else if (packed_) {
    for (; n > 0; --n, ++e) {
      require(e->id < layout_.size && slots_[e->id] != 0, "used entry for a chain that was not taken");
      emit(v, {static_cast<std::uint16_t>(e->id), slots_[e->id], true, false, 0, e->len});
    }
  } else {
    write_split(v, e, n, used_);
    used_ = static_cast<std::uint16_t>(used_ + n);
  }
}

// IN_ORDER: marks the chain done and gives what is next in order.
void DeviceRing::push_ordered(RingView& v, const vring::UsedElem& e) {
  std::uint32_t seq = given_seq_;
  while (seq != taken_seq_ && (order(seq).done || order(seq).id != e.id)) ++seq;
  require(seq != taken_seq_, "used entry for a chain that was not taken");
  order(seq).done = true;
  order(seq).len = e.len;
  ++waiting_;
  for (; given_seq_ != taken_seq_ && order(given_seq_).done; ++given_seq_, --waiting_) emit(v, order(given_seq_));
}

// One used entry, at the next place. With IN_ORDER the entry of a batch lies at the place of the batch's first buffer,
// and a buffer that was wholly written needs none when another follows before the publication.
void DeviceRing::emit(RingView& v, const Order& o) {
  const vring::UsedElem e{o.id, o.len};
  if (!open_) {
    open_at_ = used_;
    open_put_ = put_;
  }
  open_ = true;
  open_elem_ = e;
  if (packed_) {
    slots_[o.id] = 0;
    slots_taken_ -= o.slots;
    pending_ += o.slots;
    put_.advance(o.slots, layout_.size);
  }
  ++used_;
  if (!in_order_ || !o.usable || o.len != o.writable) close_batch(v);
}

void DeviceRing::close_batch(RingView& v) {
  if (!std::exchange(open_, false)) return;
  if (packed_) write_packed(v, open_elem_, open_put_);
  else write_split(v, &open_elem_, 1, open_at_);
}

void DeviceRing::publish(RingView& v) {
  if (used_ == published_) return;
  close_batch(v);
  // As vhost: when the window of one decision would be passed by a whole turn of the index, the next decision is yes.
  if (static_cast<std::uint16_t>(used_ - decided_) < static_cast<std::uint16_t>(used_ - published_)) signalled_ = false;
  published_ = used_;
  due_ = true;
  if (!packed_) return v.publish(vring::used_idx(layout_), &published_, 2);
  moved_ = std::min<unsigned>(moved_ + pending_, layout_.size + 1u);
  pending_ = 0;
  v.publish(pvring::desc_at(layout_, first_.at) + pvring::kFlagsAt, &first_flags_, 2);
}

bool DeviceRing::signal_needed(RingView& v) {
  if (!due_) return false;
  due_ = false;
  const std::uint16_t old_idx = decided_;
  const bool first = !signalled_;
  decided_ = published_;
  signalled_ = true;
  const unsigned moved = std::exchange(moved_, 0u);
  if (feature::has(layout_.features, feature::kNotifyOnEmpty) && taken() == 0 && available(v) == 0) return true;
  if (packed_) {
    pvring::Event e;
    v.read(pvring::driver_event(layout_), &e, sizeof e);
    pvring::Position end = put_;
    end.retreat(pending_, layout_.size);   // pushed since then, not published
    return pvring::wanted(e, event_idx_, end, moved, layout_.size);
  }
  std::uint16_t word = 0;
  v.read(event_idx_ ? vring::used_event(layout_) : vring::avail_flags(layout_), &word, 2);
  return event_idx_ ? first || vring::need_event(word, published_, old_idx) : !(word & vring::kNoInterrupt);
}

void DeviceRing::disable_notify(RingView& v) {
  if (!notify_) return;
  notify_ = false;
  if (packed_) v.suppress(pvring::device_event(layout_) + 2, &pvring::kEventDisable, 2);
  else if (!event_idx_) v.suppress(vring::used_flags(layout_), &vring::kNoNotify, 2);
}

void DeviceRing::enable_notify(RingView& v) {
  if (notify_ && !event_idx_) return;
  notify_ = true;
  if (packed_) {
    pvring::Position next = at_;
    next.advance(ahead_, layout_.size);
    const pvring::Event e{pvring::off_wrap(next), event_idx_ ? pvring::kEventDesc : pvring::kEventEnable};
    return v.publish(pvring::device_event(layout_), &e, sizeof e);
  }
  const std::uint16_t flags = 0;
  if (event_idx_) v.publish(vring::avail_event(layout_), &avail_, 2);
  else v.publish(vring::used_flags(layout_), &flags, 2);
}

bool DeviceRing::recheck(RingView& v) {
  if (packed_) {
    if (broken_) return false;
    if (ahead_ == 0) return look(v);
    pvring::Position next = at_;
    next.advance(ahead_, layout_.size);
    std::uint16_t flags = 0;
    v.read(pvring::desc_at(layout_, next.at) + pvring::kFlagsAt, &flags, 2);
    return slots_taken_ + ahead_ < layout_.size && pvring::is_avail(flags, next.wrap);
  }
  const std::uint16_t known = avail_;
  refresh(v);
  return avail_ != known;
}

void DeviceRing::reset() {
  last_avail_ = avail_ = used_ = published_ = decided_ = 0;
  notify_ = true;
  broken_ = signalled_ = due_ = seen_ = open_ = false;
  at_ = put_ = pvring::Position{};
  ahead_ = slots_taken_ = pending_ = moved_ = waiting_ = 0;
  taken_seq_ = given_seq_ = 0;
  std::fill(slots_.begin(), slots_.end(), std::uint16_t{0});
}

}  // namespace gd
