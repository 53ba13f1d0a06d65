#include "models/base/histogram.h"

#include <algorithm>

namespace gd {

Histogram::Histogram() : buckets_((kTopBits - kSub + 1) << kSub), carried_(buckets_.size()) {}

Histogram::Histogram(const Histogram& other) : Histogram() {
  if (other.count_ == 0) return;
  other.settle();
  for (unsigned i = index(other.min_), last = index(other.max_); i <= last; ++i) {
    buckets_[i] = other.buckets_[i];
    carried_[i] = other.carried_[i];
  }
  count_ = other.count_, sum_ = other.sum_, min_ = other.min_, max_ = other.max_;
}

unsigned Histogram::index(std::uint64_t v) {
  if (v < (1ULL << kSub)) return static_cast<unsigned>(v);
  v = std::min<std::uint64_t>(v, (1ULL << kTopBits) - 1);
  const unsigned shift = 63 - static_cast<unsigned>(__builtin_clzll(v)) - kSub;
  return ((shift + 1) << kSub) + static_cast<unsigned>((v >> shift) - (1ULL << kSub));
}

std::uint64_t Histogram::lower(unsigned i) {
  const unsigned octave = i >> kSub;
  if (octave == 0) return i;
  return ((1ULL << kSub) + (i & ((1U << kSub) - 1))) << (octave - 1);
}

void Histogram::add(std::uint64_t v, std::uint64_t times) {
  settle();
  waiting_ = index(v);
  waiting_times_ = times;
  __builtin_prefetch(&buckets_[waiting_], 1);
  count_ += times;
  sum_ += v * times;
  min_ = std::min(min_, v);
  max_ = std::max(max_, v);
}

void Histogram::settle() const {
  const std::uint64_t low = buckets_[waiting_] + waiting_times_;
  buckets_[waiting_] = static_cast<std::uint32_t>(low);
  if (__builtin_expect(low >> 32 != 0, 0)) carried_[waiting_] += static_cast<std::uint32_t>(low >> 32);
  waiting_times_ = 0;
}

std::uint64_t Histogram::quantile(std::uint64_t num, std::uint64_t den) const {
  if (count_ == 0) return 0;
  settle();
  const std::uint64_t rank = static_cast<std::uint64_t>((static_cast<unsigned __int128>(count_) * num + den - 1) / den);
  std::uint64_t seen = 0;
  for (unsigned i = index(min_), last = index(max_); i <= last; ++i) {
    seen += in(i);
    if (seen >= rank) return std::min(max_, lower(i + 1) - 1);
  }
  return max_;
}

void Histogram::reset() {
  waiting_times_ = 0;
  if (count_ > 0)
    for (unsigned i = index(min_), last = index(max_); i <= last; ++i) buckets_[i] = carried_[i] = 0;
  count_ = sum_ = max_ = 0;
  min_ = UINT64_MAX;
}

}  // namespace gd
