// VIRTIO 1.2 section 2.7, split virtqueues: each test is named after the section whose requirement it holds; Breach tests
// are about the other side breaking it.
#include "tests/virtio/spec_fixture.h"

namespace gd {
namespace spec_split_test {
using feature::bit;

vring::Desc desc(RingFixture& f, Gpa table, unsigned i) {
  vring::Desc d;
  f.view.read(table + 16 * i, &d, sizeof d);
  return d;
}
// What the device says of a chain whose head is 0.
RingError taken(RingFixture& f, unsigned room = 8) {
  f.offer(0);
  Segment s[16];
  DeviceRing::Taken t;
  EXPECT_TRUE(f.device.take(f.view, s, room, t));
  return t.error;
}

TEST(Spec_2_7, SizesArePowersOfTwoUpTo32768) {
  VirtQueueLayout l;
  for (unsigned size = 0; size < 65536; ++size) {
    l.size = static_cast<std::uint16_t>(size);
    const bool good = size > 0 && size <= 32768 && (size & (size - 1)) == 0;
    if (good) { EXPECT_NO_THROW(vring::check(l, "queue")) << size; }
    else { EXPECT_THROW(vring::check(l, "queue"), UserError) << size; }
  }
}

TEST(Spec_2_7_1, PartsAreAligned) {
  for (const std::uint16_t size : {1, 2, 8, 256}) {
    RingFixture f(size);
    EXPECT_EQ(f.layout.desc % 16, 0u);
    EXPECT_EQ(f.layout.avail % 2, 0u);
    EXPECT_EQ(f.layout.used % 4, 0u);
  }
}

TEST(Spec_2_7_4_1, TheDeviceTakesAnyArrangement) {
  for (const unsigned cut : {1u, 12u, 100u, 150u}) {
    RingFixture f(4);
    const Segment parts[] = {{0x4000, cut, true}, {0x4000 + cut, 200 - cut, true}};
    f.driver.add(f.view, parts, 2, 0);
    f.driver.publish(f.view);
    Segment s[4];
    DeviceRing::Taken t;
    ASSERT_TRUE(f.device.take(f.view, s, 4, t));
    EXPECT_EQ(t.error, RingError::none);
    EXPECT_EQ(t.writable, 200u);
  }
}

TEST(Spec_2_7_4_2, Breach_ReadableAfterWritable) {
  RingFixture f(4);
  f.desc(0, 0x4000, 8, vring::kWrite | vring::kNext, 1);
  f.desc(1, 0x4000, 8, 0, 0);
  EXPECT_EQ(taken(f), RingError::bad_order);
}

TEST(Spec_2_7_5_1, TheDeviceKnowsReadableFromWritable) {
  RingFixture f(4);
  f.driver.add(f.view, kThree, 3, 0);
  f.driver.publish(f.view);
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 4, t));
  EXPECT_FALSE(s[0].write);
  EXPECT_TRUE(s[1].write && s[2].write);
  EXPECT_EQ(t.readable, 12u);
  EXPECT_EQ(t.writable, 300u);
}

TEST(Spec_2_7_5_2, Breach_LoopsAndMoreThan4GiB) {
  RingFixture loop(4);
  loop.desc(0, 0x4000, 8, vring::kWrite | vring::kNext, 1);
  loop.desc(1, 0x4000, 8, vring::kWrite | vring::kNext, 0);
  EXPECT_EQ(taken(loop), RingError::loop);
  RingFixture large(8);
  DeviceRing device(large.layout, Bytes{1} << 34);   // a guest of 16 GiB
  for (std::uint16_t i = 0; i < 3; ++i) large.desc(i, Gpa{i} << 31, 1u << 31, i < 2 ? vring::kWrite | vring::kNext : vring::kWrite, i + 1);
  large.offer(0);
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(device.take(large.view, s, 4, t));
  EXPECT_EQ(t.error, RingError::bad_address);
}

TEST(Spec_2_7_5_2, InOrderTheNextIsTheNeighbour) {
  RingFixture f(4, bit(feature::kInOrder));
  for (unsigned at : {0u, 3u, 2u, 1u}) {   // where each chain of three begins
    const int head = f.driver.add(f.view, kThree, 3, 0);
    ASSERT_EQ(head, static_cast<int>(at));
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned x = (at + i) % 4;
      EXPECT_EQ(desc(f, f.layout.desc, x).next, x == 3 ? 0 : x + 1);
    }
    f.driver.publish(f.view);
    Segment s[4];
    DeviceRing::Taken t;
    DriverRing::Used u;
    ASSERT_TRUE(f.device.take(f.view, s, 4, t));
    f.device.push(f.view, t.head, 1);
    f.device.publish(f.view);
    ASSERT_TRUE(f.driver.get_used(f.view, u));
  }
}

TEST(Spec_2_7_5_3_1, NoTableUnlessNegotiated) {
  for (const bool negotiated : {false, true}) {
    RingFixture f(4, negotiated ? bit(feature::kIndirect) : 0, 3);
    const int head = f.driver.add(f.view, kThree, 3, 0);
    ASSERT_NE(head, DriverRing::kFull);
    const vring::Desc d = desc(f, f.layout.desc, static_cast<unsigned>(head));
    EXPECT_EQ(d.flags, negotiated ? vring::kIndirect : vring::kNext);   // and never with NEXT
    EXPECT_EQ(f.driver.free_descriptors(), negotiated ? 3u : 1u);
    if (!negotiated) continue;
    ASSERT_EQ(d.len, 48u);
    for (unsigned i = 0; i < 3; ++i) {
      const vring::Desc e = desc(f, d.addr, i);
      EXPECT_EQ(e.addr, kThree[i].gpa);
      EXPECT_EQ(e.len, kThree[i].len);
      EXPECT_EQ(e.flags, (kThree[i].write ? vring::kWrite : 0) | (i < 2 ? vring::kNext : 0));   // never a table in a table
      EXPECT_EQ(e.next, i < 2 ? i + 1 : 0);   // as IN_ORDER demands, too
    }
  }
}

