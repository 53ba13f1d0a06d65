// The device side of a virtqueue by DMA (virtio 1.2 sections 2.7 and 2.8): fetching chains, publishing used entries,
// deciding about interrupts. Receive and transmit queues share it.
//
// Fetch, one step in flight at a time, each an event. Split: avail index -> avail entries -> descriptors (one round a
// link of the longest chain; runs of neighbouring descriptors are one read, and the last chain's length is read ahead)
// -> chains in the cache. Packed: descriptors (as many as the batch is likely to have; a list that was not read to its end
// is read again, longer) -> indirect tables -> chains in the cache. Memory is looked at once, when a read completes.
// With IN_ORDER a packet's buffers get one used entry (they complete in order anyway).
// A malformed ring or chain stops the queue (counted; the device would set NEEDS_RESET); the card goes on. So do, of what
// the specification allows, a chain of more than 64 segments, a table that is not aligned to 16 bytes, and a packed
// ring's buffer id outside its size. The queue's reset ends that.
#pragma once
#include <vector>

#include "models/nic/engine.h"
#include "models/virtio/layout.h"

namespace gd::nic {

struct VirtSegment {
  Iova address = 0;
  std::uint32_t length = 0;
};

struct VirtChain {
  static constexpr unsigned kMax = 64;    // segments; longer chains are malformed to this card
  std::uint16_t head = 0;                 // first descriptor, or buffer id
  std::uint16_t count = 0;
  std::uint32_t capacity = 0;             // bytes of all segments
  VirtSegment segment[kMax];
};

// Told what happens on a virtqueue.
struct VirtOwner {
  virtual ~VirtOwner() = default;
  virtual void chains_fetched(Time now) = 0;
  // The used entry of the packet given to VirtQueue::finish() with `cookie` is visible; `lost`: the ring was not reachable.
  virtual void used_visible(std::uint64_t cookie, bool lost, Time now) = 0;
};

class VirtQueue {
 public:
  // `id` is the queue field of its events; `device_writes`: a receive queue.
  VirtQueue(Engine& engine, std::uint32_t id, const VirtioQueueConfig& config, bool device_writes, VirtOwner& owner);

  const VirtioQueueConfig& config() const { return c_; }
  bool has(unsigned feature_bit) const { return feature::has(c_.layout.features, feature_bit); }
  Iova bus(Gpa a) const { return a + c_.iova_base; }

  // Chains in the cache, oldest first.
  std::uint32_t cached() const { return cached_; }
  const VirtChain& chain(std::uint32_t i) const { return chains_[(first_ + i) % chains_.size()]; }
  void consume(std::uint32_t n, Time now);
  // Chains known to be available, cached or not.
  std::uint32_t known() const { return cached_ + static_cast<std::uint16_t>(avail_seen_ - avail_next_); }
  // Everything that the guest posted has been used; a notification is awaited.
  // Stopped until its reset: by a malformed or unreachable ring, or by disable().
  bool broken() const { return broken_ || !enabled_; }
  bool starved() const { return broken() || (idle_ && cached_ < std::max(1u, wanted_)); }
  // Whether `n` more entries fit into the used ring before those on their way are visible. A guest that posts a buffer
  // again before it was used could otherwise overrun it.
  bool used_room(std::uint32_t n) const { return used_next_ - used_visible_ + n <= c_.layout.size; }
  // Number of the next used entry, below the ring's size.
  std::uint32_t used_place() const { return static_cast<std::uint32_t>(used_next_ % c_.layout.size); }
  // Fetches more when few chains are cached or `wanted` are not there.
  void fetch(std::uint32_t wanted, Time now);
  void notify(Time now);

  // Reset of the queue (virtio 1.2 section 2.6.1). disable(): nothing more is taken from the ring, chains in the cache are
  // forgotten, and what is under way ends. enable() begins with a fresh ring at the same place. Pre of enable(): drained().
  void disable(Time now);
  bool drained() const { return !enabled_ && !busy_ && !checking_ && used_visible_ == used_next_; }
  void enable();

  // One used entry; entries of one packet are given one after the other, then finish(). `whole`: all of the chain's bytes
  // were written.
  void use(std::uint16_t head, std::uint32_t length, bool whole = false);
  // Writes the entries and the index, visible `lag` after the bus has delivered them and the packet's bytes (`data`).
  // Returns the number of write transactions.
  std::uint32_t finish(std::uint64_t cookie, Time now, Time data, Time lag);

