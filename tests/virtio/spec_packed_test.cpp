// VIRTIO 1.2 section 2.8, packed virtqueues: each test is named after the section whose requirement it holds; Breach tests
// are about the other side breaking it.
#include "tests/virtio/spec_fixture.h"

namespace gd {
namespace spec_packed_test {
using feature::bit;
using namespace pvring;
constexpr std::uint64_t kRing = bit(feature::kPacked);

RingError taken(RingFixture& f, unsigned room = 8) {
  Segment s[16];
  DeviceRing::Taken t;
  EXPECT_TRUE(f.device.take(f.view, s, room, t));
  return t.error;
}
Gpa flags_at(RingFixture& f, unsigned i) { return pvring::desc_at(f.layout, i) + kFlagsAt; }

TEST(Spec_2_8, AnySizeUpTo32768) {
  VirtQueueLayout l;
  l.features = kRing;
  for (unsigned size = 0; size < 65536; ++size) {
    l.size = static_cast<std::uint16_t>(size);
    if (size > 0 && size <= 32768) { EXPECT_NO_THROW(vring::check(l, "queue")) << size; }
    else { EXPECT_THROW(vring::check(l, "queue"), UserError) << size; }
  }
}

TEST(Spec_2_8_1, WrapCountersBeginAtOneAndTurnAtTheRingsEnd) {
  for (const std::uint16_t size : {1, 3, 4}) {
    RingFixture f(size, kRing);
    for (unsigned i = 0; i < 5u * size; ++i) {
      const bool wrap = i / size % 2 == 0;
      const unsigned at = i % size;
      f.driver.add(f.view, kOne, 1, 0);
      f.driver.publish(f.view);
      ASSERT_EQ(f.packed(at).flags, vring::kWrite | (wrap ? kAvail : kUsed)) << size << ' ' << i;
      Segment s[1];
      DeviceRing::Taken t;
      ASSERT_TRUE(f.device.take(f.view, s, 1, t));
      f.device.push(f.view, t.head, 9);
      f.device.publish(f.view);
      ASSERT_EQ(f.packed(at).flags, vring::kWrite | (wrap ? kAvail | kUsed : 0)) << size << ' ' << i;
      DriverRing::Used u;
      ASSERT_TRUE(f.driver.get_used(f.view, u));
      ASSERT_EQ(u.len, 9u);
    }
  }
}

TEST(Spec_2_8_3, TheUsedWriteFlagTellsThatSomethingWasWritten) {
  RingFixture f(4, kRing);
  const Segment readable{0x4000, 64, false};
  f.driver.add(f.view, &readable, 1, 0);
  f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  Segment s[1];
  DeviceRing::Taken t;
  for (const std::uint32_t n : {0u, 5u}) {
    ASSERT_TRUE(f.device.take(f.view, s, 1, t));
    f.device.push(f.view, t.head, n);
  }
  f.device.publish(f.view);
  EXPECT_EQ(f.packed(0).flags & vring::kWrite, 0);
  EXPECT_NE(f.packed(1).flags & vring::kWrite, 0);
}

TEST(Spec_2_8_4, ALengthWithoutTheWriteFlagIsIgnored) {
  RingFixture f(4, kRing);
  const int id = f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  f.packed(0, 0, 77, static_cast<std::uint16_t>(id), kAvail | kUsed);
  DriverRing::Used u;
  ASSERT_TRUE(f.driver.get_used(f.view, u));
  EXPECT_EQ(u.len, 0u);
}

TEST(Spec_2_8_6, OneUsedDescriptorForAList) {
  RingFixture f(5, kRing);
  const int first = f.driver.add(f.view, kThree, 3, 1), second = f.driver.add(f.view, kOne, 1, 2);
  f.driver.publish(f.view);
  EXPECT_EQ(f.packed(2).id, first);               // the id is that of the last descriptor
  for (unsigned i = 0; i < 3; ++i) {
    const Desc d = f.packed(i);
    EXPECT_EQ(d.addr, kThree[i].gpa);
    EXPECT_EQ(d.len, kThree[i].len);
    EXPECT_EQ(d.flags, kAvail | (kThree[i].write ? vring::kWrite : 0) | (i < 2 ? vring::kNext : 0));   // all flags in each
  }
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  EXPECT_EQ(t.head, first);
  EXPECT_EQ(t.segments, 3);
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  AccessLog log(f.view);
  f.device.push(log, static_cast<std::uint16_t>(first), 200);
  f.device.push(log, static_cast<std::uint16_t>(second), 64);
  f.device.publish(log);
  EXPECT_EQ(log.count(true, desc_at(f.layout, 1), 32), 0u);   // skipped
  EXPECT_EQ(f.packed(3).id, second);
  DriverRing::Used u;
  ASSERT_TRUE(f.driver.get_used(f.view, u));
  EXPECT_EQ(u.token, 1u);
  ASSERT_TRUE(f.driver.get_used(f.view, u));
  EXPECT_EQ(u.token, 2u);
}

TEST(Spec_2_8_7, OfATablesFlagsOnlyWriteCounts) {
  RingFixture f(4, kRing | bit(feature::kIndirect));
  const Desc e[] = {{0x4000, 12, 99, vring::kNext | vring::kIndirect}, {0x5000, 100, 98, vring::kWrite | kAvail}};
  f.view.write(0x8000, e, sizeof e);
  f.packed(0, 0x8000, 32, 3, vring::kIndirect | vring::kWrite | kAvail);   // its own WRITE is ignored
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  EXPECT_EQ(t.error, RingError::none);
  EXPECT_EQ(t.head, 3);
  EXPECT_EQ(t.segments, 2);
  EXPECT_EQ(t.readable, 12u);
  EXPECT_EQ(t.writable, 100u);
}

TEST(Spec_2_8_8, OneDescriptorReturnsABatch) {
  RingFixture f(7, kRing | bit(feature::kInOrder));
  for (int round = 0; round < 9; ++round) {        // six descriptors a round, so that batches cross the ring's end
    for (std::uint32_t i = 0; i < 4; ++i) f.driver.add(f.view, i == 1 ? kThree : kOne, i == 1 ? 3 : 1, 10 + i);
    f.driver.publish(f.view);
    Segment s[4];
    DeviceRing::Taken t[4];
    for (auto& x : t) ASSERT_TRUE(f.device.take(f.view, s, 4, x));
    AccessLog log(f.view);
    f.device.push(log, t[1].head, 300);
    f.device.push(log, t[0].head, 64);
    f.device.push(log, t[2].head, 64);
    f.device.publish(log);
    EXPECT_EQ(log.count(true, f.layout.desc, 16 * 7), 2u) << "the last buffer's entry, and its flags";
    f.device.push(log, t[3].head, 10);
    f.device.publish(log);
    DriverRing::Used u;
    const std::uint32_t lengths[] = {64, 300, 64, 10};
    for (std::uint32_t i = 0; i < 4; ++i) {
      ASSERT_TRUE(f.driver.get_used(f.view, u));
      EXPECT_EQ(u.token, 10 + i);
      EXPECT_EQ(u.len, lengths[i]);
    }
    EXPECT_FALSE(f.driver.get_used(f.view, u));
    EXPECT_EQ(f.driver.free_descriptors(), 7u);
  }
}

TEST(Spec_2_8_9, ThePacketsFirstBufferIsMarkedLast) {
  RingFixture f(8, kRing);
  for (int i = 0; i < 4; ++i) f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  Segment s[1];
  DeviceRing::Taken t;
  AccessLog log(f.view);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(f.device.take(f.view, s, 1, t));
    f.device.push(log, t.head, 64);
    DriverRing::Used u;
    EXPECT_FALSE(f.driver.get_used(f.view, u)) << "a part of the packet is visible";
  }
  f.device.publish(log);
  EXPECT_EQ(log.last(true, flags_at(f, 0)), static_cast<int>(log.all.size()) - 1);
  EXPECT_EQ(log.all.back().bytes, 2u);
  EXPECT_GE(log.first(true, flags_at(f, 2)), 0);
}

TEST(Spec_2_8_10, EventStructuresSayWhatIsWanted) {
  for (const bool events : {false, true}) {
    RingFixture f(4, kRing | (events ? bit(feature::kEventIdx) : 0));
    EXPECT_EQ(f.word(driver_event(f.layout) + 2), kEventEnable);
    EXPECT_EQ(f.word(device_event(f.layout) + 2), kEventEnable);
    f.driver.disable_callbacks(f.view);
    f.device.disable_notify(f.view);
    EXPECT_EQ(f.word(driver_event(f.layout) + 2), kEventDisable);
    EXPECT_EQ(f.word(device_event(f.layout) + 2), kEventDisable);
    pass(f, 5);
    f.driver.enable_callbacks(f.view);
    f.device.enable_notify(f.view);
    for (const Gpa e : {driver_event(f.layout), device_event(f.layout)}) {
      EXPECT_EQ(f.word(e + 2), events ? kEventDesc : kEventEnable);
      if (events) { EXPECT_EQ(f.word(e), 1); }   // place 1 of the second turn
    }
  }
}

TEST(Spec_2_8_10_1, PartsAreAligned) {
  for (const std::uint16_t size : {1, 3, 256}) {
    RingFixture f(size, kRing);
    EXPECT_EQ(f.layout.desc % 16, 0u);
    EXPECT_EQ(f.layout.avail % 4, 0u);
    EXPECT_EQ(f.layout.used % 4, 0u);
  }
}

TEST(Spec_2_8_12, TakenInRingOrderUsedAsTheyComplete) {
  RingFixture f(8, kRing);
  int id[4];
  for (std::uint32_t i = 0; i < 4; ++i) id[i] = f.driver.add(f.view, kOne, 1, i);
  f.driver.publish(f.view);
  Segment s[1];
  DeviceRing::Taken t;
  for (const int expected : id) {
    ASSERT_TRUE(f.device.take(f.view, s, 1, t));
    EXPECT_EQ(t.head, expected);
  }
  for (const unsigned i : {2u, 0u, 3u, 1u}) f.device.push(f.view, static_cast<std::uint16_t>(id[i]), i + 1);
  f.device.publish(f.view);
  DriverRing::Used u;
  for (const std::uint32_t i : {2u, 0u, 3u, 1u}) {
    ASSERT_TRUE(f.driver.get_used(f.view, u));
    EXPECT_EQ(u.token, i);
    EXPECT_EQ(u.len, i + 1);
  }
}

TEST(Spec_2_8_15, NothingIsTakenBeforeItsMarkHasChanged) {
  struct Row {
    std::uint16_t flags;
    bool taken;
  };
  for (const Row& r : {Row{0, false}, Row{kAvail, true}, Row{kUsed, false}, Row{kAvail | kUsed, false}}) {
    RingFixture f(4, kRing);
    f.packed(0, 0x4000, 64, 0, vring::kWrite | r.flags);
    Segment s[1];
    DeviceRing::Taken t;
    EXPECT_EQ(f.device.take(f.view, s, 1, t), r.taken) << r.flags;
    EXPECT_EQ(f.device.recheck(f.view), false);
  }
}

TEST(Spec_2_8_15, AUsedDescriptorIsNotTouchedAgain) {
  RingFixture f(4, kRing);
  for (int i = 0; i < 2; ++i) f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  Segment s[1];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 1, t));
  f.device.push(f.view, t.head, 1);
  f.device.publish(f.view);
  AccessLog log(f.view);
  f.device.signal_needed(log);
  ASSERT_TRUE(f.device.take(log, s, 1, t));
  f.device.push(log, t.head, 1);
  f.device.publish(log);
  EXPECT_EQ(log.count(true, desc_at(f.layout, 0), 16), 0u);
}

