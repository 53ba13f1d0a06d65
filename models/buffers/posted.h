// The guest's buffers between its ring and the NIC: taken by the vhost worker, read once, translated, checked, pinned,
// tracked, queued for the driver; and given back. Shared by the designs that let the NIC write into guest memory.
//
// Modelled: per-buffer tracking (allocation and hash of the page, as ZeCoRx measured it), pin policies, the memlock limit
// in distinct pages of the guest (at the limit a pool gives up a page without posted buffers, in turn; else posting stalls), DMA mapping
// per buffer or kept with the pool, unpinning only when a lazily unmapped page can no longer be written. A buffer is pinned
// page by page, and mapped at once: contiguous host memory by one address, two scattered pages by bus addresses in a row
// (take_scattered). One of whose pages neither holds (IOMMU off, or mapped apart: a pool) is not the device's.
// A quota of buffers or of pinned bytes (models/buffers/strategy.h, Defences) is met like the memlock limit, and counted apart.
// Without read_once the device gets what the descriptor says when its own descriptor is filled: the pinned pages are those
// of the first look. Of a chain the first descriptor takes headers and the second is the device's; a chain where the agreement at bind
// has one descriptor, or one where it has a chain, goes back unused: where the packet begins would be another place. Not modelled: one buffer given to the device
// as several pieces; buffers of more than two scattered pages, which go back unused.
// Sources: mpassthru v3 (Xin Xiaohui, 2010); linux-zecorx drivers/vhost/net.c; mm/gup.c.
#pragma once
#include <vector>

#include "models/base/backlog.h"
#include "models/base/zeroed.h"
#include "models/buffers/guest_side.h"
#include "models/buffers/strategy.h"

namespace gd {

struct PostedBuffer {
  Gpa gpa = 0, header_gpa = 0;
  Hpa hpa = 0;
  Hpa header = 0;             // where the virtio header goes: the buffer's start, or a descriptor of its own before it
  std::uint32_t room = 0;     // bytes at the buffer's start that the virtio header takes
  std::uint32_t header_space = 0;   // bytes of the descriptor of its own that the header has; 0: none
  std::uint16_t further = 0;  // further buffers of the same chain, which the device does not get
  std::uint32_t length = 0;
  Gpa desc = 0;               // its descriptor
  Gpa pin_gpa = 0;            // what was pinned: page by page, of pin_length bytes from there
  Hpa pin_hpa = 0;
  std::uint32_t pin_length = 0;
  BufferId pin_id = kNoBuffer;
  bool stray = false;         // reached through a mapping of its own, because the pool's is of another page
  std::uint32_t split = 0;    // bytes before a border of host memory, behind which the buffer goes on at `beyond`; 0: contiguous
  Hpa beyond = 0;
  BufferId beyond_id = kNoBuffer;
  Iova iova = 0;
  BufferId id = kNoBuffer;
  std::uint16_t head = 0;
  bool outstanding = false;   // taken from the ring and not given back
  bool page = false;          // of two kinds, which: counted in kind_[page]
  bool cpu_only = false;      // not pinned, never the device's: filled by copies
  bool mapped = false;        // per-buffer mapping in force
  bool unmapped = false;      // a mapping was taken away at unmapped_at
  Time unmapped_at = 0;
};

class PostedBuffers {
 public:
  // Costs: post.track (allocate and hash one buffer), post.untrack, pin.page, unpin.page, pool.lookup.
  PostedBuffers(PathContext& c, GuestSide& side, PathStats& stats);

