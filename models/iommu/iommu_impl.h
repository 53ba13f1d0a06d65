// The workings of Iommu, shared by its two halves: translation (iommu.cpp) and the DMA API (dma_api.cpp).
#pragma once
#include <vector>

#include "models/base/calendar.h"

#include "models/iommu/iommu.h"
#include "models/iommu/iova.h"
#include "models/iommu/iova_cache.h"
#include "models/iommu/page_table.h"
#include "models/iommu/translation_cache.h"
#include "models/iommu/walkers.h"

namespace gd {

// Bus address regions (see iommu.h).
constexpr Iova kStaticBase = IovaAllocator::kEnd * kPage;
constexpr Iova kGuestBase = 1ULL << 40;
constexpr unsigned kWindowShift = 38;
constexpr Bytes kWindowSize = 1ULL << kWindowShift;

struct Iommu::Impl {
  Impl(Agenda& a, const IommuParams& p, IommuStats& st, MemorySystem& m, CostBook& costs, std::uint64_t seed);

  struct Window {
    Bytes size;
    std::uint16_t domain;
    unsigned shift = 0;         // mode off: of its pages, and where they lie, as the tables have them
    std::vector<Hpa> pages;
  };
  struct Queued {   // an IOVA that waits for the flush
    std::uint32_t run;
    unsigned order;
    unsigned core;  // that unmapped it
  };
  struct Piece {
    Hpa hpa;
    Bytes length;
  };

  // Keys of the caches: the address without its offset, and the level of the page or table.
  static std::uint64_t key(Iova iova, unsigned level) { return iova >> io_level_shift(level) << 3 | level; }
  static bool of_host(std::uint64_t k) {
    const auto level = static_cast<unsigned>(k & 7);
    return k >> 3 << io_level_shift(level) < kGuestBase;
  }
  bool translates_host() const { return mode == IommuMode::lazy || mode == IommuMode::strict; }

  // Is [iova, iova+len) a range that a requester of `domain` may name at all?
  bool allowed(Iova iova, Bytes len, std::uint16_t domain) const;
  // One page of a request: false when it is not mapped. Adds to `pieces` and moves `ready` to the translation's time.
  bool look_up(Iova iova, Bytes length, Time now, Time arrival, Time& ready, bool& stale);
  // The same without caches and time, for as many bytes from an allowed address in a window as lie in a row: mode off.
  Hpa look_up_free(Iova iova, Bytes& contiguous) const;
  void add_piece(Hpa hpa, Bytes length);
  TranslationCache& walk_cache(unsigned level) { return walk_caches[level - 2]; }   // levels 2 and up point to tables
  // Forgets what the walk caches hold of the host's domain.
  void drop_walks();
  // The core sends a command and waits for its completion, behind the cores that are sending theirs.
  void submit(Step& s);
  std::uint32_t take_run(unsigned core, unsigned order) {
    return params.iova_cache == IovaCache::shared ? iovas.take(order) : iova_caches.take(core, order);
  }
  void free_run(unsigned core, std::uint32_t run, unsigned order) {
    if (params.iova_cache == IovaCache::shared) iovas.give_back(run, order);
    else iova_caches.give_back(core, run, order);
  }
  // Walks; returns its end. `w` is what the tables hold.
  Time walk(Iova iova, const IoPageTable::Walk& w, Time now, Time arrival);

  void map_page(Iova iova, Hpa hpa, unsigned level);
  // Lazy: the timer's flush if it is due at `t`.
  void expire(Time t);
  void flush(Time t);
  void charge_owed(Step& s);

  Agenda& agenda;
  MemorySystem& memory;
  IommuMode mode;
  IommuParams params;
  IommuStats& stats;
  TranslationCache iotlb;
  TranslationFills fills;              // of the IOTLB
  std::vector<TranslationCache> walk_caches;   // from level 2 to the root's
  IoPageTable table;
  Walkers walkers;
  IovaAllocator iovas;                 // one of the two is used
  IovaCaches iova_caches;
  unsigned static_level;               // of params.page
  Iova static_next = kStaticBase;
  std::vector<Iova> static_of;         // by host page of params.page, where that is more than 4 KiB; kNoAddress: not mapped
  std::vector<Window> windows;
  unsigned used_levels[IoPageTable::kMaxLevels] = {};   // page sizes in the tables, in order of first use
  unsigned used_level_count = 0;
  std::vector<Queued> queue;           // of lazy unmaps
  Calendar invalidation_queue;
  Time oldest = 0, last_flush = -1;
  std::uint64_t owed = 0;              // unmaps flushed by the timer whose work no core has been charged for
  std::vector<Piece> pieces;
  Cost dma_map, dma_unmap, map_cost, unmap_cost, invalidate_cost, flush_cost;
  OpId invalidation_account;

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

}  // namespace gd
