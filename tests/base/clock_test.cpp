// A core's clock against the same sums in 128 bits.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/base/rng.h"
#include "models/base/units.h"

namespace gd {
namespace clock_test {

constexpr std::uint64_t kGiga = 1'000'000'000;
constexpr std::uint64_t kClocks[] = {1, 999, kGiga - 1, kGiga, kGiga + 1, 2'100'000'000, 2'670'000'000, 3'399'999'999, 10 * kGiga};

// The lengths of steps, and those on both sides of where 64 bits end.
template <class F>
void each_length(std::uint64_t hz, Rng& rng, F f) {
  const std::uint64_t ends[] = {UINT64_MAX / hz, UINT64_MAX / kGiga, (UINT64_MAX - kGiga) / hz};
  for (const std::uint64_t end : ends)
    for (std::uint64_t n = end - std::min<std::uint64_t>(end, 3); n <= end + 3 && n < UINT64_MAX - 3; ++n)
      if (n <= std::uint64_t{1} << 60) f(n);
  for (std::uint64_t n = 0; n < 3; ++n) f(n);
  for (unsigned bits = 2; bits < 60; ++bits)
    for (int i = 0; i < 50; ++i) f(rng.u64() & ((std::uint64_t{1} << bits) - 1));
}

TEST(CycleClock, PeekIsTheExactQuotient) {
  Rng rng(1, "clock");
  for (const std::uint64_t hz : kClocks) {
    const CycleClock clock(hz);
    each_length(hz, rng, [&](std::uint64_t mc) {
      const unsigned __int128 want = static_cast<unsigned __int128>(mc) * kGiga / hz;
      if (want > INT64_MAX) return;
      ASSERT_EQ(clock.peek(mc), static_cast<Time>(want)) << mc << " of " << hz;
    });
  }
}

TEST(CycleClock, StallsCarryTheirRemainder) {
  Rng rng(1, "clock");
  for (const std::uint64_t hz : kClocks) {
    CycleClock clock(hz);
    unsigned __int128 asked = 0, got = 0;
    each_length(hz, rng, [&](std::uint64_t ps) {
      asked += ps;
      got += clock.stall(static_cast<Time>(ps));
      ASSERT_TRUE(got == asked * hz / kGiga) << ps << " of " << hz;
    });
  }
}

}  // namespace clock_test
}  // namespace gd
