// The driver side of a virtqueue, split or packed (Linux drivers/virtio/virtio_ring.c; VIRTIO 1.2 sections 2.7 and 2.8).
//
// Modelled: both formats behind one interface, chains and lists, indirect tables (one for each place of the ring, made at
// set-up by vring::place_tables(); used as Linux does, for every buffer of more than one segment), event suppression by
// flags and by event index, and IN_ORDER: descriptors in ring order, and batches of buffers that the device returns by
// one used entry (those skipped count as wholly written). Not modelled: unmapping, and the extra state of DMA bounce
// buffers.
//
// The free descriptors (split) or buffer ids (packed) are a list, last in first out. Books about chains are the driver's
// own and are never read back from the ring. A used entry that names nothing outstanding is counted and skipped; after
// one, an IN_ORDER or packed ring may stand still, since nobody can tell where the device goes on.
//
// Time, for a view that publishes at the end of a step: kick_needed() in a later step than publish(), more_used() after
// enable_callbacks() in a later step (see device_ring.h). No call allocates.
#pragma once
#include <cstdint>
#include <vector>

#include "models/virtio/device_ring.h"
#include "models/virtio/layout.h"
#include "models/virtio/view.h"

namespace gd {

class DriverRing {
 public:
  static constexpr int kFull = -1;
  // Throws UserError as vring::check does.
  explicit DriverRing(const VirtQueueLayout& layout);

  unsigned free_descriptors() const { return free_count_; }
  unsigned outstanding() const { return outstanding_; }   // chains
  // Descriptors of the ring that a buffer of n segments takes: one where it goes into an indirect table, else n.
  unsigned slots_for(unsigned n) const { return n > 1 && n <= layout_.table_entries ? 1 : n; }
  // Adds one buffer of n >= 1 segments, readable ones first; `token` comes back with it. Returns its head (split: the
  // first descriptor; packed: the buffer id), below the ring's size, or kFull when fewer than slots_for(n) descriptors
  // are free. Invisible to the device until publish().
  int add(RingView& v, const Segment* segments, unsigned n, std::uint32_t token);
  unsigned unpublished() const { return static_cast<std::uint16_t>(avail_ - published_); }   // buffers
  // Makes what was added visible by one write: of the avail index, or of the first descriptor's flags.
  void publish(RingView& v);
  // Whether the device wants a kick for what was published since the last decision: by its flags, or with EVENT_IDX by
  // the place that it asked for.
  bool kick_needed(RingView& v);

  struct Used {
    std::uint16_t head = 0;
    std::uint32_t len = 0;      // as the device wrote it; of a buffer skipped in a batch, its writable bytes
    std::uint32_t token = 0;
  };
  // The next used buffer; its descriptors are free again. With EVENT_IDX and callbacks on, the event follows.
  // What is known to be used is cached; the ring is looked at only when that is exhausted. False: nothing.
  bool get_used(RingView& v, Used& u);
  // Buffers known to wait, the ring looked at when there are none. Of a packed ring one look shows one entry.
  unsigned waiting(RingView& v);

  // Interrupts. Off: NO_INTERRUPT flag, or with EVENT_IDX on a split ring only a local flag; packed: DISABLE. On: flag
  // cleared, or with EVENT_IDX the next entry to be taken.
  void disable_callbacks(RingView& v);
  void enable_callbacks(RingView& v);
  // After enable_callbacks(), in a later step: true when entries came meanwhile.
  bool more_used(RingView& v);

  // For a driver that lies. The place of the descriptor written last; packed rings.
  std::uint16_t last_place() const {
    pvring::Position p = next_;
    p.retreat(1, layout_.size);
    return p.at;
  }
  // Offers `head`, which is outstanding, once more; split rings, and only while the avail ring has room. The books do not change.
  void offer_again(RingView& v, std::uint16_t head);

  const VirtQueueLayout& layout() const { return layout_; }
  bool packed() const { return packed_; }
  bool in_order() const { return in_order_; }
  std::uint64_t errors() const { return errors_; }             // used entries that name nothing outstanding, index jumps
  std::uint16_t next_used() const { return last_used_; }       // free-running counts of buffers: taken back,
  std::uint16_t next_avail() const { return avail_; }          // and added
  bool is_outstanding(std::uint16_t head) const { return head < layout_.size && chains_[head].count != 0; }

  // Calls f for each member that decides what the ring does next: for tests that explore states.
  template <class F>
  void each_state(F f) const {
    f(callbacks_), f(free_head_), f(free_count_), f(avail_), f(published_), f(decided_), f(last_used_), f(used_), f(next_.at);
    f(next_.wrap), f(taken_.at), f(taken_.wrap), f(first_flags_), f(pending_), f(moved_), f(seen_), f(batch_), f(batch_id_);
    for (const Chain& c : chains_) f(c.count), f(c.next);
  }

 private:
  struct Chain {
    std::uint32_t token = 0;
    std::uint32_t writable = 0; // bytes
    std::uint16_t count = 0;    // descriptors of the ring; 0: this head is not outstanding
    std::uint16_t next = 0;     // link of the descriptor, in a chain or in the free list
  };
  std::uint16_t new_head() const { return in_order_ ? next_.at : free_head_; }
  void write_table(RingView& v, std::uint16_t head, const Segment* segments, unsigned n);
  Gpa table(std::uint16_t head) const { return layout_.tables + 16ULL * layout_.table_entries * head; }
  void release(std::uint16_t head, std::uint16_t last, Used& u, std::uint32_t len);
  bool next_of_batch(Used& u);

  void add_split(RingView& v, std::uint16_t head, const Segment* segments, unsigned n, bool indirect);
  bool get_split(RingView& v, Used& u);
  bool more_split(RingView& v);
  void add_packed(RingView& v, std::uint16_t head, const Segment* segments, unsigned n, bool indirect);
  bool get_packed(RingView& v, Used& u);
  bool look(RingView& v);
  bool begin_batch(std::uint32_t id, std::uint32_t len, unsigned most);

  VirtQueueLayout layout_;
  bool event_idx_, packed_, in_order_;
  bool callbacks_ = true;
  std::vector<Chain> chains_;              // by head
  std::uint16_t free_head_ = 0;
  unsigned free_count_, outstanding_ = 0;
  std::uint16_t avail_ = 0, published_ = 0, decided_ = 0;
  std::uint16_t last_used_ = 0, used_ = 0;
  std::uint64_t errors_ = 0;
  // In ring order (packed, IN_ORDER): where the next descriptor goes, and the next one to come back.
  pvring::Position next_, taken_;
  // Packed: place and flags of the first unpublished descriptor, and how many there are; descriptors published since the
  // last decision about a kick; the next used descriptor, if it was seen.
  pvring::Position first_;
  std::uint16_t first_flags_ = 0;
  unsigned pending_ = 0, moved_ = 0;
  bool seen_ = false;
  pvring::Desc head_;
  // IN_ORDER: a batch that was read and not wholly taken, up to this buffer.
  bool batch_ = false;
  std::uint16_t batch_id_ = 0;
  std::uint32_t batch_len_ = 0;
};

}  // namespace gd
