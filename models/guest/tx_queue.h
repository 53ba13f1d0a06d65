// The transmit queue of the guest's driver, as far as acknowledgements need it.
//
// Each frame lies in a 256-byte slot of guest memory: virtio-net header, then the frame, in one descriptor (two without
// VERSION_1 or ANY_LAYOUT, in a table where INDIRECT_DESC was negotiated). Used slots are reclaimed at the next transmission, at receive polls, and by interrupt when
// the ring was full; else transmit interrupts stay off.
#pragma once
#include <vector>

#include "models/guest/context.h"
#include "models/virtio/driver_ring.h"

namespace gd {

class GuestTxQueue {
 public:
  static constexpr std::uint32_t kSlot = 256;
  GuestTxQueue(GuestContext& c, std::uint64_t features);
  DriverRing& ring() { return ring_; }
  const DriverRing& ring() const { return ring_; }
  // Puts a frame into the ring (visible with publish()). False: ring full; an interrupt will tell of room.
  bool send(Step& s, RingView& v, const std::uint8_t* frame, std::uint32_t length);
  void reclaim(Step& s, RingView& v);

 private:
  GuestContext& c_;
  VirtQueueLayout layout_;
  DriverRing ring_;
  unsigned per_frame_;
  std::vector<Gpa> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace gd
