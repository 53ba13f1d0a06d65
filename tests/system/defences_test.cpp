// The defences in whole runs: what each costs when the guest behaves, what each limit does, and who is excused.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/system/run_child.h"

namespace gd::test {
namespace defences_system_test {

struct Row {
  const char *name, *strategy;
  std::vector<std::string> off, on;     // keys
  int dearer;                           // 1: on costs the host more; -1: less, because a look at a line that lies in the guest's buffer and in no cache is saved
};

const Row kRows[] = {
    {"validate", "page-frags", {"defences.validate=false"}, {"defences.validate=true"}, 1},
    {"read_once", "vhost-copy", {"defences.read_once=false"}, {"defences.read_once=true"}, 1},
    {"header_snapshot", "guest-head", {"defences.header_snapshot=false"}, {"defences.header_snapshot=true"}, 1},
    {"shadow_shared_info", "guest-head", {"defences.shadow_shared_info=false"}, {"defences.shadow_shared_info=true"}, -1},
    {"buffer_quota", "page-frags", {"defences.buffer_quota=0"}, {"defences.buffer_quota=16384"}, 1},
    {"pin_quota", "page-frags", {"defences.pin_quota=0B"}, {"defences.pin_quota=1GiB"}, 1}};
void PrintTo(const Row& r, std::ostream* out) { *out << r.name; }

const std::vector<std::string> kShort = {"time.measure=1ms", "time.warmup=200us", "traffic.rate=2Gbps", "defences.depleted=wait", "host.gro.enabled=false", kOftenInterrupted};

ChildResult run_with(const Row& r, const std::vector<std::string>& set) {
  std::vector<std::string> all = kShort;
  all.insert(all.end(), set.begin(), set.end());
  return run_child("quickstart.json", r.strategy, all);
}

class DefenceCost : public ::testing::TestWithParam<Row> {};

TEST_P(DefenceCost, IsSeenInTheHostsCycles) {
  const Row& r = GetParam();
  const ChildResult off = run_with(r, r.off), on = run_with(r, r.on);
  ASSERT_EQ(off.exit_code, 0) << off.error;
  ASSERT_EQ(on.exit_code, 0) << on.error;
  EXPECT_GT(on.value("packets.delivered"), 100);
  for (const ChildResult* c : {&on, &off})
    for (const char* m : {"integrity.errors", "ownership.violations", "security.escapes", "drops.total"}) EXPECT_EQ(c->value(m), 0) << m;
  const double more = on.value("host.cycles_per_packet") - off.value("host.cycles_per_packet");
  EXPECT_GT(more * r.dearer, 0) << on.value("host.cycles_per_packet") << " with, " << off.value("host.cycles_per_packet") << " without";
}

INSTANTIATE_TEST_SUITE_P(All, DefenceCost, ::testing::ValuesIn(kRows), [](const auto& i) { return std::string(i.param.name); });

// A defence that is removed: the trouble appears, and only then. (Descriptors that change between two reads and a guest's own shared
// info show in tests/buffers, a reclaim below; shared pools in SharedQueue.)
struct Removed {
  const char *name, *scenario, *strategy, *metric, *off, *on;
  double at_most;                       // with the defence; without it more than that
};
void PrintTo(const Removed& r, std::ostream* out) { *out << r.name; }

const Removed kRemoved[] = {
    {"validate", "adversity/ring-liar.json", "vhost-copy", "security.escapes", "defences.validate=false", "defences.validate=true", 0},
    {"header_snapshot", "adversity/header-scribbler.json", "guest-head", "toctou.acted_on", "defences.header_snapshot=false", "defences.header_snapshot=true", 0},
    {"scrub", "foreign-frames.json", "page-frags", "security.leaked_bytes", "host.scrub=false", "host.scrub=true", 0},
    {"buffer_quota", "adversity/hoarder.json", "guest-head", "guest.other.pinned.peak_bytes", "defences.buffer_quota=0", "defences.buffer_quota=64", 2'500'000},
    {"pin_quota", "adversity/hoarder.json", "guest-head", "guest.other.pinned.peak_bytes", "defences.pin_quota=0B", "defences.pin_quota=256KiB", 256 * 1024},
    {"memlock_limit", "adversity/hoarder.json", "guest-head", "guest.other.pinned.peak_bytes", "host.memlock_limit=0B", "host.memlock_limit=256KiB", 256 * 1024},
    {"depleted", "adversity/idle.json", "guest-head", "guest.victim.packets.lost_share", "defences.depleted=wait", "defences.depleted=copy", 1}};

class DefenceRemoved : public ::testing::TestWithParam<Removed> {};

TEST_P(DefenceRemoved, ShowsTheTrouble) {
  const Removed r = GetParam();
  const auto run = [&](const char* set) { return run_child(r.scenario, r.strategy, {set, "nic.drop_when_no_descriptor=false"}); };
  const ChildResult off = run(r.off), on = run(r.on);
  ASSERT_EQ(off.exit_code, 0) << off.error;
  ASSERT_EQ(on.exit_code, 0) << on.error;
  EXPECT_LE(on.value(r.metric), r.at_most);
  EXPECT_GT(off.value(r.metric), r.at_most);
}

INSTANTIATE_TEST_SUITE_P(All, DefenceRemoved, ::testing::ValuesIn(kRemoved), [](const auto& i) { return std::string(i.param.name); });

// A ring of 64 under bursts at 9 Gb/s, for each answer to a guest without buffers: what waits in the card's FIFO, what the
// card drops, what the host copies.
TEST(Depleted, WaitDropOrCopy) {
  const std::vector<std::string> base = {"time.measure=2ms", "defences.buffer_quota=16", "defences.pin_quota=0B", "defences.header_snapshot=false"};
  const auto with = [&](const char* answer) {
    std::vector<std::string> set = base;
    set.push_back(std::string("defences.depleted=") + answer);
    const ChildResult c = run_child("defences.json", "page-frags", set);
    EXPECT_EQ(c.exit_code, 0) << c.error;
    for (const char* m : {"integrity.errors", "ownership.violations", "packets.in_flight"}) EXPECT_EQ(c.value(m), 0) << answer << ": " << m;
    return c;
  };
  const ChildResult wait = with("wait"), drop = with("drop"), copy = with("copy");
  EXPECT_GT(wait.value("limits.buffer_quota"), 0);
  EXPECT_EQ(wait.value("fallback.copied.no_buffer"), 0);
  EXPECT_GT(drop.value("drops.no-descriptor"), 0);
  EXPECT_GT(wait.value("latency.p50"), drop.value("latency.p50")) << "frames that wait in the FIFO come late";
  EXPECT_GT(copy.value("fallback.copied.no_buffer"), 0);
  EXPECT_GT(copy.value("packets.delivered"), drop.value("packets.delivered"));
  EXPECT_GT(copy.value("copy.host_bytes_per_packet"), drop.value("copy.host_bytes_per_packet"));
}

// A neighbour that posts nothing: its frames fill the FIFO that all queues share, unless the card drops or the host takes them.
TEST(Depleted, TheNeighbourDoesNotSuffer) {
  const auto lost = [](const char* answer) {
    const ChildResult c = run_child("adversity/base.json", "page-frags", {"nic.drop_when_no_descriptor=false", "guests.1.behaviour=idle", std::string("defences.depleted=") + answer});
    EXPECT_EQ(c.exit_code, 0) << c.error;
    return c.value("guest.victim.packets.lost_share");
  };
  EXPECT_GT(lost("wait"), 10);
  EXPECT_EQ(lost("drop"), 0);
  EXPECT_EQ(lost("copy"), 0);
}

// What lies in part in pages of the host needs buffers for all of it while it holds some itself: merged packets are never such, and for
// the pieces of a long frame enough are kept. Else nothing moves any more.
TEST(Depleted, NoCopyWaitsForBuffersThatItHolds) {
  const std::string merges = "nic.interrupt_moderation.delay=125us";   // so that GRO puts many frames together
  const std::vector<std::string> copy = {merges, "defences.depleted=copy", "defences.header_snapshot=true", "defences.reclaim.after=300us"};
  const std::vector<std::string> jumbo = {merges, "defences.depleted=copy", "nic.mtu=9000B", "traffic.frame_bytes=9018", "traffic.arrival=burst",
                                    "traffic.burst_frames=64", "traffic.rate=9Gbps"};
  for (const char* design : {"guest-head", "copy-header", "page-frags"}) {
    for (const char* scenario : {"adversity/header-scribbler.json", "adversity/header-scribbler-late.json"}) {
      const ChildResult c = run_child(scenario, design, copy);
      EXPECT_EQ(c.exit_code, 0) << design << ' ' << c.error;
      EXPECT_EQ(c.value("guest.victim.packets.lost_share"), 0) << design << ' ' << scenario;
    }
    if (design == std::string("guest-head")) continue;   // takes no frame of several buffers
    const ChildResult c = run_child("adversity/base.json", design, jumbo);
    EXPECT_EQ(c.exit_code, 0) << design << ' ' << c.error;
    EXPECT_GT(c.value("fallback.copied.no_buffer"), 0) << design;
    EXPECT_EQ(c.value("packets.in_flight"), 0) << design;
  }
}

// What the host has copied before it looks is out of the guest's reach.
TEST(HeaderSnapshot, LeavesTheGuestNothingToChange) {
  const auto run = [](const char* on) {
    const ChildResult c = run_child("adversity/header-scribbler-late.json", "guest-head", {std::string("defences.header_snapshot=") + on});
    EXPECT_EQ(c.exit_code, 0) << c.error;
    return c;
  };
  const ChildResult with = run("true"), without = run("false");
  EXPECT_EQ(with.value("toctou.exposed_bytes"), 0);
  EXPECT_EQ(with.value("toctou.acted_on"), 0);
  EXPECT_GT(without.value("toctou.exposed_bytes"), 0);
  EXPECT_GT(without.value("toctou.acted_on"), 0);
}

// A neighbour that stops with its ring full: what is pinned for it stays so, unless the host takes it back; and the frames of the
// other guest are hurt by neither. Its queue stands still for less than what the data sheet's wait, the reads of the register and the
// driver's rounds come to.
TEST(Reclaim, TakesBackWhatAStoppedGuestHolds) {
  for (const char* strategy : {"guest-head", "copy-header", "page-frags"})
    for (const char* mode : {"off", "lazy", "strict"}) {
      const auto run = [&](const char* after) {
        const ChildResult c = run_child("adversity/stopped.json", strategy,
                                        {std::string("defences.reclaim.after=") + after, "defences.reclaim.share=25%", std::string("iommu.mode=") + mode});
        EXPECT_EQ(c.exit_code, 0) << strategy << ": " << c.error;
        for (const char* m : {"integrity.errors", "ownership.violations", "security.escapes", "guest.victim.packets.lost_share"})
          EXPECT_EQ(c.value(m), 0) << strategy << ", iommu " << mode << ": " << m << ": " << (c.messages.empty() ? "" : c.messages.front());
        return c;
      };
      const ChildResult without = run("0s"), with = run("200us");
      EXPECT_EQ(without.value("limits.reclaims"), 0);
      EXPECT_GE(with.value("limits.reclaims"), 1) << strategy;
      EXPECT_GT(with.value("limits.reclaimed_buffers"), 0) << strategy;
      EXPECT_LT(with.value("guest.other.pinned.avg_bytes"), without.value("guest.other.pinned.avg_bytes") * (std::string(mode) == "lazy" ? 1.0 : 0.8)) << strategy << ", iommu " << mode;
      EXPECT_GE(with.value("limits.reclaim_ns.max"), 100'000) << "the data sheet's wait";
      EXPECT_LT(with.value("limits.reclaim_ns.max"), 600'000) << strategy << ", iommu " << mode;
    }
}

// A guest that posts ever fresh memory: pages that hold no buffer of it are let go, without stopping anything.
TEST(Reclaim, AgesPagesThatHoldNoBuffer) {
  const auto pinned = [](const char* after) {
    const ChildResult c = run_child("adversity/hoarder.json", "page-frags", {std::string("defences.reclaim.after=") + after});
    EXPECT_EQ(c.exit_code, 0) << c.error;
    EXPECT_EQ(c.value("guest.victim.packets.lost_share"), 0);
    return c.value("guest.other.pinned.peak_bytes");
  };
  EXPECT_LT(pinned("200us"), pinned("0s") / 2);
}

// The same neighbour behind a shared queue: without a share it holds the pool, and the queue stands still for both.
TEST(SharedQueue, OneGuestsStarvationDoesNotStopIt) {
  for (const char* strategy : {"vhost-copy", "page-frags"})
    for (const bool share : {false, true}) {
      const ChildResult c = run_child("shared-queue.json", strategy,
                                      {"guests.1.behaviour=idle", "traffic.rate=8Gbps", "nic.ring_size=256", "defences.shared_pool=768",
                                       share ? "defences.shared_share=256" : "defences.shared_share=0"});
      ASSERT_EQ(c.exit_code, 0) << c.error;
      EXPECT_EQ(c.value("guest.victim.packets.lost_share") > 10, !share) << strategy;
      EXPECT_EQ(c.value("limits.shared_pool") > 0, !share) << strategy;
      EXPECT_EQ(c.value("limits.shared_share") > 0, share) << strategy;
      for (const char* m : {"integrity.errors", "ownership.violations"}) EXPECT_EQ(c.value(m), 0) << m;
    }
}

TEST(SharedQueue, DesignsThatWriteIntoGuestMemoryAreRefusedOrCopy) {
  for (const char* strategy : {"guest-head", "copy-header", "page-frags", "passthrough"}) {
    EXPECT_FALSE(can_serve("shared-queue.json", strategy, {"defences.shared_queue=refuse"})) << strategy;
    EXPECT_EQ(can_serve("shared-queue.json", strategy), std::string(strategy) != "passthrough") << strategy;
  }
  EXPECT_TRUE(can_serve("shared-queue.json", "vhost-copy", {"defences.shared_queue=refuse"}));
}

// Both overlays name every defence that has a key: one that is added and forgotten there fails.
TEST(DefenceOverlays, NameEveryKey) {
  for (const char* name : {"defences/off.json", "defences/on.json"}) {
    std::ifstream in(scenario_path(name));
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (const char* key : {"validate", "read_once", "header_snapshot", "shadow_shared_info", "buffer_quota", "pin_quota", "depleted", "reclaim", "memlock_limit", "scrub"})
      EXPECT_NE(text.find(std::string("\"") + key + "\""), std::string::npos) << name << ": " << key;
  }
}

}  // namespace defences_system_test
}  // namespace gd::test