TEST(Spec_2_8_16, TheDriverWritesOnlyWhatIsItsOwn) {
  RingFixture f(3, kRing);
  f.driver.add(f.view, kOne, 1, 0);
  f.driver.add(f.view, kOne, 1, 1);
  f.driver.publish(f.view);
  EXPECT_EQ(f.driver.add(f.view, kThree, 3, 2), DriverRing::kFull);
  AccessLog log(f.view);
  ASSERT_NE(f.driver.add(log, kOne, 1, 3), DriverRing::kFull);
  f.driver.publish(log);
  DriverRing::Used u;
  EXPECT_FALSE(f.driver.get_used(log, u));
  EXPECT_EQ(f.driver.add(log, kOne, 1, 4), DriverRing::kFull);
  EXPECT_EQ(log.count(true, desc_at(f.layout, 0), 32), 0u);
}

TEST(Spec_2_8_17, RoomForTheWholeListAndTheFirstLast) {
  RingFixture f(5, kRing);
  AccessLog log(f.view);
  ASSERT_NE(f.driver.add(log, kThree, 3, 0), DriverRing::kFull);
  EXPECT_EQ(f.driver.add(log, kThree, 3, 0), DriverRing::kFull);
  EXPECT_EQ(log.count(true, desc_at(f.layout, 3), 32), 0u);
  EXPECT_LT(log.first(true, flags_at(f, 0)), 0);
  EXPECT_GE(log.first(true, flags_at(f, 1)), 0);
  f.driver.publish(log);
  EXPECT_EQ(log.first(true, flags_at(f, 0)), static_cast<int>(log.all.size()) - 1);
}

