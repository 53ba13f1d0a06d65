#include "models/base/histogram.h"

#include <algorithm>

namespace gd {

Histogram::Histogram() : buckets_((kTopBits - kSub + 1) << kSub), carried_(buckets_.size()) {}

Histogram::Histogram(const Histogram& other) : Histogram() {
  counted_ = other.settled();
  if (counted_.count == 0) return;
  for (unsigned i = index(counted_.min), last = index(counted_.max); i <= last; ++i) {
    buckets_[i] = other.buckets_[i];
    carried_[i] = other.carried_[i];
  }
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

inline void Histogram::count(Counted& c, std::uint64_t v, std::uint64_t times) const {
  const unsigned bucket = index(v);
  const std::uint64_t low = buckets_[bucket] + times;
  buckets_[bucket] = static_cast<std::uint32_t>(low);
  if (__builtin_expect(low >> 32 != 0, 0)) carried_[bucket] += static_cast<std::uint32_t>(low >> 32);
  c.count += times;
  c.sum += v * times;
  c.min = std::min(c.min, v);
  c.max = std::max(c.max, v);
}

void Histogram::add(std::uint64_t v, std::uint64_t times) { count(counted_, v, times); }

void Histogram::settle() const {
  Counted c = counted_;
  for (unsigned i = 0; i < waits_; ++i) count(c, waiting_[i], 1);
  waits_ = 0;
  counted_ = c;
}

std::uint64_t Histogram::quantile(std::uint64_t num, std::uint64_t den) const {
  if (count() == 0) return 0;
  const std::uint64_t rank = static_cast<std::uint64_t>((static_cast<unsigned __int128>(counted_.count) * num + den - 1) / den);
  std::uint64_t seen = 0;
  for (unsigned i = index(counted_.min), last = index(counted_.max); i <= last; ++i) {
    seen += in(i);
    if (seen >= rank) return std::min(counted_.max, lower(i + 1) - 1);
  }
  return counted_.max;
}

void Histogram::reset() {
  if (count() > 0)
    for (unsigned i = index(counted_.min), last = index(counted_.max); i <= last; ++i) buckets_[i] = carried_[i] = 0;
  counted_ = {};
}

}  // namespace gd
