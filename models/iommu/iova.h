// Bus addresses for map(): page numbers in runs of powers of two, aligned to their length; given back runs are used again,
// the latest first (as the per-core caches of Linux do). The MSI range is left out. Pure.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "models/base/error.h"
#include "models/base/units.h"
#include "models/ports/dma.h"

namespace gd {

class IovaAllocator {
 public:
  static constexpr std::uint64_t kEnd = 1ULL << 26;   // pages: 256 GiB
  static constexpr unsigned kOrders = 19;             // up to 1 GiB a run
  // The order of a run of `pages` pages (at least 1).
  static unsigned order(std::uint64_t pages) { return static_cast<unsigned>(std::bit_width(pages - 1)); }

  // The first page number of a run of 2^order pages. Broken invariant when the addresses are used up.
  std::uint32_t take(unsigned order) {
    require(order < kOrders, "iommu: a mapping larger than 1 GiB");
    auto& list = free_[order];
    if (!list.empty()) {
      const std::uint32_t run = list.back();
      list.pop_back();
      return run;
    }
    const std::uint64_t pages = 1ULL << order;
    while (next_ & (pages - 1)) {   // the gap before the alignment serves shorter runs
      const auto gap = static_cast<unsigned>(std::countr_zero(next_));
      if (!in_msi(next_, 1ULL << gap)) free_[gap].push_back(static_cast<std::uint32_t>(next_));
      next_ += 1ULL << gap;
    }
    while (in_msi(next_, pages)) next_ += pages;
    require(next_ + pages <= kEnd, "iommu: no bus addresses left");
    const auto run = static_cast<std::uint32_t>(next_);
    next_ += pages;
    return run;
  }
  void give_back(std::uint32_t first, unsigned order) { free_[order].push_back(first); }

 private:
  static bool in_msi(std::uint64_t first, std::uint64_t pages) {
    return first < (kMsiBase + kMsiSize) / kPage && first + pages > kMsiBase / kPage;
  }
  std::uint64_t next_ = 1;   // page 0 is never given, so that bus address 0 is never valid
  std::array<std::vector<std::uint32_t>, kOrders> free_;
};

}  // namespace gd
