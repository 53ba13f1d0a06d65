// The transmit path behind the queues: the transmit FIFO as slots of one frame, filled by DMA reads, emptied in order.
#pragma once
#include <memory>
#include <vector>

#include "models/base/zeroed.h"
#include "models/nic/engine.h"

namespace gd::nic {

constexpr std::uint32_t kNoSlot = UINT32_MAX;

// A transmit queue as the FIFO sees it: a descriptor ring or a virtqueue.
class TxQueue {
 public:
  virtual ~TxQueue() = default;
  // The frame that start() was given with `tag` has left (or was discarded).
  virtual void sent(std::uint64_t tag, bool discarded, Time now) = 0;
  // A slot or a read may be free: goes on.
  virtual void resume(Time now) = 0;
};

class TxPath {
 public:
  explicit TxPath(Engine& engine);
  void install(std::uint32_t id, std::unique_ptr<TxQueue> q) { queues_[id] = std::move(q); }
  TxQueue* queue(std::uint32_t id) { return queues_[id].get(); }

  // Longest frame with `skip` bytes of virtio header before it.
  std::uint32_t slot_bytes() const { return slot_bytes_; }
  // A free slot, or kNoSlot: resume() follows.
  std::uint32_t alloc(std::uint32_t id);
  std::uint8_t* bytes(std::uint32_t slot) { return &memory_[static_cast<std::size_t>(slot) * slot_bytes_]; }
  // Reads [a, a + n) to the end of what the slot holds, cut at 4 KiB borders.
  void read(std::uint32_t slot, Iova a, Bytes n, std::uint16_t domain, Time now);
  // All reads of the slot are issued. The frame begins `skip` bytes into the slot; `discard`: it must not go out. `frame`:
  // the wire frame that these bytes forward.
  void start(std::uint32_t slot, std::uint64_t tag, std::uint32_t skip, bool discard, FrameRef frame = kNoFrame);

  void data_here(std::uint32_t slot, Time now);   // Ev::tx_data
  void wire_free(Time now);                       // Ev::tx_wire

 private:
  struct Slot {
    std::uint64_t tag = 0;
    Time done = 0;
    FrameRef frame = kNoFrame;
    std::uint32_t queue = 0, length = 0, skip = 0, reads = 0;
    bool ready = false, failed = false, discard = false;
  };
  void drain(Time now);
  void transmit(Slot& s, std::uint32_t slot, Time now);

  Engine& e_;
  std::uint32_t slot_bytes_;
  std::vector<std::unique_ptr<TxQueue>> queues_;
  std::vector<Slot> slots_;
  Zeroed<std::uint8_t> memory_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> order_;      // ring of slots in the order in which their reads were issued
  std::uint32_t order_first_ = 0, order_count_ = 0;
  std::vector<bool> waiting_;             // by queue: wants a slot
  bool any_waiting_ = false, wire_timer_ = false, draining_ = false;
  std::uint32_t reads_in_flight_ = 0;
};

// A transmit descriptor ring.
class TxRing final : public TxQueue {
 public:
  TxRing(Engine& engine, TxPath& path, std::uint32_t index, const TxQueueConfig& config);
  void sent(std::uint64_t tag, bool discarded, Time now) override;
  void resume(Time now) override;
  std::uint32_t vector() const { return c_.vector; }
  // The wire frame of a slot that the software is filling.
  void give(std::uint32_t slot, FrameRef frame);

  void doorbell(std::uint32_t tail, Time now);
  void fetched(Time now);                              // Ev::tx_fetch
  void written_back(std::uint64_t upto, Time now);     // Ev::tx_writeback

 private:
  // Counts run freely: tail >= fetched >= next; a slot is a count modulo the size.
  struct Slot {
    std::uint64_t q[2] = {};
    Hpa hpa = kNoAddress;                 // of the write-back
    FrameRef frame = kNoFrame;
  };
  std::uint32_t place(std::uint64_t count) const { return static_cast<std::uint32_t>(count % c_.size); }
  void fetch(Time now);

  Engine& e_;
  TxPath& path_;
  std::uint32_t index_;
  TxQueueConfig c_;
  std::vector<Slot> slots_;
  std::uint64_t tail_ = 0, fetched_ = 0, next_ = 0;
  std::uint32_t reading_ = 0;
  Hpa reading_hpa_ = kNoAddress;
  Time last_writeback_ = 0;
  bool broken_ = false;
};

}  // namespace gd::nic
