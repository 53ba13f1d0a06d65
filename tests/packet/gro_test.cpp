// GRO rules one by one: what is held, what merges, what is flushed and why, and what the result says.
#include <gtest/gtest.h>

#include "tests/packet/gro_driver.h"

namespace gd {
namespace gro_test {
using namespace test;
using Lengths = std::vector<std::uint32_t>;
using V = GroVerdict;

TEST(Gro, WhatForbidsTheMergeAndWhy) {
  struct Row {
    const char* name;
    Seg second;
    GroReason linux6, old;   // none: merges
  };
  const Seg base = second();
  auto with = [&](auto change) {
    Seg s = base;
    change(s);
    return s;
  };
  const GroReason no = GroReason::none, header = GroReason::header_mismatch;
  const Row rows[] = {
      {"next in sequence", base, no, no},
      {"shorter", with([](Seg& s) { s.data = 40; }), GroReason::short_segment, GroReason::short_segment},
      {"longer", with([](Seg& s) { s.data = 101; }), GroReason::larger_segment, GroReason::larger_segment},
      {"gap", with([](Seg& s) { s.seq = 1101; }), GroReason::out_of_order, GroReason::out_of_order},
      {"duplicate", with([](Seg& s) { s.seq = 1000; }), GroReason::out_of_order, GroReason::out_of_order},
      {"PSH", with([](Seg& s) { s.flags = 0x18; }), GroReason::closing_flags, GroReason::closing_flags},
      {"FIN", with([](Seg& s) { s.flags = 0x11; }), GroReason::closing_flags, GroReason::closing_flags},
      {"RST", with([](Seg& s) { s.flags = 0x14; }), GroReason::closing_flags, GroReason::closing_flags},
      {"ECE", with([](Seg& s) { s.flags = 0x50; }), header, header},
      {"CWR", with([](Seg& s) { s.flags = 0x90; }), header, header},
      {"pure ACK", with([](Seg& s) { s.data = 0; }), GroReason::pure_ack, GroReason::pure_ack},
      {"TTL", with([](Seg& s) { s.ttl = 63; }), header, header},
      {"TOS", with([](Seg& s) { s.tos = 4; }), header, GroReason::complete},   // 2.6.35: another flow
      {"fixed id", with([](Seg& s) { s.id = 7; }), no, header},
      {"id jumps", with([](Seg& s) { s.id = 9; }), header, header},
      {"DF cleared", with([](Seg& s) { s.fragment = 0; }), header, GroReason::length_mismatch},
      {"option bytes", with([](Seg& s) { s.tcp_options = {1, 1, 1, 1}; }), header, header},
      {"other port", with([](Seg& s) { s.port = 1501; }), GroReason::complete, GroReason::complete},
      {"IP options", with([](Seg& s) { s.ip_options = {1, 1, 1, 0}; }), GroReason::complete, GroReason::complete},
  };
  for (const Row& r : rows)
    for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
      SCOPED_TRACE(std::string(r.name) + (rules == GroRules::linux_6 ? ", linux-6" : ", linux-2.6.35"));
      Driver d = driver(rules);
      ASSERT_EQ(d.receive(v4({})), V::held);
      const V verdict = d.receive(v4(r.second));
      const GroReason expected = rules == GroRules::linux_6 ? r.linux6 : r.old;
      const GroResult last = d.last;
      if (expected == GroReason::none) {
        EXPECT_EQ(verdict, V::merged);
        EXPECT_EQ(last.flushed_count, 0u);
      } else if (expected == GroReason::complete) {
        EXPECT_NE(verdict, V::merged);
        EXPECT_EQ(last.flushed_count, 0u);   // the entry stays
      } else {
        ASSERT_EQ(last.flushed_count, 1u);
        EXPECT_EQ(last.flushed[0].reason, expected);
      }
      d.end_of_poll();
      std::uint32_t total = 0;
      for (std::uint32_t n : d.lengths()) total += n;
      EXPECT_EQ(total, 100 + r.second.data);
    }
}

TEST(Gro, FlagsThatCloseWithoutAnEntryGoUpAtOnce) {
  for (unsigned flags : {0x18u, 0x11u, 0x12u, 0x14u, 0x30u}) {
    Driver d = driver(GroRules::linux_6);
    Seg s;
    s.flags = flags;
    EXPECT_EQ(d.receive(v4(s)), V::normal);
    EXPECT_EQ(d.last.reason, GroReason::closing_flags);
  }
}

TEST(Gro, BypassLeavesTheEntryHeld) {
  Driver d = driver(GroRules::linux_6);
  d.receive(v4({}));
  Seg fragment = second();
  fragment.fragment = 0x2000;
  Frame bad_ip = v4(second());
  bad_ip[24] ^= 1;
  for (const Frame& f : {v4(fragment), bad_ip, udp4_frame(100), ethernet(0x0806), v6(1, 1, 44, {6, 0, 0, 0, 0, 0, 0, 1})}) {
    EXPECT_EQ(d.receive(f), V::normal);
    EXPECT_EQ(d.last.reason, GroReason::no_handler);
    EXPECT_EQ(d.last.flushed_count, 0u);
  }
  EXPECT_EQ(d.table.held(), 1u);
}

TEST(Gro, ChecksumState) {
  Frame bad = v4({});
  bad.back() ^= 1;
  Driver d(GroRules::linux_6);
  EXPECT_EQ(d.receive(bad), V::normal);
  EXPECT_EQ(d.last.reason, GroReason::bad_checksum);
  EXPECT_EQ(d.last.summed_bytes, 120u);
  EXPECT_EQ(d.receive(v4({})), V::held);   // software sum
  EXPECT_EQ(d.last.summed_bytes, 120u);
  d.segment.verified = true;
  EXPECT_EQ(d.receive(v4(second())), V::merged);
  EXPECT_EQ(d.last.summed_bytes, 0u);
  Driver old(GroRules::linux_2_6_35);
  EXPECT_EQ(old.receive(v4({})), V::normal);
  EXPECT_EQ(old.last.reason, GroReason::bad_checksum);
}

TEST(Gro, PaddingLeftInTheFrameForbidsTheMerge) {
  Driver d = driver(GroRules::linux_6);
  d.receive(v4({}));
  Seg s = second();
  s.data = 1;
  Frame f = v4(s);
  f.resize(60);
  EXPECT_EQ(d.receive(f), V::normal);
  EXPECT_EQ(d.last.reason, GroReason::length_mismatch);
  ASSERT_EQ(d.last.flushed_count, 1u);
  EXPECT_EQ(d.last.flushed[0].reason, GroReason::length_mismatch);
}

// skb_gro_receive: p->len + len < 65536, where a tag that the card left in the frame is part of p->len.
TEST(Gro, SizeLimitIsExact) {
  struct Row {
    bool tagged;
    unsigned most;                   // payload: 40 header bytes, 4 of the tag, and this are 65535
  };
  for (const Row& r : {Row{false, 65495}, {true, 65491}})
    for (unsigned over : {0u, 1u}) {
      const auto frame = [&](const Seg& s) { return r.tagged ? v4(s, {0x81000005}) : v4(s); };
      Driver d = driver(GroRules::linux_6);
      Seg s;
      s.data = 5000;
      s.seq = 0;
      for (; s.seq + 5000 <= r.most; s.seq += 5000, ++s.id) ASSERT_NE(d.receive(frame(s)), V::normal);
      s.data = r.most - s.seq + over;
      d.receive(frame(s));
      d.end_of_poll();
      if (over) EXPECT_EQ(d.lengths(), (Lengths{65000, r.most - 65000 + 1}));
      else EXPECT_EQ(d.lengths(), Lengths{r.most});
      EXPECT_EQ(d.delivered[0].reason, over ? GroReason::size_limit : GroReason::short_segment);
    }
}

TEST(Gro, FixedAndRisingIds) {
  struct Row {
    std::vector<unsigned> ids;
    Lengths linux6, old;
  };
  for (const Row& r : {Row{{8, 9, 10}, {300}, {300}}, {{8, 8, 8}, {300}, {100, 100, 100}}, {{8, 9, 9}, {200, 100}, {200, 100}},
                       {{8, 8, 9}, {200, 100}, {100, 200}}, {{8, 9, 8}, {200, 100}, {200, 100}},
                       {{0xffff, 0, 1}, {300}, {300}}})
    for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
      Driver d = driver(rules);
      Seg s;
      for (unsigned id : r.ids) {
        s.id = id;
        d.receive(v4(s));
        s.seq += 100;
      }
      d.end_of_poll();
      EXPECT_EQ(d.lengths(), rules == GroRules::linux_6 ? r.linux6 : r.old) << r.ids[0] << " " << r.ids[1] << " " << r.ids[2];
    }
}

