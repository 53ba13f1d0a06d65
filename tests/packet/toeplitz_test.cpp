// Vectors: Microsoft, "Verifying the RSS hash calculation" (the whole verification suite).
#include "models/packet/toeplitz.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "tests/packet/frames.h"

namespace gd {
namespace toeplitz_test {
using namespace test;

struct Vector {
  const char *source, *destination;
  unsigned src_port, dst_port;
  std::uint32_t addresses_only, with_ports;
};
const Vector kIpv4[] = {
    {"66.9.149.187", "161.142.100.80", 2794, 1766, 0x323e8fc2, 0x51ccc178},
    {"199.92.111.2", "65.69.140.83", 14230, 4739, 0xd718262a, 0xc626b0ea},
    {"24.19.198.95", "12.22.207.184", 12898, 38024, 0xd2d0a5de, 0x5c2b394a},
    {"38.27.205.30", "209.142.163.6", 48228, 2217, 0x82989176, 0xafc7327f},
    {"153.39.163.191", "202.188.127.2", 44251, 1303, 0x5d1809c5, 0x10e828a2},
};
const Vector kIpv6[] = {
    {"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x2cc18cd5, 0x40207d3d},
    {"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0x0f0c461c, 0xdde51bbf},
    {"3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x4b61e985, 0x02d1feef},
};

Frame frame_of(const Vector& v, bool v6, unsigned protocol) {
  Frame body = protocol == 6 ? tcp_segment(1, 1, 0x10, {}, payload(4)) : udp_segment(payload(4));
  set16(body, 0, v.src_port);
  set16(body, 2, v.dst_port);
  Ip4 o;
  o.protocol = protocol;
  Frame f = v6 ? ip6_packet(ethernet(0x86dd), protocol, {}, body) : ip4_packet(ethernet(0x0800), o, body);
  const std::size_t at = v6 ? 22 : 26, size = v6 ? 16 : 4;
  EXPECT_EQ(inet_pton(v6 ? AF_INET6 : AF_INET, v.source, &f[at]), 1);
  EXPECT_EQ(inet_pton(v6 ? AF_INET6 : AF_INET, v.destination, &f[at + size]), 1);
  return f;
}

RssHash hash_of(const Frame& f, const RssFields& fields) {
  static const Toeplitz toeplitz;
  return toeplitz.hash(f.data(), parse(f.data(), static_cast<std::uint32_t>(f.size())), fields);
}

TEST(Toeplitz, MicrosoftsVectors) {
  RssFields addresses;
  addresses.tcp4 = addresses.tcp6 = false;
  for (bool v6 : {false, true})
    for (const Vector& v : v6 ? std::vector<Vector>(std::begin(kIpv6), std::end(kIpv6)) : std::vector<Vector>(std::begin(kIpv4), std::end(kIpv4))) {
      const Frame f = frame_of(v, v6, 6);
      EXPECT_EQ(hash_of(f, {}).value, v.with_ports) << v.source;
      EXPECT_EQ(hash_of(f, {}).type, v6 ? RssType::tcp6 : RssType::tcp4);
      EXPECT_EQ(hash_of(f, addresses).value, v.addresses_only) << v.source;
      EXPECT_EQ(hash_of(f, addresses).type, v6 ? RssType::ipv6 : RssType::ipv4);
    }
}

TEST(Toeplitz, UdpIsHashedOverPortsOnlyIfAsked) {
  RssFields udp;
  udp.udp4 = udp.udp6 = true;
  const Frame v4 = frame_of(kIpv4[0], false, 17), v6 = frame_of(kIpv6[0], true, 17);
  EXPECT_EQ(hash_of(v4, {}).value, kIpv4[0].addresses_only);
  EXPECT_EQ(hash_of(v4, udp).value, kIpv4[0].with_ports);
  EXPECT_EQ(hash_of(v4, udp).type, RssType::udp4);
  EXPECT_EQ(hash_of(v6, {}).value, kIpv6[0].addresses_only);
  EXPECT_EQ(hash_of(v6, udp).type, RssType::udp6);
}

TEST(Toeplitz, FragmentsUseAddressesAndOthersNothing) {
  Frame f = frame_of(kIpv4[0], false, 6);
  f[20] = 0x20;   // more fragments
  EXPECT_EQ(hash_of(f, {}).value, kIpv4[0].addresses_only);
  EXPECT_EQ(hash_of(f, {}).type, RssType::ipv4);
  EXPECT_EQ(hash_of(ethernet(0x0806), {}).type, RssType::none);
  RssFields off{false, false, false, false, false, false};
  EXPECT_EQ(hash_of(frame_of(kIpv4[0], false, 6), off).type, RssType::none);
}

TEST(Toeplitz, AnotherKeyGivesAnotherHash) {
  std::uint8_t key[Toeplitz::kKeyBytes] = {};
  key[3] = 1;   // only bit 31 of the key is set: input bit i sets bit i of the hash
  const Toeplitz t(key);
  const std::uint8_t first[1] = {0x80}, second[1] = {0x40};
  EXPECT_EQ(t.hash(first, 1), 1u);
  EXPECT_EQ(t.hash(second, 1), 2u);
}

}  // namespace toeplitz_test
}  // namespace gd
