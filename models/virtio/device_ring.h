// The device side of a split virtqueue, as vhost does it (Linux drivers/vhost/vhost.c; VIRTIO 1.2 section 2.7).
//
// Nothing that a guest writes can break the device: bad heads, loops, addresses outside the guest's memory and index
// jumps are told by kind, counted, and survived. A descriptor is read exactly once, so that a guest that changes it
// later changes nothing.
//
// Two rules of time for callers with a view that publishes at the end of a step (both are the full barrier of the
// specification between "write mine" and "read yours"):
//  * signal_needed() in a later step than the publish() that it decides about;
//  * recheck() in a later step than the enable_notify() that it backs.
// No call allocates.
#pragma once
#include <cstdint>

#include "models/virtio/layout.h"
#include "models/virtio/view.h"

namespace gd {

struct Segment {
  Gpa gpa = 0;
  std::uint32_t len = 0;
  bool write = false;      // device-writable
};

// What is wrong with what a guest put into a ring.
enum class RingError : std::uint8_t {
  none,
  index_jump,    // avail index ahead by more than the ring's size: the queue is broken until reset()
  bad_head,      // head outside the descriptor table: likewise, since it names nothing that could be given back
  loop,          // chain longer than the table
  bad_next,      // next outside the table
  bad_address,   // segment outside the guest's memory, or of length 0
  bad_order,     // readable descriptor after a writable one
  bad_indirect,  // indirect descriptor without the feature, with next, nested, or of a wrong length
  too_long,      // more segments than the caller has room for
  count_
};
const char* ring_error_name(RingError e);

class DeviceRing {
 public:
  // `memory`: bytes of the guest's memory. Throws UserError as vring::check does.
  DeviceRing(const VirtQueueLayout& layout, Bytes memory);

  // One chain taken from the avail ring.
  struct Taken {
    RingError error = RingError::none;
    std::uint16_t head = 0;
    std::uint16_t segments = 0;
    std::uint32_t readable = 0, writable = 0;   // bytes
  };
  // Takes the next avail head and reads its chain into out[0..room). False: nothing available (or broken()).
  // True with t.error set: the chain is taken but unusable; give it back by push(head, 0), and with it the chains that
  // were gathered for the same packet before it (untake() would only bring it back).
  bool take(RingView& v, Segment* out, unsigned room, Taken& t);
  // Gives the last `n` chains back to the avail ring: they will be taken again. Pre: n were taken and not pushed.
  void untake(unsigned n);
  // Chains waiting: those known from the cached avail index; the index is read again only when there are none.
  unsigned available(RingView& v);

  // Used entries, in the order of the calls, invisible until publish().
  void push(RingView& v, const vring::UsedElem* e, unsigned n);
  void push(RingView& v, std::uint16_t head, std::uint32_t len) {
    const vring::UsedElem e{head, len};
    push(v, &e, 1);
  }
  unsigned unpublished() const { return static_cast<std::uint16_t>(used_ - published_); }
  // Makes what was pushed visible by one write of the used index. Nothing when nothing is pending.
  void publish(RingView& v);
  // Whether the driver wants an interrupt for what was published since the last decision. Without EVENT_IDX: unless it
  // set NO_INTERRUPT. With it: when its used_event lies in the window; the first decision is always yes.
  bool signal_needed(RingView& v);

  // Kicks from the guest. Off: NO_NOTIFY flag, or with EVENT_IDX nothing (avail_event goes stale). On: flag cleared, or
  // avail_event = the first chain beyond those known from the cached index (vhost_update_avail_event): a device that has
  // seen chains and could not use them, because a packet needs more of them, is told of the next one.
  void disable_notify(RingView& v);
  void enable_notify(RingView& v);
  // After enable_notify(), in a later step: true when the avail index has moved on (no kick will come for what it shows).
  bool recheck(RingView& v);
  bool notify_enabled() const { return notify_; }

  const VirtQueueLayout& layout() const { return layout_; }
  bool event_idx() const { return event_idx_; }
  std::uint16_t next_avail() const { return last_avail_; }   // free-running index of the next chain to take
  std::uint16_t next_used() const { return used_; }          // free-running index of the next used entry
  // Chains taken and not yet pushed.
  unsigned taken() const { return static_cast<std::uint16_t>(last_avail_ - used_); }
  bool broken() const { return broken_; }
  std::uint64_t errors() const { return errors_; }
  std::uint64_t errors(RingError e) const { return by_kind_[static_cast<int>(e)]; }
  // A device reset: indices to 0, no longer broken. The caller has given everything back.
  void reset();

 private:
  RingError walk(RingView& v, std::uint16_t head, Segment* out, unsigned room, Taken& t);
  RingError add(const vring::Desc& d, Segment* out, unsigned room, Taken& t);
  bool refresh(RingView& v);
  void count(RingError e);

  VirtQueueLayout layout_;
  Bytes memory_;
  bool event_idx_, indirect_;
  bool notify_ = true, broken_ = false, signalled_ = false, due_ = false;   // due_: published, not yet decided
  std::uint16_t last_avail_ = 0, avail_ = 0;             // next to take; cached avail index
  std::uint16_t used_ = 0, published_ = 0, decided_ = 0; // next used slot; visible used index; index of last decision
  std::uint64_t errors_ = 0, by_kind_[static_cast<int>(RingError::count_)] = {};
};

}  // namespace gd
