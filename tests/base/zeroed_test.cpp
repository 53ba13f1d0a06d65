#include "models/base/zeroed.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <utility>

namespace gd::zeroed_test {

long peak_kib() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return u.ru_maxrss;
}

TEST(ZeroedTest, BeginsAsZero) {
  Zeroed<std::uint32_t> a(10'000);
  ASSERT_EQ(a.size(), 10'000u);
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], 0u) << i;
}

TEST(ZeroedTest, GrowsBehindWhatItHolds) {
  Zeroed<std::uint64_t> a;
  EXPECT_EQ(a.size(), 0u);
  for (std::size_t n = 1; n <= 100'000; n = n * 3 + 1) {
    a.grow(n);
    ASSERT_EQ(a.size(), n);
    a[n - 1] = n;
    a.grow(n / 2);   // never shrinks
    ASSERT_EQ(a.size(), n);
  }
  std::uint64_t last = 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool written = i + 1 == last;
    ASSERT_EQ(a[i], written ? i + 1 : 0) << i;
    if (written) last = last * 3 + 1;
  }
}

TEST(ZeroedTest, CopiesAndMoves) {
  Zeroed<int> a(5);
  a[3] = 7;
  Zeroed<int> b = a;
  b[3] = 8;
  EXPECT_EQ(a[3], 7);
  EXPECT_EQ(b[3], 8);
  Zeroed<int> c = std::move(b);
  EXPECT_EQ(c[3], 8);
  EXPECT_EQ(b.size(), 0u);
  a = c;
  EXPECT_EQ(a[3], 8);
  a = Zeroed<int>();
  EXPECT_EQ(a.size(), 0u);
  const Zeroed<int> copy_of_none = a;
  EXPECT_EQ(copy_of_none.size(), 0u);
}

TEST(ZeroedTest, GivesNoMemoryWhereNobodyLooks) {
  const long before = peak_kib();
  Zeroed<std::uint64_t> a(std::size_t{1} << 27);   // 1 GiB
  a[0] = a[a.size() - 1] = 1;
  EXPECT_LT(peak_kib() - before, 64 * 1024);
}

}  // namespace gd::zeroed_test
