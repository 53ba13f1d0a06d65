// Entries in the order of a time of theirs, those of one time in the order in which they came. Pure.
//
// For what nearly always comes in that order: a ring by free-running counts, in which a new entry goes to its place from the end.
// It grows when it is full, and allocates nothing else.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/units.h"

namespace gd {

// `At`: the member of T that is the time.
template <class T, Time T::*At>
class TimeRing {
 public:
  // `room`: entries before it grows; a power of two.
  explicit TimeRing(std::size_t room) : ring_(room), mask_(room - 1) {}
  bool empty() const { return first_ == end_; }
  // The earliest. Pre: not empty.
  const T& front() const { return ring_[first_ & mask_]; }
  T pop() { return place(first_++); }
  void put(const T& entry) {
    if (end_ - first_ > mask_) grow();
    std::uint64_t i = end_++;
    for (; i != first_ && place(i - 1).*At > entry.*At; --i) place(i) = place(i - 1);
    place(i) = entry;
  }

 private:
  T& place(std::uint64_t count) { return ring_[count & mask_]; }
  [[gnu::cold]] void grow() {
    std::vector<T> wider(ring_.size() * 2);
    for (std::uint64_t i = first_; i != end_; ++i) wider[i & (wider.size() - 1)] = place(i);
    ring_.swap(wider);
    mask_ = ring_.size() - 1;
  }
  std::vector<T> ring_;
  std::uint64_t mask_;   // its size - 1
  std::uint64_t first_ = 0, end_ = 0;
};

}  // namespace gd
