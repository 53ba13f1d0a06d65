// Planted faults: a test asks for one and the checks must find it. A stage asks `hit(kind, frame)` where the fault
// would be; it answers true once, at the frame asked for or the first after it.
#pragma once
#include <cstdint>

namespace gd {

enum class Fault : std::uint8_t {
  none,
  flip_wire,       // a payload byte flipped on the wire, after the checksum was made and with the check bypassed
  flip_nic,        // flipped between FIFO and DMA
  flip_host,       // flipped by the host (copy, or in place)
  flip_guest,      // flipped in the guest's buffer before the application reads it
  lose_nic,        // a frame vanishes without a drop being counted
  lose_host,
  lose_guest,
  free_twice,      // a buffer is returned twice
  leak_buffer,     // a buffer is never returned
  wrong_queue,     // the card puts a frame into the next receive queue, another guest's or application's
  dma_after_return,// the device writes a buffer that was given back
  uncharged_cycle  // work done that no ledger account sees
};

struct FaultPlan {
  Fault kind = Fault::none;
  std::uint64_t frame = 0;   // wire sequence number from which on the fault strikes
  bool done = false;
  bool hit(Fault k, std::uint64_t f) {
    if (kind != k || done || f < frame) return false;
    return done = true;
  }
};

}  // namespace gd
