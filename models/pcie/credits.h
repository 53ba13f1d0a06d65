// Units that TLPs hold for a while (flow-control credits, tags, room for completions), taken and given back at annotated
// times. Pure.
#pragma once
#include <algorithm>
#include <cstdint>

#include "models/base/error.h"
#include "models/base/time_ring.h"

namespace gd {

// What a TLP, or some of them together, hold.
struct Units {
  std::uint64_t tlps = 0;          // headers, or tags
  std::uint64_t completions = 0;   // headers of the completions
  std::uint64_t data = 0;          // 16 B each
  Units& operator+=(const Units& o) {
    tlps += o.tlps, completions += o.completions, data += o.data;
    return *this;
  }
  Units& operator-=(const Units& o) {
    tlps -= o.tlps, completions -= o.completions, data -= o.data;
    return *this;
  }
  bool within(const Units& o) const { return (tlps <= o.tlps) & (completions <= o.completions) & (data <= o.data); }
};

// Served in the order of the calls. The units of TLPs that went together come back one TLP after the other, evenly over a
// span of time, in the order of the spans' ends: exact as long as spans do not overlap, otherwise never too early.
class Credits {
 public:
  // 0 of a kind: unbounded.
  explicit Credits(const Units& capacity)
      : capacity_{bound(capacity.tlps), bound(capacity.completions), bound(capacity.data)}, free_(capacity_) {}
  // Whether `n` units are free at `at`. What has begun to come back and is not all there yet counts as held.
  bool fits(Time at, const Units& n) {
    if (part_.tlps != 0 && part_.until <= at) free_ += part_.n, part_.tlps = 0;
    while (!held_.empty() && held_.front().until <= at) free_ += held_.pop().n;
    return n.within(free_);
  }
  void take(const Units& n) { free_ -= n; }   // Pre: fits
  // The units of one TLP, from `at` on or the first time at which they are free, which it returns. One that needs more than
  // there are takes all: `n` becomes what it has taken.
  Time take_one(Time at, Units& n) {
    n = {std::min(n.tlps, capacity_.tlps), std::min(n.completions, capacity_.completions), std::min(n.data, capacity_.data)};
    while (!fits(at, n)) {
      if (part_.tlps == 0) {
        require(!held_.empty(), "PCI Express credits were taken and not given back");
        part_ = held_.pop();
      }
      const Time step = part_.span / static_cast<Time>(part_.tlps);
      at = std::max(at, part_.until - part_.span + step);
      const Units one = {part_.n.tlps / part_.tlps, part_.n.completions / part_.tlps, part_.n.data / part_.tlps};
      free_ += one, part_.n -= one, part_.span -= step, --part_.tlps;
    }
    free_ -= n;
    return at;
  }
  // `n`, taken for `tlps` TLPs; the last is back at `until`, each of the others span / tlps before the next.
  void give_back(Time until, Time span, std::uint64_t tlps, const Units& n) {
    if (tlps != 0) held_.put({until, span, tlps, n});
  }

 private:
  struct Held {
    Time until, span;
    std::uint64_t tlps;
    Units n;
  };
  static constexpr std::uint64_t bound(std::uint64_t capacity) { return capacity ? capacity : std::uint64_t{1} << 62; }
  Units capacity_, free_;
  Held part_{};                             // of which some have come back
  TimeRing<Held, &Held::until> held_{64};   // at most as many entries as TLPs hold units
};

}  // namespace gd
