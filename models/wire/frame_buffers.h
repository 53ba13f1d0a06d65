// Memory for the bytes of frames on their way through link and NIC, without a call back per frame.
//
// Buffers are reused in turn. A buffer whose frame is alive and has no Stage::dma stamp is still needed (it waits in the
// NIC's FIFO): it is set aside and looked at again later, one look a frame. So a stalled ring holds its frames for as
// long as it likes while others come and are dropped, and memory is bounded by what the NIC holds. A buffer is reused no
// sooner than kReserve frames after it was taken. A block is small, so that the buffers in use stay in a first-level cache of
// the simulating machine (16 of 1514 bytes: 24 KiB; 128 of them cost 26 more misses of a second-level cache a frame); what the
// NIC's FIFO holds comes on top.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "models/ports/frame.h"

namespace gd {

class FrameBuffers {
 public:
  static constexpr std::uint32_t kReserve = 8, kBlock = 16;
  // `largest`: bytes of the longest frame. `table` must outlive this.
  FrameBuffers(FrameTable& table, std::uint32_t largest);
  // A buffer of `largest` bytes, 64-byte aligned, for frame `r`. Allocates only when the NIC holds more than ever before.
  std::uint8_t* take(FrameRef r) {
    const std::uint32_t slot = take();
    give(slot, r);
    return bytes(slot);
  }
  // The same in two steps: a buffer whose bytes are written ahead, and its frame, before kReserve further ones are taken.
  std::uint32_t take();
  std::uint8_t* bytes(std::uint32_t slot) const { return slots_[slot].bytes; }
  void give(std::uint32_t slot, FrameRef r) { slots_[slot].frame = r, slots_[slot].id = table_[r].id; }
  // Buffers made so far.
  std::size_t buffers() const { return slots_.size(); }

 private:
  struct Slot {
    std::uint8_t* bytes = nullptr;
    FrameRef frame = kNoFrame;
    std::uint64_t id = 0;
  };
  bool held(const Slot& s) const;
  void push(std::uint32_t slot) { ring_[tail_++ & mask_] = slot; }
  void grow();

  FrameTable& table_;
  std::uint32_t stride_;
  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> ring_, parked_;
  std::uint64_t head_ = 0, tail_ = 0, mask_ = 0;
  std::size_t look_ = 0;
};

}  // namespace gd
