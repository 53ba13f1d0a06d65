// The consumer drop as whole runs: each stage takes every frame, the books close, what a core reaches is what the stages cost.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace drop_test {

using Set = std::vector<std::string>;

void expect_books(const ChildResult& r) {
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.value("integrity.errors"), 0) << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.value("ownership.violations"), 0) << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.value("packets.offered"), r.value("packets.delivered") + r.value("packets.dropped") + r.value("packets.in_flight"));
}

class Stage : public ::testing::TestWithParam<const char*> {};

TEST_P(Stage, TakesEveryFrameBelowItsRate) {
  const ChildResult r = run_child("drop-64.json", GetParam(), {"traffic.rate=512Mbps"});   // 1 Mpps
  expect_books(r);
  EXPECT_GT(r.value("packets.offered"), 1900);
  EXPECT_EQ(r.value("packets.delivered"), r.value("packets.offered"));
  EXPECT_GT(r.value("interrupts.host"), 0);
  EXPECT_LT(r.value("cpu.utilisation.cpu0"), 100);
}

TEST_P(Stage, UnderOverloadTheCardDropsAndTheCoreIsFull) {
  const ChildResult r = run_child("drop-64.json", GetParam());
  expect_books(r);
  EXPECT_GT(r.value("drops.no-descriptor"), 0);
  EXPECT_NEAR(r.value("cpu.utilisation.cpu0"), 100, 0.5);
  // A core of 3.8 GHz: rate times cycles a packet.
  EXPECT_NEAR(r.value("throughput.packets") * r.value("host.cycles_per_packet"), 3800, 20);
}

TEST_P(Stage, FullAndMergedFramesOfFlowsOnSeveralCores) {
  const ChildResult r = run_child("drop-64.json", GetParam(),
                                  {"traffic.frame_bytes=1518", "traffic.protocol=tcp", "traffic.flows=32", "traffic.rate=20Gbps", "nic.rx_queues=3"});
  expect_books(r);
  EXPECT_EQ(r.value("packets.dropped"), 0);
  for (const char* c : {"cpu.utilisation.cpu0", "cpu.utilisation.cpu1", "cpu.utilisation.cpu2"}) EXPECT_GT(r.value(c), 0) << c;
  EXPECT_EQ(r.value("cpu.utilisation.cpu3"), 0);
}

TEST_P(Stage, ShufflingChangesNothing) {
  const Set set = {"nic.rx_queues=2", "traffic.flows=8", "traffic.rate=5Gbps", "traffic.arrival=poisson"};
  Set shuffled = set;
  shuffled.push_back("debug.shuffle=true");
  const ChildResult a = run_child("drop-64.json", GetParam(), set), b = run_child("drop-64.json", GetParam(), shuffled);
  ASSERT_EQ(a.exit_code, 0) << a.error;
  EXPECT_EQ(a.everything, b.everything);
}

TEST_P(Stage, PlantedFaultsAreFound) {
  const auto planted = [](const char* kind) {
    return run_child("drop-64.json", GetParam(), {"traffic.rate=512Mbps", std::string("debug.fault.kind=") + kind, "debug.fault.frame=100"});
  };
  EXPECT_GE(planted("flip-wire").value("integrity.errors"), 1);
  EXPECT_GE(planted("flip-nic").value("integrity.errors"), 1);
  EXPECT_EQ(planted("lose-host").exit_code, 3);
  EXPECT_EQ(planted("uncharged-cycle").exit_code, 3);
}

INSTANTIATE_TEST_SUITE_P(All, Stage, ::testing::Values("driver", "raw-table", "ip-filter", "conntrack"), [](const auto& i) {
  std::string n = i.param;
  for (char& c : n)
    if (c == '-') c = '_';
  return n;
});

TEST(Drop, NoFrameNoWork) {
  const ChildResult r = run_child("drop-64.json", "driver", {"traffic.frames=1"});
  expect_books(r);
  EXPECT_EQ(r.value("packets.offered"), 0);            // the only frame came in the warm-up
  EXPECT_EQ(r.value("throughput.packets"), 0);
}

TEST(Drop, WhatCannotBe) {
  EXPECT_EQ(run_child("drop-64.json", "raw-table", {"drop.conntrack=true"}).exit_code, 2);
  EXPECT_EQ(run_child("drop-64.json", "driver", {"traffic.tcp=closed", "traffic.protocol=tcp", "traffic.frame_bytes=1518"}).exit_code, 2);
  EXPECT_FALSE(can_serve("drop-64.json", "driver", {"nic.header_split.mode=split"}));
  EXPECT_TRUE(can_serve("drop-64.json", "raw-table", {"nic.header_split.mode=split"}));
}

}  // namespace drop_test
}  // namespace gd::test
