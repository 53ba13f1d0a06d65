// A task that polls: the core is charged for the time in between, no event is spent on it.
#include <gmock/gmock.h>

#include "models/base/rng.h"
#include "tests/cpu/machine.h"

namespace gd::test {
namespace spin_test {

using ::testing::ElementsAre;

struct SpinTest : Machine {
  SpinTest() : poller("poller", Priority::thread, seen, [this](Step& s) { s.charge(work, 100); s.spin(op); return false; }) {
    op = costs.account("test.spin");
    core().attach(poller);
  }
  OpId op = 0;
  Scripted poller;
};

// Idle exit 500 ns, context switch 100, step 100 cycles of 1 ns.
TEST_F(SpinTest, IsChargedUntilSomethingWakesThePollerAtOnce) {
  script.at(0, [&](Time now) { poller.wake(now); });
  script.at(5 * kUs, [&](Time now) { poller.wake(now); });
  run(10 * kUs);
  EXPECT_THAT(seen, ElementsAre("poller@500", "poller@5000"));          // no idle exit
  EXPECT_EQ(cycles("poller", "test.spin"), 4300u);                      // 700 to 5000
  core().settle_spin(10 * kUs);
  EXPECT_EQ(cycles("poller", "test.spin"), 4300u + 4900u);              // 5100 to 10000
  EXPECT_EQ(core().busy_time(), 9500 * kNs);
  EXPECT_EQ(core().busy_mc(), charged());
}

TEST_F(SpinTest, ASoftirqOnlyInterruptsIt) {
  Scripted soft("soft", Priority::softirq, seen, [this](Step& s) { s.charge(work, 1000); return false; });
  core().attach(soft);
  script.at(0, [&](Time now) { poller.wake(now); });
  script.at(2 * kUs, [&](Time now) { soft.wake(now); });
  run(10 * kUs);
  EXPECT_THAT(seen, ElementsAre("poller@500", "soft@2000"));
  core().settle_spin(10 * kUs);
  EXPECT_EQ(cycles("poller", "test.spin"), 1300u + 7000u);
  EXPECT_EQ(core().busy_mc(), charged());
}

TEST_F(SpinTest, AnotherThreadEndsIt) {
  Scripted other("other", Priority::thread, seen, [this](Step& s) { s.charge(work, 1000); return false; });
  core().attach(other);
  script.at(0, [&](Time now) { poller.wake(now); });
  script.at(2 * kUs, [&](Time now) { other.wake(now); });
  run(10 * kUs);
  EXPECT_THAT(seen, ElementsAre("poller@500", "other@2000", "poller@3100"));   // the poller leaves its loop after it
  EXPECT_EQ(core().busy_mc(), charged());
}

TEST_F(SpinTest, WhoWakesAPollerPaysNothing) {
  Scripted waker("waker", Priority::softirq, seen, [this](Step& s) { s.wake(poller); return false; });
  add_core().attach(waker);
  script.at(0, [&](Time now) { poller.wake(now); });
  script.at(2 * kUs, [&](Time now) { waker.wake(now); });
  run(10 * kUs);
  EXPECT_EQ(cycles("waker", "sched.wakeup", 1), 0u);
  EXPECT_EQ(seen.back(), "poller@2500");
}

TEST(RngAt, IsTheFirstDrawOfABlockWhateverWasDrawn) {
  Rng a(7, "x"), b(7, "x");
  std::vector<std::uint32_t> draws;
  for (int i = 0; i < 40; ++i) draws.push_back(a());
  for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(b.at(i), draws[i * 4]);
  EXPECT_EQ(a.at(3), b.at(3));
  EXPECT_NE(Rng(8, "x").at(3), b.at(3));
  EXPECT_NE(Rng(7, "y").at(3), b.at(3));
}

}  // namespace spin_test
}  // namespace gd::test
