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
    // The only application has its own figures, as the only guest of a scenario has.
    for (const char* m : {"packets.delivered", "packets.offered", "pinned.avg_bytes", "user.enters"}) {
      ASSERT_EQ(c.metrics.count("guest.g0." + std::string(m)), 1u) << m;
      EXPECT_EQ(c.metrics.at("guest.g0." + std::string(m)), c.metrics.at(m)) << kDesigns[i] << ": " << m;
    }
    EXPECT_EQ(c.metrics.at("guest.g0.misbehaves"), "0");
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

// What the stack got can be traced, whatever memory it lies in: the same packets for every design; merged ones as one.
TEST(UserAsyncRun, PacketsAreShown) {
  const std::vector<std::string> plain = {"time.measure=200us", "time.warmup=0s", "host.gro.enabled=false"};
  const ChildResult copy = run_child("user-async.json", "vhost-copy", plain, true);
  ASSERT_EQ(copy.exit_code, 0) << copy.error;
  EXPECT_GT(copy.handed_up.size(), 200u);
  for (const char* design : {"guest-head", "copy-header", "page-frags"}) {
    const ChildResult c = run_child("user-async.json", design, plain, true);
    ASSERT_EQ(c.exit_code, 0) << design << c.error;
    EXPECT_TRUE(c.handed_up == copy.handed_up) << design;
    const ChildResult merged = run_child("user-async.json", design, {"time.measure=200us", "time.warmup=0s"}, true);
    ASSERT_EQ(merged.exit_code, 0) << design << merged.error;
    std::size_t payload = 0, all = 0;
    for (const std::string& f : merged.handed_up) payload += f.size() - 54;
    for (const std::string& f : copy.handed_up) all += f.size() - 54;
    EXPECT_EQ(payload, all) << design;
    EXPECT_LT(merged.handed_up.size(), copy.handed_up.size() / 2) << design;
  }
  const ChildResult socket = run_child("host-socket.json", "vhost-copy", {"time.measure=200us"}, true);
  ASSERT_EQ(socket.exit_code, 0) << socket.error;
  EXPECT_GT(socket.handed_up.size(), 10u);
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
      EXPECT_EQ(c.value(of + "packets.delivered"), c.value(of + "packets.offered") - c.value(of + "packets.dropped")) << design << " " << app;
      delivered += c.value(of + "packets.delivered");
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
  EXPECT_GT(h.value("fallback.copied.shared"), 1000);
  EXPECT_EQ(c.value("fallback.copied.shared"), 0);       // vhost-copy copies anyway
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
  EXPECT_LT(c.value("guest.victim.packets.lost_share"), 1);
  EXPECT_GT(c.value(t.metric), t.more_than);
}

