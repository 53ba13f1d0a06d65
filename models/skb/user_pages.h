// The kernel's side of the buffers that an application has registered for asynchronous reads (models/memory/user_area.h): taken from its
// refill ring in batches, checked, kept until the card or a copy needs one, and handed over with a completion.
//
// Modelled, where the card writes into them: the whole area pinned and mapped when it is registered (at set-up, or in the application's
// own time where it may end and come back), or each buffer pinned and mapped for one read (host.pin per-buffer), which needs a process to do
// it in: the refill ring is looked at when the application enters the kernel. Pages that a lazy IOMMU can still reach
// stay pinned until its flush. An area that only copies fill is not pinned, and copies go where the application's memory is then.
// Offsets of refill entries are checked, one that names a buffer which the kernel has is ignored; lengths are not looked at. Without the
// check (defences.validate) an entry is believed: a buffer is given to the card twice, or memory behind the area is.
// Not modelled: several buffers for one entry, areas in huge pages; with per-read pins, translations are the IOMMU's alone.
// Source: io_uring/zcrx.c (io_zcrx_ring_refill, io_zcrx_return_niov); the first mail of 2010 (pages pinned as they are posted).
#pragma once
#include <vector>

#include "models/base/backlog.h"
#include "models/cpu/core.h"
#include "models/iommu/iommu.h"
#include "models/memory/ownership.h"
#include "models/memory/user_area.h"
#include "models/skb/skb.h"

namespace gd {

enum class UserPinning : std::uint8_t {
  none,        // copies alone fill the buffers
  registered,  // the area, at set-up
  registers,   // the area, by open(); shut() undoes it
  per_read     // each buffer while the kernel has it
};

struct UserPagesParams {
  UserPinning pinning = UserPinning::registered;
  bool validate = true;                // refill entries are checked
  Bytes memlock = UINT64_MAX, pin_quota = UINT64_MAX;   // per_read: most bytes pinned at once
  std::uint32_t buffer_quota = 0;      // most buffers that the kernel takes from the refill ring at once; 0: all
};

class UserPages {
 public:
  // Costs: uring.refill (an entry of the refill ring); registers, per_read: pin.page, unpin.page (a buffer's page); with a quota:
  // defence.quota (a buffer taken).
  UserPages(PhysMem& phys, Ownership& ownership, Iommu& iommu, CostBook& costs, const UserArea& area, const UserPagesParams& params);
  // A buffer that is the kernel's (owned as posted); kNoToken when the application has given none.
  std::uint32_t take(Step& s);
  // Looks for more where the kernel has less than `n`; one batch.
  void stock(Step& s, std::uint32_t n) {
    if (kept_.size() < n && !fetches()) look(s);
  }
  // per_read, process context: takes what the refill ring offers. True when the step is over before that was done.
  bool fetch(Step& s);
  bool fetches() const { return params_.pinning == UserPinning::per_read; }
  bool can_fetch() const { return fetches() && offered() && !stalled_; }
  // It was not needed, or the packet in it has ended: the kernel keeps it. Owned as posted before.
  void keep(std::uint32_t token) { kept_.push_back(token); }
  void own(Step& s, std::uint32_t token, Owner from, Owner to, const char* where) {
    if (ids_[token] != kNoBuffer) ownership_.move(ids_[token], from, to, s.now(), where);
  }
  // Back from the card: part of a packet (owned as skb).
  void received(Step& s, std::uint32_t token, bool written, const char* where);
  // skb -> the application. Returns its offset in the area.
  Gpa give(Step& s, std::uint32_t token);
  Hpa addr(std::uint32_t token) const { return params_.pinning == UserPinning::none ? reach(token) : addr_[token]; }
  Iova iova(std::uint32_t token) const { return iova_[token]; }
  const UserArea& area() const { return area_; }
  std::uint32_t kept() const { return static_cast<std::uint32_t>(kept_.size()); }
  // Whether take() would find something.
  bool ready() const { return !kept_.empty() || (!fetches() && offered()); }
  // Whether the refill ring has entries that the kernel has not taken.
  bool offered() const { return !shut_ && !at_quota() && phys_.load<std::uint32_t>(area_.refill_tail) != head_; }
  std::uint64_t bad_entries() const { return bad_; }
  struct Stalls {
    std::uint64_t memlock = 0, pin_quota = 0, buffer_quota = 0;
  };
  const Stalls& stalls() const { return stalls_; }

  // An application ends, and another one begins with the same memory. close(): nothing is taken any more. shut(), called again until
  // it says true (not before shut_at()): once all buffers are back they are the application's, unmapped and unpinned. reopen(): the refill
  // ring begins anew. open(): pins and maps the area; true when there is more to do.
  void close() { shut_ = true; }
  bool closed() const { return shut_; }
  bool shut(Step& s);
  Time shut_at() const { return wait_; }
  void reopen() { shut_ = false, head_ = 0, undone_ = 0, wait_ = 0; }
  bool open(Step& s);

 private:
  void look(Step& s);
  bool at_quota() const { return params_.buffer_quota && holds_ >= params_.buffer_quota; }
  bool accept(Step& s, std::uint32_t token);
  void pin(Step& s, std::uint32_t token);
  void unmap(Step& s, std::uint32_t token);
  void drain(Step& s);
  // Of a buffer, or of what lies behind the area; kNoAddress where nothing does.
  Hpa reach(std::uint64_t token) const { return area_.space->reach(token * area_.buffer); }
  bool beyond(std::uint32_t token) const { return token >= area_.buffers; }
  static constexpr std::uint32_t kBatch = 64;     // PP_ALLOC_CACHE_REFILL: entries taken at once
  PhysMem& phys_;
  Ownership& ownership_;
  Iommu& iommu_;
  UserArea area_;
  UserPagesParams params_;
  Cost refill_, pin_, unpin_, quota_;              // quota_: nothing without one
  // By token: the buffers of the area, and without validation those that memory behind it would make.
  std::vector<Hpa> addr_;
  std::vector<Iova> iova_;
  std::vector<BufferId> ids_;
  std::vector<bool> held_;                         // the kernel has it
  std::uint32_t holds_ = 0;                        // buffers of which that is true
  std::vector<std::uint32_t> kept_;                // last in, first out, as a page pool's cache
  std::uint32_t head_ = 0;
  std::uint64_t bad_ = 0;
  Stalls stalls_;
  bool shut_ = false, stalled_ = false;            // stalled_: at the limit of what may be pinned, until a page is unpinned
  std::uint32_t opened_ = 0;                       // registers: buffers pinned and mapped so far
  std::uint32_t undone_ = 0;                       // of these unmapped by shut()
  Time wait_ = 0;
  Bytes pinned_ = 0;                               // per_read
  struct Later {
    Time unmapped_at;
    Hpa page;
  };
  Backlog<Later> later_;                           // pages that the card may still reach
};

}  // namespace gd
