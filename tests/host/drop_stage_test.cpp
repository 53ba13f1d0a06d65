// The stages that drop: where frames end there, what that costs, whose the buffers are then.
#include "models/host/drop_stage.h"

#include "tests/host/host_bench.h"

namespace gd::test {
namespace drop_stage_test {

struct DropStageTest : HostBench {
  DropStageTest() : expected(sent) {
    env.consumer = Consumer::drop;
    for (const char* n : {"xdp.frame", "xdp.run", "netfilter.raw", "netfilter.filter", "netfilter.conntrack"}) costs.define(n, 10'000, 0, "");
  }
  void open(DropAt at, bool conntrack = false) {
    stage = std::make_unique<DropStage>(DropParams{at, conntrack}, phys, frames, expected, costs);
    env.before_skb = stage->in_driver();
    path = find_strategy("vhost-copy")->make_path(context());
    make_driver();
    if (stage->in_driver()) napi->hook(*stage, costs);
    start("vhost-copy", stage.get());
  }
  void expect_all(std::uint64_t n) {
    EXPECT_EQ(stage->stats().frames, n);
    EXPECT_EQ(frames.all().delivered, n);
    EXPECT_EQ(frames.live(), 0u);
    EXPECT_EQ(own.count(Owner::skb), 0u);
    EXPECT_EQ(own.count(Owner::posted), 63u);              // the ring is full again
    EXPECT_EQ(stage->check().errors(), 0u) << (stage->check().messages().empty() ? "" : stage->check().messages()[0]);
    expect_no_violation();
  }
  std::uint64_t calls(const char* op) { return spent(op).calls; }
  Sent expected;
  std::unique_ptr<DropStage> stage;
};

TEST_F(DropStageTest, InTheDriverThereIsNoSkb) {
  open(DropAt::driver);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(receive(udp4_frame(i % 2 ? 20u : 1400u)));
    if (i % 20 == 19) wait();
  }
  expect_all(100);
  EXPECT_EQ(calls("skb.alloc"), 0u);
  EXPECT_EQ(calls("gro.receive"), 0u);
  EXPECT_EQ(calls("napi.frame"), 0u);
  EXPECT_EQ(calls("xdp.frame"), 100u);
  EXPECT_EQ(calls("xdp.run"), 100u);
  EXPECT_EQ(calls("copybreak.copy"), 0u);
}

TEST_F(DropStageTest, RawTableIsBehindSkbAndGro) {
  open(DropAt::raw_table);
  for (int i = 0; i < 30; ++i) receive(udp4_frame(20));
  wait();
  expect_all(30);
  EXPECT_EQ(calls("skb.alloc"), 30u);
  EXPECT_EQ(calls("gro.receive"), 30u);
  EXPECT_EQ(calls("netfilter.raw"), 30u);
  EXPECT_EQ(calls("stack.ip"), 0u);
}

TEST_F(DropStageTest, FilterTableIsBehindTheRoute) {
  open(DropAt::ip_filter, true);
  for (int i = 0; i < 30; ++i) receive(udp4_frame(20));
  wait();
  expect_all(30);
  for (const char* op : {"stack.ip", "netfilter.filter", "netfilter.conntrack"}) EXPECT_EQ(calls(op), 30u) << op;
  EXPECT_EQ(calls("netfilter.raw"), 0u);
}

TEST_F(DropStageTest, MergedSegmentsAreOnePacketOfTheTable) {
  open(DropAt::raw_table);
  for (std::uint32_t i = 0; i < 10; ++i) {
    Frame f = tcp4_frame(1000);
    f[38 + 2] = static_cast<std::uint8_t>(i * 1000 >> 8), f[38 + 3] = static_cast<std::uint8_t>(i * 1000);   // sequence number
    receive(f);
  }
  wait();
  expect_all(10);
  EXPECT_LT(stage->stats().packets, 10u);
  EXPECT_EQ(calls("netfilter.raw"), stage->stats().packets);
}

TEST_F(DropStageTest, RawTableLooksAtTheBytes) {
  open(DropAt::raw_table);
  fault.kind = Fault::flip_host;
  receive(udp4_frame(600));
  wait();
  EXPECT_EQ(stage->check().errors(), 1u);
}

TEST_F(DropStageTest, TheDriverStageToo) {
  open(DropAt::driver);
  Frame f = udp4_frame(600);
  ASSERT_TRUE(receive(f));
  sent.back()[100] ^= 1;                                   // what lies in memory is not what was sent
  wait();
  EXPECT_EQ(stage->check().errors(), 1u);
}

TEST_F(DropStageTest, PlantedLossInTheDriverIsNoDrop) {
  open(DropAt::driver);
  fault.kind = Fault::lose_host;
  receive(udp4_frame(100));
  wait();
  EXPECT_EQ(frames.live(), 1u);
  EXPECT_EQ(own.count(Owner::posted), 63u);
}

TEST_F(DropStageTest, DriverStageNeedsOneBufferAFrame) {
  env.before_skb = true;
  const Strategy& s = *find_strategy("vhost-copy");
  EXPECT_EQ(s.refuse(env), std::nullopt);
  env.split = SplitMode::split;
  EXPECT_NE(s.refuse(env)->find("one receive buffer"), std::string::npos);
  env.split = SplitMode::off;
  env.mtu = 4000;
  EXPECT_NE(s.refuse(env)->find("one receive buffer"), std::string::npos);
}

}  // namespace drop_stage_test
}  // namespace gd::test
