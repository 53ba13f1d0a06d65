// UDP in GRO: not merged unless asked for; then in segment mode.
#include "tests/packet/gro_driver.h"

namespace gd {
namespace gro_udp_test {
using namespace test;
using V = GroVerdict;
using Lengths = std::vector<std::uint32_t>;

struct Datagram {
  std::size_t data = 100;
  unsigned id = 7, ttl = 64, tos = 0, port = 1500;
  bool sum = true, v6 = false;
};
Frame datagram(const Datagram& d) {
  Frame body = udp_segment(payload(d.data));
  set16(body, 0, d.port);
  Ip4 o;
  o.protocol = 17;
  o.id = d.id;
  o.ttl = d.ttl;
  o.tos = d.tos;
  Frame f = d.v6 ? ip6_packet(ethernet(0x86dd), 17, {}, body) : ip4_packet(ethernet(0x0800), o, body);
  const std::size_t l4 = f.size() - body.size();
  if (d.sum) seal(f, 14, l4, d.v6, 17);
  return f;
}
Driver udp() {
  Driver d(GroRules::linux_6, true);
  d.segment.verified = true;
  return d;
}

TEST(GroUdp, NotMergedUnlessAskedFor) {
  for (GroRules rules : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    Driver d(rules, rules == GroRules::linux_2_6_35);   // 2.6.35 has none, asked or not
    d.segment.verified = true;
    for (unsigned i = 0; i < 3; ++i) {
      EXPECT_EQ(d.receive(datagram({.id = 7 + i})), V::normal);
      EXPECT_EQ(d.last.reason, GroReason::no_handler);
    }
    EXPECT_EQ(d.table.held(), 0u);
  }
}

TEST(GroUdp, EqualAndShorterJoinLongerStarts) {
  struct Row {
    std::vector<std::size_t> sent;
    Lengths out;
  };
  for (const bool v6 : {false, true})
    for (const Row& r : {Row{{100, 100, 100}, {300}}, {{100, 60, 100}, {160, 100}}, {{100, 101, 101}, {100, 202}}, {{1, 1}, {2}}, {{100}, {100}}}) {
      Driver d = udp();
      unsigned id = 7;
      for (std::size_t n : r.sent) d.receive(datagram({.data = n, .id = id++, .v6 = v6}));
      d.end_of_poll();
      EXPECT_EQ(d.lengths(), r.out);
    }
}

TEST(GroUdp, WhatIsNeverMerged) {
  Frame short_length = datagram({.id = 8});
  set16(short_length, 38, 108 - 4);              // the UDP length leaves bytes over
  Frame padded = datagram({.data = 10, .id = 8});
  padded.resize(60);
  Frame bad = datagram({.id = 8});
  bad.back() ^= 1;
  const Frame unsummed = datagram({.id = 8, .sum = false});
  for (const Frame& f : {unsummed, short_length, padded, datagram({.data = 0, .id = 8}), bad}) {
    Driver d(GroRules::linux_6, true);
    ASSERT_EQ(d.receive(datagram({})), V::held);
    EXPECT_EQ(d.receive(f), V::normal);
    EXPECT_EQ(d.last.flushed_count, 0u);         // the entry stays
    EXPECT_EQ(d.table.held(), 1u);
  }
}

TEST(GroUdp, WithoutAChecksumNotEvenWhenTheCardVouches) {
  Driver d = udp();
  ASSERT_EQ(d.receive(datagram({})), V::held);
  EXPECT_EQ(d.receive(datagram({.id = 8, .sum = false})), V::normal);
  EXPECT_EQ(d.table.held(), 1u);
}

TEST(GroUdp, WhatWasMergedBeforeClosesItsFlowsEntry) {
  Driver d = udp();
  ASSERT_EQ(d.receive(datagram({})), V::held);
  d.segment.gso = true;
  EXPECT_EQ(d.receive(datagram({.id = 8})), V::normal);
  ASSERT_EQ(d.last.flushed_count, 1u);
  EXPECT_EQ(d.last.flushed[0].reason, GroReason::already_merged);
}

TEST(GroUdp, DifferencesOfTheNetworkHeaderFlush) {
  struct Row {
    const char* what;
    Datagram second;
    bool merges, flushes;
  };
  for (const Row& r : {Row{"next id", {.id = 8}, true, false}, {"fixed id", {.id = 7}, true, false}, {"id jumps", {.id = 9}, false, true},
                       {"TTL", {.id = 8, .ttl = 63}, false, true}, {"TOS", {.id = 8, .tos = 4}, false, true},
                       {"port", {.id = 8, .port = 1501}, false, false}}) {
    SCOPED_TRACE(r.what);
    Driver d = udp();
    d.receive(datagram({}));
    EXPECT_EQ(d.receive(datagram(r.second)), r.merges ? V::merged : V::held);
    EXPECT_EQ(d.last.flushed_count, r.flushes ? 1u : 0u);
    EXPECT_EQ(d.table.held(), r.merges || r.flushes ? 1u : 2u);
  }
}

TEST(GroUdp, SixtyFourDatagramsOrSixtyFourKibibytes) {
  Driver d = udp();
  for (unsigned i = 0; i < 70; ++i) d.receive(datagram({.data = 50, .id = 7 + i}));
  d.end_of_poll();
  EXPECT_EQ(d.lengths(), (Lengths{64 * 50, 6 * 50}));
  EXPECT_EQ(d.delivered[0].reason, GroReason::size_limit);
  Driver large = udp();
  for (unsigned i = 0; i < 8; ++i) large.receive(datagram({.data = 8972, .id = 7 + i}));
  large.end_of_poll();
  EXPECT_EQ(large.lengths(), (Lengths{7 * 8972, 8972}));
  Driver exact = udp();   // IP and UDP headers of 28 bytes and 53 * 1236: 65536, one byte more than a packet can say
  for (unsigned i = 0; i < 53; ++i) exact.receive(datagram({.data = 1236, .id = 7 + i}));
  exact.end_of_poll();
  EXPECT_EQ(exact.lengths(), (Lengths{52 * 1236, 1236}));
}

TEST(GroUdp, TheMergedPacket) {
  for (const bool v6 : {false, true}) {
    Driver d = udp();
    for (unsigned i = 0; i < 3; ++i) d.receive(datagram({.id = 7 + i, .v6 = v6}));
    d.end_of_poll();
    ASSERT_EQ(d.delivered.size(), 1u);
    const Delivered& x = d.delivered[0];
    EXPECT_TRUE(x.meta.udp);
    EXPECT_FALSE(x.meta.tcp6);
    EXPECT_EQ(x.meta.gso_size, 100);
    EXPECT_EQ(x.meta.gso_segments, 3);
    EXPECT_EQ(x.meta.csum_offset, 6);
    EXPECT_EQ(x.meta.header_length, v6 ? 62 : 42);
    EXPECT_EQ(be16(&x.bytes[v6 ? 58 : 38]), 308);
  }
}

TEST(GroUdp, TcpAndUdpOfTheSamePortsAreTwoFlows) {
  Driver d = udp();
  d.receive(datagram({}));
  EXPECT_EQ(d.receive(v4(second())), V::held);
  EXPECT_EQ(d.last.flushed_count, 0u);
  EXPECT_EQ(d.table.held(), 2u);
  EXPECT_EQ(d.last.matched, 1u);
}

TEST(GroUdp, SoftwareChecksum) {
  Driver d(GroRules::linux_6, true);
  EXPECT_EQ(d.receive(datagram({})), V::held);
  EXPECT_EQ(d.last.summed_bytes, 108u);
}

}  // namespace gro_udp_test
}  // namespace gd
