// The IOMMU between root complex and memory: translation of bus addresses, its caches and walkers, and the map and
// unmap work of the host's DMA API.
//
// Modelled: I/O page tables as real bytes in host memory (second-level tables of VT-d: 512 entries of 8 bytes a table),
// read through the last-level cache by N walkers, which are gap-filling timelines; IOTLB, and a walk cache for each upper
// level, fully associative, seeded pseudo-random replacement; misses to one page merge, a translation gets its place in the IOTLB
// when its walk ends (what is under way is within reach beside the entries), a pointer its own in the walk cache when the walk begins; modes off, passthrough (static identity), lazy (one flush for a batch of unmaps) and strict (an
// invalidation for each unmap, which drops the domain's entries of the walk caches too, unless the hint says that only leaves
// have changed); the invalidation queue, which one core at a time may fill and whose commands it waits for; faults
// counted and blocked, a limited number of them recorded until the host has read them, with an event for the first; a lazily unmapped page stays reachable as long as the IOTLB holds it, as in hardware.
// Not modelled: sets and ways (no source gives them), ATS, interrupt remapping, contention of cores for IOVAs and page
// tables, walks that an invalidation overtakes, nested tables.
//
// Sources. Six walks of about 280 ns overlap, 64 entries: pcie-bench data, IOMMU on, 4 KiB mappings, random windows of
// 256 KiB to 64 MiB (Neugebauer et al., SIGCOMM 2018). Four levels, upper three cached, 1 to 4 reads a miss: Fast & Safe
// (SOSP 2024). Batch of 250 or 10 ms: Linux commit "PCI: iommu: iotlb flushing". In lazy mode Linux clears the entry at
// unmap, and gives the IOVA back and flushes the whole domain later. Invalidation hint: VT-d specification, IH of the IOTLB
// invalidate descriptor; that without it non-leaf entries go by the domain: Xeon E7-8800 v2 data sheet, volume 2, VTD_IOTLBINV; that
// Linux's strict mode drops the walk caches and what it costs: Fast & Safe. Queue:
// drivers/iommu/intel/dmar.c, qi_submit_sync: q_lock is held while descriptors and tail are written, not during the wait;
// 0.5-1 us for a command (ATC'15, ASPLOS'16, recalled).
//
// Bus addresses, lazy and strict: [4 KiB, 256 GiB) what map() gives, without the MSI range; [256 GiB, 1 TiB) map_static();
// from 1 TiB on one window of 256 GiB for each guest. off and passthrough: host-physical below 1 TiB.
#pragma once
#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

#include "models/base/agenda.h"
#include "models/base/costs.h"
#include "models/base/rng.h"
#include "models/cpu/core.h"
#include "models/memory/memory.h"
#include "models/ports/dma.h"
#include "models/ports/target_socket.h"

namespace gd {

enum class IommuMode : std::uint8_t { off, passthrough, lazy, strict };
enum class IovaCache : std::uint8_t { shared, per_core };

struct IommuParams {
  IommuMode mode = IommuMode::off;
  Bytes page = kPage;                  // mapping granularity of what is mapped for good: 4 KiB, 2 MiB or 1 GiB
  unsigned iotlb_entries = 64;         // 1..65536
  unsigned walkers = 6;                // 1..64
  unsigned levels = 4;                 // of the page tables: memory reads of a walk of 4 KiB without walk cache; 4 or 5
  unsigned cached_levels = 3;          // upper levels that the walk cache may serve; below `levels`
  unsigned walk_cache_entries = 32;    // pointers to tables, of each level; 1..65536
  Time hit_latency = 0;                // of every translated request
  Time walk_overhead = 200 * kNs;      // of a walk beyond its memory reads
  bool invalidation_hint = false;      // strict: invalidations leave the walk caches alone
  Time invalidation_latency = 0;       // from the queue's tail to the completion that the core waits for
  Time invalidation_interval = 0;      // for which a core that submits keeps others out
  unsigned lazy_batch = 250;           // unmaps queued before a flush
  // Where the bus addresses of map() come from: one stack of freed ones for all cores (iova.h), or as Linux has them (iova_cache.h).
  IovaCache iova_cache = IovaCache::shared;
  Time lazy_timeout = 10 * kMs;        // longest time for which an unmap stays queued
  unsigned fault_records = 8;          // fault recording registers, 1..256
  // Share of data writes (not of descriptors and reports) that find no mapping, in parts per million, drawn in the order of
  // requests (stream "iommu.faults"). Only where bus addresses are translated.
  std::uint32_t injected_faults = 0;
  std::uint64_t fault_seed = 1;
};

struct IommuStats {
  std::uint64_t lookups = 0;        // IOTLB look-ups: pages touched by translated requests
  std::uint64_t misses = 0;         // look-ups that started a walk
  std::uint64_t merged = 0;         // look-ups that waited for a walk in progress
  std::uint64_t walk_reads = 0;     // memory reads of walks
  std::uint64_t maps = 0, unmaps = 0;   // calls of the DMA API that changed page tables
  std::uint64_t invalidations = 0;  // invalidation commands sent: one for each strict unmap, one for each lazy flush
  std::uint64_t flushes = 0;        // lazy flushes
  Time invalidation_wait = 0;       // sum of the times for which cores waited for each other at the queue
  std::uint64_t faults = 0;         // requests blocked
  std::uint64_t faults_unrecorded = 0;   // of these, those that found all fault recording registers in use
  std::uint64_t fault_interrupts = 0;
  std::uint64_t stale_dma = 0;      // requests that reached a page after its unmap, before the flush
};

// Told of the fault event: the first fault after the registers had been emptied. `at`: when its message arrives, not before the
// present.
struct IommuFaultSink {
  virtual ~IommuFaultSink() = default;
  virtual void faulted(Time at) = 0;
};

class Iommu : public sc_core::sc_module {
  void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);

