// Units that requests hold for a while (flow-control credits, tags), taken and given back at annotated times. Pure.
#pragma once
#include <algorithm>
#include <cstdint>

#include "models/base/time_ring.h"

namespace gd {

// A request takes all its units at once, at the first time at which that many are free; one that needs more than there
// are waits for all of them. Units come back in any order. Requests are served in the order of the calls.
class Credits {
 public:
  explicit Credits(std::uint64_t capacity) : capacity_(capacity), free_(capacity) {}   // 0: unbounded
  // When `n` units are free, from `at` on. Each take is followed by a give_back of the same `n`.
  Time take(Time at, std::uint64_t n) {
    if (capacity_ == 0) return at;
    n = std::min(n, capacity_);
    while (!held_.empty() && (held_.front().until <= at || free_ < n)) {
      at = std::max(at, held_.front().until);
      free_ += held_.pop().n;
    }
    free_ -= n;
    return at;
  }
  void give_back(Time until, std::uint64_t n) {
    if (capacity_ == 0 || n == 0) return;
    held_.put({until, std::min(n, capacity_)});
  }

 private:
  struct Held {
    Time until;
    std::uint64_t n;
  };
  std::uint64_t capacity_, free_;
  TimeRing<Held, &Held::until> held_{64};   // at most as many entries as there are units
};

}  // namespace gd
