#include "models/memory/recent.h"

#include <gtest/gtest.h>

#include "models/base/rng.h"

namespace gd {
namespace recent_test {

// One line asked for at once is what holds(), pending() and touch() say one after the other: cores, devices' fills and writes at random, over
// regions of which some share a place, with caches of none, of a few and of many lines.
TEST(RecentLines, ALineAtOnceIsTheSameAsInParts) {
  Rng rng(1, "recent");
  for (const std::uint64_t lines : {0u, 3u, 40u, 4096u}) {
    RecentLines at_once(lines), in_parts(lines);
    unsigned held = 0, waits = 0;
    for (int i = 0; i < 20'000; ++i) {
      const Hpa a = rng() % 24 * (RecentLines::kRegion * 517) + rng() % 4 * kLine;
      const std::uint32_t region = RecentLines::region_of(a), want = RecentLines::mask(a);
      const auto core = static_cast<std::uint16_t>(rng() % 3);
      const bool writes = rng() % 2 != 0;
      const Time at = i * kNs;
      RecentLines::Entry &x = at_once.slot(region), &y = in_parts.slot(region);
      if (const unsigned what = rng() % 8; what == 0) {
        at_once.fill(a, at + 100 * kNs);
        in_parts.fill(a, at + 100 * kNs);
      } else if (what == 1) {
        RecentLines::invalidate(x, region, want);
        RecentLines::invalidate(y, region, want);
      } else {
        Time wait = -1, other = 0;
        const bool mine = at_once.take_line(x, region, core, want, writes, [at] { return at; }, wait);
        const bool same = in_parts.holds(y, region, core, want, writes);
        if (!same) {
          other = RecentLines::pending(y, region, core, want, at);
          in_parts.touch(y, region, core, want, 1, writes);
        }
        ASSERT_EQ(mine, same) << i;
        ASSERT_EQ(wait, other) << i;
        held += mine;
        waits += wait > 0;
      }
      ASSERT_EQ(x.region, y.region);
      ASSERT_EQ(x.owner, y.owner);
      ASSERT_EQ(x.lines, y.lines) << i;
      ASSERT_EQ(x.changed, y.changed) << i;
      ASSERT_EQ(x.ready, y.ready);
      ASSERT_EQ(at_once.held(x, region, core), in_parts.held(y, region, core)) << i;
    }
    EXPECT_EQ(held > 0, lines > 0) << lines;
    EXPECT_GT(waits, 0u);
  }
}

}  // namespace recent_test
}  // namespace gd
