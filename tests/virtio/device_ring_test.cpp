#include "tests/virtio/ring_fixture.h"

namespace gd {
namespace device_ring_test {

TEST(DeviceRing, TakesChainsInOrderAndReadsThemOnce) {
  RingFixture f(8);
  f.desc(2, 0x4000, 10, vring::kNext, 5);
  f.desc(5, 0x5000, 1500, vring::kWrite, 0);
  f.offer(2);
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  EXPECT_EQ(t.error, RingError::none);
  EXPECT_EQ(t.head, 2);
  ASSERT_EQ(t.segments, 2);
  EXPECT_EQ(t.readable, 10u);
  EXPECT_EQ(t.writable, 1500u);
  EXPECT_EQ(s[1].gpa, 0x5000u);
  EXPECT_TRUE(s[1].write);
  f.desc(5, 0x9000, 9, vring::kWrite, 0);   // too late: the chain was read
  EXPECT_EQ(s[1].len, 1500u);
  EXPECT_FALSE(f.device.take(f.view, s, 4, t));
}

TEST(DeviceRing, IndirectTable) {
  RingFixture f(4, feature::bit(feature::kIndirect));
  const vring::Desc table[2] = {{0x4000, 12, vring::kWrite | vring::kNext, 1}, {0x5000, 4096, vring::kWrite, 0}};
  f.view.write(0x8000, table, sizeof table);
  f.desc(1, 0x8000, sizeof table, vring::kIndirect, 0);
  f.offer(1);
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  EXPECT_EQ(t.error, RingError::none);
  EXPECT_EQ(t.segments, 2);
  EXPECT_EQ(t.writable, 4108u);
}

TEST(DeviceRing, BadChainsAreToldCountedAndSurvived) {
  struct Row {
    const char* what;
    RingError expected;
    void (*build)(RingFixture&);
  };
  const Row rows[] = {
      {"loop", RingError::loop, [](RingFixture& f) { f.desc(0, 0x4000, 8, vring::kWrite | vring::kNext, 1), f.desc(1, 0x4000, 8, vring::kWrite | vring::kNext, 0); }},
      {"self loop", RingError::loop, [](RingFixture& f) { f.desc(0, 0x4000, 8, vring::kWrite | vring::kNext, 0); }},
      {"next outside", RingError::bad_next, [](RingFixture& f) { f.desc(0, 0x4000, 8, vring::kWrite | vring::kNext, 4); }},
      {"beyond memory", RingError::bad_address, [](RingFixture& f) { f.desc(0, (1 << 20) - 4, 8, vring::kWrite, 0); }},
      {"wraps around", RingError::bad_address, [](RingFixture& f) { f.desc(0, ~0ULL - 3, 8, vring::kWrite, 0); }},
      {"empty", RingError::bad_address, [](RingFixture& f) { f.desc(0, 0x4000, 0, vring::kWrite, 0); }},
      {"order", RingError::bad_order, [](RingFixture& f) { f.desc(0, 0x4000, 8, vring::kWrite | vring::kNext, 1), f.desc(1, 0x4000, 8, 0, 0); }},
      {"indirect not negotiated", RingError::bad_indirect, [](RingFixture& f) { f.desc(0, 0x4000, 16, vring::kIndirect, 0); }},
      {"too long", RingError::too_long, [](RingFixture& f) { for (std::uint16_t i = 0; i < 4; ++i) f.desc(i, 0x4000, 8, i < 3 ? vring::kWrite | vring::kNext : vring::kWrite, i + 1); }},
  };
  for (const Row& r : rows) {
    RingFixture f(4);
    r.build(f);
    f.offer(0);
    Segment s[8];
    DeviceRing::Taken t;
    ASSERT_TRUE(f.device.take(f.view, s, r.expected == RingError::too_long ? 3 : 8, t)) << r.what;
    EXPECT_EQ(t.error, r.expected) << r.what << ": " << ring_error_name(t.error);
    EXPECT_EQ(f.device.errors(r.expected), 1u) << r.what;
    f.device.push(f.view, t.head, 0);
    f.device.publish(f.view);
    f.desc(1, 0x4000, 8, vring::kWrite, 0);
    f.offer(1);
    ASSERT_TRUE(f.device.take(f.view, s, 8, t)) << r.what;
    EXPECT_EQ(t.error, RingError::none) << r.what;
    EXPECT_EQ(f.device.errors(), 1u) << r.what;
  }
}

TEST(DeviceRing, BadHeadAndIndexJumpBreakTheQueueUntilReset) {
  for (const bool jump : {false, true}) {
    RingFixture f(4);
    if (jump) f.set(vring::avail_idx(f.layout), 5);
    else f.offer(4);
    Segment s[2];
    DeviceRing::Taken t;
    EXPECT_FALSE(f.device.take(f.view, s, 2, t));
    EXPECT_TRUE(f.device.broken());
    EXPECT_EQ(f.device.errors(jump ? RingError::index_jump : RingError::bad_head), 1u);
    EXPECT_FALSE(f.device.take(f.view, s, 2, t));
    EXPECT_EQ(f.device.errors(), 1u);
    f.device.reset();
    f.offered = 0;
    f.desc(0, 0x4000, 8, vring::kWrite, 0);
    f.offer(0);
    EXPECT_TRUE(f.device.take(f.view, s, 2, t));
  }
}

TEST(DeviceRing, UntakenChainsComeAgain) {
  RingFixture f(4);
  for (std::uint16_t i = 0; i < 3; ++i) f.desc(i, 0x4000 + i * 64u, 64, vring::kWrite, 0), f.offer(i);
  Segment s[2];
  DeviceRing::Taken t;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(f.device.take(f.view, s, 2, t));
  f.device.untake(2);
  EXPECT_EQ(f.device.taken(), 1u);
  ASSERT_TRUE(f.device.take(f.view, s, 2, t));
  EXPECT_EQ(t.head, 1);
  EXPECT_THROW(f.device.untake(3), InvariantError);
}

TEST(DeviceRing, UsedEntriesWrapAndAppearWithTheIndex) {
  RingFixture f(4);
  Segment s[1];
  DeviceRing::Taken t;
  std::uint16_t total = 0;
  for (unsigned round = 0; round < 5; ++round) {
    vring::UsedElem e[3];
    for (unsigned i = 0; i < 3; ++i) {
      f.desc(i, 0x4000, 64, vring::kWrite, 0);
      f.offer(static_cast<std::uint16_t>(i));
      ASSERT_TRUE(f.device.take(f.view, s, 1, t));
      e[i] = {t.head, round * 10 + i};
    }
    f.device.push(f.view, e, 3);
    EXPECT_EQ(f.word(vring::used_idx(f.layout)), total);
    EXPECT_EQ(f.device.unpublished(), 3u);
    f.device.publish(f.view);
    for (unsigned i = 0; i < 3; ++i) {
      vring::UsedElem got;
      f.view.read(vring::used_slot(f.layout, (total + i) % 4), &got, sizeof got);
      EXPECT_EQ(got.id, i);
      EXPECT_EQ(got.len, round * 10 + i);
    }
    total = static_cast<std::uint16_t>(total + 3);
    EXPECT_EQ(f.word(vring::used_idx(f.layout)), total);
  }
}

TEST(DeviceRing, SignalByFlags) {
  RingFixture f(4);
  EXPECT_FALSE(f.device.signal_needed(f.view));   // nothing published
  Segment s[1];
  DeviceRing::Taken t;
  for (const bool off : {false, true, false}) {
    f.desc(0, 0x4000, 64, vring::kWrite, 0);
    f.offer(0);
    ASSERT_TRUE(f.device.take(f.view, s, 1, t));
    f.device.push(f.view, t.head, 1);
    f.device.publish(f.view);
    f.set(vring::avail_flags(f.layout), off ? vring::kNoInterrupt : 0);
    EXPECT_EQ(f.device.signal_needed(f.view), !off);
    EXPECT_FALSE(f.device.signal_needed(f.view));
  }
}

TEST(DeviceRing, SignalByEventIndex) {
  struct Row {
    unsigned entries;
    std::uint16_t event;
    bool expected;
  };
  RingFixture f(8, feature::bit(feature::kEventIdx));
  Segment s[1];
  DeviceRing::Taken t;
  // The first decision is always yes; then only when the window passes the event.
  for (const Row& r : {Row{1, 99, true}, Row{2, 0, false}, Row{2, 4, true}, Row{3, 8, false}, Row{1, 8, true}, Row{1, 8, false}}) {
    for (unsigned i = 0; i < r.entries; ++i) {
      f.desc(i, 0x4000, 64, vring::kWrite, 0);
      f.offer(static_cast<std::uint16_t>(i));
      ASSERT_TRUE(f.device.take(f.view, s, 1, t));
      f.device.push(f.view, t.head, 1);
    }
    f.device.publish(f.view);
    f.set(vring::used_event(f.layout), r.event);
    EXPECT_EQ(f.device.signal_needed(f.view), r.expected) << r.entries << ' ' << r.event;
  }
}

TEST(DeviceRing, NotificationsOffOnAndRecheck) {
  for (const bool events : {false, true}) {
    RingFixture f(4, events ? feature::bit(feature::kEventIdx) : 0);
    f.device.disable_notify(f.view);
    EXPECT_EQ(f.word(vring::used_flags(f.layout)), events ? 0 : vring::kNoNotify);
    f.desc(0, 0x4000, 64, vring::kWrite, 0);
    f.offer(0);
    Segment s[1];
    DeviceRing::Taken t;
    ASSERT_TRUE(f.device.take(f.view, s, 1, t));
    f.device.enable_notify(f.view);
    EXPECT_EQ(f.word(vring::avail_event(f.layout)), events ? 1 : 0);
    EXPECT_EQ(f.word(vring::used_flags(f.layout)), 0);
    EXPECT_FALSE(f.device.recheck(f.view));
    f.offer(0);
    EXPECT_TRUE(f.device.recheck(f.view));
  }
}

// With IN_ORDER one entry may stand for several chains, but not for one that could not be used: of it the driver must hear.
TEST(DeviceRing, InOrderTellsOfAChainThatCouldNotBeUsed) {
  RingFixture f(4, feature::bit(feature::kInOrder) | feature::bit(feature::kVersion1));
  const Segment bad{Gpa{1} << 40, 64, true}, good{0x4000, 64, true};
  f.driver.add(f.view, &bad, 1, 1);
  f.driver.add(f.view, &good, 1, 2);
  f.driver.publish(f.view);
  Segment s[2];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 2, t));
  EXPECT_NE(t.error, RingError::none);
  f.device.push(f.view, t.head, 0);
  ASSERT_TRUE(f.device.take(f.view, s, 2, t));
  f.device.push(f.view, t.head, 64);
  f.device.publish(f.view);
  DriverRing::Used u;
  for (const std::uint32_t len : {0u, 64u}) {
    ASSERT_TRUE(f.driver.get_used(f.view, u));
    EXPECT_EQ(u.len, len);
  }
}