TEST(Gro, MetadataOfAMergedPacket) {
  Driver d = driver(GroRules::linux_6);
  Seg s;
  s.flags = 0xd0;   // ACK, ECE, CWR
  for (s.id = 5; s.id < 8; ++s.id, s.seq += 100) d.receive(v4(s));
  s.flags |= 0x08;
  s.data = 30;
  d.receive(v4(s));
  ASSERT_EQ(d.delivered.size(), 1u);
  const Delivered& x = d.delivered[0];
  EXPECT_EQ(x.meta.gso_size, 100);
  EXPECT_EQ(x.meta.gso_segments, 4);
  EXPECT_FALSE(x.meta.tcp6);
  EXPECT_TRUE(x.meta.ecn);
  EXPECT_TRUE(x.meta.accecn);                // every segment had CWR
  EXPECT_FALSE(x.meta.fixed_id);
  EXPECT_EQ(x.meta.header_length, 54);
  EXPECT_EQ(x.meta.csum_start, 34);
  EXPECT_EQ(x.meta.csum_offset, 16);
  EXPECT_EQ(be16(&x.bytes[16]), 370);        // total length
  EXPECT_EQ(be16(&x.bytes[18]), 5);          // id of the first
  EXPECT_EQ(x.bytes[47], 0xd8);              // PSH of the last is added
  EXPECT_EQ(be32(&x.bytes[38]), 1000u);      // sequence number of the first

  // 2.6.35: a segment with CWR begins a packet that those without may join.
  Driver old = driver(GroRules::linux_2_6_35);
  s = {};
  s.flags = 0x90;
  old.receive(v4(s));
  s.flags = 0x10;
  s.seq += s.data;
  ++s.id;
  old.receive(v4(s));
  old.end_of_poll();
  ASSERT_EQ(old.delivered.size(), 1u);
  EXPECT_TRUE(old.delivered[0].meta.ecn);
  EXPECT_FALSE(old.delivered[0].meta.accecn);

  Driver single = driver(GroRules::linux_6);
  const Frame f = v4({});
  single.receive(f);
  single.end_of_poll();
  EXPECT_EQ(single.delivered[0].meta.gso_size, 0);
  EXPECT_FALSE(single.delivered[0].meta.needs_csum);
  EXPECT_EQ(single.delivered[0].bytes, f);
}

