// The driver side of a split virtqueue (Linux drivers/virtio/virtio_ring.c; VIRTIO 1.2 section 2.7).
//
// The free descriptors are a list, last in first out. Books about chains are the driver's own and are never read back
// from the ring. A used entry that names nothing outstanding is counted and skipped.
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
  // Adds one buffer of n >= 1 segments, readable ones first; `token` comes back with it. Returns its head, or kFull when
  // fewer than n descriptors are free. Invisible to the device until publish().
  int add(RingView& v, const Segment* segments, unsigned n, std::uint32_t token);
  unsigned unpublished() const { return static_cast<std::uint16_t>(avail_ - published_); }
  // Makes what was added visible by one write of the avail index.
  void publish(RingView& v);
  // Whether the device wants a kick for what was published since the last decision: by its NO_NOTIFY flag, or with
  // EVENT_IDX by avail_event.
  bool kick_needed(RingView& v);

  struct Used {
    std::uint16_t head = 0;
    std::uint32_t len = 0;      // as the device wrote it
    std::uint32_t token = 0;
  };
  // The next used entry; its descriptors are free again. With EVENT_IDX and callbacks on, used_event follows.
  // The used index is cached and read again only when exhausted. False: nothing.
  bool get_used(RingView& v, Used& u);
  // Entries known to wait, the index read again when there are none.
  unsigned waiting(RingView& v);

  // Interrupts. Off: NO_INTERRUPT flag, or with EVENT_IDX only a local flag. On: flag cleared, or used_event = the next
  // entry to be taken.
  void disable_callbacks(RingView& v);
  void enable_callbacks(RingView& v);
  bool callbacks_enabled() const { return callbacks_; }
  // After enable_callbacks(), in a later step: true when entries came meanwhile.
  bool more_used(RingView& v);

  const VirtQueueLayout& layout() const { return layout_; }
  std::uint64_t errors() const { return errors_; }         // used entries that name nothing outstanding, index jumps
  std::uint16_t next_used() const { return last_used_; }
  std::uint16_t next_avail() const { return avail_; }
  bool is_outstanding(std::uint16_t head) const { return head < layout_.size && chains_[head].count != 0; }

 private:
  struct Chain {
    std::uint32_t token = 0;
    std::uint16_t count = 0;    // descriptors; 0: this head is not outstanding
    std::uint16_t next = 0;     // link of the descriptor, in a chain or in the free list
  };
  VirtQueueLayout layout_;
  bool event_idx_;
  bool callbacks_ = true;
  std::vector<Chain> chains_;
  std::uint16_t free_head_ = 0;
  unsigned free_count_, outstanding_ = 0;
  std::uint16_t avail_ = 0, published_ = 0, decided_ = 0;
  std::uint16_t last_used_ = 0, used_ = 0;
  std::uint64_t errors_ = 0;
};

}  // namespace gd
