// N page walkers as timelines. A walk takes the walker that can begin it first, in the first gap that fits at or after its
// arrival, so that requests which come out of time order do not invent queueing. Pure.
#pragma once
#include <algorithm>
#include <vector>

#include "models/base/units.h"

namespace gd {

class Walkers {
 public:
  explicit Walkers(unsigned count) : busy_(count) {
    for (auto& b : busy_) b.reserve(16);
  }
  // Reserves `service` at or after `arrival`; returns the start. `now` is simulated time: what ended before is forgotten.
  Time reserve(Time now, Time arrival, Time service) {
    Line* best = nullptr;
    std::size_t best_place = 0;
    Time best_start = kNever;
    for (Line& line : busy_) {
      forget(line, now);
      std::size_t place;
      const Time start = fit(line, arrival, service, place);
      if (start >= best_start) continue;
      best = &line, best_place = place, best_start = start;
      if (start == arrival) break;
    }
    best->insert(best->begin() + static_cast<std::ptrdiff_t>(best_place), Interval{best_start, best_start + service});
    return best_start;
  }

 private:
  struct Interval {
    Time start, end;
  };
  using Line = std::vector<Interval>;   // ascending, disjoint
  static void forget(Line& line, Time now) {
    std::size_t old = 0;
    while (old < line.size() && line[old].end <= now) ++old;
    line.erase(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(old));
  }
  static Time fit(const Line& line, Time arrival, Time service, std::size_t& place) {
    std::size_t i = line.size();
    while (i > 0 && line[i - 1].end > arrival) --i;
    Time at = arrival;
    for (; i < line.size() && at + service > line[i].start; ++i) at = std::max(at, line[i].end);
    place = i;
    return at;
  }
  std::vector<Line> busy_;
};

}  // namespace gd