TEST(Gro, PartialChecksumIsThePseudoHeadersSum) {
  Frame f = v6(1, 100);
  const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
  GroInfo info;
  info.segments = 2;
  info.segment_payload = 100;
  info.payload = 200;
  info.ip_length = 260;
  info.l3_offset = 14;
  info.l4_offset = 54;
  info.header_length = 74;
  info.ipv6 = true;
  const GroMeta m = gro_complete(f.data(), info);
  EXPECT_TRUE(m.tcp6);
  EXPECT_EQ(be16(&f[18]), 220);
  EXPECT_EQ(be16(&f[70]), csum::pseudo(f.data(), p, 220));
}

TEST(Gro, Ipv6ExtensionsArePartOfTheFlow) {
  const Frame one = {6, 0, 1, 4, 0, 0, 0, 0}, other = {6, 0, 1, 4, 1, 0, 0, 0};
  Driver d = driver(GroRules::linux_6);
  EXPECT_EQ(d.receive(v6(1, 100, 60, one)), V::held);
  EXPECT_EQ(d.receive(v6(101, 100, 60, other)), V::held);
  EXPECT_EQ(d.receive(v6(101, 100)), V::held);
  EXPECT_EQ(d.receive(v6(101, 100, 60, one)), V::merged);
  EXPECT_EQ(d.table.held(), 3u);
  d.end_of_poll();
}

TEST(Gro, Ipv6HopLimitAndTrafficClass) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35})
    for (std::size_t at : {std::size_t{21}, std::size_t{15}}) {   // hop limit; traffic class, low half
      Driver d = driver(rules);
      d.receive(v6(1, 100));
      Frame f = v6(101, 100);
      f[at] ^= 0x10;
      EXPECT_EQ(d.receive(f), V::held);
      EXPECT_EQ(d.table.held(), rules == GroRules::linux_6 ? 1u : 2u);   // flushed, or another flow
    }
}

TEST(Gro, VlanTags) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    const bool old = rules == GroRules::linux_2_6_35;
    Driver d = driver(rules);
    EXPECT_EQ(d.receive(v4({}, {0x81000005})), old ? V::normal : V::held);   // in the frame: no handler in 2.6.35
    EXPECT_EQ(d.receive(v4(second(), {0x81000006})), old ? V::normal : V::held);
    EXPECT_EQ(d.receive(v4(second(), {0x81000005})), old ? V::normal : V::merged);
    EXPECT_EQ(d.receive(v4(second(), {0x88a80005, 0x81000005})), old ? V::normal : V::held);
    d.end_of_poll();
    EXPECT_EQ(d.delivered.size(), old ? 4u : 3u);
    d.segment.vlan_stripped = true;
    d.segment.vlan_tci = 5;
    EXPECT_EQ(d.receive(v4({})), V::held);
    d.segment.vlan_tci = 6;
    EXPECT_EQ(d.receive(v4(second())), V::held);
    d.segment.vlan_stripped = false;
    d.segment.vlan_tci = 0;
    EXPECT_EQ(d.receive(v4(second())), V::held);
    d.segment.vlan_stripped = true;
    d.segment.vlan_tci = 5;
    EXPECT_EQ(d.receive(v4(second())), V::merged);
  }
}

TEST(Gro, EveryBitOfTheFlowLabelIsCompared) {
  for (unsigned bit = 0; bit < 20; ++bit) {
    Driver d = driver(GroRules::linux_6);
    d.receive(v6(1, 100));
    Frame f = v6(101, 100);
    f[17 - bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_EQ(d.receive(f), V::held) << bit;
    EXPECT_EQ(d.table.held(), 2u) << bit;
  }
}

TEST(Gro, ATagOfZeroThatTheCardTookOutIsNoMissingTag) {
  Driver d = driver(GroRules::linux_6);
  d.segment.vlan_stripped = true;
  d.receive(v4({}));
  d.segment.vlan_stripped = false;
  EXPECT_EQ(d.receive(v4(second())), V::held);
}

}  // namespace gro_test
}  // namespace gd
