#include "models/packet/vxlan.h"

#include "models/packet/checksum.h"

namespace gd::vxlan {

namespace {

constexpr std::uint8_t kTtl = 64;
constexpr std::uint8_t kValidVni = 0x08;             // the I flag
constexpr std::uint16_t kFirstPort = 49152;

// FNV-1a over addresses and ports; Linux takes jhash with a random seed.
std::uint16_t source_port(const std::uint8_t* inner, const Parsed& p) {
  const bool v6 = p.l3 == L3::ipv6;
  std::uint32_t h = 2166136261u;
  const auto add = [&](const std::uint8_t* b, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) h = (h ^ b[i]) * 16777619u;
  };
  add(inner + p.l3_offset() + (v6 ? ip6::kSrc : ip4::kSrc), v6 ? 32 : 8);
  add(inner + p.l4_offset(), 4);
  return static_cast<std::uint16_t>(kFirstPort | (h >> 18));
}

}  // namespace

void write_outer(std::uint8_t* out, const std::uint8_t* inner, const Parsed& p, std::uint64_t from_mac) {
  std::memset(out, 0, kOuter);
  std::memcpy(out, inner + ether::kDst, 6);
  for (unsigned i = 0; i < 6; ++i) out[ether::kSrc + i] = static_cast<std::uint8_t>(from_mac >> (40 - 8 * i));
  put_be16(out + ether::kType, ether::kIpv4);
  std::uint8_t* ip = out + ether::kHeader;
  const std::uint32_t datagram = udp::kHeader + kHeader + p.length;
  ip[0] = 0x45;
  put_be16(ip + ip4::kTotalLength, static_cast<std::uint16_t>(ip4::kHeader + datagram));
  put_be16(ip + ip4::kFragment, ip4::kDf);
  ip[ip4::kTtl] = kTtl;
  ip[ip4::kProtocol] = ipproto::kUdp;
  put_be32(ip + ip4::kSrc, kFrom);
  put_be32(ip + ip4::kDst, kTo);
  put_be16(ip + ip4::kCheck, static_cast<std::uint16_t>(~csum::sum(ip, ip4::kHeader)));
  std::uint8_t* u = ip + ip4::kHeader;
  put_be16(u + udp::kSrcPort, source_port(inner, p));
  put_be16(u + udp::kDstPort, kPort);
  put_be16(u + udp::kLength, static_cast<std::uint16_t>(datagram));
  u[udp::kHeader] = kValidVni;
  put_be32(u + udp::kHeader + 4, kVni << 8);
}

bool to_tunnel(const std::uint8_t* f, std::uint32_t contiguous, const Parsed& p) {
  if (!p.ok() || p.l3 != L3::ipv4 || p.l4 != L4::udp || p.is_fragment || p.dst_port != kPort) return false;
  if (p.payload_length < kHeader + ether::kHeader || contiguous < p.header_length + kHeader) return false;
  const std::uint8_t* v = f + p.header_length;
  return be32(f + p.l3_offset() + ip4::kDst) == kTo && v[0] & kValidVni && be32(v + 4) >> 8 == kVni;
}

}  // namespace gd::vxlan
