#include "models/buffers/posted.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

PostedBuffers::PostedBuffers(PathContext& c, GuestSide& side, PathStats& stats)
    : c_(c), side_(side), stats_(stats), track_(c.costs.get("post.track")), untrack_(c.costs.get("post.untrack")),
      pin_(c.costs.get("pin.page")), unpin_(c.costs.get("unpin.page")), lookup_(c.costs.get("pool.lookup")),
      chains_(c.env.header_apart) {
  const std::uint32_t n = c.guest->rx().size;
  buffers_.resize(n);
  std::uint32_t capacity = 1;
  while (capacity < n + 1) capacity *= 2;
  fifo_.resize(capacity);
  back_.resize(capacity);
  mask_ = capacity - 1;
  later_.reserve(2048);
  if (c.env.defences.limits()) quota_.push_back(c.costs.get("defence.quota"));
  pins_.grow(side.space().reachable() / kPage);
  if (c.env.pin != PinPolicy::per_buffer) {
    page_iova_.grow(pins_.size());
    page_hpa_.grow(pins_.size());
    users_.grow(pins_.size());
    left_at_.grow(pins_.size());
  }
  if (c.env.pin == PinPolicy::whole_guest) {
    // Pinned and mapped at bind, once; the time that takes is not on any frame's way.
    for (Gpa g = 0; g < side.space().size(); g += kPage) {
      const Hpa page = side.space().translate(g);
      c.ownership.pin(page, 0);
      c.ownership.map(page, 0);
      page_iova_[g / kPage] = c.iommu.map_static(page, kPage);
      page_hpa_[g / kPage] = page;
      ++idle_;
    }
  }
}

bool PostedBuffers::pin(Step& s, Gpa gpa, Hpa page) {
  std::uint16_t& pins = pins_[gpa / kPage];
  if (pins == 0 && pinned_ + kPage > c_.env.memlock_limit) return at_quota_ = false;
  if (pins == 0 && pinned_ + kPage > c_.env.defences.pin_quota) return at_quota_ = true, false;
  if (pins++ == 0) pinned_ += kPage;
  s.charge(pin_);
  ++stats_.pins;
  c_.ownership.pin(page, s.now());
  return true;
}

void PostedBuffers::unpin(Step& s, Gpa gpa, Hpa page) {
  if (--pins_[gpa / kPage] == 0) pinned_ -= kPage;
  s.charge(unpin_);
  ++stats_.unpins;
  c_.ownership.unpin(page, s.now());
}

// Pages whose mapping was taken away lazily stay pinned until the device can no longer reach them. The IOMMU is asked
// again each time, because a full batch flushes earlier than the timeout. A few at a time, wherever a step ends: more than a buffer
// takes, so that who is at the limit goes on, and not so many that packets wait.
void PostedBuffers::drain_some(Step& s) {
  constexpr unsigned kAtOnce = 8;   // two of a page: its mapping and its pin
  for (unsigned n = 0; !later_.empty() && n < kAtOnce; ++n) {
    const Later& l = later_.front();
    if (c_.iommu.safe_to_unpin(l.unmapped_at) > s.now()) break;
    if (l.unpin) unpin(s, l.gpa, l.page);
    else c_.ownership.unmap(l.page, s.now());
    later_.pop();
  }
}

// The pool gives up the idle guest page `i`: unmapped now, unpinned when no device can reach it any more.
void PostedBuffers::let_go(Step& s, std::size_t i) {
  c_.iommu.unmap(s, page_iova_[i], kPage);
  page_iova_[i] = 0;
  --idle_;
  later_.push({s.now(), i * kPage, page_hpa_[i], false});
  later_.push({s.now(), i * kPage, page_hpa_[i], true});
}

// A pool at its limit gives up one page that no posted buffer uses; false when there is none, or one is on its way.
bool PostedBuffers::evict(Step& s) {
  if (c_.env.pin != PinPolicy::pool || !later_.empty() || idle_ == 0) return false;
  for (std::size_t i = 0; i < page_iova_.size(); ++i) {
    if (++hand_ >= page_iova_.size()) hand_ = 0;
    if (page_iova_[hand_] == 0 || users_[hand_] != 0) continue;
    let_go(s, hand_);
    drain(s);
    return true;
  }
  return false;
}

