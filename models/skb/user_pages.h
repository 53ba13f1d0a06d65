// The kernel's side of the buffers that an application has registered for asynchronous reads (models/memory/user_area.h): taken from its
// refill ring in batches, checked, kept until the card or a copy needs one, and handed over with a completion.
//
// Modelled: the whole area pinned and mapped when it is registered, whatever host.pin says, where the card writes into it; offsets of
// refill entries are checked, one that names a buffer which the kernel has is ignored. An area that only copies fill is not pinned.
// Not modelled: pages pinned for one read each, several buffers for one entry, areas in huge pages, registration's own time.
// Source: io_uring/zcrx.c (io_zcrx_ring_refill, io_zcrx_return_niov).
#pragma once
#include <vector>

#include "models/cpu/core.h"
#include "models/iommu/iommu.h"
#include "models/memory/ownership.h"
#include "models/memory/user_area.h"
#include "models/skb/skb.h"

namespace gd {

class UserPages {
 public:
  // `device`: the card writes into them. Cost: uring.refill (an entry of the refill ring).
  UserPages(PhysMem& phys, Ownership& ownership, Iommu& iommu, CostBook& costs, const UserArea& area, bool device);
  // A buffer that is the kernel's (owned as posted); kNoToken when the application has given none.
  std::uint32_t take(Step& s);
  // It was not needed, or the packet in it has ended: the kernel keeps it. Owned as posted before.
  void keep(std::uint32_t token) { kept_.push_back(token); }
  void own(Step& s, std::uint32_t token, Owner from, Owner to, const char* where) { ownership_.move(ids_[token], from, to, s.now(), where); }
  // Back from the card: part of a packet (owned as skb).
  void received(Step& s, std::uint32_t token, bool written, const char* where);
  // skb -> the application. Returns its offset in the area.
  Gpa give(Step& s, std::uint32_t token);
  Hpa addr(std::uint32_t token) const { return addr_[token]; }
  Iova iova(std::uint32_t token) const { return iova_[token]; }
  const UserArea& area() const { return area_; }
  std::uint32_t kept() const { return static_cast<std::uint32_t>(kept_.size()); }
  // Whether the refill ring has entries that the kernel has not taken.
  bool offered() const { return phys_.load<std::uint32_t>(area_.refill_tail) != head_; }
  std::uint64_t bad_entries() const { return bad_; }

 private:
  void look(Step& s);
  static constexpr std::uint32_t kBatch = 64;     // PP_ALLOC_CACHE_REFILL: entries taken at once
  PhysMem& phys_;
  Ownership& ownership_;
  UserArea area_;
  Cost refill_;
  std::vector<Hpa> addr_;
  std::vector<Iova> iova_;
  std::vector<BufferId> ids_;
  std::vector<bool> held_;                         // the kernel has it
  std::vector<std::uint32_t> kept_;                // last in, first out, as a page pool's cache
  std::uint32_t head_ = 0;
  std::uint64_t bad_ = 0;
};

}  // namespace gd
