// Log-linear histogram of non-negative integers: relative bucket width at most 1/1024 (error below 0.1 %), exact
// count, sum, minimum and maximum. Fixed buckets, no allocation after construction.
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
  void add(std::uint64_t value) { add(value, 1); }
  void add(std::uint64_t value, std::uint64_t times);
  std::uint64_t count() const { return count_; }
  std::uint64_t min() const { return count_ ? min_ : 0; }
  std::uint64_t max() const { return max_; }
  std::uint64_t sum() const { return sum_; }
  // The smallest bucket's upper edge (never above max()) below which at least num/den of the values lie.
  // Pre: 0 < num <= den. 0 when empty.
  std::uint64_t quantile(std::uint64_t num, std::uint64_t den) const;
  // Whether a quantile num/den may be quoted: at least 10 values lie above it.
  bool supports(std::uint64_t num, std::uint64_t den) const { return count_ * (den - num) >= 10 * den; }
  // Calls f(lower, upper, count) for each non-empty bucket, ascending.
  template <class F>
  void each(F f) const {
    if (count_ == 0) return;
    settle();
    for (unsigned i = index(min_), last = index(max_); i <= last; ++i)
      if (const std::uint64_t n = in(i)) f(lower(i), lower(i + 1) - 1, n);
  }
  void reset();

 private:
  static constexpr unsigned kSub = 10;        // 2^10 buckets an octave
  static constexpr unsigned kTopBits = 48;    // values up to 2^48 (281 s in ps); above are clamped into the last bucket
  static unsigned index(std::uint64_t v);
  static std::uint64_t lower(unsigned i);
  std::uint64_t in(unsigned i) const { return std::uint64_t{carried_[i]} << 32 | buckets_[i]; }
  // Counts in halves: a frame adds to a dozen histograms, whose buckets then lie twice as close.
  mutable Zeroed<std::uint32_t> buckets_, carried_;
  // The last value is counted with the next: until then its bucket has come into the simulating machine's cache.
  void settle() const;
  mutable unsigned waiting_ = 0;
  mutable std::uint64_t waiting_times_ = 0;
  std::uint64_t count_ = 0, sum_ = 0, min_ = UINT64_MAX, max_ = 0;
};

}  // namespace gd
