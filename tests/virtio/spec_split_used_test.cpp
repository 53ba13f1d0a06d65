// VIRTIO 1.2 sections 2.7.7 to 2.7.13, split virtqueues: used entries, order, notifications. As spec_split_test.cpp.
#include "tests/virtio/spec_fixture.h"

namespace gd {
namespace spec_split_used_test {
using feature::bit;

TEST(Spec_2_7_7_1, FlagsAreZeroOrOneAndZeroWithEventIdx) {
  for (const bool events : {false, true}) {
    RingFixture f(4, events ? bit(feature::kEventIdx) : 0);
    EXPECT_EQ(f.word(vring::avail_flags(f.layout)), 0);
    f.driver.disable_callbacks(f.view);
    EXPECT_EQ(f.word(vring::avail_flags(f.layout)), events ? 0 : vring::kNoInterrupt);
    f.driver.enable_callbacks(f.view);
    EXPECT_EQ(f.word(vring::avail_flags(f.layout)), 0);
  }
}

TEST(Spec_2_7_7_1, SpuriousNotificationsDoNoHarm) {
  RingFixture f(4);
  DriverRing::Used u;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(f.driver.get_used(f.view, u));
    EXPECT_FALSE(f.driver.more_used(f.view));
  }
  pass(f);
  EXPECT_FALSE(f.driver.get_used(f.view, u));
  EXPECT_EQ(f.driver.errors(), 0u);
}

// Publishes one used buffer with the driver's words as given, and tells whether a notification follows.
bool notifies(RingFixture& f, std::uint16_t flags, std::uint16_t event) {
  f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  Segment s[2];
  DeviceRing::Taken t;
  EXPECT_TRUE(f.device.take(f.view, s, 2, t));
  f.device.push(f.view, t.head, 1);
  f.set(vring::avail_flags(f.layout), flags);
  f.set(vring::used_event(f.layout), event);
  f.device.publish(f.view);
  return f.device.signal_needed(f.view);
}

TEST(Spec_2_7_7_2, WithoutEventIdxOnlyTheFlagCounts) {
  for (const std::uint16_t event : {0, 1, 7, 65535}) {
    RingFixture f(8);
    EXPECT_TRUE(notifies(f, 0, event));
    EXPECT_FALSE(notifies(f, 1, event));
  }
}

TEST(Spec_2_7_7_2, WithEventIdxOnlyTheIndexCounts) {
  for (const unsigned start : {0u, 1u, 65533u, 65535u}) {
    RingFixture f(8, bit(feature::kEventIdx));
    pass(f, start + 1);   // the first decision of all is always yes
    const auto idx = static_cast<std::uint16_t>(start + 1);
    EXPECT_TRUE(notifies(f, 1, idx)) << start;
    EXPECT_FALSE(notifies(f, 0, static_cast<std::uint16_t>(idx + 2))) << start;
    EXPECT_FALSE(notifies(f, 0, static_cast<std::uint16_t>(idx + 1))) << start;
  }
}

TEST(Spec_2_7_8_2, LengthBeforeIndex) {
  RingFixture f(4);
  f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  Segment s[2];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 2, t));
  AccessLog log(f.view);
  f.device.push(log, t.head, 33);
  f.device.publish(log);
  EXPECT_LT(log.last(true, vring::used_slot(f.layout, 0) + 4), log.first(true, vring::used_idx(f.layout)));
  EXPECT_GE(log.last(true, vring::used_slot(f.layout, 0)), 0);
}

TEST(Spec_2_7_8_3, TheDriverLearnsWhatWasWritten) {
  RingFixture f(4);
  f.driver.add(f.view, kThree, 3, 5);
  f.driver.publish(f.view);
  Segment s[4];
  DeviceRing::Taken t;
  DriverRing::Used u;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  f.device.push(f.view, t.head, 150);
  f.device.publish(f.view);
  ASSERT_TRUE(f.driver.get_used(f.view, u));
  EXPECT_EQ(u.len, 150u);   // not the 300 that it offered
}

