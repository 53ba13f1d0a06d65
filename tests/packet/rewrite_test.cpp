// Rewrites of headers: which bytes change, and checksums that a naive sum finds right.
#include <gtest/gtest.h>

#include "models/packet/checksum.h"
#include "models/packet/headers.h"
#include "models/packet/rewrite.h"
#include "models/packet/vxlan.h"
#include "tests/packet/frames.h"

namespace gd::test {
namespace rewrite_test {

constexpr Rewrite kAll[] = {Rewrite::mac, Rewrite::ttl, Rewrite::nat, Rewrite::vlan_push, Rewrite::vlan_pop, Rewrite::encapsulate};

std::vector<Frame> some_frames() {
  Frame tagged = ethernet(0x0800, {0x81000005u});
  tagged = ip4_packet(tagged, {}, tcp_segment(100, 200, 0x10, {}, payload(61)));
  seal(tagged, 18, 38, false, 6);
  return {tcp4_frame(100), tcp4_frame(1460), udp4_frame(33), tcp6_frame(700), tagged};
}

Frame rewritten(const Frame& f, Rewrite kind, bool open = false) {
  const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
  Frame out(static_cast<std::size_t>(static_cast<int>(p.header_length) + rewrite_growth(kind, p)));
  rewrite_headers(out.data(), f.data(), p, kind, {}, open);
  out.insert(out.end(), f.begin() + p.header_length, f.end());
  return out;
}

TEST(Rewrite, ChecksumsStayRight) {
  for (const Frame& f : some_frames())
    for (Rewrite kind : kAll) {
      const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
      if (!rewrite_applies(kind, p)) continue;
      SCOPED_TRACE(std::to_string(f.size()) + " " + std::to_string(static_cast<int>(kind)));
      const Frame g = rewritten(f, kind);
      EXPECT_NE(g, f);
      const Parsed q = parse(g.data(), static_cast<std::uint32_t>(g.size()));
      ASSERT_TRUE(q.ok());
      EXPECT_NE(csum::check_l3(g.data(), q), csum::Checked::bad);
      // UDP over IPv4 without a checksum outside; what is inside keeps its own.
      EXPECT_EQ(csum::check_l4(g.data(), q), kind == Rewrite::encapsulate ? csum::Checked::none : csum::Checked::good);
      EXPECT_EQ(g.size(), f.size() + static_cast<std::size_t>(rewrite_growth(kind, p)));
    }
}

TEST(Rewrite, OnlyTheRangeDiffers) {
  for (const Frame& f : some_frames())
    for (Rewrite kind : kAll) {
      const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
      if (!rewrite_applies(kind, p)) continue;
      const Frame g = rewritten(f, kind);
      const ByteRange r = rewrite_range(kind, p);
      const int by = rewrite_growth(kind, p);
      ASSERT_LT(r.from, r.to);
      // Behind the range the new packet is the old one, `by` bytes further; before it they are the same.
      for (std::size_t i = 0; i < r.from; ++i) ASSERT_EQ(g[i], f[i]) << i;
      for (std::size_t i = r.to; i < g.size(); ++i) ASSERT_EQ(g[i], f[i - static_cast<std::size_t>(by)]) << i;
    }
}

TEST(Rewrite, WhatItSays) {
  const Frame f = tcp4_frame(100);
  EXPECT_EQ(be32(rewritten(f, Rewrite::nat).data() + 30), 0xc0a80002u);
  EXPECT_EQ(rewritten(f, Rewrite::ttl)[22], f[22] - 1);
  const Frame tagged = rewritten(f, Rewrite::vlan_push);
  EXPECT_EQ(be32(tagged.data() + 12), 0x81000064u);
  EXPECT_EQ(rewritten(tagged, Rewrite::vlan_pop), f);
  EXPECT_EQ(rewritten(f, Rewrite::mac)[6], 0x02);
}

TEST(Rewrite, AnOpenChecksumStaysCompletable) {
  for (Frame f : {tcp4_frame(100), tcp6_frame(99)}) {
    const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
    const Frame closed = rewritten(f, Rewrite::nat);
    put_be16(f.data() + p.l4_offset() + tcp::kCheck, csum::pseudo(f.data(), p, p.length - p.l4_offset()));
    Frame open = rewritten(f, Rewrite::nat, true);
    EXPECT_EQ(be16(open.data() + p.l4_offset() + tcp::kCheck),
              csum::pseudo(open.data(), parse(open.data(), p.length), p.length - p.l4_offset()));
    EXPECT_TRUE(csum::complete_l4(open.data(), p.length));
    EXPECT_EQ(open, closed);
  }
}

TEST(Rewrite, OuterHeadersOfVxlan) {
  for (const Frame& f : some_frames()) {
    const Frame g = rewritten(f, Rewrite::encapsulate);
    const auto n = static_cast<std::uint32_t>(g.size());
    const Parsed p = parse(g.data(), n);
    EXPECT_EQ(Frame(g.begin() + 50, g.end()), f);
    EXPECT_EQ(Frame(g.begin(), g.begin() + 6), Frame(f.begin(), f.begin() + 6));
    EXPECT_EQ(p.l4, L4::udp);
    EXPECT_EQ(p.ip_length, n - 14);
    EXPECT_EQ(p.udp_length, n - 34);
    EXPECT_EQ(p.dst_port, 4789);
    EXPECT_GE(p.src_port, 49152);
    EXPECT_EQ(be16(g.data() + 20), 0x4000);                                       // DF, no fragment
    EXPECT_EQ(be32(g.data() + 42), 0x08000000u);                                  // the VNI is valid
    EXPECT_EQ(be32(g.data() + 46), vxlan::kVni << 8);
    EXPECT_TRUE(vxlan::to_tunnel(g.data(), n, p));
    EXPECT_FALSE(vxlan::to_tunnel(g.data(), 49, p));                              // its header is not within reach
    for (const std::uint32_t at : {30u, 37u, 42u, 48u}) {                         // address, port, flag, VNI
      Frame other = g;
      other[at] ^= 0x08;
      EXPECT_FALSE(vxlan::to_tunnel(other.data(), n, parse(other.data(), n))) << at;
    }
  }
  Frame a = udp4_frame(33), b = a;
  b[34] ^= 1;                                                                     // another flow
  const auto port = [](const Frame& f) { return be16(rewritten(f, Rewrite::encapsulate).data() + 34); };
  EXPECT_EQ(port(a), port(udp4_frame(33)));
  EXPECT_NE(port(a), port(b));
}

TEST(Rewrite, WhatCannotBeIsLeft) {
  Frame arp = ethernet(0x0806);
  append(arp, Frame(28, 1));
  const Frame f = tcp4_frame(10);
  for (Rewrite kind : kAll) EXPECT_FALSE(rewrite_applies(kind, parse(arp.data(), static_cast<std::uint32_t>(arp.size()))));
  EXPECT_FALSE(rewrite_applies(Rewrite::vlan_pop, parse(f.data(), static_cast<std::uint32_t>(f.size()))));
  EXPECT_FALSE(rewrite_applies(Rewrite::none, parse(f.data(), static_cast<std::uint32_t>(f.size()))));
}

}  // namespace rewrite_test
}  // namespace gd::test