 public:
  // Takes the costs dma.map, dma.unmap, iommu.map, iommu.unmap, iommu.invalidate and iommu.flush from `costs`, opens the
  // account iommu.invalidation_wait; throws
  // UserError when one is missing or a parameter is impossible.
  Iommu(sc_core::sc_module_name name, Agenda& agenda, const IommuParams& params, MemorySystem& memory, CostBook& costs,
        std::uint64_t seed);
  ~Iommu() override;

  // Bus addresses, DmaInfo (optional: without it the requester is of domain 0). A request is translated as a whole before
  // anything moves; all its pages are looked up at its arrival. A blocked one comes back with
  // TLM_ADDRESS_ERROR_RESPONSE and DmaInfo::fault. One whose pages are not neighbours in host memory goes on as several
  // pieces; DmaInfo::hpa is the first byte's address.
  TargetSocket<&Iommu::b_transport> from_bus;
  tlm_utils::simple_initiator_socket<Iommu> to_memory;   // host-physical addresses

  // The host's DMA API. map: makes [hpa, hpa+len), contiguous host memory, reachable at the returned bus address and
  // charges the core that does it: "dma.map" a call; in lazy and strict mode also "iommu.map" a call and page. With pages
  // of 2 MiB or more, memory that map_static() has mapped keeps its mapping, and only "dma.map" is charged.
  Iova map(Step& s, Hpa hpa, Bytes len);
  // The same for `n` >= 1 pages of 4 KiB that need not be neighbours in host memory: they are, in order, from the returned bus
  // address on. Lazy and strict mode only; unmap() takes them away at once.
  Iova map_pages(Step& s, const Hpa* pages, std::size_t n);
  // Takes away what map() gave for the same length; charges "dma.unmap" and "iommu.unmap" (call and page).
  // strict: "iommu.invalidate" a call; a device cannot reach it after the return. lazy: the IOVA is queued; the call that
  // completes a batch, or the first map or unmap after the timeout, charges "iommu.flush" (call and queued unmap).
  // Both then wait for the queue and for the command's completion: "iommu.invalidation_wait".
  // Unmapping what is not mapped is a broken invariant.
  void unmap(Step& s, Iova iova, Bytes len);
  // Set-up without a running core (rings, pools whose mapping is kept): no cost, never unmapped, pages of params().page.
  Iova map_static(Hpa hpa, Bytes len);
  // A guest's whole memory, for device queues that carry guest-physical addresses: bus address = result + guest-physical.
  // Requests into the window, and they alone, must carry `domain` (not 0). Translated in every mode; in mode off at no
  // cost. Pages of the smaller of params().page and the guest's backing page. No cost, never unmapped.
  Iova map_guest(const GuestSpace& guest, std::uint16_t domain);
  // When a page that was unmapped at `t` can no longer be written by a device: `t` itself unless lazy; lazy: the latest
  // flush if it came after `t`, else the time at which the timeout forces one. Ask again later: it may come earlier.
  Time safe_to_unpin(Time t) const;
  // Who takes the fault event; without one the registers fill, and nobody empties them.
  void report_faults(IommuFaultSink* sink) { fault_sink_ = sink; }
  // Empties the fault recording registers; how many were in use.
  unsigned take_fault_records();
  const IommuStats& stats() const { return stats_; }
  const IommuParams& params() const { return params_; }

 private:
  void fault(Time at);
  struct Impl;
  IommuParams params_;
  IommuStats stats_;
  std::unique_ptr<Impl> impl_;
  IommuFaultSink* fault_sink_ = nullptr;
  unsigned fault_records_ = 0;         // in use
  Rng fault_rng_;
};

}  // namespace gd
