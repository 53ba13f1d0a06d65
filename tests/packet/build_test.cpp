#include "models/packet/build.h"

#include <gtest/gtest.h>

#include "models/base/error.h"
#include "models/base/rng.h"
#include "models/packet/checksum.h"
#include "models/packet/pattern.h"
#include "tests/packet/frames.h"

namespace gd {
namespace build_test {
using namespace test;

FlowHeader flow(bool v6, bool udp, bool tagged, bool timestamps) {
  FlowHeader h;
  for (unsigned i = 0; i < 6; ++i) {
    h.dst_mac[i] = static_cast<std::uint8_t>(2 * (i + 1));
    h.src_mac[i] = static_cast<std::uint8_t>(0x10 + i);
  }
  for (unsigned i = 0; i < 16; ++i) {
    h.src_ip[i] = static_cast<std::uint8_t>(0xf0 + i);
    h.dst_ip[i] = static_cast<std::uint8_t>(0xa0 - i);
  }
  h.ipv6 = v6;
  h.tagged = tagged;
  h.vlan_tci = 0x6123;
  h.protocol = udp ? ipproto::kUdp : ipproto::kTcp;
  h.src_port = 40000;
  h.dst_port = 80;
  h.tos = 0x28;
  h.ttl = 61;
  h.flow_label = 0x54321;
  h.timestamps = timestamps;
  return h;
}

TEST(Build, EveryKindOfFrameHasRightHeadersAndChecksums) {
  Rng rng(7, "build-test");
  const Pattern pattern(rng);
  for (unsigned kind = 0; kind < 16; ++kind) {
    const bool v6 = kind & 1, is_udp = kind & 2, tagged = kind & 4, timestamps = kind & 8;
    const HeaderTemplate t(flow(v6, is_udp, tagged, timestamps));
    ASSERT_EQ(t.length(), 14u + (tagged ? 4 : 0) + (v6 ? 40 : 20) + (is_udp ? 8 : 20) + (timestamps && !is_udp ? 12 : 0));
    for (int i = 0; i < 300; ++i) {
      FrameFields f;
      f.payload_length = static_cast<std::uint32_t>(i == 0 ? 0 : rng.below(1500));
      f.ip_id = static_cast<std::uint16_t>(rng());
      f.seq = rng();
      f.ack = rng();
      f.flags = i & 1 ? 0x18 : 0x10;
      f.window = static_cast<std::uint16_t>(rng());
      f.ts_value = rng();
      f.ts_echo = rng();
      const std::uint64_t offset = rng.u64() >> 20;
      f.payload_sum = pattern.partial_sum(kind, offset, f.payload_length);
      Frame frame(t.length() + f.payload_length);
      t.write(frame.data(), f);
      pattern.fill(frame.data() + t.length(), kind, offset, f.payload_length);

      const Parsed p = parse(frame.data(), static_cast<std::uint32_t>(frame.size()));
      ASSERT_EQ(p.decode, Decode::ok);
      ASSERT_EQ(p.header_length, t.length());
      ASSERT_EQ(p.payload_length, f.payload_length);
      ASSERT_EQ(p.padding(), 0u);
      ASSERT_EQ(p.vlan_tci, tagged ? 0x6123 : 0);
      ASSERT_EQ(csum::check_l3(frame.data(), p), v6 ? csum::Checked::none : csum::Checked::good);
      ASSERT_EQ(csum::check_l4(frame.data(), p), csum::Checked::good);
      if (!is_udp) {
        ASSERT_EQ(p.seq, f.seq);
        ASSERT_EQ(p.ack, f.ack);
        ASSERT_EQ(p.flags, f.flags);
        ASSERT_EQ(p.window, f.window);
      }
      Frame again = frame;   // canonical: what a sender that sums everything would store
      ASSERT_TRUE(csum::complete_l4(again.data(), static_cast<std::uint32_t>(again.size())));
      ASSERT_EQ(again, frame);
    }
  }
}

TEST(Build, HeaderBytesOfOneFrame) {
  const HeaderTemplate t(flow(false, false, true, false));
  Frame f(t.length());
  FrameFields x;
  x.ip_id = 0x1234;
  t.write(f.data(), x);
  const Frame start = {2, 4, 6, 8, 10, 12, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x81, 0, 0x61, 0x23, 8, 0,
                       0x45, 0x28, 0, 40, 0x12, 0x34, 0x40, 0, 61, 6};
  EXPECT_EQ(Frame(f.begin(), f.begin() + static_cast<long>(start.size())), start);
  EXPECT_EQ(t.l3_offset(), 18u);
}

TEST(Build, UdpWithoutChecksum) {
  FlowHeader h = flow(false, true, false, false);
  h.udp_checksum = false;
  const HeaderTemplate t(h);
  Frame f(t.length());
  t.write(f.data(), {});
  EXPECT_EQ(csum::check_l4(f.data(), parse(f.data(), t.length())), csum::Checked::none);
  h.ipv6 = true;
  EXPECT_THROW(HeaderTemplate{h}, UserError);
  h.protocol = 1;
  EXPECT_THROW(HeaderTemplate{h}, UserError);
}

TEST(Build, AckAnswersTheFrame) {
  Ip4 o;
  const Frame tagged = ip4_packet(ethernet(0x0800, {0x81002005}), o, tcp_segment(1000, 5, 0x18, Frame(12, 1), payload(77)));
  for (const Frame& f : {tcp4_frame(100, 1000), tcp6_frame(50), tagged, tcp6_frame(9, 60, {6, 0, 1, 4, 0, 0, 0, 0})}) {
    const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
    AckFields a;
    a.seq = p.ack;
    a.ack = p.seq + p.payload_length;
    a.window = 777;
    a.ip_id = 3;
    std::uint8_t out[kMaxAck];
    const std::uint32_t n = build_tcp_ack(out, f.data(), p, a);
    ASSERT_EQ(n, p.l2_length + (p.l3 == L3::ipv6 ? 40u : 20u) + 20u);
    const Parsed q = parse(out, n);
    EXPECT_EQ(q.decode, Decode::ok);
    EXPECT_TRUE(q.pure_ack);
    EXPECT_EQ(q.ack, p.seq + p.payload_length);
    EXPECT_EQ(q.seq, p.ack);
    EXPECT_EQ(q.window, 777);
    EXPECT_EQ(q.src_port, p.dst_port);
    EXPECT_EQ(q.dst_port, p.src_port);
    EXPECT_EQ(q.vlan_tci, p.vlan_tci);
    EXPECT_EQ(q.padding(), 0u);
    EXPECT_EQ(std::memcmp(out, &f[6], 6), 0);
    EXPECT_EQ(std::memcmp(out + 6, &f[0], 6), 0);
    const std::size_t address = p.l2_length + (p.l3 == L3::ipv6 ? 8 : 12), size = p.l3 == L3::ipv6 ? 16 : 4;
    EXPECT_EQ(std::memcmp(out + address, &f[address + size], size), 0);
    EXPECT_EQ(std::memcmp(out + address + size, &f[address], size), 0);
    EXPECT_EQ(csum::check_l3(out, q), p.l3 == L3::ipv4 ? csum::Checked::good : csum::Checked::none);
    EXPECT_EQ(csum::check_l4(out, q), csum::Checked::good);
  }
  const Frame u = udp4_frame(4);
  std::uint8_t out[kMaxAck];
  EXPECT_EQ(build_tcp_ack(out, u.data(), parse(u.data(), static_cast<std::uint32_t>(u.size())), {}), 0u);
}

}  // namespace build_test
}  // namespace gd
