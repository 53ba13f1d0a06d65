// A resource that serves one request at a time (a link direction, a channel), reserved at annotated times.
// Requests that arrive out of time order must not invent queueing: a reservation takes the first gap that fits at or
// after its own arrival time. Busy intervals are merged and pruned by simulated time.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/units.h"

namespace gd {

class Calendar {
 public:
  Calendar() { busy_.reserve(64); }
  // Reserves `service` at or after `arrival`; returns the start. `now` is simulated time: what ended before is forgotten.
  Time reserve(Time now, Time arrival, Time service);
  // Total time reserved so far, as far as it lies before `until` (not before the present).
  Time reserved(Time until = kNever) const;
  // End of the last interval in the calendar (0 when idle for ever).
  Time horizon() const { return busy_.empty() ? 0 : busy_.back().end; }

 private:
  struct Interval {
    Time start, end;
  };
  std::vector<Interval> busy_;   // ascending, disjoint, not touching
  Time total_ = 0;
};

}  // namespace gd
