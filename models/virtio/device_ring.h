// The device side of a virtqueue, split or packed, as vhost does it (Linux drivers/vhost/vhost.c; VIRTIO 1.2 sections 2.7
// and 2.8).
//
// Modelled: both formats behind one interface, chains, lists and indirect tables, event suppression by flags and by event
// index, NOTIFY_ON_EMPTY, IN_ORDER. With IN_ORDER the ring itself keeps the order: what is pushed early waits for what was
// taken before it, and of buffers that were wholly written only the last before a publication gets an entry.
// Not modelled: descriptor logging for migration, and buffer ids outside the ring's size (bad_head; Linux has none).
//
// Nothing that a guest writes can break the device: bad heads, loops, addresses outside the guest's memory and index
// jumps are told by kind, counted, and survived. A descriptor is read exactly once, so that a guest that changes it
// later changes nothing; a caller that reads it again (Segment::desc) does so at its own risk.
//
// Two rules of time for callers with a view that publishes at the end of a step (both are the full barrier of the
// specification between "write mine" and "read yours"):
//  * signal_needed() in a later step than the publish() that it decides about;
//  * recheck() in a later step than the enable_notify() that it backs.
// No call allocates.
#pragma once
#include <cstdint>
#include <vector>

#include "models/virtio/layout.h"
#include "models/virtio/view.h"

namespace gd {

struct Segment {
  Segment() = default;     // an array is not cleared: a take fills what it counts
  Segment(Gpa a, std::uint32_t n, bool writable = false, Gpa descriptor = 0) : gpa(a), len(n), write(writable), desc(descriptor) {}
  Gpa gpa;
  std::uint32_t len;
  bool write;              // device-writable
  Gpa desc;                // where its descriptor lies
};

// What is wrong with what a guest put into a ring.
enum class RingError : std::uint8_t {
  none,
  index_jump,    // avail index ahead by more than the ring's size: the queue is broken until reset()
  bad_head,      // head outside the descriptor table: likewise, since it names nothing that could be given back; packed:
                 // buffer id outside the ring's size, or of a buffer that the device still has
  loop,          // chain longer than the table; packed: longer than what is free of the ring, likewise broken
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

  // Addresses and lengths of segments are believed from now on: bad_address then means an empty one, or one that wraps round.
  void trust_segments() { trusts_ = true; }

  // One chain taken from the avail ring.
  struct Taken {
    RingError error = RingError::none;
    std::uint16_t head = 0;
    std::uint16_t segments = 0;
    std::uint32_t readable = 0, writable = 0;   // bytes
  };
  // Takes the next available chain and reads it into out[0..room). False: nothing available (or broken()).
  // True with t.error set: the chain is taken but unusable; give it back by push(head, 0), and with it the chains that
  // were gathered for the same packet before it (untake() would only bring it back).
  bool take(RingView& v, Segment* out, unsigned room, Taken& t);
  // Gives the last `n` chains back to the avail ring: they will be taken again. Pre: n were taken and not pushed.
  void untake(unsigned n);
  // Chains waiting: those known from the cached avail index; the index is read again only when there are none. Of a
  // packed ring one look shows one chain.
  unsigned available(RingView& v);

  // Used entries, in the order of the calls (IN_ORDER: in the order of take()), invisible until publish(). Pre: `id` is
  // the head of a chain that was taken and not pushed.
  void push(RingView& v, const vring::UsedElem* e, unsigned n);
  void push(RingView& v, std::uint16_t head, std::uint32_t len) {
    const vring::UsedElem e{head, len};
    push(v, &e, 1);
  }
  unsigned unpublished() const { return static_cast<std::uint16_t>(used_ - published_); }   // buffers
  // Used entries written since the start: with IN_ORDER fewer than buffers, and a batch's last by publish().
  std::uint64_t entries() const { return entries_; }
  // IN_ORDER: chains that were pushed and wait for an older one.
  unsigned waiting_for_order() const { return waiting_; }
  // Makes what was pushed visible by one write: of the used index, or of the first used descriptor's flags. Nothing when
  // nothing is pending.
  void publish(RingView& v);
  // Whether the driver wants an interrupt for what was published since the last decision. Without EVENT_IDX: unless it
  // set NO_INTERRUPT. With it: when its used_event lies in the window; the first decision is always yes.
  bool signal_needed(RingView& v);

  // Kicks from the guest. Off: NO_NOTIFY flag, or with EVENT_IDX on a split ring nothing (avail_event goes stale); packed:
  // DISABLE. On: flag cleared, or with EVENT_IDX the first chain beyond those known (vhost_update_avail_event): a device
  // that has seen chains and could not use them, because a packet needs more of them, is told of the next one.
  void disable_notify(RingView& v);
  void enable_notify(RingView& v);
  // After enable_notify(), in a later step: true when there is more (no kick will come for what is seen now).
  bool recheck(RingView& v);
  bool notify_enabled() const { return notify_; }

