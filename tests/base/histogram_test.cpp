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

}  // namespace histogram_test
}  // namespace gd