  // Takes one ring buffer; false when the guest has none or the memlock limit is reached. Out: its token (the head).
  // A buffer that crosses a page, is shorter than `least`, has other descriptors than were agreed, or whose head is outstanding already goes back to the guest
  // with length 0. With unfit_buffers `copy` the first two are taken for the CPU alone, as are all at the memlock limit with
  // the setting `copy`, and all after copy_all().
  bool take_one(Step& s, Bytes least, std::uint32_t* token);
  void copy_all() { copy_all_ = true; }
  // The guest posts two kinds of buffers in turn: `part` of `whole` are shorter than a page, the others pages. A quota is met by each
  // kind apart; a buffer of a kind that has met it goes back with length 0 where the other kind, behind it in the ring, has run low.
  void two_kinds(std::uint32_t part, std::uint32_t whole);
  // While on, no buffer goes back unused: the used entries of one packet are consecutive, and it has not got all of its own.
  void within_packet(bool on) { within_packet_ = on; }
  // While on, buffers are taken for the CPU alone: packets wait for them.
  void copies_only(bool on) { copies_only_ = on; }
  // The design takes buffers whose two pages are scattered in host memory, if `least` bytes or more lie in the first: mapped at
  // once to bus addresses in a row, where the IOMMU translates and mappings are the buffer's own.
  void take_scattered(Bytes least) { scattered_ = least; }
  // Moves the buffer, both its pieces: of one that the device has written the second may have been left out.
  void move(std::uint32_t token, Owner from, Owner to, Time t, const char* where) {
    const PostedBuffer& b = buffers_[token];
    if (b.id != kNoBuffer) c_.ownership.move(b.id, from, to, t, where);
    if (b.beyond_id != kNoBuffer) [[unlikely]] move_beyond(b, from, to, t, where);
  }
  // Whether buffers have a descriptor for headers before them; from the start where the guest's driver posts them so itself.
  void take_chains(bool on) { chains_ = on; }
  // Posting stands still at the memlock limit, and the setting is to drop what arrives meanwhile.
  bool refuses() const { return stalled_ && c_.env.at_limit == AtLimit::refuse; }
  // The limit of pinned pages at which posting stands still, by its key; null: it does not.
  const char* stalled_at() const { return !stalled_ ? nullptr : at_quota_ ? "defences.pin_quota" : "host.memlock_limit"; }
  const PostedBuffer& operator[](std::uint32_t token) const { return buffers_[token]; }
  // Makes the buffer reachable for the device (NAPI refill): per-buffer mapping unless the pool keeps it.
  Iova map(Step& s, std::uint32_t token) {
    PostedBuffer& b = buffers_[token];
    if (!b.mapped && (!keeps() || !c_.env.defences.read_once)) map_now(s, b);
    return b.iova;
  }
  // The device is done with it (NAPI receive): mapping taken away unless kept.
  void unmap(Step& s, std::uint32_t token) {
    PostedBuffer& b = buffers_[token];
    if (b.mapped || b.stray) unmap_now(s, b);
  }
  // The buffer goes to the guest with `length` bytes used from `offset` on: unpinned unless kept, untracked, its pages logged, used
  // entry pushed.
  void give(Step& s, std::uint32_t token, std::uint32_t length, Owner from, std::uint32_t offset = 0);
  // When a stall at the memlock limit may be over by itself, because an unmapped page waits for the IOMMU's flush;
  // kNever when there is no stall or nothing waits.
  Time stall_ends(Time now) const;

  // What a pool keeps of pages without an outstanding buffer since `before` is unmapped and unpinned, bounded by the step; true when there is
  // more. Pages that the device may still reach wait for the IOMMU's flush: later_ends(). Of whole-guest pinning nothing ends.
  bool release_idle(Step& s, Time before);
  void release_unmapped(Step& s) { drain(s); }
  Time later_ends(Time now) const;
  Bytes pinned() const { return pinned_; }
  std::uint32_t outstanding() const { return outstanding_; }

  // First in, first out queue of buffers that wait for the driver; those that come back unused stand before the others. `at`: the time
  // within the step that queues it. The driver, on another core, finds a buffer from then on.
  void queue(std::uint32_t token, Time at) { fifo_[tail_++ & mask_] = {token, at}; }
  void queue_front(std::uint32_t token, Time at) { back_[back_tail_++ & mask_] = {token, at}; }
  bool empty() const { return queued() == 0; }
  std::uint32_t queued() const { return tail_ - head_ + back_tail_ - back_head_; }
  // What the driver finds at `now`, or kNoToken; last_at(): when it finds what is on
  // its way, of a queue that is not empty where it found none.
  std::uint32_t next(Time now) {
    settle(now);
    return head_ != tail_ && fifo_[head_ & mask_].at <= now ? fifo_[head_++ & mask_].token : kNoToken;
  }
  Time last_at() const {
    const Time last = head_ != tail_ ? fifo_[(tail_ - 1) & mask_].at : 0;
    return back_head_ != back_tail_ ? std::max(last, back_[back_head_ & mask_].at) : last;
  }
  // For who queues them, of a queue that is not empty.
  std::uint32_t next() {
    settle(kNever);
    return fifo_[head_++ & mask_].token;
  }

