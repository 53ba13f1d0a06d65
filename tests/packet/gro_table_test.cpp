// The table of held packets: eviction, order, ages, fragment slots, owners; random traffic and garbage.
#include <gtest/gtest.h>

#include "models/base/rng.h"
#include "tests/packet/gro_driver.h"

namespace gd {
namespace gro_table_test {
using namespace test;
using V = GroVerdict;

TEST(GroTable, EvictionAndFullTable) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    Driver d = driver(rules);
    Seg s;
    for (s.port = 1; s.port <= 8; ++s.port) ASSERT_EQ(d.receive(v4(s)), V::held);
    EXPECT_EQ(d.last.compared, 7u);
    s.port = 9;
    if (rules == GroRules::linux_6) {
      EXPECT_EQ(d.receive(v4(s)), V::held);
      ASSERT_EQ(d.last.flushed_count, 1u);
      EXPECT_EQ(d.last.flushed[0].reason, GroReason::evicted);
      EXPECT_EQ(be16(&d.delivered[0].bytes[34]), 1);   // the oldest
      d.segment.rx_hash = 5;                           // another bucket has room
      s.port = 10;
      EXPECT_EQ(d.receive(v4(s)), V::held);
      EXPECT_EQ(d.last.compared, 0u);
      EXPECT_EQ(d.table.held(), 9u);
    } else {
      EXPECT_EQ(d.receive(v4(s)), V::normal);
      EXPECT_EQ(d.last.reason, GroReason::table_full);
      EXPECT_EQ(d.table.held(), 8u);
    }
  }
}

TEST(GroTable, OrderAtTheEndOfAPoll) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    Driver d = driver(rules);
    struct In {
      unsigned port, hash;
    };
    for (In in : {In{1, 7}, {2, 0}, {3, 8}, {4, 2}, {5, 0}}) {   // buckets 7, 0, 0, 2, 0
      d.segment.rx_hash = in.hash;
      Seg s;
      s.port = in.port;
      d.receive(v4(s));
    }
    d.end_of_poll();
    std::vector<unsigned> ports;
    for (const auto& x : d.delivered) ports.push_back(be16(&x.bytes[34]));
    if (rules == GroRules::linux_6) EXPECT_EQ(ports, (std::vector<unsigned>{2, 3, 5, 4, 1}));
    else EXPECT_EQ(ports, (std::vector<unsigned>{5, 4, 3, 2, 1}));
    EXPECT_EQ(d.delivered[0].reason, GroReason::complete);
    EXPECT_EQ(d.table.held(), 0u);
  }
}

// A packet in pages of the host and one in its receiver's memory: the first goes up, the second begins anew, in their order.
TEST(GroTable, MemoryOfTwoKindsIsNotMerged) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35})
    for (const bool first : {false, true}) {
      Driver d = driver(rules);
      d.segment.host_pages = first;
      ASSERT_EQ(d.receive(v4(Seg{})), V::held);
      d.segment.host_pages = !first;
      EXPECT_EQ(d.receive(v4(second())), V::held);
      ASSERT_EQ(d.last.flushed_count, 1u);
      EXPECT_EQ(d.last.flushed[0].reason, GroReason::other_memory);
      Seg third;
      third.seq += 200;
      third.id += 2;
      EXPECT_EQ(d.receive(v4(third)), V::merged) << "of the same kind";
    }
}

TEST(GroTable, WhatWasMergedBeforeClosesItsFlowsEntry) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    Driver d = driver(rules);
    ASSERT_EQ(d.receive(v4(Seg{})), V::held);
    d.segment.gso = true;
    EXPECT_EQ(d.receive(v4(second())), V::normal);
    EXPECT_EQ(d.last.reason, GroReason::already_merged);
    if (rules == GroRules::linux_6) {
      ASSERT_EQ(d.last.flushed_count, 1u);
      EXPECT_EQ(d.last.flushed[0].reason, GroReason::already_merged);
    } else {
      EXPECT_EQ(d.table.held(), 1u);   // passed by without a look at the table
    }
    Seg other;
    other.port = 77;                   // nor is one without an entry held
    EXPECT_EQ(d.receive(v4(other)), V::normal);
    EXPECT_EQ(d.table.held(), rules == GroRules::linux_6 ? 0u : 1u);
  }
}

