#include "models/wire/frame_buffers.h"

namespace gd {

FrameBuffers::FrameBuffers(FrameTable& table, std::uint32_t largest)
    : table_(table), stride_(static_cast<std::uint32_t>(align_up(largest ? largest : 1, kLine))) {
  grow();
}

void FrameBuffers::grow() {
  const std::size_t bytes = static_cast<std::size_t>(stride_) * kBlock + kLine;
  blocks_.emplace_back(new std::uint8_t[bytes]);
  auto at = reinterpret_cast<std::uintptr_t>(blocks_.back().get());
  at = (at + kLine - 1) / kLine * kLine;
  const auto first = static_cast<std::uint32_t>(slots_.size());
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    Slot s;
    s.bytes = reinterpret_cast<std::uint8_t*>(at) + static_cast<std::size_t>(i) * stride_;
    slots_.push_back(s);
  }
  // The ring can hold every slot; its contents move to the front of the new one.
  std::size_t capacity = kBlock;
  while (capacity < slots_.size()) capacity *= 2;
  std::vector<std::uint32_t> ring(capacity);
  std::uint64_t n = 0;
  // New buffers first: they are free, while the ring's oldest may have been taken a moment ago.
  for (std::uint32_t i = 0; i < kBlock; ++i) ring[n++] = first + i;
  for (std::uint64_t i = head_; i < tail_; ++i) ring[n++] = ring_[i & mask_];
  ring_.swap(ring);
  parked_.reserve(slots_.size());
  mask_ = capacity - 1;
  head_ = 0;
  tail_ = n;
}

bool FrameBuffers::held(const Slot& s) const {
  if (s.frame == kNoFrame) return false;
  const FrameMeta& m = table_[s.frame];
  return m.id == s.id && m.fate == Fate::live && m.at[static_cast<int>(Stage::dma)] == 0;
}

std::uint32_t FrameBuffers::take() {
  if (!parked_.empty()) {
    if (look_ >= parked_.size()) look_ = 0;
    if (held(slots_[parked_[look_]])) {
      ++look_;
    } else {
      push(parked_[look_]);
      parked_[look_] = parked_.back();
      parked_.pop_back();
    }
  }
  for (;;) {
    if (tail_ - head_ <= kReserve) grow();
    const std::uint32_t i = ring_[head_++ & mask_];
    if (held(slots_[i])) {
      parked_.push_back(i);
      continue;
    }
    push(i);
    return i;
  }
}

}  // namespace gd
