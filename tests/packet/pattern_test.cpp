#include "models/packet/pattern.h"

#include <gtest/gtest.h>

#include "models/packet/checksum.h"
#include "tests/packet/frames.h"

namespace gd {
namespace pattern_test {
using namespace test;

Pattern make(std::uint64_t seed) {
  Rng rng(seed, "pattern-test");
  return Pattern(rng);
}

TEST(Pattern, StreamContinuesAcrossCallsAndWraps) {
  const Pattern p = make(1);
  Frame whole(200000), parts(200000);
  p.fill(whole.data(), 3, 12345, 200000);
  for (std::uint32_t at = 0, n = 1; at < 200000; at += n, n = (n * 7 + 3) % 9001 + 1)
    p.fill(&parts[at], 3, 12345 + at, std::min(n, 200000 - at));
  EXPECT_EQ(whole, parts);
  for (std::uint32_t i = 0; i + Pattern::kPeriod < 200000; i += 17) ASSERT_EQ(whole[i], whole[i + Pattern::kPeriod]);
}

TEST(Pattern, EqualSeesEveryFlippedByteAndWrongPlaces) {
  const Pattern p = make(1);
  Frame f(1448);
  p.fill(f.data(), 9, 1ull << 40, 1448);
  EXPECT_TRUE(p.equal(f.data(), 9, 1ull << 40, 1448));
  for (std::size_t i = 0; i < f.size(); ++i) {
    f[i] ^= 0x10;
    ASSERT_FALSE(p.equal(f.data(), 9, 1ull << 40, 1448));
    f[i] ^= 0x10;
  }
  EXPECT_FALSE(p.equal(f.data(), 9, (1ull << 40) + 1448, 1448));
  EXPECT_FALSE(p.equal(f.data(), 8, 1ull << 40, 1448));
  Frame longer(150001);
  p.fill(longer.data(), 9, 5, 150001);
  EXPECT_TRUE(p.equal(longer.data(), 9, 5, 150001));
  longer[150000] ^= 1;
  EXPECT_FALSE(p.equal(longer.data(), 9, 5, 150001));
}

TEST(Pattern, AnotherSeedGivesOtherBytes) {
  const Pattern a = make(1), b = make(2);
  EXPECT_FALSE(b.equal(a.data(0, 0), 0, 0, 64));
}

TEST(Pattern, PartialSumsEqualTheNaiveSum) {
  const Pattern p = make(4);
  Rng rng(5, "pattern-test");
  for (int i = 0; i < 400; ++i) {
    const std::uint32_t flow = rng();
    std::uint64_t offset = rng.u64();
    // Every fourth range begins shortly before the period's end, so that it wraps at either parity.
    if (i % 4 == 0) offset = 10 * Pattern::kPeriod - p.index(flow, 0) + Pattern::kPeriod - 1 - rng.below(40);
    const auto n = static_cast<std::uint32_t>(i < 100 ? rng.below(80) : rng.below(Pattern::kMaxLength + 1));
    Frame f(n + 1);   // even of no bytes there is one to point at
    p.fill(f.data(), flow, offset, n);
    const unsigned expected = naive_sum(f.data(), n), got = p.partial_sum(flow, offset, n);
    ASSERT_EQ(got % 0xffff, expected % 0xffff) << flow << " " << offset << " " << n;
  }
  EXPECT_EQ(p.partial_sum(1, 2, 0) % 0xffff, 0);
}

}  // namespace pattern_test
}  // namespace gd
