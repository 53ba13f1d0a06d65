// Bus addresses for map() as Linux has given them out since 4.7: a cache of freed runs for each core, in front of an allocator
// that all cores share. Pure.
//
// Modelled: runs of powers of two, aligned to their length; for each core and length up to kCachedOrders two magazines of
// kMagazine runs, used as stacks, so that the run that a core freed last is the one that it takes next; a depot of up to kDepot full
// magazines of a length, through which runs go to other cores; what the depot does not take goes back to the allocator. That gives
// the highest free run of the length, and where there is none takes a new one, downwards from 4 GiB and then from the end.
// Not modelled: freed runs of the allocator that join or are cut for other lengths; its lock and its time.
// Source: drivers/iommu/iova.c (iova_rcache_get, __iova_rcache_insert, __alloc_and_insert_iova_range), iommu_dma_alloc_iova: 32-bit
// addresses first; Linux 6.0: 128 runs a magazine, 32 magazines a depot, lengths of 1 to 32 pages.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/iommu/iova.h"

namespace gd {

class IovaCaches {
 public:
  static constexpr unsigned kMagazine = 128, kDepot = 32, kCachedOrders = 6;
  static constexpr std::uint64_t kLow = 1ULL << 20;   // pages below 4 GiB

  // The first page number of a run of 2^order pages for `core`. Broken invariant when the addresses are used up.
  std::uint32_t take(unsigned core, unsigned order) {
    require(order < IovaAllocator::kOrders, "iommu: a mapping larger than 1 GiB");
    if (order >= kCachedOrders) return allocate(order);
    Cache& c = cache(core, order);
    if (c.loaded.count == 0) {
      auto& depot = depots_[order];
      if (c.previous.count != 0) {
        std::swap(c.loaded, c.previous);
      } else if (!depot.empty()) {
        c.loaded = depot.back();
        depot.pop_back();
      } else {
        return allocate(order);
      }
    }
    return c.loaded.runs[--c.loaded.count];
  }
  void give_back(unsigned core, std::uint32_t first, unsigned order) {
    if (order >= kCachedOrders) return free(first, order);
    Cache& c = cache(core, order);
    if (c.loaded.count == kMagazine) {
      if (c.previous.count < kMagazine) {
        std::swap(c.loaded, c.previous);
      } else {
        auto& depot = depots_[order];
        if (depot.size() < kDepot) depot.push_back(c.loaded);
        else for (unsigned i = 0; i < kMagazine; ++i) free(c.loaded.runs[i], order);
        c.loaded.count = 0;
      }
    }
    c.loaded.runs[c.loaded.count++] = first;
  }

 private:
  struct Magazine {
    unsigned count = 0;
    std::array<std::uint32_t, kMagazine> runs;
  };
  struct Cache {
    Magazine loaded, previous;
  };
  Cache& cache(unsigned core, unsigned order) {
    while (cores_.size() <= core) cores_.emplace_back(kCachedOrders);
    return cores_[core][order];
  }
  void free(std::uint32_t first, unsigned order) {
    auto& heap = free_[order];
    heap.push_back(first);
    std::push_heap(heap.begin(), heap.end());
  }
  std::uint32_t allocate(unsigned order) {
    auto& heap = free_[order];
    if (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const std::uint32_t run = heap.back();
      heap.pop_back();
      return run;
    }
    const std::uint64_t pages = 1ULL << order;
    if (low_ > pages) {   // page 0 is never given, so that bus address 0 is never valid
      std::uint64_t at = (low_ - pages) & ~(pages - 1);
      while (at > 0 && in_msi(at, pages)) at -= pages;
      if (at > 0) {
        low_ = at;
        return static_cast<std::uint32_t>(at);
      }
    }
    const std::uint64_t at = (high_ - pages) & ~(pages - 1);
    require(at >= kLow, "iommu: no bus addresses left");
    high_ = at;
    return static_cast<std::uint32_t>(at);
  }
  static bool in_msi(std::uint64_t first, std::uint64_t pages) {
    return first < (kMsiBase + kMsiSize) / kPage && first + pages > kMsiBase / kPage;
  }

  std::vector<std::vector<Cache>> cores_;   // by core and order
  std::array<std::vector<Magazine>, kCachedOrders> depots_;
  std::array<std::vector<std::uint32_t>, IovaAllocator::kOrders> free_;   // heaps, highest first
  std::uint64_t low_ = kLow, high_ = IovaAllocator::kEnd;   // what is below kLow, and above it, is new below these
};

}  // namespace gd