TEST(Spec_2_8_17, Breach_OrderAndListsThatDoNotEnd) {
  RingFixture order(4, kRing);
  order.packed(0, 0x4000, 8, 0, vring::kWrite | vring::kNext | kAvail);
  order.packed(1, 0x4000, 8, 2, kAvail);
  EXPECT_EQ(taken(order), RingError::bad_order);
  order.device.push(order.view, 2, 0);            // it can be given back
  order.device.publish(order.view);
  EXPECT_TRUE(is_used(order.packed(0).flags, true));
  RingFixture loop(4, kRing);
  for (unsigned i = 0; i < 4; ++i) loop.packed(i, 0x4000, 8, 0, vring::kWrite | vring::kNext | kAvail);
  Segment s[8];
  DeviceRing::Taken t;
  EXPECT_FALSE(loop.device.take(loop.view, s, 8, t));
  EXPECT_EQ(loop.device.errors(RingError::loop), 1u);
  EXPECT_TRUE(loop.device.broken());
}

TEST(Spec_2_8_18, AListIsUsedInItsOrder) {
  RingFixture f(4, kRing);
  pass(f, 2);                                     // so that the list crosses the ring's end
  f.driver.add(f.view, kThree, 3, 0);
  f.driver.publish(f.view);
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(s[i].gpa, kThree[i].gpa);
}

