// How a guest treats its receive ring when it does not behave well. One small class a behaviour, made by make_behaviour();
// a well-behaved guest has none, and its driver asks nobody.
//
// The driver calls at these points: before a ring buffer is posted (may_post), about its descriptors (describe), when it is in
// the ring and not yet published (posted), when the application is done with a packet (keeps), and at times of the behaviour's
// own, in the guest's softirq (work). What a behaviour does costs its own vCPU: loads, stores, copies and the driver's
// operations. Nothing here knows the host.
// Modelled: see each file. Not modelled: several guests that act together, and misuse of the transmit ring.
#pragma once
#include <memory>

#include "models/guest/packet.h"
#include "models/virtio/driver_ring.h"

namespace gd {

class GuestRxQueue;

class Behaviour {
 public:
  virtual ~Behaviour() = default;
  // Whether a further ring buffer may be posted at `now` (0: at the start) while `outstanding` are.
  virtual bool may_post(unsigned /*outstanding*/, Time /*now*/) { return true; }
  // Refills whenever there is room, not at the driver's threshold.
  virtual bool eager() const { return false; }
  // The descriptors of buffer `buffer`, about to be posted: n segments, at least one.
  virtual void describe(Segment* /*segments*/, unsigned /*n*/, std::uint32_t /*buffer*/) {}
  // The buffer is in the ring under `head`, not yet published. Its bytes may be prepared, its descriptors overwritten.
  virtual void posted(RingView& /*v*/, std::uint16_t /*head*/, std::uint32_t /*buffer*/) {}
  // The device has given it back.
  virtual void returned(std::uint16_t /*head*/) {}
  // The application is done with packet `p`. True: its buffers are kept, p.first is kNil.
  virtual bool keeps(Step& /*s*/, GuestPacket& /*p*/) { return false; }
  // When work() is to be called next; kNever: not.
  virtual Time due() const { return kNever; }
  // On the guest's vCPU, at or after due(). True: the driver shall look whether it can post.
  virtual bool work(Step& /*s*/, RingView& /*v*/) { return false; }
  // Nothing is received, posted or answered.
  virtual bool stopped() const { return false; }
  // Adds how long what is kept now has been kept.
  virtual void kept_so_far(Histogram& /*h*/, Time /*now*/) const {}
};

// Null for a well-behaved guest. Streams: "guest.<name>.behaviour", keyed by the guest's seed.
std::unique_ptr<Behaviour> make_behaviour(GuestContext& c, GuestBuffers& buffers, GuestRxQueue& rx);

}  // namespace gd
