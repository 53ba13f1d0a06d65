// The host's own receive buffers: pieces of pages with their DMA mapping, recycled through a pool.
//
// Modelled: a free list that gives the most recently freed buffer first (page pool cache), growth by page allocation,
// mapping kept (recycling on) or made and taken away for each use; without recycling each page is allocated and freed once
// for all the buffers in it. Mappings may be taken away in batches, as a card has them whose receive descriptor is many pages: the
// pages stay mapped, and with the driver, until the last one of their batch has been used, also where their packet has ended.
// A driver may keep what it would unmap in a cache of its own, first in, first out: a buffer is posted again, with its mapping, when it is
// the oldest there and its packet has ended; as long as the oldest is in use new pages are mapped, and what finds no room is unmapped.
// Source: net/core/page_pool.c, ixgbe_alloc_mapped_page; mlx5e_free_rx_mpwqe (64 pages of 4 KiB a descriptor), mlx5e_rx_cache_put and
// mlx5e_rx_cache_get (Linux 6.0; gone since 6.3).
#pragma once
#include <vector>

#include "models/buffers/strategy.h"

namespace gd {

class HostPages {
 public:
  // Buffers of `size` bytes: as many as fit one page, or one of several contiguous pages. `recycle`: mapped once and kept;
  // else mapped at post() and unmapped at take(). Costs: page.alloc, page.recycle, page.free.
  HostPages(PathContext& c, Bytes size, bool recycle);
  // Not recycled, and unmapped in batches of `batch` (2 or more) that were posted one after the other: by unmap() once the last of
  // them has been taken. At most `ring` are posted at a time, and they are taken in the order in which they were posted.
  // `cache`: how many of them the driver keeps mapped; 0: none.
  HostPages(PathContext& c, Bytes size, std::uint32_t batch, std::uint32_t ring, std::uint32_t cache = 0);
  struct Buffer {
    Hpa addr = 0;
    Iova iova = 0;
    BufferId id = kNoBuffer;
    bool mapped = false, ended = false;   // batches: still mapped; freed meanwhile
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
  // Batches: unmaps one of the buffers that are due, or puts it into the cache; false when none is.
  bool unmap(Step& s);
  std::uint32_t total() const { return static_cast<std::uint32_t>(buffers_.size()); }
  std::uint32_t idle() const { return static_cast<std::uint32_t>(free_.size()); }

 private:
  void grow(Step& s);
  bool reuse(Step& s, std::uint32_t& token);
  void put(Step& s, std::uint32_t token);
  PathContext& c_;
  Bytes size_;
  bool recycle_;
  Cost alloc_, recycle_cost_, free_cost_;
  std::uint32_t per_page_ = 1, to_alloc_ = 0, to_free_ = 0;   // buffers of a page; since the last allocation, the last free
  std::vector<Buffer> buffers_;
  std::vector<std::uint32_t> free_;
  // Batches: buffers in the order in which they were posted, a ring; how many were posted, taken and unmapped so far.
  std::uint32_t batch_ = 1;
  std::vector<std::uint32_t> order_;
  std::uint64_t posts_ = 0, takes_ = 0, unmaps_ = 0;
  // The cache: a ring of buffers, how many came and went so far, how many it may hold.
  std::vector<std::uint32_t> cached_;
  std::uint64_t cache_puts_ = 0, cache_gets_ = 0;
  std::uint32_t cache_ = 0;
};

}  // namespace gd
