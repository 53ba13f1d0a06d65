#include "models/buffers/posted.h"

#include "models/base/error.h"

namespace gd {

PostedBuffers::PostedBuffers(PathContext& c, GuestSide& side, PathStats& stats)
    : c_(c), side_(side), stats_(stats), track_(c.costs.get("post.track")), untrack_(c.costs.get("post.untrack")),
      pin_(c.costs.get("pin.page")), unpin_(c.costs.get("unpin.page")), lookup_(c.costs.get("pool.lookup")) {
  const std::uint32_t n = c.guest->rx().size;
  buffers_.resize(n);
  std::uint32_t capacity = 1;
  while (capacity < n + 1) capacity *= 2;
  fifo_.resize(capacity);
  mask_ = capacity - 1;
  later_.reserve(1024);
  if (c.env.pin != PinPolicy::per_buffer) page_iova_.assign(side.space().size() / kPage, 0);
  if (c.env.pin == PinPolicy::whole_guest) {
    // Pinned and mapped at bind, once; the time that takes is not on any frame's way.
    for (Gpa g = 0; g < side.space().size(); g += kPage) {
      const Hpa page = side.space().translate(g);
      c.ownership.pin(page, 0);
      page_iova_[g / kPage] = c.iommu.map_static(page, kPage);
    }
  }
}

bool PostedBuffers::pin(Step& s, Hpa page) {
  if (c_.ownership.pinned_bytes() + kPage > c_.env.memlock_limit) {
    ++stats_.memlock_stalls;
    return false;
  }
  s.charge(pin_);
  ++stats_.pins;
  c_.ownership.pin(page, s.now());
  return true;
}

void PostedBuffers::unpin(Step& s, Hpa page) {
  s.charge(unpin_);
  ++stats_.unpins;
  c_.ownership.unpin(page, s.now());
}

// Pages whose mapping was taken away lazily stay pinned until the device can no longer reach them.
void PostedBuffers::drain_unpins(Step& s) {
  while (later_first_ < later_.size() && later_[later_first_].at <= s.now()) unpin(s, later_[later_first_++].page);
  if (later_first_ == later_.size()) {
    later_.clear();
    later_first_ = 0;
  } else if (later_first_ > 4096) {
    later_.erase(later_.begin(), later_.begin() + static_cast<std::ptrdiff_t>(later_first_));
    later_first_ = 0;
  }
}

bool PostedBuffers::take_one(Step& s, Bytes least, std::uint32_t* token) {
  drain_unpins(s);
  Segment seg[8];
  DeviceRing::Taken t;
  while (side_.take(s, seg, 8, t)) {
    // The buffer is its last segment; a header descriptor before it (2.6.35 small mode) takes the virtio header.
    const Segment& data = seg[t.segments - 1];
    Bytes contiguous = 0;
    const Hpa hpa = side_.space().translate(data.gpa, &contiguous);
    if (hpa == kNoAddress || contiguous < data.len || data.len < least) {
      ++stats_.returned_unused;
      side_.used(s, t.head, 0);
      const BufferId b = hpa == kNoAddress ? kNoBuffer : c_.ownership.find(hpa);
      if (b != kNoBuffer) c_.ownership.move(b, Owner::posted, Owner::guest, s.now(), "unusable, returned");
      continue;
    }
    const Hpa page = align_down(hpa, kPage);
    if (c_.env.pin == PinPolicy::per_buffer) {
      if (!pin(s, page)) {
        side_.ring().untake(1);
        return false;
      }
    } else {
      s.charge(lookup_);
      Iova& kept = page_iova_[data.gpa / kPage];
      if (kept == 0) {
        if (!pin(s, page)) {
          side_.ring().untake(1);
          return false;
        }
        kept = c_.iommu.map(s, page, kPage);
      }
    }
    s.charge(track_);
    PostedBuffer& b = buffers_[t.head];
    b.gpa = data.gpa;
    b.hpa = hpa;
    b.length = data.len;
    b.head = t.head;
    b.id = c_.ownership.find(hpa);
    b.mapped = false;
    b.iova = c_.env.pin == PinPolicy::per_buffer ? 0 : page_iova_[data.gpa / kPage] + (hpa - page);
    ++stats_.posted;
    *token = t.head;
    return true;
  }
  return false;
}

Iova PostedBuffers::map(Step& s, std::uint32_t token) {
  PostedBuffer& b = buffers_[token];
  if (c_.env.pin == PinPolicy::per_buffer && !b.mapped) {
    b.iova = c_.iommu.map(s, b.hpa, b.length);
    b.mapped = true;
  }
  return b.iova;
}

void PostedBuffers::unmap(Step& s, std::uint32_t token) {
  PostedBuffer& b = buffers_[token];
  if (!b.mapped) return;
  c_.iommu.unmap(s, b.iova, b.length);
  b.mapped = false;
}

void PostedBuffers::give(Step& s, std::uint32_t token, std::uint32_t length, Owner from) {
  PostedBuffer& b = buffers_[token];
  unmap(s, token);
  s.charge(untrack_);
  if (c_.env.pin == PinPolicy::per_buffer) {
    const Hpa page = align_down(b.hpa, kPage);
    const Time safe = c_.iommu.safe_to_unpin(s.now());
    if (safe <= s.now()) {
      unpin(s, page);
    } else {
      later_.push_back({safe, page});
    }
  }
  if (b.id != kNoBuffer) c_.ownership.move(b.id, from, Owner::guest, s.now(), "given to the guest");
  side_.used(s, b.head, length);
}

}  // namespace gd