 private:
  void note_chain(PostedBuffer& b, const Segment* segments, unsigned n);
  bool header_fits(const Segment* segments, unsigned n) const;
  bool keeps() const { return c_.env.pin != PinPolicy::per_buffer; }
  bool one_address(Gpa gpa, Bytes len) const;
  std::uint32_t border(Gpa gpa, Bytes len) const;
  bool reach(Step& s, Gpa gpa, Bytes len);
  void move_beyond(const PostedBuffer& b, Owner from, Owner to, Time t, const char* where);
  void map_now(Step& s, PostedBuffer& b);
  void unmap_now(Step& s, PostedBuffer& b);
  void unpin_all(Step& s, const PostedBuffer& b);
  void log(Step& s, const PostedBuffer& b, std::uint32_t length, Owner from, std::uint32_t offset);
  bool reach_page(Step& s, Gpa gpa, Hpa page);
  bool keep_page(Step& s, Gpa gpa, Hpa page);
  // The pool keeps the page, with an outstanding buffer less.
  void leave(Gpa gpa, Time now) {
    if (--users_[gpa / kPage] != 0) return;
    ++idle_;
    left_at_[gpa / kPage] = now;
  }
  template <class F>
  static void for_each_page(const PostedBuffer& b, F f) {
    Hpa page = align_down(b.pin_hpa, kPage);
    for (Gpa gpa = align_down(b.pin_gpa, kPage); gpa < b.pin_gpa + b.pin_length; gpa += kPage, page = b.split ? b.beyond : page + kPage) f(gpa, page);
  }
  void look_again(Step& s, PostedBuffer& b);
  bool pin(Step& s, Gpa gpa, Hpa page);
  void unpin(Step& s, Gpa gpa, Hpa page);
  void drain(Step& s) {
    if (!later_.empty()) drain_some(s);
  }
  void drain_some(Step& s);
  void let_go(Step& s, std::size_t i);
  bool evict(Step& s);
  struct Later {
    Time unmapped_at;
    Gpa gpa;
    Hpa page;
    bool unpin;              // else: the page ceases to be reachable for the device
  };
  PathContext& c_;
  GuestSide& side_;
  PathStats& stats_;
  Cost track_, untrack_, pin_, unpin_, lookup_;
  std::vector<Cost> quota_;                // what a buffer costs beside: empty without quotas
  static constexpr unsigned kMostSegments = 20;   // of a chain: 2.6.35's big buffers
  std::vector<PostedBuffer> buffers_;      // by head
  std::vector<BufferId> further_;          // by head, kMostSegments each: the chain's other buffers; empty without chains
  struct Waiting {
    std::uint32_t token;
    Time at;
  };
  // Buffers that came back and are there at `now` go before the others.
  void settle(Time now) {
    while (back_head_ != back_tail_ && back_[back_head_ & mask_].at <= now) fifo_[--head_ & mask_] = back_[back_head_++ & mask_];
  }
  std::vector<Waiting> fifo_, back_;
  std::uint32_t head_ = 0, tail_ = 0, back_head_ = 0, back_tail_ = 0, mask_;
  Zeroed<Iova> page_iova_;                 // pool and whole-guest: mapping kept, by guest page; 0: none yet
  Zeroed<Hpa> page_hpa_;                   // and what was pinned there
  Zeroed<std::uint16_t> users_;            // pool: outstanding buffers, by guest page
  Zeroed<Time> left_at_;                   // pool: when its last buffer left, by guest page
  std::size_t idle_ = 0;                   // pages kept without an outstanding buffer
  std::size_t hand_ = 0;                   // pool: where the search for a page to give up goes on
  Zeroed<std::uint16_t> pins_;             // by guest page
  Bytes pinned_ = 0;                       // distinct pages of this guest, bytes
  Backlog<Later> later_;                   // what waits for the IOMMU's flush, in order of unmapping
  struct Kind {
    std::uint32_t outstanding = 0, quota = UINT32_MAX;
  };
  Kind kind_[2];                           // shorter than a page, and pages
  std::uint32_t outstanding_ = 0;          // buffers taken from the ring and not given back
  bool copy_all_ = false, copies_only_ = false, within_packet_ = false;
  bool at_quota_ = false;                  // the last pin that failed met the quota, not the memlock limit
  Bytes scattered_ = 0;                    // 0: not taken
  bool chains_;
  bool stalled_ = false;                   // the last take_one() met the memlock limit
};

}  // namespace gd
