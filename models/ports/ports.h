// The interfaces by which rooms that do not know each other speak: frames, interrupts, notifications, observation.
#pragma once
#include <cstdint>

#include "models/base/units.h"
#include "models/ports/frame.h"

namespace gd {

// The NIC's wire side. Called by the link at the time when the frame's last bit has arrived.
struct FrameSink {
  virtual ~FrameSink() = default;
  virtual void frame_arrived(FrameRef frame, Time now) = 0;
};

// The link's transmit side, called by the NIC: `bytes` (without FCS) leave the NIC's transmit FIFO at `now`.
// The link serialises them and hands them to the far end (closed-loop TCP).
struct TxWire {
  virtual ~TxWire() = default;
  virtual void transmit(const std::uint8_t* bytes, std::uint32_t length, Time now) = 0;
  // When the link can take the next frame.
  virtual Time free_at() const = 0;
};

// Told of a wire frame that software forwarded, when the card has sent it, or has discarded it (`sent` false). `bytes` are
// those that left, without FCS. For the books: no simulated time.
struct DepartureSink {
  virtual ~DepartureSink() = default;
  virtual void departed(FrameRef frame, const std::uint8_t* bytes, std::uint32_t length, bool sent, Time now) = 0;
};

// Told when write-backs of a ring have become visible: in place of a poller that looks again and again.
struct RingWatcher {
  virtual ~RingWatcher() = default;
  virtual void ring_written(Time now) = 0;
};

// Receives an interrupt message (MSI-X) or a virtual interrupt (irqfd) at the time when it becomes visible.
struct InterruptSink {
  virtual ~InterruptSink() = default;
  virtual void interrupt(std::uint32_t vector, Time now) = 0;
};

// Receives a guest's kick (ioeventfd or a device doorbell), at the time when it becomes visible.
struct KickSink {
  virtual ~KickSink() = default;
  virtual void kick(std::uint32_t queue, Time now) = 0;
  // A thread that sleeps until it is woken: the kick, on its way, does that.
  virtual bool asleep() const { return false; }
};

// Watches a run; every hook is passive: it adds no event, no process and no simulated time. Models hold a pointer that
// may be null and ask nothing back.
struct Observer {
  virtual ~Observer() = default;
  // Every frame whose last bit reached the NIC, dropped ones too.
  virtual void wire_frame(const FrameMeta&, Time) {}
  // What guest `guest`'s driver handed up, virtio header removed, tag put back, checksum completed; merged ones as one.
  virtual void handed_up(std::uint32_t /*guest*/, const std::uint8_t* /*bytes*/, std::uint32_t /*length*/, Time) {}
  // A level (ring fill, queue length ...) changed. Ids are given out by the system at elaboration.
  virtual void level(std::uint32_t /*id*/, std::int64_t /*value*/, Time) {}
  // A core worked on `context` from `from` to `to`.
  virtual void core_busy(std::uint32_t /*core*/, std::uint32_t /*context*/, Time /*from*/, Time /*to*/) {}
  virtual bool wants_handed_up() const { return false; }
};

}  // namespace gd
