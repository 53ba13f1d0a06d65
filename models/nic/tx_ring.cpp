#include <utility>

#include "models/base/error.h"
#include "models/nic/tx.h"

namespace gd::nic {

TxRing::TxRing(Engine& engine, TxPath& path, std::uint32_t index, const TxQueueConfig& config)
    : e_(engine), path_(path), index_(index), c_(config), slots_(config.size) {}

void TxRing::give(std::uint32_t slot, FrameRef frame) {
  require(slot < c_.size && slots_[slot].frame == kNoFrame, "a transmit slot was given a second frame");
  slots_[slot].frame = frame;
  ++e_.held;
}

void TxRing::doorbell(std::uint32_t tail, Time now) {
  const std::uint64_t moved = tail_ + (tail + c_.size - place(tail_)) % c_.size;
  if (tail >= c_.size || moved - next_ >= c_.size) {   // one slot stays free
    ++e_.stats.bad_doorbells;
    return;
  }
  tail_ = moved;
  broken_ = false;
  fetch(now);
}

void TxRing::fetch(Time now) {
  if (reading_ != 0 || broken_ || fetched_ == tail_) return;
  const std::uint32_t at = place(fetched_);
  const auto room = c_.size - static_cast<std::uint32_t>(fetched_ - next_);
  std::uint32_t n = std::min({static_cast<std::uint32_t>(tail_ - fetched_), e_.params.tx_fetch_batch, c_.size - at, room});
  if (n == 0) return;
  const Iova a = c_.ring + at * TxDescriptor::kSize;
  n = static_cast<std::uint32_t>(in_page(a, n * TxDescriptor::kSize) / TxDescriptor::kSize);
  const Transfer t = e_.bus.read(now, a, nullptr, n * TxDescriptor::kSize, c_.domain, true);
  reading_ = n;
  reading_hpa_ = t.hpa;
  e_.events.push(t.done, Ev::tx_fetch, index_, 0);
}

void TxRing::fetched(Time now) {
  const std::uint32_t n = std::exchange(reading_, 0);
  if (reading_hpa_ == kNoAddress) {
    ++e_.stats.ring_faults;
    broken_ = true;
    return;
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    Slot& s = slots_[place(fetched_++)];
    s.q[0] = e_.memory.load<std::uint64_t>(reading_hpa_ + i * TxDescriptor::kSize);
    s.q[1] = e_.memory.load<std::uint64_t>(reading_hpa_ + i * TxDescriptor::kSize + 8);
  }
  fetch(now);
  resume(now);
}

// Takes whole frames from the fetched descriptors as long as slots are free.
void TxRing::resume(Time now) {
  while (next_ != fetched_) {
    std::uint64_t end = next_;
    Bytes length = 0;
    bool whole = false;
    while (end != fetched_ && !whole) {
      const Slot& s = slots_[place(end++)];
      length += s.q[1] & 0xffff;
      whole = s.q[1] & TxDescriptor::kEop;
    }
    if (!whole) return;   // the rest is still in the ring
    const std::uint32_t slot = path_.alloc(index_);
    if (slot == kNoSlot) return;
    const bool fits = length <= path_.slot_bytes();
    for (; next_ != end; ++next_)
      if (fits) path_.read(slot, slots_[place(next_)].q[0], slots_[place(next_)].q[1] & 0xffff, c_.domain, now);
    path_.start(slot, next_, 0, !fits, std::exchange(slots_[place(end - 1)].frame, kNoFrame));
  }
}

void TxRing::sent(std::uint64_t tag, bool, Time now) {
  const std::uint32_t at = place(tag - 1);
  Slot& s = slots_[at];
  if (!(s.q[1] & TxDescriptor::kReport)) return;
  const Transfer t = e_.bus.write(now, c_.ring + at * TxDescriptor::kSize, nullptr, TxDescriptor::kSize, c_.domain, true);
  ++e_.stats.writebacks;
  s.hpa = t.hpa;
  last_writeback_ = std::max(last_writeback_, t.done);
  e_.events.push(last_writeback_, Ev::tx_writeback, index_, tag);
}

void TxRing::written_back(std::uint64_t tag, Time now) {
  const Slot& s = slots_[place(tag - 1)];
  if (s.hpa == kNoAddress) {
    ++e_.stats.ring_faults;
    return;
  }
  e_.memory.store(s.hpa + 8, s.q[1] | TxDescriptor::kDone);
  e_.moderation.completions(c_.vector, 1, now);
}

}  // namespace gd::nic
