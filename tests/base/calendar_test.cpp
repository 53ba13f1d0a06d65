#include "models/base/calendar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "models/base/rng.h"

namespace gd {
namespace calendar_test {

// [10, 30) and [50, 60), asked for at 0.
TEST(Calendar, ReservedUpToATime) {
  Calendar c;
  EXPECT_EQ(c.reserve(0, 10, 20), 10);
  EXPECT_EQ(c.reserve(0, 50, 10), 50);
  EXPECT_EQ(c.reserved(), 30);
  struct Row {
    Time until, reserved;
  };
  for (const Row r : {Row{0, 0}, {10, 0}, {15, 5}, {30, 20}, {40, 20}, {55, 25}, {60, 30}, {70, 30}, {kNever, 30}}) EXPECT_EQ(c.reserved(r.until), r.reserved) << r.until;
}

// Each request gets the first gap that holds it, as a table of all moments says.
TEST(Calendar, FirstGapThatFits) {
  for (const std::uint64_t ahead : {20, 200, 3000}) {
    Calendar c;
    std::vector<bool> busy(1 << 20);
    Rng rng(ahead, "calendar_test");
    Time now = 0, last = 0;
    for (int i = 0; i < 5'000; ++i) {
      now += static_cast<Time>(rng.below(100));
      const Time arrival = now + static_cast<Time>(rng.below(ahead)) - 10, service = 1 + static_cast<Time>(rng.below(60));
      Time expected = std::max(now, arrival);
      for (Time free = 0; free < service; ++free)
        if (busy[static_cast<std::size_t>(expected + free)]) expected += free + 1, free = -1;
      ASSERT_EQ(c.reserve(now, arrival, service), expected) << i;
      std::fill_n(busy.begin() + static_cast<std::ptrdiff_t>(expected), service, true);
      last = std::max(last, expected + service);
      ASSERT_EQ(c.horizon(), last);
    }
  }
}

// Whatever is reserved, for now or far ahead: no window is fuller than it is long, and the windows hold all.
TEST(Calendar, NoWindowHoldsMoreThanItsLength) {
  Calendar c;
  Rng rng(1, "calendar_test");
  Time now = 0, before = 0, total = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Time step = static_cast<Time>(rng.below(100));
    now += step;
    const Time held = c.reserved(now);
    ASSERT_GE(held, before);
    ASSERT_LE(held - before, step);
    before = held;
    const Time service = static_cast<Time>(rng.below(60));
    c.reserve(now, now + static_cast<Time>(rng.below(3000)), service);
    total += service;
  }
  EXPECT_EQ(c.reserved(), total);
  EXPECT_EQ(c.reserved(c.horizon()), total);
}

}  // namespace calendar_test
}  // namespace gd
