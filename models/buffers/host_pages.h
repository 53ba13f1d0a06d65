// The host's own receive buffers: pieces of pages with their DMA mapping, recycled through a pool.
//
// Modelled: a free list that gives the most recently freed buffer first (page pool cache), growth by page allocation,
// mapping kept (recycling on) or made and taken away for each use; without recycling each page is allocated and freed once
// for all the buffers in it. Source: net/core/page_pool.c, ixgbe_alloc_mapped_page.
#pragma once
#include <vector>

#include "models/buffers/strategy.h"

namespace gd {

class HostPages {
 public:
  // Buffers of `size` bytes: as many as fit one page, or one of several contiguous pages. `recycle`: mapped once and kept;
  // else mapped at post() and unmapped at take(). Costs: page.alloc, page.recycle, page.free.
  HostPages(PathContext& c, Bytes size, bool recycle);
  struct Buffer {
    Hpa addr = 0;
    Iova iova = 0;
    BufferId id = kNoBuffer;
  };
  const Buffer& operator[](std::uint32_t token) const { return buffers_[token]; }
  // A buffer for the device: host -> posted.
  std::uint32_t post(Step& s);
  // A buffer for the CPU alone: host -> skb, never mapped.
  std::uint32_t get(Step& s);
  // The device has written it (or gave it back unwritten): becomes part of a packet. posted or in flight -> skb.
  void take(Step& s, std::uint32_t token, bool written);
  // Goes back: skb -> host.
  void free(Step& s, std::uint32_t token);
  std::uint32_t total() const { return static_cast<std::uint32_t>(buffers_.size()); }
  std::uint32_t idle() const { return static_cast<std::uint32_t>(free_.size()); }

 private:
  void grow(Step& s);
  PathContext& c_;
  Bytes size_;
  bool recycle_;
  Cost alloc_, recycle_cost_, free_cost_;
  std::uint32_t per_page_ = 1, to_alloc_ = 0, to_free_ = 0;   // buffers of a page; since the last allocation, the last free
  std::vector<Buffer> buffers_;
  std::vector<std::uint32_t> free_;
};

}  // namespace gd
