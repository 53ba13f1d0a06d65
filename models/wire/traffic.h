// What a link asks of a traffic producer. Producers are plain C++ and keep no time of their own; the link paces them.
//
// A frame is announced by plan() when the link could start it and made by emit() when its last bit arrives, so that no
// frame exists that was never offered: what is planned when the run stops simply never was.
#pragma once
#include <cstdint>

#include "models/base/units.h"
#include "models/packet/headers.h"
#include "models/ports/frame.h"

namespace gd {

// Frame lengths on a wire, in bytes. IEEE 802.3: preamble and start delimiter 8, FCS 4, interpacket gap 12, no frame
// shorter than 64 with its FCS.
namespace wire {
constexpr std::uint32_t kPreamble = 8, kFcs = 4, kGap = 12, kMinimum = ether::kMinFrame;
// Length that the link charges for a frame of `length` bytes without FCS.
constexpr std::uint32_t padded(std::uint32_t length) { return length < kMinimum ? kMinimum : length; }
}  // namespace wire

struct Plan {
  Time earliest = 0;          // the first bit leaves no sooner; a time in the past means at once
  std::uint32_t length = 0;   // bytes without FCS, at least wire::kMinimum: what the link charges
};

enum class Next : std::uint8_t {
  frame,     // Plan is filled; emit() must follow before plan() is called again
  later,     // nothing now; the producer calls TrafficListener::traffic_ready when there is
  finished   // nothing any more
};

struct TrafficListener {
  virtual ~TrafficListener() = default;
  virtual void traffic_ready(Time now) = 0;
};

class Traffic {
 public:
  virtual ~Traffic() = default;
  // The next frame, decided at `now`.
  virtual Next plan(Time now, Plan& out) = 0;
  // Makes the planned frame: a FrameTable entry with id, flow, offset, source_index, loop, payload and bytes. The bytes
  // stay until the frame has ended or carries a Stage::dma stamp (FrameBuffers).
  virtual FrameRef emit(Time now) = 0;
  // Called once by the link before traffic.
  virtual void attach(TrafficListener&) {}
  // The link has come up: what the traffic does at times of its own counts from here. Called once, before plan().
  virtual void begin(Time) {}
};

// The other end of the link's transmit direction: called with a frame (without FCS) that the NIC sent.
struct FarEnd {
  virtual ~FarEnd() = default;
  virtual void from_nic(const std::uint8_t* bytes, std::uint32_t length, Time now) = 0;
};

}  // namespace gd
