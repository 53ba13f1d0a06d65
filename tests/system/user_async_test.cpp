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

// Several applications: each gets its share, pins its own area, and nothing of the others'.
TEST(UserAsyncRun, SeveralApplications) {
  for (const char* design : kDesigns) {
    const ChildResult c = run_child("user-async-apps.json", design, {"time.measure=2ms"});
    ASSERT_EQ(c.exit_code, 0) << design << ": " << c.error;
    for (const char* m : {"integrity.errors", "ownership.violations", "security.escapes", "security.leaked_bytes", "packets.dropped", "packets.in_flight"})
      EXPECT_EQ(c.value(m), 0) << design << ": " << m << (c.messages.empty() ? "" : c.messages.front());
    double delivered = 0;
    for (const char* app : {"web", "store", "log"}) {
      const std::string of = std::string("guest.") + app + ".";
      EXPECT_NEAR(c.value(of + "throughput.goodput") * (app == std::string("web") ? 1 : 2), c.value("throughput.goodput") / 2, 1) << design << " " << app;
      EXPECT_EQ(c.value(of + "pinned.avg_bytes"), design == std::string("vhost-copy") ? 0 : 1024 * 4096) << design << " " << app;
      delivered += c.value(of + "packets.offered") - c.value(of + "packets.dropped");
    }
    EXPECT_EQ(delivered, c.value("packets.delivered"));
  }
}

// The checker knows whose pages are whose: a card that errs in the queue puts one application's bytes into another's memory.
TEST(UserAsyncRun, AFrameInTheWrongQueueHasLeaked) {
  for (const char* design : kDesigns) {
    const ChildResult c = run_child("adversity/app-base.json", design, {"time.measure=1ms", "debug.fault.kind=wrong-queue", "debug.fault.frame=800"});
    ASSERT_EQ(c.exit_code, 0) << design << ": " << c.error;
    EXPECT_GE(c.value("security.leaked_bytes"), 1400) << design;
    EXPECT_LT(c.value("security.leaked_bytes"), 1600) << design;
    EXPECT_EQ(c.value("ownership.violations"), 0) << design;
  }
}

// One receive queue for several: only a design that copies can serve it, unless all are to copy.
TEST(UserAsyncRun, ASharedQueueIsCopied) {
  const std::vector<std::string> shared = {"nic.steering=false", "time.measure=1ms"};
  for (const char* design : kDesigns) EXPECT_EQ(can_serve("adversity/app-base.json", design, shared), design == std::string("vhost-copy")) << design;
  EXPECT_FALSE(can_serve("adversity/app-base.json", "passthrough", shared));
  const ChildResult c = run_child("adversity/app-base.json", "vhost-copy", shared);
  ASSERT_EQ(c.exit_code, 0) << c.error;
  for (const char* m : {"integrity.errors", "ownership.violations", "security.leaked_bytes", "packets.dropped", "packets.in_flight"}) EXPECT_EQ(c.value(m), 0) << m;
  EXPECT_NEAR(c.value("guest.victim.throughput.goodput"), c.value("guest.other.throughput.goodput"), 0.5);
  EXPECT_GT(c.value("cpu.cycles.host"), 0);           // the look-up of each packet's application
  std::vector<std::string> all = shared;
  all.push_back("defences.shared_queue=copy");
  const ChildResult h = run_child("adversity/app-base.json", "copy-header", all);
  ASSERT_EQ(h.exit_code, 0) << h.error;
  EXPECT_EQ(h.value("packets.dropped") + h.value("pinned.peak_bytes") + h.value("security.leaked_bytes"), 0);
  EXPECT_GT(h.value("copy.host_bytes_per_packet"), 1400);
}

// A socket that is not read fills to its share, and the neighbour on the shared queue goes on.
TEST(UserAsyncRun, AShareOfASharedQueue) {
  const ChildResult c = run_child("adversity/app-base.json", "vhost-copy", {"nic.steering=false", "guests.1.behaviour=idle", "defences.shared_share=64"});
  ASSERT_EQ(c.exit_code, 0) << c.error;
  EXPECT_GT(c.value("limits.shared_share"), 100);
  EXPECT_GT(c.value("guest.other.drops.socket-full"), 100);
  EXPECT_EQ(c.value("guest.victim.packets.dropped"), 0);
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