TEST(Spec_2_8_19, TablesOnlyWhereNegotiatedAndWithWriteOnly) {
  for (const bool negotiated : {false, true}) {
    RingFixture f(4, kRing | (negotiated ? bit(feature::kIndirect) : 0), 3);
    const int id = f.driver.add(f.view, kThree, 3, 0);
    f.driver.publish(f.view);
    EXPECT_EQ(f.driver.free_descriptors(), negotiated ? 3u : 1u);
    const Desc d = f.packed(0);
    EXPECT_EQ(d.flags, kAvail | (negotiated ? vring::kIndirect : vring::kNext));
    if (!negotiated) continue;
    EXPECT_EQ(d.id, id);
    EXPECT_EQ(d.len, 48u);
    for (unsigned i = 0; i < 3; ++i) {
      Desc e;
      f.view.read(d.addr + 16 * i, &e, sizeof e);
      EXPECT_EQ(e.addr, kThree[i].gpa);
      EXPECT_EQ(e.len, kThree[i].len);
      EXPECT_EQ(e.flags, kThree[i].write ? vring::kWrite : 0);
    }
  }
}

TEST(Spec_2_8_19, Breach_EachWayToSpoilATable) {
  struct Row {
    const char* what;
    std::uint64_t features;
    Bytes at;
    std::uint32_t len;
    unsigned before, flags;
  };
  const std::uint64_t on = bit(feature::kIndirect);
  for (const Row& r : {Row{"not negotiated", 0, 0x8000, 32, 0, 0}, Row{"in a list", on, 0x8000, 32, 1, 0}, Row{"with NEXT", on, 0x8000, 32, 0, vring::kNext},
                       Row{"longer than the ring", on, 0x8000, 16 * 5, 0, 0}, Row{"no entry", on, 0x8000, 0, 0, 0}, Row{"half an entry", on, 0x8000, 24, 0, 0},
                       Row{"outside memory", on, (1 << 20) - 16, 32, 0, 0}}) {
    RingFixture f(4, kRing | r.features);
    const Desc e[] = {{0x4000, 8, 0, vring::kWrite}, {0x5000, 8, 0, vring::kWrite}};
    f.view.write(0x8000, e, sizeof e);
    for (unsigned i = 0; i < r.before; ++i) f.packed(i, 0x4000, 8, 0, vring::kWrite | vring::kNext | kAvail);
    f.packed(r.before, r.at, r.len, 1, vring::kIndirect | r.flags | kAvail);
    f.packed(r.before + 1, 0x4000, 8, 1, vring::kWrite | kAvail);
    EXPECT_EQ(taken(f), RingError::bad_indirect) << r.what;
    EXPECT_FALSE(f.device.broken());
  }
}

