// The consumer user-async in whole runs: what each design copies, pins and exposes, and applications that do not behave.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace user_async_system_test {

const char* const kDesigns[] = {"vhost-copy", "guest-head", "copy-header", "page-frags"};

TEST(UserAsyncRun, CopiesOnlyWhereTheDesignDoes) {
  double cycles[4];
  for (unsigned i = 0; i < 4; ++i) {
    const ChildResult c = run_child("user-async.json", kDesigns[i], {"time.measure=1ms"});
    ASSERT_EQ(c.exit_code, 0) << kDesigns[i] << ": " << c.error;
    for (const char* m : {"integrity.errors", "ownership.violations", "security.escapes", "packets.dropped", "packets.in_flight"})
      EXPECT_EQ(c.value(m), 0) << kDesigns[i] << ": " << m << (c.messages.empty() ? "" : c.messages.front());
    EXPECT_GT(c.value("packets.delivered"), 500);
    EXPECT_EQ(c.value("pinned.avg_bytes"), i == 0 ? 0 : 1024 * 4096) << kDesigns[i];
    EXPECT_EQ(c.value("toctou.exposed_bytes") > 0, i == 1 || i == 3) << kDesigns[i];
    cycles[i] = c.value("copy.host_bytes_per_packet");
  }
  EXPECT_GT(cycles[0], 1400);
  for (unsigned i = 1; i < 4; ++i) EXPECT_LT(cycles[i], 120) << kDesigns[i];
}

TEST(UserAsyncRun, Refusals) {
  EXPECT_FALSE(can_serve("user-async.json", "passthrough"));
  EXPECT_FALSE(can_serve("user-async.json", "copy-header", {"nic.header_split.mode=off"}));
  EXPECT_FALSE(can_serve("user-async.json", "page-frags", {"host.memlock_limit=1MiB"}));
  EXPECT_TRUE(can_serve("user-async.json", "vhost-copy", {"host.memlock_limit=1MiB"}));
  EXPECT_FALSE(can_serve("user-async.json", "guest-head", {"user_async.buffer=1KiB"}));
  EXPECT_TRUE(can_serve("user-async.json", "copy-header", {"user_async.buffer=1KiB"}));
}

// A kernel thread spares the system calls and takes a core.
TEST(UserAsyncRun, KernelThread) {
  const ChildResult c = run_child("user-async-thread.json", "copy-header", {"time.measure=1ms"});
  ASSERT_EQ(c.exit_code, 0) << c.error;
  for (const char* m : {"integrity.errors", "ownership.violations", "packets.dropped", "packets.in_flight", "user.enters"}) EXPECT_EQ(c.value(m), 0) << m;
  EXPECT_GT(c.value("cpu.utilisation.cpu1"), 99);
}

struct Trouble {
  const char *scenario, *strategy, *metric;
  double more_than;
};
void PrintTo(const Trouble& t, std::ostream* out) { *out << t.scenario << " " << t.strategy << " " << t.metric; }

class AppTrouble : public ::testing::TestWithParam<Trouble> {};

TEST_P(AppTrouble, IsSeenAndSurvived) {
  const Trouble t = GetParam();
  const ChildResult c = run_child(std::string("adversity/app-") + t.scenario + ".json", t.strategy);
  ASSERT_EQ(c.exit_code, 0) << c.error;
  for (const char* m : {"integrity.errors", "ownership.violations", "security.escapes", "security.leaked_bytes"}) EXPECT_EQ(c.value(m), 0) << m;
  EXPECT_EQ(c.value("packets.offered"), c.value("packets.delivered") + c.value("packets.dropped") + c.value("packets.in_flight"));
  EXPECT_GT(c.value(t.metric), t.more_than);
}

INSTANTIATE_TEST_SUITE_P(All, AppTrouble,
                         ::testing::Values(Trouble{"hoarder", "copy-header", "drops.no-descriptor", 100}, Trouble{"hoarder", "vhost-copy", "limits.user_buffers", 0},
                                           Trouble{"slow-refill", "page-frags", "drops.no-descriptor", 100}, Trouble{"slow-refill", "guest-head", "buffers.hold_ns.p50", 10'000},
                                           Trouble{"idle", "copy-header", "drops.no-descriptor", 1000}, Trouble{"idle", "vhost-copy", "packets.in_flight", 100},
                                           Trouble{"ring-liar", "copy-header", "ownership.guest_faults", 10}, Trouble{"ring-liar", "vhost-copy", "ownership.guest_faults", 10}));

}  // namespace user_async_system_test
}  // namespace gd::test