bool PostedBuffers::release_idle(Step& s, Time before) {
  drain(s);
  if (c_.env.pin != PinPolicy::pool) return false;
  for (std::size_t i = 0; i < page_iova_.size() && idle_ != 0; ++i) {
    if (page_iova_[i] == 0 || users_[i] != 0 || left_at_[i] > before) continue;
    if (s.over()) return true;
    let_go(s, i);
  }
  drain(s);
  return later_ends(s.now()) <= s.now();
}

Time PostedBuffers::stall_ends(Time now) const { return stalled_ ? later_ends(now) : kNever; }

Time PostedBuffers::later_ends(Time now) const {
  if (later_.empty()) return kNever;
  const Time t = c_.iommu.safe_to_unpin(later_.front().unmapped_at);
  return t > now ? t : now;
}

// A header descriptor before the buffer must take the whole virtio header, in one page.
bool PostedBuffers::header_fits(const Segment* seg, unsigned n) const {
  if (n == 1) return seg[0].len > side_.header_length() && seg[0].gpa % kPage + side_.header_length() <= kPage;
  return seg[0].len >= side_.header_length() && seg[0].gpa % kPage + side_.header_length() <= kPage;
}

// Of a chain the first descriptor takes headers; its buffers besides the device's go to the guest with it.
void PostedBuffers::note_chain(PostedBuffer& b, const Segment* seg, unsigned n) {
  b.room = 0;
  b.header = side_.space().reach(seg[0].gpa);
  b.header_gpa = seg[0].gpa;
  b.header_space = seg[0].len;
  if (further_.empty()) further_.assign(buffers_.size() * kMostSegments, kNoBuffer);
  for (unsigned i = 0; i < n; ++i) {
    const BufferId id = c_.ownership.find(side_.space().reach(seg[i].gpa));
    if (id != b.id && id != kNoBuffer) further_[b.head * kMostSegments + b.further++] = id;
  }
}

// Whether the device reaches the whole buffer, of several pages, from one address: they follow each other in host memory and are
// mapped together, or not at all.
bool PostedBuffers::one_address(Gpa gpa, Bytes len) const {
  return side_.space().one_piece(gpa, len) && (!keeps() || !c_.env.iommu_translates);
}

// Bytes before the border between a buffer's two pages that are scattered in host memory; 0: it is contiguous.
std::uint32_t PostedBuffers::border(Gpa gpa, Bytes len) const {
  return side_.space().one_piece(gpa, len) ? 0 : static_cast<std::uint32_t>(kPage - gpa % kPage);
}

void PostedBuffers::move_beyond(const PostedBuffer& b, Owner from, Owner to, Time t, const char* where) {
  const bool left_out = from == Owner::in_flight && c_.ownership.owner(b.beyond_id) == Owner::posted;
  c_.ownership.move(b.beyond_id, left_out ? Owner::posted : from, to, t, where);
}

// Pins the buffer's pages, and maps them where the pool keeps mappings; false, and nothing pinned, at the memlock limit.
bool PostedBuffers::reach(Step& s, Gpa gpa, Bytes len) {
  const Gpa first = align_down(gpa, kPage);
  for (Gpa g = first; g < gpa + len; g += kPage) {
    if (reach_page(s, g, side_.space().reach(g))) continue;
    while (g > first) {
      g -= kPage;
      if (!keeps()) unpin(s, g, side_.space().reach(g));
      else leave(g, s.now());
    }
    return false;
  }
  return true;
}

inline bool PostedBuffers::reach_page(Step& s, Gpa gpa, Hpa page) {
  if (!keeps()) return pin(s, gpa, page);
  s.charge(lookup_);
  const Gpa i = gpa / kPage;
  if (page_iova_[i] == 0 || page_hpa_[i] != page) return keep_page(s, gpa, page);
  if (users_[i]++ == 0) --idle_;
  return true;
}

// Pins and maps a page that is not kept yet.
bool PostedBuffers::keep_page(Step& s, Gpa gpa, Hpa page) {
  const Gpa i = gpa / kPage;
  // A page that the guest has exchanged is another one: the old stays pinned and mapped, for a device may still write it.
  if (page_iova_[i] != 0) {
    if (users_[i] == 0) --idle_;
    page_iova_[i] = 0;
  }
  if (!pin(s, gpa, page) && !(evict(s) && pin(s, gpa, page))) return false;
  page_iova_[i] = c_.iommu.map(s, page, kPage);
  page_hpa_[i] = page;
  c_.ownership.map(page, s.now());
  ++users_[i];
  return true;
}

