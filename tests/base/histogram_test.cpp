#include "models/base/histogram.h"

#include <gtest/gtest.h>

namespace gd {
namespace histogram_test {

TEST(Histogram, CountsBeyondThirtyTwoBits) {
  Histogram h;
  constexpr std::uint64_t kMany = (1ULL << 32) - 1;
  h.add(500, kMany);
  h.add(500);
  h.add(500);
  h.add(900, kMany * 3);
  EXPECT_EQ(h.count(), kMany * 4 + 2);
  std::uint64_t at500 = 0, at900 = 0, others = 0;
  h.each([&](std::uint64_t lower, std::uint64_t, std::uint64_t n) { (lower == 500 ? at500 : lower == 900 ? at900 : others) += n; });
  EXPECT_EQ(at500, kMany + 2);
  EXPECT_EQ(at900, kMany * 3);
  EXPECT_EQ(others, 0u);
  EXPECT_EQ(h.quantile(1, 5), 500u);
  EXPECT_EQ(h.quantile(1, 2), 900u);
  h.reset();
  EXPECT_EQ(h.count(), 0u);
  h.each([](std::uint64_t, std::uint64_t, std::uint64_t) { FAIL() << "a bucket is left"; });
}

// A bucket's edges enclose its values, at most 1/1024 apart, up to the largest value there is.
TEST(Histogram, BucketsUpToTheLargestValue) {
  for (unsigned bit = 0; bit <= 64; ++bit)
    for (const std::int64_t off : {-1, 0, 1, 700}) {
      const std::uint64_t v = (bit < 64 ? 1ULL << bit : 0) + static_cast<std::uint64_t>(off);
      Histogram h;
      h.add(v);
      unsigned buckets = 0;
      h.each([&](std::uint64_t lower, std::uint64_t upper, std::uint64_t n) {
        ++buckets;
        EXPECT_LE(lower, v);
        EXPECT_GE(upper, v);
        EXPECT_LE(upper - lower, v / 1024) << v;
        EXPECT_EQ(n, 1u);
      });
      EXPECT_EQ(buckets, 1u);
      EXPECT_EQ(h.quantile(1, 2), v);
    }
}

// Whenever somebody reads, all that came before is counted, however many wait.
TEST(Histogram, WhatWaitsIsCountedForWhoeverReads) {
  for (std::uint64_t n = 1; n <= 40; ++n) {
    Histogram h;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      h.add(5000 + i * 16);
      sum += 5000 + i * 16;
      if (i % 7 == 3) h.add(4000, 2), sum += 8000;
    }
    const std::uint64_t twice = 2 * ((n + 3) / 7);
    EXPECT_EQ(Histogram(h).sum(), sum);
    EXPECT_EQ(Histogram(h).max(), 5000 + (n - 1) * 16);
    EXPECT_EQ(Histogram(h).min(), twice ? 4000u : 5000u);
    EXPECT_EQ(Histogram(h).quantile(1, 1), 5000 + (n - 1) * 16);
    EXPECT_EQ(Histogram(h).supports(1, 2), n + twice >= 20);
    std::uint64_t counted = 0;
    Histogram(h).each([&](std::uint64_t, std::uint64_t, std::uint64_t k) { counted += k; });
    EXPECT_EQ(counted, n + twice);
    EXPECT_EQ(h.count(), n + twice);
    h.add(1);
    h.reset();
    EXPECT_EQ(h.count(), 0u);
    EXPECT_EQ(h.quantile(1, 2), 0u);
  }
}

// Those that are used later are the copy's own.
TEST(Histogram, ACopyIsTheSameAndApart) {
  Histogram h;
  for (const std::uint64_t v : {7ULL, 700'000ULL, 123'456'789'012ULL}) h.add(v, 3);
  Histogram copy = h;
  h.add(5);
  h.add(1ULL << 47);
  EXPECT_EQ(copy.count(), 9u);
  EXPECT_EQ(copy.min(), 7u);
  EXPECT_EQ(copy.max(), 123'456'789'012u);
  EXPECT_EQ(copy.sum(), 3 * (7 + 700'000 + 123'456'789'012));
  std::uint64_t buckets = 0, counted = 0;
  copy.each([&](std::uint64_t, std::uint64_t, std::uint64_t n) { ++buckets, counted += n; });
  EXPECT_EQ(buckets, 3u);
  EXPECT_EQ(counted, 9u);
  EXPECT_EQ(copy.quantile(1, 3), 7u);
  copy = h;
  EXPECT_EQ(copy.count(), 11u);
  EXPECT_EQ(copy.quantile(1, 11), 5u);
  const Histogram empty, copy_of_empty = empty;
  EXPECT_EQ(copy_of_empty.count(), 0u);
  EXPECT_EQ(copy_of_empty.min(), 0u);
}

}  // namespace histogram_test
}  // namespace gd
