// How a side of a virtqueue touches ring memory.
//
// Ring logic (DriverRing, DeviceRing) knows no time: what an access costs and when an index becomes visible is the
// view's business. A CPU charges cache accesses to its step and publishes at the step's end; a device prices DMA.
#pragma once
#include "models/base/costs.h"
#include "models/base/units.h"
#include "models/cpu/core.h"
#include "models/memory/phys.h"

namespace gd {

struct RingView {
  virtual ~RingView() = default;
  // The bytes at `a` as they are visible now. False when the range is not guest memory (`out` is then zeroed).
  virtual bool read(Gpa a, void* out, unsigned n) = 0;
  // Ring contents that nobody looks at before an index is published. Pre: guest memory.
  virtual void write(Gpa a, const void* in, unsigned n) = 0;
  // What the other side polls (indices, flags, events), at most 32 bytes: visible when the present work is done, in the
  // order of the calls. Pre: guest memory, within one page.
  virtual void publish(Gpa a, const void* in, unsigned n) = 0;
  // The same for a wish that saves notifications and which nobody waits for: no reason to end the present work.
  virtual void suppress(Gpa a, const void* in, unsigned n) { publish(a, in, n); }
};

// A CPU inside a step: loads and stores are charged to `op` as cache accesses, publications wait for the step's end.
class CpuView final : public RingView {
 public:
  CpuView(Step& step, GuestSpace& space, OpId op) : step_(step), space_(space), op_(op) {}
  bool read(Gpa a, void* out, unsigned n) override;
  void write(Gpa a, const void* in, unsigned n) override;
  void publish(Gpa a, const void* in, unsigned n) override { put(a, in, n, true); }
  void suppress(Gpa a, const void* in, unsigned n) override { put(a, in, n, false); }

 private:
  void put(Gpa a, const void* in, unsigned n, bool awaited);
  // Where n bytes at `a` lie, if they are guest memory and contiguous in the host's; else kNoAddress. Memory ends with a backing page.
  Hpa one_piece(Gpa a, unsigned n) const {
    Bytes room = 0;
    const Hpa h = space_.translate(a, &room);
    return h != kNoAddress && n <= room ? h : kNoAddress;
  }
  bool read_pieces(Gpa a, void* out, unsigned n);
  void write_pieces(Gpa a, const void* in, unsigned n);
  Step& step_;
  GuestSpace& space_;
  OpId op_;
};

// Bytes only: no cost, everything visible at once (set-up, tests, devices that price their accesses themselves).
class SpaceView final : public RingView {
 public:
  explicit SpaceView(GuestSpace& space) : space_(space) {}
  bool read(Gpa a, void* out, unsigned n) override;
  void write(Gpa a, const void* in, unsigned n) override;
  void publish(Gpa a, const void* in, unsigned n) override { write(a, in, n); }

 private:
  GuestSpace& space_;
};

}  // namespace gd