TEST(GroTable, OnlyOldEntriesTimeOut) {
  Driver old = driver(GroRules::linux_2_6_35);
  Driver d = driver(GroRules::linux_6);
  Seg s;
  for (s.port = 1; s.port <= 4; ++s.port) old.receive(v4(s), s.port), d.receive(v4(s), s.port);
  old.older_than(3);
  EXPECT_EQ(old.table.held(), 2u);
  d.older_than(3);
  EXPECT_EQ(d.delivered.size(), 2u);
  EXPECT_EQ(d.delivered[0].reason, GroReason::timeout);
  EXPECT_EQ(be16(&d.delivered[0].bytes[34]), 1);
  EXPECT_EQ(d.table.held(), 2u);
  s.port = 3;   // a merge does not make an entry younger
  s.seq = 1100;
  s.id = 8;
  EXPECT_EQ(d.receive(v4(s), 9), V::merged);
  d.older_than(4);
  EXPECT_EQ(d.delivered.back().payload, 200u);
}

TEST(GroTable, HashAndDeviceSeparateFlows) {
  Driver d = driver(GroRules::linux_6);
  d.segment.rx_hash = 1;
  d.receive(v4({}));
  d.segment.rx_hash = 9;   // same bucket
  EXPECT_EQ(d.receive(v4(second())), V::held);
  EXPECT_EQ(d.last.compared, 1u);
  d.segment.rx_hash = 1;
  d.segment.device = 2;
  EXPECT_EQ(d.receive(v4(second())), V::held);
}

TEST(GroTable, FragmentSlotsOf2635) {
  Driver d = driver(GroRules::linux_2_6_35);
  d.segment.frags = 2;
  d.receive(v4({}));
  d.table.set_room(d.owner(), 3);
  EXPECT_EQ(d.receive(v4(second())), V::merged);
  Seg third = second(9);
  third.seq = 1200;
  EXPECT_EQ(d.receive(v4(third)), V::held);   // one slot left
  ASSERT_EQ(d.last.flushed_count, 1u);
  EXPECT_EQ(d.last.flushed[0].reason, GroReason::no_room);

  Driver exact = driver(GroRules::linux_2_6_35);
  exact.segment.frags = 2;
  exact.receive(v4({}));
  exact.table.set_room(exact.owner(), 2);
  EXPECT_EQ(exact.receive(v4(second())), V::merged);

  Driver modern = driver(GroRules::linux_6);
  modern.segment.frags = 2;
  modern.receive(v4({}));
  modern.table.set_room(modern.owner(), 1);
  EXPECT_EQ(modern.receive(v4(second())), V::merged);
}

// The receiver's driver takes so many buffers of a packet, whatever the host's rules.
TEST(GroTable, NoMoreBuffersThanTheReceiverTakes) {
  for (const GroRules rules : {GroRules::linux_2_6_35, GroRules::linux_6}) {
    Driver d(rules, false, 3);
    d.segment = driver(rules).segment;
    d.segment.buffers = 2;
    d.segment.payload_buffers = 1;
    d.receive(v4({}));
    EXPECT_EQ(d.receive(v4(second())), V::merged);
    Seg third = second(9);
    third.seq = 1200;
    EXPECT_EQ(d.receive(v4(third)), V::held);
    ASSERT_EQ(d.last.flushed_count, 1u);
    EXPECT_EQ(d.last.flushed[0].reason, GroReason::no_room);
  }
}

TEST(GroTable, LinearSegmentsOf2635) {
  Driver d = driver(GroRules::linux_2_6_35);
  d.segment.frags = 0;
  d.receive(v4({}));
  EXPECT_EQ(d.receive(v4(second())), V::merged);
  EXPECT_TRUE(d.last.first_chained);
  d.segment.frags = 1;   // once there is a frag_list, everything is chained to it
  Seg third = second(9);
  third.seq = 1200;
  EXPECT_EQ(d.receive(v4(third)), V::merged);
  EXPECT_FALSE(d.last.first_chained);

  Driver mixed = driver(GroRules::linux_2_6_35);   // frags first, then linear: refused
  mixed.receive(v4({}));
  EXPECT_EQ(mixed.receive(v4(second())), V::merged);
  mixed.segment.frags = 0;
  EXPECT_EQ(mixed.receive(v4(third)), V::held);
  EXPECT_EQ(mixed.last.flushed[0].reason, GroReason::no_room);
}

