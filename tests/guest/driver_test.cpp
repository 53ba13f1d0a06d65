// Thresholds, suppression, and used entries that make no sense.
#include "tests/guest/guest_fixture.h"

namespace gd::test {
namespace driver_test {

constexpr auto kOld = GuestDriverRules::linux_2_6_35;
constexpr auto kNew = GuestDriverRules::linux_6;

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
  params.layout = {GuestRxLayout::Kind::header_pages, 0, 0, 0, 0, 256, 7};   // 8 pages of 64
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
  EXPECT_EQ(ledger.cell(core->exit_row(), costs.get("sched.wakeup").op).calls, 0u);   // who takes the kicks is awake
}

TEST_F(GuestBench, AKickWakesWhoSleepsDuringItsExit) {
  build();
  run(10 * kUs);
  worker_sleeps = true;
  for (unsigned i = 0; i < 33; ++i) send(frame(100));
  run();
  EXPECT_EQ(stats().kicks, 1u);
  EXPECT_EQ(ledger.cell(core->exit_row(), costs.get("sched.wakeup").op).calls, 1u);
}

struct ExitRow {
  bool posted, msix, running;   // running: another interrupt while the softirq of the first one polls
  std::uint64_t injections, eois, isr_reads, exits;
};
struct InterruptExits : GuestBench, ::testing::WithParamInterface<ExitRow> {};

TEST_P(InterruptExits, WithoutPostedInterruptsAndMsix) {
  const ExitRow& r = GetParam();
  params.posted_interrupts = r.posted, params.msix = r.msix;
  build();
  run(10 * kUs);
  const std::uint64_t before = vcpu->exits;
  send(frame(100));
  if (r.running) {
    run(2 * kUs);
    EXPECT_FALSE(vcpu->halted());
    guest->interrupts().interrupt(0, kernel.now());
  }
  run();
  EXPECT_EQ(stats().interrupts, r.running ? 2u : 1u);
  EXPECT_EQ(stats().injections, r.injections);
  EXPECT_EQ(stats().eois, r.eois);
  EXPECT_EQ(stats().isr_reads, r.isr_reads);
  EXPECT_EQ(vcpu->exits - before, r.exits);
  EXPECT_EQ(ledger.cell(core->exit_row(), costs.get("vm.exit_eoi").op).mc, r.eois * 100'000);
  EXPECT_EQ(ledger.cell(core->exit_row(), costs.get("vm.exit_inject").op).mc, r.injections * 100'000);
  if (!r.msix) {
    EXPECT_EQ(ledger.cell(ledger.row("cpu0", "exit-user"), costs.get("vm.exit_user").op).mc, r.isr_reads * 100'000);
  }
}
INSTANTIATE_TEST_SUITE_P(Rows, InterruptExits, ::testing::Values(ExitRow{true, true, false, 0, 0, 0, 1}, ExitRow{true, false, false, 0, 0, 1, 2},
                                                                 ExitRow{false, true, false, 0, 1, 0, 2}, ExitRow{false, false, true, 1, 2, 2, 6}));

TEST_F(GuestBench, WithoutAListenerDatagramsEndInTheStack) {
  params.app.listens = false;
  build();
  for (unsigned i = 0; i < 5; ++i) send(frame(100));
  run();
  EXPECT_EQ(frames.all().delivered, 5u);
  EXPECT_EQ(stats().reads, 0u);
  EXPECT_EQ(stats().user_copied, 0u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
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
  GuestDriverRules rules = GuestDriverRules::linux_6;
  GuestRxMode mode = GuestRxMode::mergeable;
};

class WrongUse : public GuestBench, public ::testing::WithParamInterface<Wrong> {};

TEST_P(WrongUse, IsCountedAndSurvived) {
  params.virtio.driver = GetParam().rules;
  params.virtio.rx_mode = GetParam().mode;
  build();
  std::vector<Segment> s;
  DeviceRing::Taken t;
  ASSERT_TRUE(take(s, t));
  VirtioNetHdr h;
  h.num_buffers = GetParam().buffers;
  h.flags = VirtioNetHdr::kDataValid;
  space.write(s[0].gpa, &h, guest->rx().header_length);
  frames.append(guest->rx().side->by_head[t.head], frame(100));
  for (const Segment& x : s)
    if (const BufferId b = ownership.find(space.translate(x.gpa)); ownership.owner(b) == Owner::posted) ownership.move(b, Owner::posted, Owner::guest, 0, "device");
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
                                           Wrong{"unknown", 100, 1, 1000}, Wrong{"short2635", 25, 1, 0, kOld}, Wrong{"long2635", 5000, 1, 0, kOld},
                                           Wrong{"none2635", 100, 0, 0, kOld}, Wrong{"missing2635", 100, 3, 0, kOld}, Wrong{"unknown2635", 100, 1, 1000, kOld},
                                           Wrong{"shortSmall", 25, 1, 0, kNew, GuestRxMode::small}, Wrong{"longSmall", 1531, 1, 0, kNew, GuestRxMode::small},
                                           Wrong{"shortSmall2635", 23, 1, 0, kOld, GuestRxMode::small}, Wrong{"longSmall2635", 1529, 1, 0, kOld, GuestRxMode::small},
                                           Wrong{"shortBig", 25, 1, 0, kNew, GuestRxMode::big}, Wrong{"longBig", 12 + 4064 + 17 * 4096 + 1, 1, 0, kNew, GuestRxMode::big},
                                           Wrong{"unknownBig", 100, 1, 1000, kNew, GuestRxMode::big}, Wrong{"emptyWithFrames", 0, 1, 0},
                                           // 18 pages are more fragments than an skb has.
                                           Wrong{"tooManyFragments", 12 + 4064 + 17 * 4096, 1, 0, kNew, GuestRxMode::big},
                                           Wrong{"longBig2635", 10 + 4080 + 18 * 4096 + 1, 1, 0, kOld, GuestRxMode::big}),
                         [](const auto& i) { return i.param.name; });

// Every mergeable layout reads offsets: of the virtio header in the first buffer, of the data in the second.
class UsedOffset : public GuestBench, public ::testing::WithParamInterface<GuestRxLayout::Kind> {};

TEST_P(UsedOffset, TellsWhereTheDataLies) {
  params.virtio.wanted = feature::bit(feature::kUsedOffset) | feature::bit(feature::kSplitLayout);
  params.layout.kind = GetParam();
  params.layout.buffer = 4096;
  params.layout.room = 128;
  params.layout.header_buffer = 2048;
  params.layout.headers_of_8 = 7;   // the first two buffers are alike
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
INSTANTIATE_TEST_SUITE_P(All, UsedOffset,
                         ::testing::Values(GuestRxLayout::Kind::driver, GuestRxLayout::Kind::header_pages, GuestRxLayout::Kind::pages, GuestRxLayout::Kind::room));

// hdr_len and length that do not agree with a room or a header buffer.
struct Hole {
  const char* name;
  GuestRxLayout layout;
  std::uint16_t header_bytes;
  std::uint32_t length;
  bool good;
};
class SplitLayout : public GuestBench, public ::testing::WithParamInterface<Hole> {};

TEST_P(SplitLayout, IsCheckedAgainstTheLength) {
  params.virtio.wanted = feature::bit(feature::kSplitLayout);
  params.layout = GetParam().layout;
  if (params.layout.kind == GuestRxLayout::Kind::header_pages) params.virtio.rx_mode = GuestRxMode::big;
  build();
  const FrameRef f = frame(100);
  const Packet p = packet(f);   // 142 bytes
  std::vector<Segment> s;
  DeviceRing::Taken t;
  ASSERT_TRUE(take(s, t));
  VirtioNetHdr h = p.header;
  h.hdr_len = GetParam().header_bytes;
  space.write(s[0].gpa, &h, 12);
  // The frame where hdr_len says, whatever the length claims.
  const std::uint32_t n = std::min<std::uint32_t>(h.hdr_len, 142);
  const bool room = params.layout.kind == GuestRxLayout::Kind::room;
  if (h.hdr_len <= 116) space.write(room ? s[0].gpa + 128 - n : s[0].gpa + 12, p.bytes.data(), n);
  space.write(room ? s[0].gpa + 128 : s[1].gpa, p.bytes.data() + n, 142 - n);
  guest->rx().side->by_head[t.head] = p.frames;
  use(t, s, GetParam().length, 0);
  publish(0);
  run();
  EXPECT_EQ(stats().guest_errors, GetParam().good ? 0u : 1u);
  EXPECT_EQ(frames.all().delivered, GetParam().good ? 1u : 0u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}
constexpr GuestRxLayout kRoom{GuestRxLayout::Kind::room, 2048, 0, 0, 128, 0, 4}, kChain{GuestRxLayout::Kind::header_pages, 0, 0, 0, 0, 128, 4};
INSTANTIATE_TEST_SUITE_P(All, SplitLayout,
                         ::testing::Values(Hole{"roomHeader", kRoom, 42, 228, true}, Hole{"roomWhole", kRoom, 0, 270, true},
                                           Hole{"roomTooMuchHeader", kRoom, 117, 270, false}, Hole{"roomShort", kRoom, 42, 127, false},
                                           Hole{"chainHeader", kChain, 42, 228, true}, Hole{"chainWhole", kChain, 0, 270, true},
                                           Hole{"chainTooMuchHeader", kChain, 117, 270, false}, Hole{"chainShort", kChain, 42, 50, false}),
                         [](const auto& i) { return i.param.name; });

TEST_F(GuestBench, AFullRingOfSmallMemoryStarvesAndRecovers) {
  // 64 buffers of one page each and no more memory: a refill fails until the application frees pages.
  params.virtio.driver = GuestDriverRules::linux_2_6_35;
  params.refill_retry = 100 * kUs;
  build();
  for (unsigned i = 0; i < 64; ++i) send(frame(100));   // memory for skb heads is taken before it runs out
  run();
  try {
    for (;;) space.alloc(kPage, kPage);
  } catch (const UserError&) {
  }
  for (unsigned i = 0; i < 300; ++i) send(frame(1400));
  run(20 * kMs);
  EXPECT_TRUE(queue.empty());
  EXPECT_GT(stats().refill_failures, 0u);
  EXPECT_EQ(frames.all().delivered + stats().stack_drops, 364u);   // those without an skb are dropped
  const std::uint64_t before = frames.all().delivered;
  for (unsigned i = 0; i < 20; ++i) send(frame(1400));
  run(20 * kMs);
  EXPECT_EQ(frames.all().delivered, before + 20);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

}  // namespace driver_test
}  // namespace gd::test
