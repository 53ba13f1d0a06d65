// A receive descriptor ring: fetch, split, DMA, write-back.
#pragma once
#include <algorithm>

#include "models/nic/rx.h"
#include "models/nic/split.h"

namespace gd::nic {

class RxRing final : public RxQueue {
 public:
  RxRing(Engine& engine, RxPath& path, std::uint32_t index, const RxQueueConfig& config);
  Ready ready(const RxInfo& info, Time now) override;
  void take(const RxInfo& info, Time now) override;
  std::uint32_t available() const override { return stopped_ ? 0 : static_cast<std::uint32_t>((broken_ ? fetched_ : tail_) - used_); }
  // The first of those that wait needs wanted_, each other one at least one.
  bool exhausted(std::uint32_t waiting) const override { return available() < std::max(1u, wanted_) + waiting; }
  bool drops_when_empty() const override { return c_.drop_when_empty || stopped_; }
  Drop refusal() const override { return stopped_ ? Drop::no_descriptor : Drop::oversize; }
  Drop starved() const override { return Drop::no_descriptor; }
  FrameRef take_frame(std::uint32_t slot) override;
  std::uint32_t vector() const { return c_.vector; }
  std::uint32_t head() const { return place(visible_); }
  std::uint32_t size() const { return c_.size; }
  std::uint32_t reported() const { return static_cast<std::uint32_t>(visible_); }   // completions so far, modulo 2^32

  void doorbell(std::uint32_t tail, Time now);
  // Stopped: no descriptor is fetched or used any more, what waits for the queue is dropped, what is under way is reported.
  void enable(bool on, Time now);
  bool drained() const { return stopped_ && reading_ == 0 && visible_ == used_; }
  void fetched(Time now);                                // Ev::rx_fetch
  void data_visible(std::uint64_t upto, Time now);       // Ev::rx_data
  void flush_due(std::uint64_t generation, Time now);    // Ev::rx_flush
  void written_back(std::uint64_t upto, Time now);       // Ev::rx_writeback

 private:
  // All counts run freely; a slot is a count modulo the ring's size. tail >= fetched >= used >= done >= flushed >= visible.
  struct Slot {
    Iova packet = 0, header = 0;               // as fetched
    std::uint64_t writeback[2] = {};
    Hpa writeback_hpa = kNoAddress;            // of the descriptor, the completion entry or the mini-completion
    std::uint32_t minis = 0;                   // completion queue: the entry is the title of so many more
    bool mini = false;                         // the completion stands in another's session
    Hpa data_hpa = kNoAddress;                 // where the frame begins in host memory, and on the bus
    Iova data_iova = 0;
    FrameRef in_flight = kNoFrame;             // at the frame's last descriptor, until its write-back is visible
    FrameRef visible = kNoFrame;               // from then on, until taken
    std::uint32_t length = 0;                  // of the frame in flight
    std::uint32_t writes = 0;                  // transactions to account for when this slot completes
    bool failed = false;                       // the IOMMU blocked a write of this frame
    bool lost = false;                         // its report never reaches memory (fault)
    bool done = false;                         // written back and not taken
    bool reported = false;                     // its data completion has been accounted for
  };
  struct Issue {                               // the writes of one frame
    Time at, done;
    std::uint32_t writes;
    Hpa first;
    Iova first_iova;
    bool failed;
    FrameRef frame;
  };
  std::uint32_t place(std::uint64_t count) const {
    return static_cast<std::uint32_t>(mask_ ? count & mask_ : count % c_.size);
  }
  Slot& slot(std::uint64_t count) { return slots_[place(count)]; }
  SplitDecision decide(const RxInfo& info) const;
  void fetch(Time now);
  void write(Issue& io, Iova a, const std::uint8_t* from, Bytes n);
  const std::uint8_t* source(const RxInfo& info, std::uint32_t& length);
  Cut cut(const RxInfo& info, const SplitDecision& d) const;
  void count(const RxInfo& info, const SplitDecision& d);
  void frame_left(Slot& s, Time now);
  void flush(Time now, Time lag, std::uint64_t upto);
  std::uint32_t flush_descriptors(Time now, std::uint64_t upto, Time& done);
  std::uint32_t flush_completions(Time now, std::uint64_t upto, Time& done);
  Transfer write_back(Time now, Iova a, Bytes n, Time& done);
  void store(const Slot& s, std::uint64_t count);
  void lose(std::uint32_t at, std::uint32_t n);

  Engine& e_;
  RxPath& path_;
  std::uint32_t index_;
  RxQueueConfig c_;
  std::vector<Slot> slots_;
  std::uint64_t mask_;                         // size - 1 where the size is a power of two, else 0
  std::uint64_t tail_ = 0, fetched_ = 0, used_ = 0, done_ = 0, flushed_ = 0, visible_ = 0;
  std::uint32_t wanted_ = 0;                   // descriptors that the first waiting frame needs
  std::uint32_t reading_ = 0;                  // descriptors of the read in flight
  Hpa reading_hpa_ = kNoAddress;
  SplitDecision plan_;
  std::uint32_t plan_length_ = 0, plan_descriptors_ = 0;
  Time last_data_ = 0, last_writeback_ = 0;
  std::uint64_t generation_ = 0;               // of the write-back batch being collected
  bool flush_timer_ = false, broken_ = false, stopped_ = false;
};

}  // namespace gd::nic
