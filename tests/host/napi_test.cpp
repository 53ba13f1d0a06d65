// The driver's poll: budget, refill, doorbells, re-arming, shortage.
#include "tests/host/host_bench.h"

namespace gd::test {
namespace napi_test {

struct NapiTest : HostBench {
  NapiTest() {
    env.gro = false;
    up.on_packet = [this](Step& s, Skb* k) {
      frames.dropped(k->frames, Drop::stack, s.now());
      path->release(s, k);
    };
  }
};

TEST_F(NapiTest, FirstFillThenInterruptsOn) {
  start("vhost-copy");
  EXPECT_EQ(nic.tail, 63u);                                // one descriptor stays empty
  EXPECT_EQ(napi->posted(), 63u);
  EXPECT_TRUE(nic.armed);
  EXPECT_EQ(nic.count(reg::irq_enable(0)), 1u);
}

TEST_F(NapiTest, OnePollForABurstAndRefillByThreshold) {
  start("vhost-copy");
  const std::uint64_t doorbells = napi->stats().doorbells;
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(receive(udp4_frame(300)));
  wait();
  EXPECT_EQ(napi->stats().interrupts, 1u);
  EXPECT_EQ(napi->stats().polls, 1u);
  EXPECT_EQ(napi->stats().frames, 40u);
  EXPECT_EQ(napi->stats().full_polls, 0u);
  EXPECT_EQ(napi->stats().doorbells - doorbells, 3u);      // after 16, after 32, the rest at the end
  EXPECT_EQ(napi->posted(), 63u);
  EXPECT_TRUE(nic.armed);
  EXPECT_EQ(up.packets.size(), 40u);
  EXPECT_EQ(frames.live(), 0u);
  expect_no_violation();
}

TEST_F(NapiTest, BudgetEndsAPoll) {
  NapiParams p;
  p.budget = 8;
  start("vhost-copy", nullptr, p);
  for (int i = 0; i < 20; ++i) receive(udp4_frame(300));
  wait();
  EXPECT_EQ(napi->stats().polls, 3u);
  EXPECT_EQ(napi->stats().full_polls, 2u);
  EXPECT_EQ(napi->stats().interrupts, 1u);                 // polling went on without one
  EXPECT_EQ(up.packets.size(), 20u);
}

TEST_F(NapiTest, RingWrapsWithoutALoss) {
  start("vhost-copy");
  for (int burst = 0; burst < 10; ++burst) {
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(receive(udp4_frame(20 + static_cast<std::size_t>(i) * 40)));
    wait();
  }
  EXPECT_EQ(up.packets.size(), 300u);
  EXPECT_EQ(napi->posted(), 63u);
  EXPECT_EQ(frames.live(), 0u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_F(NapiTest, ShortageAndRecovery) {
  make_driver();
  bind("guest-head");
  start("guest-head");
  EXPECT_EQ(napi->posted(), 0u);                           // the guest has posted nothing
  EXPECT_EQ(napi->stats().shortages, 1u);
  EXPECT_TRUE(nic.armed);
  EXPECT_FALSE(receive(udp4_frame(100)));
  for (int i = 0; i < 3; ++i) guest->post(2060, kPage);
  post_all();                                              // wakes the driver
  wait();
  EXPECT_EQ(napi->posted(), 3u);
  EXPECT_TRUE(receive(udp4_frame(100)));
  wait();
  EXPECT_EQ(up.packets.size(), 1u);
  EXPECT_EQ(napi->posted(), 3u);                           // dropped above: its buffer is posted again
  expect_no_violation();
}

TEST_F(NapiTest, PlantedLossIsNoDrop) {
  start("vhost-copy");
  fault.kind = Fault::lose_host;
  receive(udp4_frame(100));
  wait();
  EXPECT_TRUE(up.packets.empty());
  EXPECT_EQ(frames.live(), 1u);                            // what conservation finds
  EXPECT_EQ(own.count(Owner::skb), 0u);
}

}  // namespace napi_test
}  // namespace gd::test
