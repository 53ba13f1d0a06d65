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
  explicit Credits(std::uint64_t capacity) : capacity_(capacity), free_(capacity) {   // 0: unbounded
    held_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(capacity, 4096)) + 1);
  }
  // When `n` units are free, from `at` on. Each take is followed by a give_back of the same `n`.
  Time take(Time at, std::uint64_t n) {
    if (capacity_ == 0) return at;
    n = std::min(n, capacity_);
    while (!held_.empty() && (held_.front().until <= at || free_ < n)) {
      at = std::max(at, held_.front().until);
      free_ += held_.front().n;
      std::pop_heap(held_.begin(), held_.end(), later);
      held_.pop_back();
    }
    free_ -= n;
    return at;
  }
  void give_back(Time until, std::uint64_t n) {
    if (capacity_ == 0 || n == 0) return;
    held_.push_back({until, std::min(n, capacity_)});
    std::push_heap(held_.begin(), held_.end(), later);
  }

 private:
  struct Held {
    Time until;
    std::uint64_t n;
  };
  static bool later(const Held& a, const Held& b) { return a.until > b.until; }
  std::uint64_t capacity_, free_;
  std::vector<Held> held_;   // heap, earliest first; no more entries than units
};

}  // namespace gd
