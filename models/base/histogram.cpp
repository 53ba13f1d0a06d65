#include "models/base/histogram.h"

#include <algorithm>

namespace gd {

Histogram::Histogram() : buckets_(kBuckets), carried_(buckets_.size()) {}

Histogram::Histogram(const Histogram& other) : Histogram() {
  counted_ = other.settled();
  if (counted_.count == 0) return;
  for (unsigned i = index(counted_.min), last = index(counted_.max); i <= last; ++i) {
    buckets_[i] = other.buckets_[i];
    carried_[i] = other.carried_[i];
  }
}

// Values below 2^(kSub + 1) are their own buckets; above, an octave's first bucket stands where the one before it ends.
unsigned Histogram::index(std::uint64_t v) {
  const unsigned shift = (63 ^ static_cast<unsigned>(__builtin_clzll(v | 1ULL << kSub))) - kSub;
  return (shift << kSub) + static_cast<unsigned>(v >> shift);
}

std::uint64_t Histogram::lower(unsigned i) {
  const unsigned octave = i >> kSub;
  if (octave == 0) return i;
  return ((1ULL << kSub) + (i & ((1U << kSub) - 1))) << (octave - 1);
}

void Histogram::add(std::uint64_t v, std::uint64_t times) {
  const unsigned bucket = index(v);
  const std::uint64_t n = in(bucket) + times;
  buckets_[bucket] = static_cast<std::uint32_t>(n);
  carried_[bucket] = static_cast<std::uint32_t>(n >> 32);
  counted_.count += times;
  counted_.sum += v * times;
  counted_.min = std::min(counted_.min, v);
  counted_.max = std::max(counted_.max, v);
}

void Histogram::count(const std::uint64_t* values, unsigned n) const {
  Counted c = counted_;
  std::uint32_t* const buckets = buckets_.data();
  for (const std::uint64_t *p = values, *const end = values + n; p != end; ++p) {
    const std::uint64_t v = *p;
    const unsigned bucket = index(v);
    if (++buckets[bucket] == 0) [[unlikely]] ++carried_[bucket];
    c.sum += v;
    c.min = std::min(c.min, v);
    c.max = std::max(c.max, v);
  }
  c.count += n;
  counted_ = c;
}

void Histogram::settle() const {
  count(waiting_, waits_);
  waits_ = 0;
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