TEST(GroTable, AReusedSlotKnowsNothingOfItsFormerEntry) {
  Driver full = driver(GroRules::linux_2_6_35);
  full.receive(v4({}));
  full.table.set_room(full.owner(), 0);
  full.end_of_poll();
  full.receive(v4({}));
  EXPECT_EQ(full.receive(v4(second())), V::merged);

  Driver chained = driver(GroRules::linux_2_6_35);
  chained.segment.frags = 0;
  for (int round = 0; round < 2; ++round) {
    chained.receive(v4({}));
    EXPECT_EQ(chained.receive(v4(second())), V::merged);
    EXPECT_TRUE(chained.last.first_chained);
    chained.end_of_poll();
  }
}

TEST(GroTable, OwnerMayBeReplaced) {
  GroTable t(GroRules::linux_2_6_35);
  const Frame f = v4({});
  const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
  int a = 0, b = 0;
  GroSegment s;
  s.frame = f.data();
  s.contiguous = p.header_length;   // headers are enough
  s.parsed = &p;
  s.owner = &a;
  s.verified = true;
  EXPECT_EQ(t.receive(s, 0).verdict, V::held);
  t.replace_owner(&a, &b);
  GroFlushed out[kGroMaxEntries];
  ASSERT_EQ(t.flush_all(out), 1u);
  EXPECT_EQ(out[0].owner, &b);
}

TEST(GroTable, WorkIsCounted) {
  Driver d = driver(GroRules::linux_6);
  d.receive(v4({}));
  EXPECT_EQ(d.last.header_bytes, 54u);
  EXPECT_EQ(d.last.header_length, 54u);
  EXPECT_EQ(d.last.compared, 0u);
  d.receive(udp4_frame(10));
  EXPECT_EQ(d.last.compared, 1u);
  EXPECT_EQ(d.last.header_length, 34u);   // the network header was parsed before the UDP handler declined
  Driver old = driver(GroRules::linux_2_6_35);
  old.receive(udp4_frame(10));
  EXPECT_EQ(old.last.header_length, 14u); // there is no UDP handler
}

// Flows mixed at random, with gaps, short segments, flags and ends of polls: every byte comes out once, in order, in
// right frames (the driver checks lengths, checksums and segment counts).
TEST(GroTable, RandomTrafficIsConserved) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    Driver d = driver(rules);
    Rng rng(11, "gro-test");
    std::uint32_t next[12] = {}, ids[12] = {}, sent = 0;
    for (int i = 0; i < 4000; ++i) {
      const auto flow = static_cast<unsigned>(rng.below(12));
      Seg s;
      s.port = 100 + flow;
      s.data = rng.below(8) ? 120 : rng.below(200);
      s.seq = next[flow];
      s.id = ids[flow] += rng.below(30) ? 1 : 2;
      if (rng.below(10) == 0) s.flags |= 0x08;
      next[flow] += static_cast<std::uint32_t>(s.data);
      sent += static_cast<std::uint32_t>(s.data);
      d.segment.rx_hash = flow;
      d.receive(v4(s));
      if (rng.below(60) == 0) d.end_of_poll();
    }
    d.end_of_poll();
    std::uint32_t got = 0, expect[12] = {}, merged = 0;
    for (const Delivered& x : d.delivered) {
      const unsigned flow = be16(&x.bytes[34]) - 100u;
      EXPECT_EQ(be32(&x.bytes[38]), expect[flow]);
      expect[flow] += x.payload;
      got += x.payload;
      merged += x.seqs.size() > 1;
    }
    EXPECT_EQ(got, sent);
    EXPECT_GT(merged, 200u);
  }
}

TEST(GroTable, GarbageIsSurvived) {
  Rng rng(12, "gro-test");
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    GroTable t(rules);
    for (int i = 0; i < 50000; ++i) {
      Frame f = i & 1 ? v4({}) : v6(1, 20, 60, {6, 0, 1, 4, 0, 0, 0, 0});
      for (std::uint64_t k = rng.below(4); k-- > 0;) f[rng.below(f.size())] = static_cast<std::uint8_t>(rng());
      f.resize(rng.below(3) ? f.size() : rng.below(f.size() + 1));
      f.shrink_to_fit();
      const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
      const Frame readable(f.begin(), f.begin() + (rng.below(2) ? p.header_length : p.length));
      GroSegment s;
      s.frame = readable.data();
      s.contiguous = static_cast<std::uint32_t>(readable.size());
      s.parsed = &p;
      s.verified = rng.below(2);
      const GroResult r = t.receive(s, i);
      ASSERT_LE(r.flushed_count, 2u);
      ASSERT_LE(r.header_length, f.size());
      ASSERT_LE(t.held(), kGroMaxEntries);
    }
  }
}

}  // namespace gro_table_test
}  // namespace gd