  const VirtQueueLayout& layout() const { return layout_; }
  bool event_idx() const { return event_idx_; }
  bool packed() const { return packed_; }
  bool in_order() const { return in_order_; }
  std::uint16_t next_avail() const { return last_avail_; }   // free-running counts of chains: taken,
  std::uint16_t next_used() const { return used_; }          // and used
  // Chains taken and not yet pushed.
  unsigned taken() const { return static_cast<std::uint16_t>(last_avail_ - used_); }
  bool broken() const { return broken_; }
  std::uint64_t errors() const { return errors_; }
  std::uint64_t errors(RingError e) const { return by_kind_[static_cast<int>(e)]; }
  // A device reset: indices to 0, no longer broken. The caller has given everything back.
  void reset();

  // Calls f for each member that decides what the ring does next: for tests that explore states.
  template <class F>
  void each_state(F f) const {
    f(notify_), f(broken_), f(signalled_), f(due_), f(last_avail_), f(avail_), f(used_), f(published_), f(decided_);
    f(at_.at), f(at_.wrap), f(ahead_), f(seen_), f(slots_taken_), f(put_.at), f(put_.wrap), f(pending_), f(moved_);
    f(first_flags_), f(open_), f(waiting_), f(given_seq_), f(taken_seq_);
    for (const Order& o : order_) f(o.id), f(o.slots), f(o.done);
    for (const std::uint16_t n : slots_) f(n);
  }

 private:
  // A chain taken, by a count of takes.
  struct Order {
    std::uint16_t id = 0, slots = 0;
    bool done = false, usable = false;      // pushed; walked without error
    std::uint32_t writable = 0, len = 0;
  };
  Order& order(std::uint32_t seq) { return order_[seq & (order_.size() - 1)]; }
  void took(const Taken& t, unsigned slots);
  RingError add(const vring::Desc& d, Gpa at, Segment* out, unsigned room, Taken& t);
  void count(RingError e);

  bool take_split(RingView& v, Segment* out, unsigned room, Taken& t);
  RingError walk(RingView& v, std::uint16_t head, Segment* out, unsigned room, Taken& t);
  RingError walk_table(RingView& v, const vring::Desc& table, Segment* out, unsigned room, Taken& t);
  bool refresh(RingView& v);
  void write_split(RingView& v, const vring::UsedElem* e, unsigned n, std::uint16_t at);

  bool look(RingView& v);
  bool take_packed(RingView& v, Segment* out, unsigned room, Taken& t);
  RingError walk_packed_table(RingView& v, const pvring::Desc& d, Segment* out, unsigned room, Taken& t);
  void write_packed(RingView& v, const vring::UsedElem& e, pvring::Position at);
  void emit(RingView& v, const Order& o);
  void close_batch(RingView& v);
  void push_ordered(RingView& v, const vring::UsedElem& e);

  VirtQueueLayout layout_;
  Bytes memory_;
  bool event_idx_, indirect_, packed_, in_order_, trusts_ = false;
  bool notify_ = true, broken_ = false, signalled_ = false, due_ = false;   // due_: published, not yet decided
  std::uint16_t last_avail_ = 0, avail_ = 0;             // next to take; cached avail index
  std::uint16_t used_ = 0, published_ = 0, decided_ = 0; // next used slot; visible used index; index of last decision
  // Packed: the next descriptor to take, how far beyond it chains were seen that were given back, whether the next one is
  // known to be available; the next used descriptor; descriptors pushed and not published, published and not decided.
  pvring::Position at_, put_, first_;
  unsigned ahead_ = 0, slots_taken_ = 0, pending_ = 0, moved_ = 0;
  bool seen_ = false;
  pvring::Desc head_;
  std::uint16_t first_flags_ = 0;
  std::vector<std::uint16_t> slots_;        // packed, by buffer id: descriptors of the chain that the device has
  // Packed or IN_ORDER: the chains taken, a power of two; IN_ORDER: the next to be given, and those that wait for it.
  std::vector<Order> order_;
  std::uint32_t taken_seq_ = 0, given_seq_ = 0;
  unsigned waiting_ = 0;
  // IN_ORDER: wholly written buffers whose entry may still be left out, since the batch at this place.
  bool open_ = false;
  vring::UsedElem open_elem_;
  std::uint16_t open_at_ = 0;
  pvring::Position open_put_;
  std::uint64_t entries_ = 0;
  std::uint64_t errors_ = 0, by_kind_[static_cast<int>(RingError::count_)] = {};
};

}  // namespace gd