void PostedBuffers::two_kinds(std::uint32_t part, std::uint32_t whole) {
  const std::uint32_t quota = c_.env.defences.buffer_quota;
  if (quota == 0) return;
  kind_[0].quota = std::clamp(quota * part / whole, 1u, std::max(2u, quota) - 1);
  kind_[1].quota = std::max(2u, quota) - kind_[0].quota;
}

bool PostedBuffers::take_one(Step& s, Bytes least, std::uint32_t* token) {
  drain(s);
  stalled_ = false;
  Segment seg[kMostSegments];
  DeviceRing::Taken t;
  const Defences& d = c_.env.defences;
  if (d.buffer_quota && outstanding_ >= d.buffer_quota) return ++stats_.buffer_quota_stalls, false;
  while (side_.take(s, seg, kMostSegments, t)) {
    // A header descriptor (2.6.35 small mode, chains) stands before the buffer.
    const Segment& data = seg[t.segments > 1 ? 1 : 0];
    PostedBuffer& b = buffers_[t.head];
    const bool copies = c_.env.options.unfit_buffers == UnfitBuffers::copy;
    const bool in_page = data.gpa % kPage + data.len <= kPage;
    const std::uint32_t split = in_page ? 0 : border(data.gpa, data.len);
    const bool many = split && data.len > split + kPage;
    const bool in_a_row = split && scattered_ && split >= scattered_ && c_.env.iommu_translates && !keeps();
    const bool unfit = !(in_page || one_address(data.gpa, data.len) || in_a_row) || (d.validate && data.len < least);
    const bool agreed = (t.segments > 1) == chains_;
    if (b.outstanding || !agreed || !header_fits(seg, t.segments) || many || (unfit && !copies)) {
      if (within_packet_) return side_.ring().untake(1), false;
      ++stats_.returned_unused;
      side_.refuse(s, t.head, seg, b.outstanding ? 0 : t.segments);
      continue;
    }
    const bool page = data.len >= kPage;
    if (kind_[page].outstanding >= kind_[page].quota) [[unlikely]] {
      if (kind_[!page].outstanding * 2 < kind_[!page].quota && !within_packet_) {
        ++stats_.returned_unused;
        side_.refuse(s, t.head, seg, t.segments);
        continue;
      }
      ++stats_.buffer_quota_stalls;
      side_.ring().untake(1);
      return false;
    }
    const Hpa hpa = side_.space().reach(data.gpa);
    bool cpu_only = unfit || copy_all_ || copies_only_;
    if (!cpu_only && !(in_page ? reach_page(s, align_down(data.gpa, kPage), align_down(hpa, kPage)) : reach(s, data.gpa, data.len))) {
      ++(at_quota_ ? stats_.pin_quota_stalls : stats_.memlock_stalls);
      cpu_only = c_.env.at_limit == AtLimit::copy;
      if (!cpu_only) {
        side_.ring().untake(1);
        stalled_ = true;
        return false;
      }
    }
    s.charge(track_);
    for (const Cost& q : quota_) s.charge(q);
    ++outstanding_;
    ++kind_[page].outstanding;
    b.further = 0;
    b.stray = b.mapped = b.unmapped = false;
    b.unmapped_at = 0;
    b.gpa = data.gpa;
    b.hpa = hpa;
    b.room = side_.header_length();
    b.header = hpa;
    b.header_gpa = data.gpa;
    b.header_space = 0;
    b.length = data.len;
    b.desc = data.desc;
    b.pin_gpa = data.gpa;
    b.pin_hpa = hpa;
    b.pin_length = data.len;
    b.head = t.head;
    b.id = b.pin_id = c_.ownership.find(hpa);
    b.split = split;
    b.beyond = 0;
    b.beyond_id = kNoBuffer;
    if (split) [[unlikely]] b.beyond = side_.space().reach(data.gpa + split), b.beyond_id = c_.ownership.find(b.beyond);
    b.outstanding = true;
    b.page = page;
    b.cpu_only = cpu_only;
    if (t.segments > 1) note_chain(b, seg, t.segments);
    b.iova = !cpu_only && keeps() ? page_iova_[data.gpa / kPage] + hpa % kPage : 0;
    ++stats_.posted;
    *token = t.head;
    return true;
  }
  return false;
}

