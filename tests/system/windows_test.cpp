// When the link comes up and when the measuring window ends.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace windows_test {

// One burst at the start and no other before 8.4 ms: what it brings is spread over the whole window, whatever its length.
TEST(Window, IsAsLongAsAskedThoughTheLastFrameCameLongBefore) {
  const std::vector<std::string> common = {"time.warmup=0ms", "time.drain=6ms"};
  const auto run = [&](const char* key) {
    std::vector<std::string> set = common;
    set.push_back(key);
    return run_child("guests-40g.json", "vhost-copy", set);
  };
  const ChildResult narrow = run("time.measure=4.5ms"), wide = run("time.measure=8ms");
  ASSERT_EQ(narrow.exit_code, 0) << narrow.error;
  ASSERT_EQ(wide.exit_code, 0) << wide.error;
  ASSERT_EQ(narrow.value("packets.offered"), wide.value("packets.offered"));
  EXPECT_NEAR(narrow.value("throughput.offered") * 4.5, wide.value("throughput.offered") * 8, 0.001);
}

// The end of a limited number of frames is the window's: both runs are the same.
TEST(Window, EndsWithTheLastOfSoManyFrames) {
  const ChildResult a = run_child("quickstart.json", "vhost-copy", {"traffic.frames=2000", "time.measure=50ms"});
  const ChildResult b = run_child("quickstart.json", "vhost-copy", {"traffic.frames=2000", "time.measure=90ms"});
  ASSERT_EQ(a.exit_code, 0) << a.error;
  EXPECT_EQ(a.value("throughput.offered"), b.value("throughput.offered"));
}

// Rings and clocks with which drivers need more than a millisecond for their first fill.
TEST(BringUp, WaitsForRingsThatTakeLong) {
  for (const char* strategy : {"vhost-copy", "page-frags"}) {
    const ChildResult r = run_child("today-bulk-1500.json", strategy,
                                    {"nic.ring_size=8192", "host.clock=1GHz", "traffic.rate=1Gbps", "time.warmup=0ms", "time.measure=1ms"});
    ASSERT_EQ(r.exit_code, 0) << r.error;
    EXPECT_EQ(r.value("drops.total"), 0) << strategy;
    EXPECT_GT(r.value("throughput.goodput"), 0.5) << strategy;
  }
}

// A guest that hoards, lies or posts nothing holds nothing up.
TEST(BringUp, IsNotHeldByAGuest) {
  for (const char* behaviour : {"hoarder", "ring-liar", "flood-poster", "idle"}) {
    const ChildResult r = run_child("quickstart.json", "vhost-copy", {std::string("guests.0.behaviour=") + behaviour, "time.measure=1ms"});
    ASSERT_EQ(r.exit_code, 0) << r.error;
    EXPECT_GT(r.value("packets.offered"), 0) << behaviour;
  }
}

}  // namespace windows_test
}  // namespace gd::test