// What no section forbids and no device can serve.
TEST(Spec_2_8_13, Breach_IdsThatNameNothing) {
  RingFixture f(4, kRing);
  f.packed(0, 0x4000, 8, 4, vring::kWrite | kAvail);
  Segment s[1];
  DeviceRing::Taken t;
  EXPECT_FALSE(f.device.take(f.view, s, 1, t));
  EXPECT_EQ(f.device.errors(RingError::bad_head), 1u);
  RingFixture twice(4, kRing);
  for (unsigned i = 0; i < 2; ++i) twice.packed(i, 0x4000, 8, 3, vring::kWrite | kAvail);
  ASSERT_TRUE(twice.device.take(twice.view, s, 1, t));
  EXPECT_FALSE(twice.device.take(twice.view, s, 1, t));
  EXPECT_TRUE(twice.device.broken());
  twice.device.reset();
  EXPECT_FALSE(twice.device.broken());
  EXPECT_TRUE(twice.device.take(twice.view, s, 1, t));
}

TEST(Spec_2_8_13, Breach_AUsedDescriptorThatNamesNothing) {
  for (const std::uint64_t order : {std::uint64_t{0}, bit(feature::kInOrder)})
    for (const unsigned id : {1u, 4u, 65535u}) {
      RingFixture f(4, kRing | order);
      f.driver.add(f.view, kOne, 1, 9);
      f.driver.publish(f.view);
      f.packed(0, 0, 64, static_cast<std::uint16_t>(f.driver.is_outstanding(1) ? 0 : id), vring::kWrite | kAvail | kUsed);
      DriverRing::Used u;
      EXPECT_FALSE(f.driver.get_used(f.view, u));
      EXPECT_EQ(f.driver.errors(), 1u);
      EXPECT_EQ(f.driver.outstanding(), 1u);
    }
}

TEST(Spec_2_8_21_1_1, FlagsAfterTheRestOfTheDescriptor) {
  RingFixture f(4, kRing | bit(feature::kIndirect), 3);
  AccessLog log(f.view);
  f.driver.add(log, kThree, 3, 0);
  f.driver.publish(log);
  EXPECT_LT(log.last(true, desc_at(f.layout, 0)), log.first(true, flags_at(f, 0)));
  EXPECT_LT(log.last(true, f.layout.tables), log.first(true, flags_at(f, 0)));
}

TEST(Spec_2_8_21_3_1, SuppressionIsReadAfterTheFlagsAreVisible) {
  RingFixture f(4, kRing);
  AccessLog log(f.view);
  f.driver.add(log, kOne, 1, 0);
  EXPECT_FALSE(f.driver.kick_needed(log));
  f.driver.publish(log);
  f.driver.kick_needed(log);
  EXPECT_GT(log.first(false, device_event(f.layout)), log.last(true, flags_at(f, 0)));
}

TEST(PackedRing, ADescriptorIsReadOnce) {
  RingFixture f(8, kRing);
  f.driver.add(f.view, kThree, 3, 0);
  f.driver.add(f.view, kOne, 1, 0);
  f.driver.publish(f.view);
  AccessLog log(f.view);
  Segment s[4];
  DeviceRing::Taken t;
  EXPECT_EQ(f.device.available(log), 1u);
  while (f.device.take(log, s, 4, t)) {
    f.device.push(log, t.head, 1);
    f.device.publish(log);
    f.device.signal_needed(log);
    f.device.available(log);
  }
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(log.count(false, desc_at(f.layout, i), 16), 1u) << i;
}

}  // namespace spec_packed_test
}  // namespace gd
