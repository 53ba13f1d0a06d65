// Thresholds, suppression, and used entries that make no sense.
#include "tests/guest/guest_fixture.h"

namespace gd::test {
namespace {

struct Threshold {
  GuestDriverRules rules;
  unsigned used;
  bool refills;
};

class Refill : public GuestBench, public ::testing::WithParamInterface<Threshold> {};

// 6.x: more free slots than half of min(64, ring); 2.6.35: fewer than half of the most ever posted.
TEST_P(Refill, HappensAtTheDriversThreshold) {
  params.virtio.driver = GetParam().rules;
  build();
  for (unsigned i = 0; i < GetParam().used; ++i) send(frame(100));
  run();
  EXPECT_EQ(stats().refills, GetParam().refills ? GetParam().used : 0);
  expect_quiet();
}
INSTANTIATE_TEST_SUITE_P(All, Refill, ::testing::Values(Threshold{GuestDriverRules::linux_6, 32, false}, Threshold{GuestDriverRules::linux_6, 33, true},
                                                        Threshold{GuestDriverRules::linux_2_6_35, 32, false}, Threshold{GuestDriverRules::linux_2_6_35, 33, true}));

TEST_F(GuestBench, AStarvedKindOfBufferIsRefilledBehindAPlentifulOne) {
  params.layout = {GuestRxLayout::Kind::header_pages, 0, 0, 0, 256, 7};   // 8 pages of 64
  build();
  for (unsigned i = 0; i < 60; ++i) send(frame(1400));
  run(5 * kMs);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(frames.all().delivered, 60u);
  expect_quiet();
}

TEST_F(GuestBench, OneInterruptForABurstAndNoneWhilePolling) {
  build();
  for (unsigned i = 0; i < 30; ++i) send(frame(100));
  run();
  EXPECT_EQ(stats().interrupts, 1u);
  EXPECT_EQ(stats().polls, 1u);
  send(frame(100));
  run();
  EXPECT_EQ(stats().interrupts, 2u);
  EXPECT_EQ(signals, 2u);
}

TEST_F(GuestBench, AKickIsAnExitAndOnlyWhenTheDeviceWantsIt) {
  build();
  run(10 * kUs);
  EXPECT_EQ(kicks[0], 1u);   // the first fill
  for (unsigned i = 0; i < 33; ++i) send(frame(100));
  run();
  EXPECT_EQ(stats().kicks, 1u);
  EXPECT_EQ(kicks[0], 2u);
  EXPECT_GT(ledger.cell(core->exit_row(), costs.get("vm.exit_kick").op).mc, 0u);
}

TEST_F(GuestBench, AReturnedBufferIsCountedAndRecycled) {
  build();
  std::vector<Segment> s;
  DeviceRing::Taken t;
  ASSERT_TRUE(take(s, t));
  use(t, s, 0, 0);
  send(frame(100));
  run();
  EXPECT_EQ(stats().returned, 1u);
  EXPECT_EQ(stats().packets, 1u);
  EXPECT_EQ(stats().guest_errors, 0u);
  expect_quiet();
}

struct Wrong {
  const char* name;
  std::uint32_t length;
  std::uint16_t buffers;
  unsigned id_plus;      // added to the used id
};

class WrongUse : public GuestBench, public ::testing::WithParamInterface<Wrong> {};

TEST_P(WrongUse, IsCountedAndSurvived) {
  build();
  std::vector<Segment> s;
  DeviceRing::Taken t;
  ASSERT_TRUE(take(s, t));
  VirtioNetHdr h;
  h.num_buffers = GetParam().buffers;
  h.flags = VirtioNetHdr::kDataValid;
  space.write(s[0].gpa, &h, 12);
  frames.append(guest->rx().side->by_head[t.head], frame(100));
  ownership.move(ownership.find(space.translate(s[0].gpa)), Owner::posted, Owner::guest, 0, "device");
  ring->push(view, static_cast<std::uint16_t>(t.head + GetParam().id_plus), GetParam().length);
  publish(0);
  run();
  EXPECT_EQ(stats().guest_errors, 1u);
  EXPECT_EQ(stats().packets, 0u);
  if (GetParam().id_plus == 0) {
    EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::stack)], 1u);
    expect_quiet();
  }
  send(frame(200));
  run();
  EXPECT_EQ(frames.all().delivered, 1u);
  EXPECT_EQ(stats().integrity_errors, 0u);
}
INSTANTIATE_TEST_SUITE_P(All, WrongUse,
                         ::testing::Values(Wrong{"short", 25, 1, 0}, Wrong{"long", 5000, 1, 0}, Wrong{"none", 100, 0, 0}, Wrong{"missing", 100, 3, 0},
                                           Wrong{"unknown", 100, 1, 1000}),
                         [](const auto& i) { return i.param.name; });

TEST_F(GuestBench, UsedOffsetTellsWhereTheDataLies) {
  params.virtio.wanted = feature::bit(feature::kUsedOffset);
  flow.protocol = ipproto::kTcp;
  build();
  const FrameRef a = frame(1000, 1), b = frame(500, 1001);
  Packet p = merged({a, b});
  std::vector<Segment> s[2];
  DeviceRing::Taken t[2];
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(take(s[i], t[i]));
  VirtioNetHdr h = p.header;
  h.num_buffers = 2;
  space.write(s[0][0].gpa + 40, &h, 12);
  space.write(s[0][0].gpa + 52, p.bytes.data(), 1054);
  space.write(s[1][0].gpa + 66, &p.bytes[1054], 500);
  guest->rx().side->by_head[t[0].head] = p.frames;
  use(t[0], s[0], 40u << 16 | (12 + 1054), 0);
  use(t[1], s[1], 66u << 16 | 500, 0);
  publish(0);
  run();
  EXPECT_EQ(frames.all().delivered, 2u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

TEST_F(GuestBench, AFullRingOfSmallMemoryStarvesAndRecovers) {
  // 64 buffers of one page each and no more memory: a refill fails until the application frees pages.
  params.virtio.driver = GuestDriverRules::linux_2_6_35;
  params.refill_retry = 100 * kUs;
  build();
  try {
    for (;;) space.alloc(kPage, kPage);
  } catch (const UserError&) {
  }
  for (unsigned i = 0; i < 300; ++i) send(frame(1400));
  run(20 * kMs);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(frames.all().delivered, 300u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

}  // namespace
}  // namespace gd::test