  void index_read(Time now);                             // Ev::vq_index
  void avail_read(Time now);                             // Ev::vq_avail
  void descriptors_read(Time now);                       // Ev::vq_desc
  void event_armed(Time now);                            // Ev::vq_armed
  void used_written(std::uint64_t upto, Time now);       // Ev::vq_used
  void suppression_read(Time now);                       // Ev::vq_suppress
  void timer(Time now);                                  // Ev::vq_timer

 private:
  struct Pending {            // a chain being read
    std::uint16_t head, next;
    Iova table;               // indirect table, or 0
    std::uint16_t entries;    // of the table
    bool done;
  };
  struct Run {                // descriptors read together
    std::uint32_t pending, first, count;
    bool table;
    Hpa hpa;
  };
  struct Used {
    std::uint32_t id, length;
    pvring::Position place;   // in the used ring, or of the first descriptor of the packed ring
    std::uint16_t slots;      // that it takes there
    Hpa id_at, length_at;     // an entry is aligned to 4 bytes: a page border may lie inside
    std::uint64_t cookie;
    bool whole;               // wholly written
    bool silent;              // IN_ORDER: the packet's last entry speaks for it
    bool last;                // of its packet
  };
  void stop(std::uint64_t& counter);
  bool goes_on();
  void read_index(Time now);
  void read_avail(Time now);
  void read_round(Time now);
  void plan_run(std::uint32_t pending, Iova table, std::uint32_t first, std::uint32_t count, bool indirect, Time now, Time& done);
  bool walk(std::uint32_t i);
  void publish_chains(Time now);
  void arm(Time now);
  void nothing_more(Time now);
  void read_ring(Time now);                              // packed
  void ring_read(Time now);
  bool take_list(std::uint32_t& at, pvring::Position& p, std::uint32_t end);
  bool walk_packed_table(std::uint32_t i);
  Used& used(std::uint64_t n) { return used_[n % c_.layout.size]; }
  std::uint32_t write_entries(Time now, Time& done);
  void store(const Used& u);
  void check_interrupt(Time now);

  Engine& e_;
  std::uint32_t id_;
  VirtioQueueConfig c_;
  bool packed_, in_order_;
  bool device_writes_;
  VirtOwner& owner_;

  std::vector<VirtChain> chains_;
  std::uint32_t first_ = 0, cached_ = 0, wanted_ = 0;
  std::uint16_t avail_seen_ = 0, avail_next_ = 0;
  bool busy_ = false;         // a fetch step is in flight
  bool idle_ = false;         // nothing more is available until a notification
  std::uint16_t event_ = 0;   // avail_event as last written; zero in a fresh ring. Packed: the place, where armed_
  bool armed_ = false;
  bool broken_ = false, enabled_ = true;
  Hpa read_hpa_ = kNoAddress;
  std::uint32_t batch_ = 0;
  std::vector<Pending> pending_;
  std::vector<Run> runs_;
  std::vector<vring::Desc> shadow_;
  std::vector<std::uint32_t> shadow_round_;   // round in which shadow_[i] was read
  std::uint32_t round_ = 0, guess_ = 1;
  pvring::Position next_;                     // packed: the next descriptor to fetch
  std::vector<pvring::Desc> ring_;            // packed: as last read, by place
  std::vector<std::uint16_t> slots_;          // packed, by buffer id: descriptors of the list that the card has
  std::uint32_t slots_held_ = 0;              // and of all of them, until their used entry is visible
  bool tables_ = false;                       // packed: what is being read are tables

  std::vector<Used> used_;                    // by number
  std::uint64_t used_next_ = 0, used_flushed_ = 0, used_visible_ = 0;
  Hpa used_idx_hpa_ = kNoAddress;
  Time last_used_ = 0;
  std::uint64_t packet_ = 0;                  // the present packet's first entry
  pvring::Position put_, visible_;            // the next entry's place; the first that is not visible yet

  Unseen unseen_;                             // used entries since the last decision
  std::uint16_t signalled_ = 0, checked_at_ = 0;
  std::uint32_t moved_ = 0, checked_moved_ = 0;   // packed: descriptors used since the last decision, and when it was begun
  pvring::Position checked_;
  bool ever_signalled_ = false, checking_ = false, timer_ = false;
  Hpa suppress_hpa_ = kNoAddress;
};

}  // namespace gd::nic
