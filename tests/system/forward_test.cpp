// The consumer host-forward as whole runs: every frame leaves as it came but for its addresses, the books close, the pollers'
// cores are full whatever comes.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace forward_test {

using Set = std::vector<std::string>;

const Set kLight = {"traffic.rate=20Gbps", "time.warmup=500us", "time.measure=1ms"};

Set with(Set set, const Set& more) {
  set.insert(set.end(), more.begin(), more.end());
  return set;
}

ChildResult forward(const Set& set) { return run_child("host-forward.json", "ring-256", set); }

void expect_books(const ChildResult& r) {
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.value("integrity.errors"), 0) << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.value("ownership.violations"), 0) << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.value("packets.offered"), r.value("packets.delivered") + r.value("packets.dropped") + r.value("packets.in_flight"));
  EXPECT_EQ(r.value("interrupts.host"), 0);
}

TEST(Forward, EveryFrameLeavesBelowTheCoresRate) {
  const ChildResult r = forward(kLight);
  expect_books(r);
  EXPECT_GT(r.value("packets.offered"), 2000);
  EXPECT_EQ(r.value("packets.delivered"), r.value("packets.offered"));
  EXPECT_NEAR(r.value("cpu.utilisation.cpu0"), 100, 0.1);
  EXPECT_EQ(r.value("cpu.utilisation.cpu1"), 0);
  EXPECT_GT(r.value("pcie.downstream_bytes"), r.value("packets.delivered") * 1020);   // read again for transmission
}

TEST(Forward, AllSizesInAllSplitsOverQueues) {
  for (const char* queues : {"nic.rx_queues=1", "nic.rx_queues=4"})
    for (const char* size : {"traffic.frame_bytes=64", "traffic.frame_bytes=1518"}) {
      const ChildResult r = forward(with(kLight, {queues, size, "traffic.rate=5Gbps", "traffic.arrival=poisson"}));
      expect_books(r);
      EXPECT_EQ(r.value("packets.dropped"), 0) << queues << " " << size;
      EXPECT_NEAR(r.value("cpu.utilisation.cpu3"), queues[14] == '4' ? 100 : 0, 0.1);
    }
}

TEST(Forward, OverloadFillsBurstsAndIsDroppedByTheCard) {
  const ChildResult r = forward({"traffic.frame_bytes=64", "traffic.rate=70Gbps", "time.warmup=500us", "time.measure=1ms"});
  expect_books(r);
  EXPECT_GT(r.value("drops.no-descriptor"), 0);
  EXPECT_EQ(r.value("drops.mempool"), 0);
  EXPECT_GT(r.value("forward.frames_per_burst"), 31);
}

TEST(Forward, ASlowLinkOutFillsTheTransmitRing) {
  // The card reads for transmission one frame at a time: slower than frames come.
  const ChildResult r = forward(with(kLight, {"nic.max_outstanding_reads=1", "traffic.rate=60Gbps"}));
  expect_books(r);
  EXPECT_GT(r.value("drops.tx-full"), 0);
}

TEST(Forward, SmallPoolRunsOut) {
  const ChildResult r = forward(with(kLight, {"nic.max_outstanding_reads=1", "traffic.rate=60Gbps", "forward.mempool=600", "nic.ring_size=256"}));
  expect_books(r);
  EXPECT_GT(r.value("drops.mempool"), 0);
  EXPECT_EQ(r.value("buffers.min_free"), 0);
}

TEST(Forward, NoFrameAFullCore) {
  const ChildResult r = forward({"traffic.frames=1"});
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.value("throughput.packets"), 0);
  EXPECT_EQ(r.value("ownership.violations"), 0);
}

TEST(Forward, TheSameAgainAndShuffled) {
  const Set set = with(kLight, {"nic.rx_queues=3", "traffic.arrival=poisson"});
  const ChildResult a = forward(set), b = forward(set), c = forward(with(set, {"debug.shuffle=true"}));
  ASSERT_EQ(a.exit_code, 0) << a.error;
  EXPECT_EQ(a.everything, b.everything);
  EXPECT_EQ(a.everything, c.everything);
}

TEST(Forward, StepLengthMovesNothing) {
  const ChildResult a = forward(kLight), b = forward(with(kLight, {"host.step_max=500ns"}));
  for (const char* m : {"throughput.packets", "latency.p50", "latency.p99"}) EXPECT_NEAR(b.value(m), a.value(m), 0.01 * a.value(m)) << m;
}

TEST(Forward, PlantedFaultsAreFound) {
  const auto planted = [](const char* kind) {
    return forward(with(kLight, {std::string("debug.fault.kind=") + kind, "debug.fault.frame=1500"}));
  };
  for (const char* kind : {"flip-wire", "flip-nic", "flip-host"}) EXPECT_GE(planted(kind).value("integrity.errors"), 1) << kind;
  for (const char* kind : {"lose-nic", "lose-host", "uncharged-cycle"}) EXPECT_EQ(planted(kind).exit_code, 3) << kind;
  for (const char* kind : {"free-twice", "leak-buffer", "dma-after-return"}) EXPECT_GE(planted(kind).value("ownership.violations"), 1) << kind;
}

TEST(Forward, IommuOnAndBlocked) {
  expect_books(forward(with(kLight, {"iommu.mode=strict"})));
}

TEST(Forward, WhatCannotBe) {
  EXPECT_EQ(forward({"nic.rx_queues=9"}).exit_code, 2);
  EXPECT_EQ(forward({"forward.mempool=300", "forward.mempool_cache=256"}).exit_code, 2);
  EXPECT_FALSE(can_serve("host-forward.json", "ring-256", {"nic.mtu=4000B"}));
}

}  // namespace forward_test
}  // namespace gd::test