TEST(Spec_2_7_8, Breach_EntriesThatNameNothing) {
  for (const std::uint64_t order : {std::uint64_t{0}, bit(feature::kInOrder)}) {
    RingFixture f(4, order);
    f.driver.add(f.view, kOne, 1, 9);
    f.driver.publish(f.view);
    const vring::UsedElem wrong[] = {{1, 64}, {4, 64}, {0xffffffff, 64}};
    f.view.write(vring::used_slot(f.layout, 0), wrong, sizeof wrong);
    f.set(vring::used_idx(f.layout), 3);
    DriverRing::Used u;
    EXPECT_FALSE(f.driver.get_used(f.view, u));
    EXPECT_EQ(f.driver.errors(), 3u);
    EXPECT_EQ(f.driver.outstanding(), 1u);
  }
}

TEST(Spec_2_7_9, OneEntryReturnsABatch) {
  RingFixture f(8, bit(feature::kInOrder));
  for (std::uint32_t i = 0; i < 4; ++i) f.driver.add(f.view, i == 1 ? kThree : kOne, i == 1 ? 3 : 1, 10 + i);
  f.driver.publish(f.view);
  Segment s[4];
  DeviceRing::Taken t[4];
  for (auto& x : t) ASSERT_TRUE(f.device.take(f.view, s, 4, x));
  AccessLog log(f.view);
  f.device.push(log, t[2].head, 64);          // waits for the two before it
  EXPECT_EQ(f.device.waiting_for_order(), 1u);
  EXPECT_EQ(f.device.unpublished(), 0u);
  f.device.push(log, t[0].head, 64);
  f.device.push(log, t[1].head, 300);
  EXPECT_EQ(f.device.unpublished(), 3u);
  f.device.publish(log);
  EXPECT_EQ(log.count(true, f.layout.used + 4, 64), 1u) << "wholly written buffers need no entry of their own";
  vring::UsedElem e;
  f.view.read(vring::used_slot(f.layout, 0), &e, sizeof e);   // at the batch's first place, the last buffer's head
  EXPECT_EQ(e.id, t[2].head);
  EXPECT_EQ(f.word(vring::used_idx(f.layout)), 3);
  f.device.push(log, t[3].head, 10);
  f.device.publish(log);
  DriverRing::Used u;
  const std::uint32_t lengths[] = {64, 300, 64, 10};
  for (std::uint32_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(f.driver.get_used(f.view, u));
    EXPECT_EQ(u.token, 10 + i);
    EXPECT_EQ(u.len, lengths[i]);
  }
  EXPECT_EQ(f.driver.free_descriptors(), 8u);
  EXPECT_FALSE(f.driver.get_used(f.view, u));
}

TEST(Spec_2_7_9, APartlyWrittenBufferHasItsOwnEntry) {
  RingFixture f(8, bit(feature::kInOrder));
  for (std::uint32_t i = 0; i < 3; ++i) f.driver.add(f.view, kOne, 1, i);
  f.driver.publish(f.view);
  Segment s[4];
  DeviceRing::Taken t;
  const std::uint32_t lengths[] = {64, 5, 64};
  for (const std::uint32_t n : lengths) {
    ASSERT_TRUE(f.device.take(f.view, s, 4, t));
    f.device.push(f.view, t.head, n);
  }
  f.device.publish(f.view);
  DriverRing::Used u;
  for (const std::uint32_t n : lengths) {
    ASSERT_TRUE(f.driver.get_used(f.view, u));
    EXPECT_EQ(u.len, n);
  }
}

TEST(Spec_2_7_10_1, TheUsedFlagsBeginAtZero) {
  RingFixture f(4);
  EXPECT_EQ(f.word(vring::used_flags(f.layout)), 0);
  EXPECT_EQ(f.word(vring::avail_event(f.layout)), 0);
}

bool kicks(RingFixture& f, std::uint16_t flags, std::uint16_t event) {
  f.set(vring::used_flags(f.layout), flags);
  f.set(vring::avail_event(f.layout), event);
  f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  return f.driver.kick_needed(f.view);
}

