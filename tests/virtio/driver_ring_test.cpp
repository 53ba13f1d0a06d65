#include "tests/virtio/ring_fixture.h"

namespace gd {
namespace driver_ring_test {

Segment writable(Gpa a, std::uint32_t n) { return Segment{a, n, true}; }

TEST(DriverRing, ChainsAndFreeList) {
  RingFixture f(8);
  const Segment three[] = {{0x4000, 12, false}, writable(0x5000, 100), writable(0x6000, 200)};
  const int a = f.driver.add(f.view, three, 3, 77);
  ASSERT_NE(a, DriverRing::kFull);
  const int b = f.driver.add(f.view, three, 3, 78);
  ASSERT_NE(b, DriverRing::kFull);
  EXPECT_EQ(f.driver.free_descriptors(), 2u);
  EXPECT_EQ(f.driver.add(f.view, three, 3, 79), DriverRing::kFull);
  EXPECT_EQ(f.word(vring::avail_idx(f.layout)), 0);
  f.driver.publish(f.view);
  EXPECT_EQ(f.word(vring::avail_idx(f.layout)), 2);
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  EXPECT_EQ(t.segments, 3);
  EXPECT_EQ(t.readable, 12u);
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  f.device.push(f.view, static_cast<std::uint16_t>(b), 5);   // out of order
  f.device.publish(f.view);
  DriverRing::Used u;
  ASSERT_TRUE(f.driver.get_used(f.view, u));
  EXPECT_EQ(u.token, 78u);
  EXPECT_EQ(u.len, 5u);
  EXPECT_EQ(f.driver.free_descriptors(), 5u);
  EXPECT_EQ(f.driver.add(f.view, three, 1, 80), b);          // last in, first out
  EXPECT_TRUE(f.driver.is_outstanding(static_cast<std::uint16_t>(a)));
}

TEST(DriverRing, UsedEntriesThatNameNothingAreCounted) {
  RingFixture f(4);
  const Segment one = writable(0x4000, 64);
  const int head = f.driver.add(f.view, &one, 1, 9);
  const vring::UsedElem wrong[] = {{100, 1}, {static_cast<std::uint32_t>(head ^ 1), 1}, {static_cast<std::uint32_t>(head), 3}};
  f.view.write(vring::used_slot(f.layout, 0), wrong, sizeof wrong);
  f.set(vring::used_idx(f.layout), 3);
  DriverRing::Used u;
  ASSERT_TRUE(f.driver.get_used(f.view, u));
  EXPECT_EQ(u.token, 9u);
  EXPECT_EQ(f.driver.errors(), 2u);
  f.set(vring::used_idx(f.layout), 200);   // more than the ring holds
  EXPECT_FALSE(f.driver.get_used(f.view, u));
  EXPECT_EQ(f.driver.errors(), 3u);
}

TEST(DriverRing, KickBySuppression) {
  for (const bool events : {false, true}) {
    RingFixture f(8, events ? feature::bit(feature::kEventIdx) : 0);
    const Segment one = writable(0x4000, 64);
    EXPECT_FALSE(f.driver.kick_needed(f.view));
    const auto post = [&](unsigned n) {
      for (unsigned i = 0; i < n; ++i) f.driver.add(f.view, &one, 1, 0);
      f.driver.publish(f.view);
    };
    post(2);
    EXPECT_TRUE(f.driver.kick_needed(f.view));    // the device starts with kicks on, event 0
    f.device.disable_notify(f.view);
    post(2);
    EXPECT_FALSE(f.driver.kick_needed(f.view));
    if (events) f.set(vring::avail_event(f.layout), 4);
    else f.device.enable_notify(f.view);
    post(1);
    EXPECT_TRUE(f.driver.kick_needed(f.view));
    EXPECT_FALSE(f.driver.kick_needed(f.view));
  }
}

TEST(DriverRing, CallbacksOffOnAndRecheck) {
  for (const bool events : {false, true}) {
    RingFixture f(4, events ? feature::bit(feature::kEventIdx) : 0);
    const Segment one = writable(0x4000, 64);
    Segment s[1];
    DeviceRing::Taken t;
    const auto use = [&] {
      f.driver.add(f.view, &one, 1, 0);
      f.driver.publish(f.view);
      f.device.take(f.view, s, 1, t);
      f.device.push(f.view, t.head, 64);
      f.device.publish(f.view);
    };
    DriverRing::Used u;
    use();
    EXPECT_TRUE(f.device.signal_needed(f.view));
    ASSERT_TRUE(f.driver.get_used(f.view, u));
    f.driver.disable_callbacks(f.view);
    EXPECT_EQ(f.word(vring::avail_flags(f.layout)), events ? 0 : vring::kNoInterrupt);
    use();
    EXPECT_EQ(f.device.signal_needed(f.view), events);   // used_event is stale: it was passed only now
    ASSERT_TRUE(f.driver.get_used(f.view, u));
    use();
    EXPECT_FALSE(f.device.signal_needed(f.view));
    ASSERT_TRUE(f.driver.get_used(f.view, u));
    f.driver.enable_callbacks(f.view);
    EXPECT_EQ(f.word(vring::used_event(f.layout)), events ? 3 : 0);
    EXPECT_FALSE(f.driver.more_used(f.view));
    use();
    EXPECT_TRUE(f.device.signal_needed(f.view));
    EXPECT_TRUE(f.driver.more_used(f.view));
  }
}

// What a bad device may write: an index beyond what is out, a batch that names a buffer it does not return, marks on an idle ring.
TEST(DriverRing, UsedIndexBeyondTheRing) {
  RingFixture f(4);
  const Segment one = writable(0x4000, 64);
  f.driver.add(f.view, &one, 1, 1);
  f.driver.publish(f.view);
  f.set(vring::used_idx(f.layout), 5);
  EXPECT_EQ(f.driver.waiting(f.view), 0u);
  EXPECT_EQ(f.driver.errors(), 1u);
}

TEST(DriverRing, InOrderBatchThatReturnsFewerThanItNames) {
  RingFixture f(4, feature::bit(feature::kInOrder) | feature::bit(feature::kVersion1));
  const Segment one = writable(0x4000, 64);
  for (unsigned i = 0; i < 3; ++i) f.driver.add(f.view, &one, 1, i);
  f.driver.publish(f.view);
  const vring::UsedElem second{1, 64};
  f.view.write(vring::used_slot(f.layout, 0), &second, sizeof second);
  f.set(vring::used_idx(f.layout), 1);
  DriverRing::Used u;
  EXPECT_FALSE(f.driver.get_used(f.view, u));
  EXPECT_EQ(f.driver.errors(), 1u);
}

}  // namespace driver_ring_test
}  // namespace gd
