// Puts things that are told a little out of time order into order, with bounded memory.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/base/units.h"

namespace gd::report {

// Things of equal time keep the order in which they came. A thing that comes more than `horizon` behind the newest one, or
// after `capacity` others that are newer, may be late: it is then given out at the time of the last one given out.
template <class T> class TimeOrder {
 public:
  explicit TimeOrder(Time horizon = kMs, std::size_t capacity = 1 << 16) : horizon_(horizon), capacity_(capacity) {}

  // Calls give(time, thing) for what is due.
  template <class Give> void add(Time t, const T& thing, Give give) {
    heap_.push_back({t, sequence_++, thing});
    std::push_heap(heap_.begin(), heap_.end(), after);
    newest_ = std::max(newest_, t);
    while (heap_.size() > capacity_ || heap_.front().time < newest_ - horizon_) release(give);
  }
  template <class Give> void drain(Give give) {
    while (!heap_.empty()) release(give);
  }
  std::uint64_t late() const { return late_; }

 private:
  struct Item {
    Time time;
    std::uint64_t sequence;
    T thing;
  };
  static bool after(const Item& a, const Item& b) { return a.time != b.time ? a.time > b.time : a.sequence > b.sequence; }
  template <class Give> void release(Give give) {
    std::pop_heap(heap_.begin(), heap_.end(), after);
    const Item i = heap_.back();
    heap_.pop_back();
    late_ += i.time < last_;
    last_ = std::max(last_, i.time);
    give(last_, i.thing);
  }
  Time horizon_, newest_ = 0, last_ = 0;
  std::size_t capacity_;
  std::uint64_t sequence_ = 0, late_ = 0;
  std::vector<Item> heap_;
};

}  // namespace gd::report
