// Adaptive moderation as whole runs: what a stream does to its queue's profile, and the profile to interrupts and latency.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace moderation_run_test {

using Set = std::vector<std::string>;

ChildResult moderated(const char* label, Set set = {}) {
  const ChildResult r = run_child("adaptive-moderation.json", label, set);
  EXPECT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.value("integrity.errors"), 0);
  EXPECT_EQ(r.value("ownership.violations"), 0);
  return r;
}

// From the last interrupt, a longer delay is fewer interrupts, and the walk ends at the longest; from completions, each begins
// the delay anew, so that frames decide: of a stream whose frames are closer than the delay the first two profiles take most.
TEST(Moderation, AStreamFindsFewestInterrupts) {
  const ChildResult event = moderated("adaptive");
  EXPECT_EQ(event.value("moderation.delay"), 256'000);
  EXPECT_EQ(event.value("moderation.changes"), 0);      // and there it rests
  EXPECT_NEAR(event.value("interrupts.host"), 10'000 / 256.0, 1);
  const ChildResult completion = moderated("completions", {"traffic.rate=1536Mbps"});
  EXPECT_EQ(completion.value("moderation.delay"), 2'000);
  EXPECT_EQ(completion.value("moderation.frames"), 256);
}

// 100,000 frames a second, 10 us apart: 8 us after each is an interrupt a frame, 16 us are 64 frames.
TEST(Moderation, AnIdleStreamWantsAnotherDelayThanABusyOne) {
  const Set idle = {"traffic.rate=51.2Mbps", "time.warmup=150ms"};
  const ChildResult r = moderated("completions", idle);
  EXPECT_GE(r.value("moderation.delay"), 16'000);
  EXPECT_EQ(r.value("moderation.frames"), 64);
  EXPECT_NEAR(r.value("interrupts.host"), 1000 / 64.0, 3);
  Set fixed = idle;
  fixed.insert(fixed.end(), {"nic.interrupt_moderation.from=last-completion"});
  EXPECT_GT(moderated("fixed", fixed).value("interrupts.host"), 500);
}

TEST(Moderation, FramesThatTheDriverDropsMoveNothing) {
  const ChildResult r = moderated("driver", {"time.warmup=20ms"});
  EXPECT_EQ(r.value("moderation.delay"), 8'000);
  EXPECT_NEAR(r.value("interrupts.host"), 1250, 2);
}

// What comes while a poll runs is taken by it: armed by consumer index, it raises no interrupt of its own.
TEST(Moderation, ArmedByConsumerIndexNoInterruptFindsTheRingEmpty) {
  const Set busy = {"traffic.rate=1536Mbps", "time.warmup=1ms", "nic.interrupt_moderation.delay=100us", "nic.interrupt_moderation.frames=64"};
  Set cause = busy;
  cause.push_back("nic.interrupt_moderation.arming=cause");
  const double index = moderated("fixed", busy).value("interrupts.host"), all = moderated("fixed", cause).value("interrupts.host");
  EXPECT_GT(all, 1.5 * index);
}

}  // namespace moderation_run_test
}  // namespace gd::test
