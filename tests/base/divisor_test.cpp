#include "models/base/divisor.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "models/base/rng.h"
#include "models/base/units.h"

namespace gd {
namespace divisor_test {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

void expect_as_the_machine(std::uint64_t n, std::uint64_t d) {
  const Divisor by(d);
  ASSERT_EQ(by.of(n), n / d) << n << " / " << d;
  ASSERT_EQ(by.rest(n), n % d) << n << " % " << d;
}

TEST(Divisor, DividesAsTheMachineDoesAtTheEdges) {
  std::vector<std::uint64_t> edges{1, 2, 3, 5, 7, 10, 641, 6700417, kMost, kMost - 1, kMost / 2, kMost / 2 + 1, kMost / 3, 2'670'000'000,
                                   static_cast<std::uint64_t>(kSec), static_cast<std::uint64_t>(kUs), 32'010'000'000};
  for (unsigned i = 1; i < 64; ++i) {
    const std::uint64_t p = std::uint64_t{1} << i;
    edges.insert(edges.end(), {p - 1, p, p + 1});
  }
  for (const std::uint64_t d : edges)
    for (const std::uint64_t n : edges) {
      expect_as_the_machine(n, d);
      expect_as_the_machine(n - 1, d);
      // Either side of a multiple.
      const std::uint64_t multiple = n / d * d;
      expect_as_the_machine(multiple, d);
      expect_as_the_machine(multiple - 1, d);
    }
  expect_as_the_machine(0, 3);
}

TEST(Divisor, DividesAsTheMachineDoesAnywhere) {
  Rng rng(1, "divisor");
  for (unsigned i = 0; i < 200'000; ++i) {
    const std::uint64_t n = rng.u64() >> rng.below(64), d = rng.u64() >> rng.below(64);
    if (d != 0) expect_as_the_machine(n, d);
  }
}

// divide(): in 128 bits where 64 do not hold the product.
TEST(Divide, KeepsTheRestOfWideProducts) {
  struct Case {
    std::uint64_t a, b, rest, by;
  };
  const Case cases[] = {{10, 3, 2, 4},           {kMost, 1, 0, kMost},        {kMost, 1, 1, 3},
                        {kMost, 2, 1, 4},        {kMost / 2, 2, 1, 10},       {kMost / 2, 2, 2, 10},
                        {1'500, 8'000'000'000'000, 6'999'999'999, 7'877'000'000}, {40'000'000'000, 1'000'000'000, 1, 2'670'000'000}};
  for (const Case& c : cases) {
    const unsigned __int128 wide = static_cast<unsigned __int128>(c.a) * c.b + c.rest;
    std::uint64_t rest = c.rest;
    EXPECT_EQ(divide(c.a, c.b, rest, Divisor(c.by)), static_cast<std::uint64_t>(wide / c.by)) << c.a << " * " << c.b << " / " << c.by;
    EXPECT_EQ(rest, static_cast<std::uint64_t>(wide % c.by)) << c.a << " * " << c.b << " % " << c.by;
  }
}

}  // namespace divisor_test
}  // namespace gd
