// DriverRing: what both formats share.
#include "models/virtio/driver_ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "models/base/error.h"

namespace gd {

DriverRing::DriverRing(const VirtQueueLayout& layout)
    : layout_(layout), event_idx_(feature::has(layout.features, feature::kEventIdx)),
      packed_(feature::has(layout.features, feature::kPacked)), in_order_(feature::has(layout.features, feature::kInOrder)),
      free_count_(layout.size) {
  vring::check(layout, "virtqueue (driver side)");
  chains_.resize(layout.size);
  for (unsigned i = 0; i < layout.size; ++i) chains_[i].next = static_cast<std::uint16_t>(i + 1);
}

int DriverRing::add(RingView& v, const Segment* segments, unsigned n, std::uint32_t token) {
  require(n > 0, "ring buffer without segments");
  const unsigned slots = slots_for(n);
  if (slots > free_count_) return kFull;
  const std::uint16_t head = new_head();
  const bool indirect = slots != n;
  if (indirect) write_table(v, head, segments, n);
  packed_ ? add_packed(v, head, segments, n, indirect) : add_split(v, head, segments, n, indirect);
  Chain& c = chains_[head];
  c.token = token;
  c.count = static_cast<std::uint16_t>(slots);
  c.writable = 0;
  for (unsigned i = 0; i < n; ++i) c.writable += segments[i].write ? segments[i].len : 0;
  free_count_ -= slots;
  ++outstanding_;
  ++avail_;
  return head;
}

// One table entry for each segment: linked by `next` in a split ring, one behind the other in a packed one.
void DriverRing::write_table(RingView& v, std::uint16_t head, const Segment* segments, unsigned n) {
  static constexpr unsigned kPart = 16;   // descriptors written together
  std::uint8_t bytes[kPart * 16];
  for (unsigned done = 0; done < n;) {
    const unsigned part = std::min(n - done, kPart);
    for (unsigned i = 0; i < part; ++i) {
      const Segment& s = segments[done + i];
      const std::uint16_t write = s.write ? vring::kWrite : 0;
      const unsigned next = done + i + 1 < n ? done + i + 1 : 0;
      const pvring::Desc p{s.gpa, s.len, 0, write};
      const vring::Desc q{s.gpa, s.len, static_cast<std::uint16_t>(write | (next ? vring::kNext : 0)), static_cast<std::uint16_t>(next)};
      if (packed_) std::memcpy(bytes + 16 * i, &p, 16);
      else std::memcpy(bytes + 16 * i, &q, 16);
    }
    v.write(table(head) + 16ULL * done, bytes, part * 16);
    done += part;
  }
}

void DriverRing::publish(RingView& v) {
  if (avail_ == published_) return;
  published_ = avail_;
  if (!packed_) return v.publish(vring::avail_idx(layout_), &published_, 2);
  moved_ = std::min<unsigned>(moved_ + pending_, layout_.size + 1u);
  pending_ = 0;
  v.publish(pvring::desc_at(layout_, first_.at) + pvring::kFlagsAt, &first_flags_, 2);
}

bool DriverRing::kick_needed(RingView& v) {
  if (published_ == decided_) return false;
  const std::uint16_t old_idx = decided_;
  decided_ = published_;
  if (packed_) {
    pvring::Event e;
    v.read(pvring::device_event(layout_), &e, sizeof e);
    pvring::Position end = next_;
    end.retreat(pending_, layout_.size);   // added since then, not published
    return pvring::wanted(e, event_idx_, end, std::exchange(moved_, 0u), layout_.size);
  }
  std::uint16_t word = 0;
  v.read(event_idx_ ? vring::avail_event(layout_) : vring::used_flags(layout_), &word, 2);
  return event_idx_ ? vring::need_event(word, published_, old_idx) : !(word & vring::kNoNotify);
}

// The chain of `head`, whose last descriptor is `last`, is the driver's again.
void DriverRing::release(std::uint16_t head, std::uint16_t last, Used& u, std::uint32_t len) {
  Chain& c = chains_[head];
  u = Used{head, len, c.token};
  if (!in_order_) {
    chains_[last].next = free_head_;
    free_head_ = head;
  }
  if (packed_ || in_order_) taken_.advance(c.count, layout_.size);
  free_count_ += c.count;
  c.count = 0;
  --outstanding_;
  ++last_used_;
}

// An IN_ORDER entry returns every buffer from the oldest to `id`, `most` at most. False: it does not.
bool DriverRing::begin_batch(std::uint32_t id, std::uint32_t len, unsigned most) {
  if (id >= layout_.size || chains_[id].count == 0) return false;
  pvring::Position p = taken_;
  for (unsigned n = 1; p.at != id; ++n) {
    if (n >= most || chains_[p.at].count == 0) return false;
    p.advance(chains_[p.at].count, layout_.size);
  }
  batch_ = true;
  batch_id_ = static_cast<std::uint16_t>(id);
  batch_len_ = len;
  return true;
}

bool DriverRing::next_of_batch(Used& u) {
  const std::uint16_t head = taken_.at;
  const bool last = head == batch_id_;
  batch_ = !last;
  release(head, head, u, last ? batch_len_ : chains_[head].writable);
  return true;
}

bool DriverRing::get_used(RingView& v, Used& u) {
  const bool got = batch_ ? next_of_batch(u) : packed_ ? get_packed(v, u) : get_split(v, u);
  if (got && event_idx_ && callbacks_) {
    const std::uint16_t place = pvring::off_wrap(taken_);
    if (packed_) v.suppress(pvring::driver_event(layout_), &place, 2);
    else v.suppress(vring::used_event(layout_), &last_used_, 2);
  }
  return got;
}

unsigned DriverRing::waiting(RingView& v) {
  if (packed_) return more_used(v) ? 1 : 0;
  if (used_ == last_used_) more_used(v);
  return static_cast<std::uint16_t>(used_ - last_used_);
}

bool DriverRing::more_used(RingView& v) { return packed_ ? batch_ || look(v) : more_split(v); }

void DriverRing::disable_callbacks(RingView& v) {
  if (!callbacks_) return;
  callbacks_ = false;
  if (packed_) v.suppress(pvring::driver_event(layout_) + 2, &pvring::kEventDisable, 2);
  else if (!event_idx_) v.suppress(vring::avail_flags(layout_), &vring::kNoInterrupt, 2);
}

void DriverRing::enable_callbacks(RingView& v) {
  if (callbacks_ && !event_idx_) return;
  callbacks_ = true;
  if (packed_) {
    const pvring::Event e{pvring::off_wrap(taken_), event_idx_ ? pvring::kEventDesc : pvring::kEventEnable};
    return v.publish(pvring::driver_event(layout_), &e, sizeof e);
  }
  const std::uint16_t flags = 0;
  if (event_idx_) v.publish(vring::used_event(layout_), &last_used_, 2);
  else v.publish(vring::avail_flags(layout_), &flags, 2);
}

}  // namespace gd
