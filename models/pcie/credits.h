// Units that requests hold for a while (flow-control credits, tags), taken and given back at annotated times. Pure.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/base/units.h"

namespace gd {

// A request takes all its units at once, at the first time at which that many are free; one that needs more than there
// are waits for all of them. Units come back in any order. Requests are served in the order of the calls.
class Credits {
 public:
  explicit Credits(std::uint64_t capacity) : capacity_(capacity), free_(capacity), held_(kFirst) {}   // 0: unbounded
  // When `n` units are free, from `at` on. Each take is followed by a give_back of the same `n`.
  Time take(Time at, std::uint64_t n) {
    if (capacity_ == 0) return at;
    n = std::min(n, capacity_);
    while (first_ != end_ && (place(first_).until <= at || free_ < n)) {
      at = std::max(at, place(first_).until);
      free_ += place(first_++).n;
    }
    free_ -= n;
    return at;
  }
  void give_back(Time until, std::uint64_t n) {
    if (capacity_ == 0 || n == 0) return;
    if (end_ - first_ == held_.size()) grow();
    std::uint64_t at = end_++;
    for (; at != first_ && place(at - 1).until > until; --at) place(at) = place(at - 1);
    place(at) = {until, std::min(n, capacity_)};
  }

 private:
  struct Held {
    Time until;
    std::uint64_t n;
  };
  static constexpr std::size_t kFirst = 64;   // a power of two
  Held& place(std::uint64_t count) { return held_[count & (held_.size() - 1)]; }
  void grow() {   // at most to the number of units
    std::vector<Held> wider(held_.size() * 2);
    for (std::uint64_t i = first_; i != end_; ++i) wider[i & (wider.size() - 1)] = place(i);
    held_.swap(wider);
  }
  std::uint64_t capacity_, free_;
  // A ring by free-running counts, the earliest first: most come back in the order in which they were taken.
  std::vector<Held> held_;
  std::uint64_t first_ = 0, end_ = 0;
};

}  // namespace gd