TEST(Spec_2_7_10_1, WithoutEventIdxOnlyTheFlagCounts) {
  for (const std::uint16_t event : {0, 1, 7, 65535}) {
    RingFixture f(8);
    EXPECT_TRUE(kicks(f, 0, event));
    EXPECT_FALSE(kicks(f, 1, event));
  }
}

TEST(Spec_2_7_10_1, WithEventIdxOnlyTheIndexCounts) {
  for (const unsigned start : {0u, 1u, 65533u, 65535u}) {
    RingFixture f(8, bit(feature::kEventIdx));
    pass(f, start);
    EXPECT_TRUE(kicks(f, 1, static_cast<std::uint16_t>(start))) << start;
    EXPECT_FALSE(kicks(f, 0, static_cast<std::uint16_t>(start + 2))) << start;
    EXPECT_FALSE(kicks(f, 0, static_cast<std::uint16_t>(start + 1))) << start;
  }
}

TEST(Spec_2_7_10_2, FlagsAreZeroOrOneAndZeroWithEventIdx) {
  for (const bool events : {false, true}) {
    RingFixture f(4, events ? bit(feature::kEventIdx) : 0);
    f.device.disable_notify(f.view);
    EXPECT_EQ(f.word(vring::used_flags(f.layout)), events ? 0 : vring::kNoNotify);
    f.device.enable_notify(f.view);
    EXPECT_EQ(f.word(vring::used_flags(f.layout)), 0);
  }
}

TEST(Spec_2_7_10_2, SpuriousNotificationsDoNoHarm) {
  RingFixture f(4);
  Segment s[2];
  DeviceRing::Taken t;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(f.device.take(f.view, s, 2, t));
    EXPECT_FALSE(f.device.recheck(f.view));
  }
  EXPECT_EQ(f.device.errors(), 0u);
}

TEST(Spec_2_7_13_3_1, TheIndexIsWrittenLast) {
  RingFixture f(8, bit(feature::kIndirect), 3);
  AccessLog log(f.view);
  const int head = f.driver.add(log, kThree, 3, 0);
  f.driver.add(log, kOne, 1, 0);
  EXPECT_LT(log.first(true, vring::avail_idx(f.layout)), 0);   // nothing is visible yet
  f.driver.publish(log);
  const int idx = log.first(true, vring::avail_idx(f.layout));
  EXPECT_EQ(idx, static_cast<int>(log.all.size()) - 1);
  EXPECT_LT(log.last(true, vring::desc_at(f.layout, static_cast<unsigned>(head))), idx);
  EXPECT_LT(log.last(true, f.layout.tables), idx);
  EXPECT_LT(log.last(true, vring::avail_slot(f.layout, 1)), idx);
}

TEST(Spec_2_7_13_4_1, SuppressionIsReadAfterTheIndexIsVisible) {
  for (const bool events : {false, true}) {
    RingFixture f(8, events ? bit(feature::kEventIdx) : 0);
    AccessLog log(f.view);
    f.driver.add(log, kOne, 1, 0);
    EXPECT_FALSE(f.driver.kick_needed(log)) << "nothing is published";
    f.driver.publish(log);
    f.driver.kick_needed(log);
    EXPECT_GT(log.first(false, events ? vring::avail_event(f.layout) : vring::used_flags(f.layout)), log.last(true, vring::avail_idx(f.layout)));
  }
}

// Section 6.3 of the specification as legacy devices have it.
TEST(Spec_6_3, NotifyOnEmptyOverridesSuppression) {
  for (const bool on : {false, true}) {
    RingFixture f(4, on ? bit(feature::kNotifyOnEmpty) : 0);
    f.driver.disable_callbacks(f.view);
    for (int i = 0; i < 2; ++i) f.driver.add(f.view, kOne, 1, 0);
    f.driver.publish(f.view);
    Segment s[2];
    DeviceRing::Taken t;
    for (const bool empty : {false, true}) {
      ASSERT_TRUE(f.device.take(f.view, s, 2, t));
      f.device.push(f.view, t.head, 1);
      f.device.publish(f.view);
      EXPECT_EQ(f.device.signal_needed(f.view), on && empty);
    }
  }
}

}  // namespace spec_split_used_test
}  // namespace gd