TEST(Spec_2_7_5_3_1, NoChainLongerThanTheRing) {
  RingFixture f(2, bit(feature::kIndirect));
  EXPECT_THROW(vring::place_tables(f.space, f.layout, 3), UserError);
  EXPECT_EQ(f.driver.add(f.view, kThree, 3, 0), DriverRing::kFull);
}

TEST(Spec_2_7_5_3_1, Breach_EachWayToSpoilATable) {
  struct Row {
    const char* what;
    std::uint64_t features;
    vring::Desc ring, first, second;
    RingError expected;
  };
  const vring::Desc good{0x4000, 8, vring::kWrite, 0}, table{0x8000, 32, vring::kIndirect, 0};
  const vring::Desc linked{0x4000, 8, vring::kWrite | vring::kNext, 1};
  const std::uint64_t on = bit(feature::kIndirect);
  const Row rows[] = {
      {"fine", on, table, linked, good, RingError::none},
      {"not negotiated", 0, table, good, good, RingError::bad_indirect},
      {"a table in a table", on, table, table, good, RingError::bad_indirect},
      {"a table with NEXT", on, {0x8000, 32, vring::kIndirect | vring::kNext, 1}, good, good, RingError::bad_indirect},
      {"longer than the ring", on, {0x8000, 16 * 5, vring::kIndirect, 0}, good, good, RingError::bad_indirect},
      {"no entry", on, {0x8000, 0, vring::kIndirect, 0}, good, good, RingError::bad_indirect},
      {"half an entry", on, {0x8000, 24, vring::kIndirect, 0}, good, good, RingError::bad_indirect},
      {"outside memory", on, {(1 << 20) - 16, 32, vring::kIndirect, 0}, good, good, RingError::bad_indirect},
      {"next beyond the table", on, table, {0x4000, 8, vring::kWrite | vring::kNext, 2}, good, RingError::bad_next},
      {"a loop", on, table, linked, {0x4000, 8, vring::kWrite | vring::kNext, 0}, RingError::loop},
  };
  for (const Row& r : rows) {
    RingFixture f(4, r.features);
    f.view.write(f.layout.desc, &r.ring, 16);
    f.view.write(0x8000, &r.first, 16);
    f.view.write(0x8010, &r.second, 16);
    EXPECT_EQ(taken(f), r.expected) << r.what;
  }
}

TEST(Spec_2_7_5_3_2, TheWriteFlagOfATableIsIgnored) {
  RingFixture f(4, bit(feature::kIndirect));
  const vring::Desc e{0x4000, 8, 0, 0};
  f.view.write(0x8000, &e, 16);
  f.desc(0, 0x8000, 16, vring::kIndirect | vring::kWrite, 0);
  f.offer(0);
  Segment s[2];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(f.view, s, 2, t));
  EXPECT_EQ(t.error, RingError::none);
  EXPECT_EQ(t.readable, 8u);
}

TEST(Spec_2_7_5_3_2, ATableMayEndAChain) {
  for (unsigned before = 0; before < 3; ++before) {
    RingFixture f(4, bit(feature::kIndirect));
    for (std::uint16_t i = 0; i < before; ++i) f.desc(i, 0x4000, 8, vring::kWrite | vring::kNext, i + 1);
    f.desc(before, 0x8000, 32, vring::kIndirect, 0);
    const vring::Desc e[] = {{0x5000, 100, vring::kWrite | vring::kNext, 1}, {0x6000, 100, vring::kWrite, 0}};
    f.view.write(0x8000, e, sizeof e);
    f.offer(0);
    Segment s[8];
    DeviceRing::Taken t;
    ASSERT_TRUE(f.device.take(f.view, s, 8, t));
    EXPECT_EQ(t.error, RingError::none);
    EXPECT_EQ(t.segments, before + 2);
    EXPECT_EQ(t.writable, 8 * before + 200);
  }
}

TEST(Spec_2_7_6_1, TheIndexOnlyGrows) {
  RingFixture f(4);
  std::uint16_t before = 0;
  for (int i = 0; i < 70000; ++i) {
    pass(f);
    const std::uint16_t now = f.word(vring::avail_idx(f.layout));
    ASSERT_EQ(now, static_cast<std::uint16_t>(before + 1));
    before = now;
  }
}

TEST(Spec_2_7_6_1, Breach_AnIndexThatGoesBack) {
  RingFixture f(4);
  pass(f, 3);
  f.set(vring::avail_idx(f.layout), 2);
  Segment s[2];
  DeviceRing::Taken t;
  EXPECT_FALSE(f.device.take(f.view, s, 2, t));
  EXPECT_EQ(f.device.errors(RingError::index_jump), 1u);
  EXPECT_TRUE(f.device.broken());
}

TEST(SplitRing, ADescriptorIsReadOnce) {
  RingFixture f(8, bit(feature::kIndirect), 3);
  f.driver.add(f.view, kThree, 3, 0);
  f.driver.publish(f.view);
  AccessLog log(f.view);
  Segment s[4];
  DeviceRing::Taken t;
  ASSERT_TRUE(f.device.take(log, s, 4, t));
  f.device.push(log, t.head, 1);
  f.device.publish(log);
  f.device.signal_needed(log);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(log.count(false, f.layout.tables + 16 * i, 16), 1u);
  EXPECT_EQ(log.count(false, f.layout.desc, 16 * 8), 1u);
}

}  // namespace spec_split_test
}  // namespace gd
