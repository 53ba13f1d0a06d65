// What the headers of a merged packet say when it leaves the table.
#include "models/packet/gro.h"
#include "models/packet/headers.h"

namespace gd {

GroMeta gro_complete(std::uint8_t* header, const GroInfo& info) {
  GroMeta m;
  m.header_length = info.header_length;
  if (info.segments <= 1) return m;

  std::uint8_t* ip = header + info.l3_offset;
  std::uint8_t* t = header + info.l4_offset;
  const std::uint8_t protocol = info.udp ? ipproto::kUdp : ipproto::kTcp;
  const std::uint32_t l4_length = info.ip_length - (info.l4_offset - info.l3_offset);
  std::uint16_t pseudo;
  if (info.ipv6) {
    put_be16(ip + ip6::kPayloadLength, static_cast<std::uint16_t>(info.ip_length - ip6::kHeader));
    pseudo = csum::pseudo6(ip + ip6::kSrc, protocol, l4_length);
  } else {
    const auto total = static_cast<std::uint16_t>(info.ip_length);
    put_be16(ip + ip4::kCheck, csum::update(be16(ip + ip4::kCheck), be16(ip + ip4::kTotalLength), total));
    put_be16(ip + ip4::kTotalLength, total);
    pseudo = csum::pseudo4(ip + ip4::kSrc, protocol, l4_length);
  }
  m.csum_offset = info.udp ? udp::kCheck : tcp::kCheck;
  if (info.udp) {
    put_be16(t + udp::kLength, static_cast<std::uint16_t>(l4_length));
  } else {
    t[tcp::kFlags] |= info.flags & (tcp::kFin | tcp::kPsh);
    m.ecn = (t[tcp::kFlags] & tcp::kCwr) != 0;
    m.accecn = m.ecn && info.same_cwr;
  }
  put_be16(t + m.csum_offset, pseudo);

  m.gso_size = info.segment_payload;
  m.gso_segments = info.segments;
  m.udp = info.udp;
  m.tcp6 = info.ipv6 && !info.udp;
  m.fixed_id = info.fixed_id;
  m.needs_csum = true;
  m.csum_start = info.l4_offset;
  return m;
}

}  // namespace gd
