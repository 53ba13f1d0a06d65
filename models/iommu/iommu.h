// The IOMMU between root complex and memory: translation of bus addresses, its caches and walkers, and the map and
// unmap work of the host's DMA API.
//
// Modelled: IOTLB (fully associative, seeded pseudo-random replacement, entries with the time at which they are ready,
// misses to one page merge), N walkers as timelines, a walk as memory reads through the cache; modes off, passthrough
// (static identity), lazy (invalidations batched: 250 entries or 10 ms) and strict; faults counted and blocked.
// Not modelled here: page-walk caches per level beyond a hit share, ATS, interrupt remapping, invalidation-queue contention
// between cores.
#pragma once
#include <cstdint>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <unordered_map>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/costs.h"
#include "models/cpu/core.h"
#include "models/memory/memory.h"
#include "models/ports/dma.h"

namespace gd {

enum class IommuMode : std::uint8_t { off, passthrough, lazy, strict };

struct IommuParams {
  IommuMode mode = IommuMode::off;
  Bytes page = kPage;                  // mapping granularity of the I/O page tables
  unsigned iotlb_entries = 64;
  unsigned walkers = 6;
  unsigned levels = 4;                 // memory reads of a walk without walk caches
  unsigned cached_levels = 3;          // levels normally served by the walk caches
  Time hit_latency = 0;
  Time walk_overhead = 40 * kNs;       // beyond the memory reads
  unsigned lazy_batch = 250;
  Time lazy_timeout = 10 * kMs;
};

struct IommuStats {
  std::uint64_t lookups = 0, misses = 0, walk_reads = 0, maps = 0, unmaps = 0, invalidations = 0, flushes = 0;
  std::uint64_t faults = 0, stale_dma = 0;
};

class Iommu : public sc_core::sc_module {
 public:
  Iommu(sc_core::sc_module_name name, Agenda& agenda, const IommuParams& params, MemorySystem& memory, CostBook& costs, std::uint64_t seed);

  tlm_utils::simple_target_socket<Iommu> from_bus;          // bus addresses, DmaInfo
  tlm_utils::simple_initiator_socket<Iommu> to_memory;      // host-physical addresses

  // The host's DMA API. map: makes [hpa, hpa+len) reachable at the returned bus address (identity unless lazy/strict),
  // charging the core that does it ("iommu.map" per call and page). len may cross pages only where host memory is contiguous.
  Iova map(Step& s, Hpa hpa, Bytes len);
  // Takes the mapping away. strict: invalidates before returning; lazy: the device can still reach it until the flush.
  void unmap(Step& s, Iova iova, Bytes len);
  // Set-up without a running core (rings, pools whose mapping is kept, a passthrough guest's memory): no cost.
  Iova map_static(Hpa hpa, Bytes len);
  // When a page that was unmapped at `t` can no longer be written by a device (t itself unless lazy).
  Time safe_to_unpin(Time t) const;
  const IommuStats& stats() const { return stats_; }
  const IommuParams& params() const { return params_; }

 private:
  void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);
  struct Impl;
  Impl* impl_;
  IommuParams params_;
  IommuStats stats_;

 public:
  ~Iommu() override;
};

}  // namespace gd