void PostedBuffers::map_now(Step& s, PostedBuffer& b) {
  if (!c_.env.defences.read_once && !b.stray) look_again(s, b);
  if (keeps()) return;
  const Hpa pages[2] = {align_down(b.hpa, kPage), b.beyond};
  b.iova = b.split ? c_.iommu.map_pages(s, pages, 2) + b.hpa % kPage : c_.iommu.map(s, b.hpa, b.length);
  b.mapped = true;
  for_each_page(b, [&](Gpa, Hpa page) { c_.ownership.map(page, s.now()); });
}

// The descriptor names another place by now: the host goes there, unchecked. What it pinned stays pinned.
void PostedBuffers::look_again(Step& s, PostedBuffer& b) {
  const Segment g = side_.again(s, {b.gpa, b.length, true, b.desc});
  if (g.gpa == b.gpa && g.len == b.length) return;
  if (b.header == b.hpa) b.header_gpa = g.gpa, b.header = side_.space().reach(g.gpa);
  b.gpa = g.gpa;
  b.length = g.len;
  b.hpa = side_.space().reach(g.gpa);
  b.id = c_.ownership.find(b.hpa);
  b.split = 0;
  b.beyond_id = kNoBuffer;
  if (!keeps()) return;
  const Iova kept = page_iova_[b.gpa / kPage];
  b.stray = kept == 0;
  b.iova = (b.stray ? c_.iommu.map(s, align_down(b.hpa, kPage), kPage) : kept) + b.hpa % kPage;
}

void PostedBuffers::unmap_now(Step& s, PostedBuffer& b) {
  if (b.stray) {
    b.stray = false;
    c_.iommu.unmap(s, align_down(b.iova, kPage), kPage);
  }
  if (!b.mapped) return;
  c_.iommu.unmap(s, b.iova, b.length);
  b.mapped = false;
  b.unmapped = true;
  b.unmapped_at = s.now();
  const bool safe = later_.empty() && c_.iommu.safe_to_unpin(b.unmapped_at) <= s.now();
  for_each_page(b, [&](Gpa gpa, Hpa page) {
    if (safe) c_.ownership.unmap(page, s.now());
    else later_.push({b.unmapped_at, gpa, page, false});
  });
}

// What the guest gets as written: up to the end of what is used, and the header's own descriptor, which counts among the used bytes;
// all of a buffer that comes back unused with what a device has written (a foreign frame).
void PostedBuffers::log(Step& s, const PostedBuffer& b, std::uint32_t length, Owner from, std::uint32_t offset) {
  if (length == 0) return from == Owner::skb && !b.cpu_only ? side_.wrote(s, b.gpa, b.length) : void();
  if (b.header_space) side_.wrote(s, b.header_gpa, std::min(length, b.header_space));
  side_.wrote(s, b.gpa, offset + length - std::min(length, b.header_space));
}

void PostedBuffers::unpin_all(Step& s, const PostedBuffer& b) {
  const bool safe = !b.unmapped || (later_.empty() && c_.iommu.safe_to_unpin(b.unmapped_at) <= s.now());
  for_each_page(b, [&](Gpa gpa, Hpa page) {
    if (safe) unpin(s, gpa, page);
    else later_.push({b.unmapped_at, gpa, page, true});
  });
}

void PostedBuffers::give(Step& s, std::uint32_t token, std::uint32_t length, Owner from, std::uint32_t offset) {
  PostedBuffer& b = buffers_[token];
  unmap(s, token);
  s.charge(untrack_);
  if (!keeps() && !b.cpu_only) unpin_all(s, b);
  const Time now = s.now();
  if (keeps() && !b.cpu_only) for_each_page(b, [&](Gpa gpa, Hpa) { leave(gpa, now); });
  b.outstanding = false;
  --outstanding_;
  --kind_[b.page].outstanding;
  if (b.id != b.pin_id && b.pin_id != kNoBuffer && c_.ownership.owner(b.pin_id) == Owner::posted)
    c_.ownership.move(b.pin_id, Owner::posted, Owner::guest, now, "given to the guest, unused");
  move(token, from, Owner::guest, now, "given to the guest");
  for (unsigned i = 0; i < b.further; ++i)
    c_.ownership.move(further_[token * kMostSegments + i], Owner::posted, Owner::guest, now, "given to the guest with its chain");
  if (side_.logs()) log(s, b, length, from, offset);
  side_.used(s, b.head, length, offset);
}

}  // namespace gd
