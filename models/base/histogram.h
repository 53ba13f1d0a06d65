// Log-linear histogram of non-negative integers: relative bucket width at most 1/1024 (error below 0.1 %), exact
// count, sum, minimum and maximum. Fixed buckets, no allocation after construction.
//
// Values wait until a few have come, and are then counted together: their buckets are asked of the simulating machine at once, and
// adding one is a store. Whoever reads has them counted first.
#pragma once
#include <cstdint>

#include "models/base/zeroed.h"

namespace gd {

class Histogram {
 public:
  Histogram();
  Histogram(const Histogram& other);
  Histogram(Histogram&&) = default;
  Histogram& operator=(const Histogram& other) { return *this = Histogram(other); }
  Histogram& operator=(Histogram&&) = default;
  void add(std::uint64_t value) {
    waiting_[waits_++] = value;
    if (waits_ == kWaiting) settle();
  }
  void add(std::uint64_t value, std::uint64_t times);
  void add_all(const std::uint64_t* values, unsigned n) { count(values, n); }
  std::uint64_t count() const { return settled().count; }
  std::uint64_t min() const { return settled().count ? counted_.min : 0; }
  std::uint64_t max() const { return settled().max; }
  std::uint64_t sum() const { return settled().sum; }
  // The smallest bucket's upper edge (never above max()) below which at least num/den of the values lie.
  // Pre: 0 < num <= den. 0 when empty.
  std::uint64_t quantile(std::uint64_t num, std::uint64_t den) const;
  // Whether a quantile num/den may be quoted: at least 10 values lie above it.
  bool supports(std::uint64_t num, std::uint64_t den) const { return count() * (den - num) >= 10 * den; }
  // Calls f(lower, upper, count) for each non-empty bucket, ascending.
  template <class F>
  void each(F f) const {
    if (count() == 0) return;
    for (unsigned i = index(counted_.min), last = index(counted_.max); i <= last; ++i)
      if (const std::uint64_t n = in(i)) f(lower(i), lower(i + 1) - 1, n);
  }
  void reset();

 private:
  static constexpr unsigned kSub = 10;        // 2^10 buckets an octave
  static constexpr unsigned kBuckets = (64 - kSub + 1) << kSub;
  static unsigned index(std::uint64_t v);
  static std::uint64_t lower(unsigned i);
  std::uint64_t in(unsigned i) const { return std::uint64_t{carried_[i]} << 32 | buckets_[i]; }
  struct Counted {
    std::uint64_t count = 0, sum = 0, min = UINT64_MAX, max = 0;
  };
  void settle() const;
  const Counted& settled() const {
    if (waits_ > 0) settle();
    return counted_;
  }
  void count(const std::uint64_t* values, unsigned n) const;
  // Counts in halves: a frame adds to a dozen histograms, whose buckets then lie twice as close.
  mutable Zeroed<std::uint32_t> buckets_, carried_;
  static constexpr unsigned kWaiting = 16;
  mutable unsigned waits_ = 0;
  mutable Counted counted_;
  std::uint64_t waiting_[kWaiting];   // of these `waits_`
};

}  // namespace gd