TEST(DeviceRing, ResetForgetsChainsThatWereOpen) {
  RingFixture f(4, feature::bit(feature::kInOrder) | feature::bit(feature::kVersion1));
  Segment s[2];
  DeviceRing::Taken t;
  for (std::uint16_t i = 0; i < 3; ++i) f.desc(i, 0x4000, 8, vring::kWrite, 0);
  f.offer(0), f.offer(1);
  for (const std::uint32_t used : {4u, 8u}) {
    ASSERT_TRUE(f.device.take(f.view, s, 2, t));
    f.device.push(f.view, t.head, used);
  }
  f.device.reset();
  f.offered = 0;
  f.offer(2);
  ASSERT_TRUE(f.device.take(f.view, s, 2, t));
  f.device.push(f.view, t.head, 8);
  f.device.publish(f.view);
  vring::UsedElem e;
  f.view.read(vring::used_slot(f.layout, 0), &e, sizeof e);
  EXPECT_EQ(e.id, 2u);
}

TEST(DeviceRing, ResetBeginsWithNotifications) {
  RingFixture f(4);
  f.device.disable_notify(f.view);
  f.device.reset();
  f.set(vring::used_flags(f.layout), 0);
  f.device.disable_notify(f.view);
  EXPECT_EQ(f.word(vring::used_flags(f.layout)), vring::kNoNotify);
}

}  // namespace device_ring_test
}  // namespace gd