constexpr Trouble kTroubles[] = {
    {"hoarder", "copy-header", "drops.no-descriptor", 100},
    {"hoarder", "vhost-copy", "guest.other.limits.user_buffers", 0},
    {"slow-refill", "page-frags", "guest.other.drops.no-descriptor", 100},
    {"slow-refill", "guest-head", "buffers.hold_ns.p50", 10'000},
    {"idle", "copy-header", "guest.other.drops.no-descriptor", 1000},
    {"idle", "vhost-copy", "packets.in_flight", 100},
    {"ring-liar", "copy-header", "guest.other.ownership.guest_faults", 10},
    {"ring-liar", "vhost-copy", "guest.other.ownership.guest_faults", 10},
    {"flood-poster", "guest-head", "guest.other.ownership.guest_faults", 10'000},
    {"flood-poster", "copy-header", "guest.other.misdeeds", 10'000},
    {"flood-poster", "vhost-copy", "guest.other.throughput.goodput", 9},     // a ring that is full takes nothing of it
    {"header-scribbler", "guest-head", "toctou.exposed_bytes", 100'000},
    {"header-scribbler", "copy-header", "guest.other.integrity.self_inflicted", 100},
    {"header-scribbler-late", "guest-head", "toctou.acted_on", 50},
    {"header-scribbler-late", "page-frags", "guest.other.misdeeds", 100},
    {"unmapper", "copy-header", "guest.other.integrity.self_inflicted", 50},
    {"unmapper", "guest-head", "guest.other.misdeeds", 50},
    {"unmapper", "vhost-copy", "guest.other.misdeeds", 50},
    {"crasher", "vhost-copy", "guest.other.drops.stack", 100},
    {"crasher", "guest-head", "guest.other.drops.no-descriptor", 100},
    {"crasher", "copy-header", "guest.other.drops.no-descriptor", 100},
    {"crasher", "page-frags", "guest.other.misdeeds", 1}};
INSTANTIATE_TEST_SUITE_P(All, AppTrouble, ::testing::ValuesIn(kTroubles));

// A defence that is removed: the trouble appears, and only then.
TEST(AppDefences, RemovedShowTheTrouble) {
  for (const char* design : {"vhost-copy", "guest-head", "copy-header", "page-frags"}) {
    const auto run = [&](const char* validate, const char* iommu) {
      const ChildResult c = run_child("adversity/app-ring-liar.json", design, {std::string("defences.validate=") + validate, std::string("iommu.mode=") + iommu});
      EXPECT_EQ(c.exit_code, 0) << c.error;
      EXPECT_EQ(c.value("integrity.errors") + c.value("ownership.violations") + c.value("security.leaked_bytes"), 0) << design;
      return c.value("security.escapes");
    };
    EXPECT_EQ(run("true", "off"), 0) << design;
    EXPECT_GT(run("false", "off"), 20) << design;
    // A card cannot reach what is not mapped for it; a core can.
    EXPECT_EQ(run("false", "strict") > 0, design == std::string("vhost-copy")) << design;
  }
  for (const char* on : {"false", "true"}) {
    const ChildResult c = run_child("adversity/app-header-scribbler-late.json", "guest-head", {std::string("defences.header_snapshot=") + on});
    ASSERT_EQ(c.exit_code, 0) << c.error;
    EXPECT_EQ(c.value("toctou.acted_on") > 0, on == std::string("false"));
  }
}

// Frames that find no buffer wait in the card before everybody's, are dropped, or are copied from pages of the host.
TEST(AppDefences, Depleted) {
  for (const char* design : {"guest-head", "copy-header", "page-frags"}) {
    const auto run = [&](const char* answer, const char* scenario) {
      return run_child(std::string("adversity/app-") + scenario + ".json", design, {"nic.drop_when_no_descriptor=false", std::string("defences.depleted=") + answer});
    };
    const ChildResult wait = run("wait", "idle"), drop = run("drop", "idle"), copy = run("copy", "idle");
    for (const ChildResult* c : {&wait, &drop, &copy}) {
      ASSERT_EQ(c->exit_code, 0) << design << c->error;
      for (const char* m : {"integrity.errors", "ownership.violations", "security.leaked_bytes"}) EXPECT_EQ(c->value(m), 0) << design << " " << m;
    }
    EXPECT_GT(wait.value("guest.victim.packets.lost_share"), 1) << design;
    EXPECT_EQ(drop.value("guest.victim.packets.lost_share"), 0) << design;
    EXPECT_EQ(copy.value("guest.victim.packets.lost_share"), 0) << design;
    const ChildResult dropped = run("drop", "slow-refill"), copied = run("copy", "slow-refill");
    EXPECT_LT(copied.value("guest.other.packets.lost_share"), dropped.value("guest.other.packets.lost_share") / 2) << design;
    EXPECT_GT(copied.value("fallback.copied.no_buffer"), 100) << design;
    EXPECT_EQ(dropped.value("fallback.copied.no_buffer"), 0) << design;
    EXPECT_EQ(copied.value("integrity.errors") + copied.value("ownership.violations"), 0) << design;
  }
}

// After the crash all of the area is unpinned, and with an IOMMU that flushes lazily not before its flush.
TEST(AppCrash, TheAreaIsPinnedUntilNoDeviceCanReachIt) {
  for (const char* pin : {"pool", "per-buffer"}) {
    double pinned[3];
    unsigned n = 0;
    for (const char* mode : {"off", "strict", "lazy"}) {
      const ChildResult c = run_child("adversity/app-crasher.json", "copy-header",
                                      {std::string("iommu.mode=") + mode, std::string("host.pin=") + pin, "guests.1.misbehaviour.down_time=3ms"});
      ASSERT_EQ(c.exit_code, 0) << c.error;
      for (const char* m : {"ownership.violations", "integrity.errors", "iommu.stale_dma"}) EXPECT_EQ(c.value(m), 0) << m << " " << mode;
      EXPECT_EQ(c.value("guest.other.misdeeds"), 1);
      EXPECT_EQ(c.value("guest.other.pinned.peak_bytes"), 512 * 4096) << mode;
      pinned[n++] = c.value("guest.other.pinned.avg_bytes");
    }
    EXPECT_LT(pinned[0], 512 * 4096 * 0.75) << pin;
    EXPECT_TRUE(pin == std::string("per-buffer") || pinned[1] > pinned[0]);   // each invalidation is waited for
    EXPECT_GT(pinned[2], 1024) << pin;
  }
}

TEST(AppRefusals, NameTheReason) {
  const auto refused = [](const std::vector<std::string>& set) {
    const ChildResult c = run_child("adversity/app-base.json", "vhost-copy", set);
    EXPECT_EQ(c.exit_code, 2) << set.front();
    return c.error;
  };
  EXPECT_NE(refused({"guests.1.behaviour=shinfo-scribbler"}).find("no shared info"), std::string::npos);
  EXPECT_NE(refused({"guests.1.behaviour=ring-liar", "guests.1.misbehaviour.lie=loop"}).find("no chains"), std::string::npos);
  EXPECT_NE(refused({"user_async.completions=kernel-thread", "host.affinity.vhost=3"}).find("a core each"), std::string::npos);
  EXPECT_NE(refused({"nic.rx_queues=3"}).find("one receive queue"), std::string::npos);
}

// Pages pinned for one read each: more work, and the limit of what may be pinned holds.
TEST(UserAsyncRun, PinnedForOneRead) {
  const ChildResult pool = run_child("user-async.json", "copy-header", {"time.measure=1ms"});
  const ChildResult each = run_child("user-async.json", "copy-header", {"time.measure=1ms", "host.pin=per-buffer", "traffic.rate=8Gbps"});
  const ChildResult limited = run_child("user-async.json", "copy-header", {"time.measure=1ms", "host.pin=per-buffer", "traffic.rate=8Gbps", "host.memlock_limit=1MiB"});
  for (const ChildResult* c : {&pool, &each, &limited}) {
    ASSERT_EQ(c->exit_code, 0) << c->error;
    for (const char* m : {"integrity.errors", "ownership.violations", "packets.dropped", "packets.in_flight"}) EXPECT_EQ(c->value(m), 0) << m;
  }
  EXPECT_EQ(pool.value("pin.ops"), 0);
  EXPECT_GT(each.value("pin.ops"), 500);
  EXPECT_EQ(limited.value("pinned.peak_bytes"), 1 << 20);
  EXPECT_GT(limited.value("limits.memlock"), 0);
  EXPECT_EQ(each.value("limits.memlock"), 0);
}

// Quotas bound what an application has at the kernel: stalls, no loss.
TEST(UserAsyncRun, Quotas) {
  for (const char* design : {"guest-head", "copy-header", "page-frags"}) {
    const std::vector<std::string> slow = {"time.measure=1ms", "traffic.rate=8Gbps", "host.pin=per-buffer"};
    for (const auto& [key, stalls] : {std::pair{"defences.buffer_quota=128", "limits.buffer_quota"}, {"defences.pin_quota=512KiB", "limits.pin_quota"}}) {
      std::vector<std::string> set = slow;
      set.push_back(key);
      const ChildResult c = run_child("user-async.json", design, set);
      ASSERT_EQ(c.exit_code, 0) << design << c.error;
      for (const char* m : {"integrity.errors", "ownership.violations", "packets.dropped", "packets.in_flight"}) EXPECT_EQ(c.value(m), 0) << design << " " << key << " " << m;
      EXPECT_EQ(c.value("pinned.peak_bytes"), 512 * 1024) << design << " " << key;
      EXPECT_GT(c.value(stalls), 0) << design << " " << key;
      EXPECT_GT(c.value("cpu.cycles.defence"), 0) << design << " " << key;
    }
    const ChildResult pool = run_child("user-async.json", design, {"time.measure=1ms", "defences.buffer_quota=128"});
    ASSERT_EQ(pool.exit_code, 0) << design << pool.error;
    EXPECT_EQ(pool.value("packets.dropped"), 0) << design;
    EXPECT_GT(pool.value("limits.buffer_quota"), 0) << design;
    EXPECT_FALSE(can_serve("user-async.json", design, {"defences.pin_quota=512KiB"})) << design;
  }
  EXPECT_TRUE(can_serve("user-async.json", "vhost-copy", {"defences.pin_quota=512KiB"}));
}

}  // namespace user_async_system_test
}  // namespace gd::test
