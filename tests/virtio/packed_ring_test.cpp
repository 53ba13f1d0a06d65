// Packed rings beyond the sections' requirements: decisions after several publications, chains given back.
#include "tests/virtio/spec_fixture.h"

namespace gd {
namespace packed_ring_test {
using feature::bit;
using namespace pvring;
constexpr std::uint64_t kRing = bit(feature::kPacked);

TEST(PackedRing, AChainGivenBackComesAgainEvenWhenTheNextWasSeen) {
  RingFixture f(4, kRing);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Segment s{0x4000 + 256 * i, 64, true};
    f.driver.add(f.view, &s, 1, i);
  }
  f.driver.publish(f.view);
  Segment s[1];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 1, t));
  EXPECT_EQ(f.device.available(f.view), 1u);
  f.device.untake(1);
  for (std::uint32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(f.device.take(f.view, s, 1, t));
    EXPECT_EQ(s[0].gpa, 0x4000u + 256 * i);
  }
  EXPECT_THROW(f.device.untake(4), InvariantError);
}

// Two publications, one decision: what the first made visible counts too. And what was added or pushed since, and is not
// visible, does not.
TEST(PackedRing, OneDecisionForSeveralPublications) {
  for (unsigned event = 0; event < 5; ++event) {
    RingFixture f(5, kRing | bit(feature::kEventIdx));
    const Event e{off_wrap({static_cast<std::uint16_t>(event), true}), kEventDesc};
    f.view.write(device_event(f.layout), &e, 4);
    f.view.write(driver_event(f.layout), &e, 4);
    for (int i = 0; i < 2; ++i) {
      f.driver.add(f.view, kOne, 1, 0);
      f.driver.publish(f.view);
    }
    f.driver.add(f.view, kOne, 1, 0);
    EXPECT_EQ(f.driver.kick_needed(f.view), event < 2) << event;
    f.driver.publish(f.view);
    EXPECT_EQ(f.driver.kick_needed(f.view), event == 2) << event;
    Segment s[1];
    DeviceRing::Taken t;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(f.device.take(f.view, s, 1, t));
      f.device.push(f.view, t.head, 1);
      if (i < 2) f.device.publish(f.view);
    }
    EXPECT_EQ(f.device.signal_needed(f.view), event < 2) << event;
    f.device.publish(f.view);
    EXPECT_EQ(f.device.signal_needed(f.view), event == 2) << event;
  }
}

// Decisions over a whole turn and more, on both sides: against what was asked for.
TEST(PackedRing, EventsAreMetExactly) {
  for (const unsigned start : {0u, 1u, 4u, 5u, 9u})
    for (unsigned batch = 1; batch <= 5; ++batch)
      for (unsigned event = 0; event < 5; ++event) {
        RingFixture f(5, kRing | bit(feature::kEventIdx));
        pass(f, start);
        Position p{static_cast<std::uint16_t>(start % 5), start / 5 % 2 == 0};
        p.advance(event, 5);
        const Event e{off_wrap(p), kEventDesc};
        f.view.write(device_event(f.layout), &e, 4);
        for (unsigned i = 0; i < batch; ++i) f.driver.add(f.view, kOne, 1, 0);
        f.driver.publish(f.view);
        EXPECT_EQ(f.driver.kick_needed(f.view), event < batch) << start << ' ' << batch << ' ' << event;
        f.view.write(driver_event(f.layout), &e, 4);
        Segment s[1];
        DeviceRing::Taken t;
        for (unsigned i = 0; i < batch; ++i) {
          ASSERT_TRUE(f.device.take(f.view, s, 1, t));
          f.device.push(f.view, t.head, 1);
        }
        f.device.publish(f.view);
        EXPECT_EQ(f.device.signal_needed(f.view), event < batch) << start << ' ' << batch << ' ' << event;
      }
}

// The device has the ring's first two slots, a chain each.
void take_two(RingFixture& f) {
  Segment s[1];
  DeviceRing::Taken t;
  for (unsigned i = 0; i < 2; ++i) f.packed(i, 0x4000, 8, static_cast<std::uint16_t>(i), vring::kWrite | kAvail);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(f.device.take(f.view, s, 1, t));
}

// A guest that makes slots available which the device still has: a full ring has nothing more, a chain does not reach round into it.
TEST(PackedRing, SlotsThatTheDeviceHasAreNotAvailable) {
  RingFixture f(2, kRing | bit(feature::kVersion1));
  take_two(f);
  f.packed(0, 0x4000, 8, 0, vring::kWrite | kUsed);   // available in the next round
  EXPECT_EQ(f.device.available(f.view), 0u);
  Segment s[2];
  DeviceRing::Taken t;
  EXPECT_FALSE(f.device.take(f.view, s, 2, t));
  EXPECT_FALSE(f.device.broken());
}

TEST(PackedRing, NoRecheckOfSlotsThatWereSeen) {
  RingFixture f(2, kRing | bit(feature::kVersion1));
  take_two(f);
  f.device.untake(2);
  f.packed(0, 0x4000, 8, 0, vring::kWrite | kUsed);
  EXPECT_FALSE(f.device.recheck(f.view));
}

TEST(PackedRing, AChainDoesNotReachIntoSlotsThatTheDeviceHas) {
  RingFixture f(4, kRing | bit(feature::kVersion1));
  Segment s[8];
  DeviceRing::Taken t;
  f.packed(0, 0x4000, 8, 0, vring::kWrite | vring::kNext | kAvail);
  f.packed(1, 0x4000, 8, 0, vring::kWrite | kAvail);
  ASSERT_TRUE(f.device.take(f.view, s, 8, t));
  for (unsigned i = 2; i < 4; ++i) f.packed(i, 0x4000, 8, 1, vring::kWrite | vring::kNext | kAvail);
  EXPECT_FALSE(f.device.take(f.view, s, 8, t));
  EXPECT_EQ(f.device.errors(RingError::loop), 1u);
}

TEST(PackedRing, ResetForgetsWhatWasSeenAhead) {
  RingFixture f(4, kRing | bit(feature::kVersion1) | bit(feature::kEventIdx));
  take_two(f);
  f.device.untake(2);
  f.device.reset();
  f.device.enable_notify(f.view);
  EXPECT_EQ(f.word(device_event(f.layout)), off_wrap(Position{}));
}

TEST(PackedRing, UsedMarksOnAnIdleRingReturnNothing) {
  RingFixture f(4, kRing | bit(feature::kVersion1));
  f.packed(0, 0x4000, 8, 0, vring::kWrite | kAvail | kUsed);
  DriverRing::Used u;
  EXPECT_FALSE(f.driver.get_used(f.view, u));
  EXPECT_EQ(f.driver.errors(), 0u);
}

}  // namespace packed_ring_test
}  // namespace gd
