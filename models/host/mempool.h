// A pool of packet buffers of a user driver: objects in one run of huge pages, a ring of free ones that all cores share, and a
// cache of the last freed in front of it for each core.
//
// Modelled: the layout of an object (mempool header, mbuf, headroom, data room), the cache as a stack (the last freed is the
// next taken), bulk transfers between cache and ring, exhaustion; one DMA mapping for ever. Not modelled: contention of
// cores for the ring, padding of objects over memory channels, chained mbufs.
// Source: DPDK lib/mempool/rte_mempool.h (default cache, ring handler), lib/mbuf/rte_mbuf_core.h.
#pragma once
#include <vector>

#include "models/base/costs.h"
#include "models/cpu/core.h"
#include "models/iommu/iommu.h"
#include "models/memory/ownership.h"

namespace gd {

struct MempoolParams {
  std::uint32_t objects = 16384;
  Bytes headroom = 128;                  // RTE_PKTMBUF_HEADROOM
  Bytes data_room = 2048;                // bytes that the card may write behind it
};

class Mempool {
 public:
  Mempool(const MempoolParams& params, PhysMem& phys, Ownership& ownership, Iommu& iommu);
  std::uint32_t objects() const { return static_cast<std::uint32_t>(ids_.size()); }
  // Free ones in the ring; those in caches beside.
  std::uint32_t in_ring() const { return count_; }
  Hpa mbuf(std::uint32_t object) const { return base_ + object * stride_ + kHeader; }
  Hpa data(std::uint32_t object) const { return mbuf(object) + kMbuf + params_.headroom; }
  Iova iova(std::uint32_t object) const { return iova_ + (data(object) - base_); }
  BufferId id(std::uint32_t object) const { return ids_[object]; }
  Ownership& ownership() { return ownership_; }
  Bytes data_room() const { return params_.data_room; }
  // Oldest free one first; pre: in_ring() > 0. push(): pre: the object came from here.
  std::uint32_t pop();
  void push(std::uint32_t object);

  static constexpr Bytes kHeader = 64, kMbuf = 128;   // rte_mempool_objhdr in its cache line; struct rte_mbuf, two lines

 private:
  MempoolParams params_;
  Ownership& ownership_;
  Bytes stride_;
  Hpa base_ = 0;
  Iova iova_ = 0;
  std::vector<BufferId> ids_;
  std::vector<std::uint32_t> ring_;
  std::uint32_t first_ = 0, count_ = 0;
};

// A core's cache.
class MempoolCache {
 public:
  // `size`: objects that one transfer from the ring leaves here; 0: none, each object goes to the ring. Flushed down to
  // `size` at one and a half times that. Costs: mempool.get, mempool.put (an object), mempool.bulk (a transfer and object).
  MempoolCache(Mempool& pool, std::uint32_t size, CostBook& costs);
  // A free object, now the core's (host -> skb); false when pool and cache are empty.
  bool get(Step& s, std::uint32_t& object);
  // skb -> host.
  void put(Step& s, std::uint32_t object);
  std::uint32_t held() const { return static_cast<std::uint32_t>(stack_.size()); }

 private:
  Mempool& pool_;
  std::uint32_t size_;
  Cost get_, put_, bulk_;
  std::vector<std::uint32_t> stack_;
};

}  // namespace gd
