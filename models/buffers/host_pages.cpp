#include "models/buffers/host_pages.h"

#include <bit>
#include <utility>

#include "models/base/error.h"

namespace gd {

HostPages::HostPages(PathContext& c, Bytes size, bool recycle)
    : c_(c), size_(size), recycle_(recycle), alloc_(c.costs.get("page.alloc")), recycle_cost_(c.costs.get("page.recycle")),
      free_cost_(c.costs.get("page.free")), per_page_(static_cast<std::uint32_t>(size < kPage ? kPage / size : 1)) {}

// Posted ones, those of the batch being used, and those that are due.
HostPages::HostPages(PathContext& c, Bytes size, std::uint32_t batch, std::uint32_t ring, std::uint32_t cache) : HostPages(c, size, false) {
  batch_ = batch;
  order_.resize(std::bit_ceil(std::size_t{ring} + 2 * batch));
  cache_ = cache;
  cached_.resize(std::bit_ceil(std::size_t{cache} + 1));
}

// Without recycling an allocation is paid where the buffers are taken, page by page.
void HostPages::grow(Step& s) {
  if (recycle_) s.charge(alloc_);
  const Bytes unit = size_ > kPage ? size_ : kPage;
  const Hpa base = unit == kPage ? c_.phys.alloc_page() : c_.phys.alloc_contiguous(unit, kPage);
  const Iova iova = recycle_ ? c_.iommu.map(s, base, unit) : 0;
  for (Bytes at = 0; at + size_ <= unit; at += size_) {
    Buffer b;
    b.addr = base + at;
    b.iova = iova + at;
    b.id = c_.ownership.add(b.addr, size_, Owner::host, Ownership::Home::host);
    buffers_.push_back(b);
    free_.push_back(static_cast<std::uint32_t>(buffers_.size() - 1));
  }
}

// The oldest buffer of the cache, if its packet has ended.
bool HostPages::reuse(Step& s, std::uint32_t& t) {
  if (cache_gets_ == cache_puts_) return false;
  t = cached_[cache_gets_ & (cached_.size() - 1)];
  if (!std::exchange(buffers_[t].ended, false)) return false;
  ++cache_gets_;
  s.charge(recycle_cost_);
  return true;
}

std::uint32_t HostPages::post(Step& s) {
  std::uint32_t t;
  const bool kept = cache_ > 0 && reuse(s, t);
  if (!kept) {
    if (free_.empty()) grow(s);
    t = free_.back();
    free_.pop_back();
  }
  Buffer& b = buffers_[t];
  if (recycle_) {
    s.charge(recycle_cost_);
  } else if (!kept) {
    if (to_alloc_++ == 0) s.charge(alloc_);
    if (to_alloc_ == per_page_) to_alloc_ = 0;
    b.iova = c_.iommu.map(s, b.addr, size_);
  }
  if (batch_ > 1) {
    require(posts_ - unmaps_ < order_.size(), "more host pages are mapped than a ring and two batches hold");
    b.mapped = true;
    order_[posts_++ & (order_.size() - 1)] = t;
  }
  c_.ownership.move(b.id, Owner::host, Owner::posted, s.now(), "host page posted");
  return t;
}

std::uint32_t HostPages::get(Step& s) {
  if (free_.empty()) grow(s);
  const std::uint32_t t = free_.back();
  free_.pop_back();
  s.charge(alloc_);
  c_.ownership.move(buffers_[t].id, Owner::host, Owner::skb, s.now(), "host page for a copy");
  return t;
}

void HostPages::take(Step& s, std::uint32_t t, bool written) {
  const Buffer& b = buffers_[t];
  if (batch_ > 1) require(order_[takes_++ & (order_.size() - 1)] == t, "host pages of batches are used in another order than posted");
  else if (!recycle_) c_.iommu.unmap(s, b.iova, size_);
  // A DMA that was blocked half way may have touched a buffer of which the write-back says nothing.
  const bool touched = written || c_.ownership.owner(b.id) == Owner::in_flight;
  c_.ownership.move(b.id, touched ? Owner::in_flight : Owner::posted, Owner::skb, s.now(), "host page received");
}

void HostPages::free(Step& s, std::uint32_t t) {
  Buffer& b = buffers_[t];
  c_.ownership.move(b.id, Owner::skb, Owner::host, s.now(), "host page freed");
  if (b.mapped) b.ended = true;
  else put(s, t);
}

void HostPages::put(Step& s, std::uint32_t t) {
  if (recycle_) s.charge(recycle_cost_);
  else if (++to_free_ == per_page_) s.charge(free_cost_), to_free_ = 0;
  free_.push_back(t);
}

bool HostPages::unmap(Step& s) {
  if (batch_ == 1 || unmaps_ == takes_ - takes_ % batch_) return false;
  const std::uint32_t t = order_[unmaps_++ & (order_.size() - 1)];
  Buffer& b = buffers_[t];
  if (cache_puts_ - cache_gets_ < cache_) {
    s.charge(recycle_cost_);
    cached_[cache_puts_++ & (cached_.size() - 1)] = t;
    return true;
  }
  c_.iommu.unmap(s, b.iova, size_);
  b.mapped = false;
  if (std::exchange(b.ended, false)) put(s, t);
  return true;
}

}  // namespace gd
