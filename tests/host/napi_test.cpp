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

// net_rx_action: a queue keeps the core until its poll is over or has used its budget, however many steps that takes.
TEST_F(NapiTest, AnotherSoftirqRunsBetweenPolls) {
  params.step_max = 10 * kNs;
  Core& short_steps = add_core();
  NapiParams p;
  p.budget = 8;
  std::size_t seen_by_other = 0;
  struct Other : Task {
    explicit Other(std::function<void()> f) : Task("other", Priority::softirq), look(std::move(f)) {}
    bool step(Step&) override { return look(), false; }
    std::function<void()> look;
  } other([&] { seen_by_other = up.packets.size(); });
  short_steps.attach(other);
  start("vhost-copy", nullptr, p, GroRules::linux_6, &short_steps);
  up.on_packet = [&, first = true](Step& s, Skb* k) mutable {
    if (std::exchange(first, false)) s.wake(other);
    frames.dropped(k->frames, Drop::stack, s.now());
    path->release(s, k);
  };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(receive(udp4_frame(300)));
  wait();
  EXPECT_EQ(seen_by_other, 8u);
  EXPECT_EQ(up.packets.size(), 20u);
}

// Wherever a step ends: what GRO lets go is handed up before the driver goes on (napi_gro_receive does that within its call).
TEST_F(NapiTest, PacketsGoUpBeforeTheRingIsRefilled) {
  params.step_max = 10 * kNs;
  start("vhost-copy", nullptr, {}, GroRules::linux_6, &add_core());
  std::vector<std::uint32_t> posted;
  up.on_packet = [&](Step& s, Skb* k) {
    posted.push_back(napi->posted());
    frames.dropped(k->frames, Drop::stack, s.now());
    path->release(s, k);
  };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(receive(udp4_frame(300)));
  wait();
  ASSERT_EQ(posted.size(), 20u);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(posted[i], 63u - 8) << i;          // the first batch
  for (int i = 8; i < 16; ++i) EXPECT_EQ(posted[i], 63u - 16) << i;        // the second, with which the threshold is reached
}

// A whole batch goes up, also while the end of the poll has more to flush.
TEST_F(NapiTest, FlushedPacketsGoUpInBatches) {
  env.gro = true;
  start("vhost-copy");
  std::vector<bool> more;
  up.on_packet = [&](Step& s, Skb* k) {
    more.push_back(gro->holds());
    frames.dropped(k->frames, Drop::stack, s.now());
    path->release(s, k);
  };
  for (int i = 0; i < 12; ++i) {
    Frame b = tcp4_frame(1000);
    b[14 + 20] = static_cast<std::uint8_t>(i);   // source port: twelve flows
    ASSERT_TRUE(receive(b));
  }
  wait();
  ASSERT_EQ(more.size(), 12u);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(more[i], i < 8) << i;
}

// Places that somebody else makes free while the driver's step goes on: a packet for which there was none is given to the taker at the
// beginning of a step, and finds what is there by then.
class RoomTest : public NapiTest, public ::testing::WithParamInterface<std::pair<GroRules, Time>> {};

TEST_P(RoomTest, APacketIsDroppedForWantOfRoomAsOfItsOwnTime) {
  struct Tight : StubUp {
    bool room(const Skb&) const override { return places > 0; }
    unsigned places = 2, without = 0, late = 0;
  } tight;
  params.step_max = GetParam().second;
  start("vhost-copy", &tight, {}, GetParam().first, &add_core());
  tight.on_packet = [&](Step& s, Skb* k) {
    if (tight.places > 0) --tight.places;
    else ++tight.without, tight.late += s.elapsed() > 0;
    frames.dropped(k->frames, Drop::stack, s.now());
    path->release(s, k);
  };
  const Time begin = now();
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(receive(udp4_frame(300)));
  for (Time t = 0; t < 4 * kUs; t += 200 * kNs) script.at(begin + t, [&](Time) { if (tight.places < 2) ++tight.places; });
  wait();
  EXPECT_EQ(tight.packets.size(), 16u);
  EXPECT_GT(tight.without, 0u);
  EXPECT_EQ(tight.late, 0u);
  expect_no_violation();
}

INSTANTIATE_TEST_SUITE_P(All, RoomTest, ::testing::Values(std::pair{GroRules::linux_6, 50 * kNs}, std::pair{GroRules::linux_6, kUs},
                                                          std::pair{GroRules::linux_2_6_35, kUs}));

// The card hears of new descriptors as soon as the ring is full again: the step that tells it is over.
TEST_F(NapiTest, TheDoorbellIsRungBeforeFurtherFrames) {
  start("vhost-copy");
  const std::size_t before = nic.count(reg::rx_tail(0));
  std::vector<std::size_t> rung;
  up.on_packet = [&](Step& s, Skb* k) {
    rung.push_back(nic.count(reg::rx_tail(0)) - before);
    frames.dropped(k->frames, Drop::stack, s.now());
    path->release(s, k);
  };
  for (int i = 0; i < 24; ++i) ASSERT_TRUE(receive(udp4_frame(300)));
  wait();
  ASSERT_EQ(rung.size(), 24u);
  EXPECT_EQ(rung[15], 0u);
  EXPECT_EQ(rung[16], 1u);
}

// What has been sent is taken back before frames are.
TEST_F(NapiTest, APollCleansTransmitQueuesFirst) {
  TxDriver tx(0, 8, nic, phys, *iommu_, mmio, costs, true);
  make_driver();
  napi->clean(tx);
  start("vhost-copy");
  in_step([&](Step& s) {
    for (int i = 0; i < 3; ++i) {
      ASSERT_NE(tx.reserve(s), 0u);
      tx.xmit(s, 60);
    }
    tx.flush(s);
  });
  for (std::uint32_t i = 0; i < 2; ++i)
    phys.store(nic.tx.ring + i * 16 + 8, phys.load<std::uint64_t>(nic.tx.ring + i * 16 + 8) | TxDescriptor::kDone);
  EXPECT_EQ(spent("tx.clean").calls, 0u);
  std::uint64_t cleaned = 0;
  up.on_packet = [&](Step& s, Skb* k) {
    cleaned = spent("tx.clean").calls;
    frames.dropped(k->frames, Drop::stack, s.now());
    path->release(s, k);
  };
  ASSERT_TRUE(receive(udp4_frame(300)));
  wait();
  EXPECT_EQ(cleaned, 2u) << "the third is still the card's";
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
