#include "models/packet/segment.h"

#include <cstring>

#include "models/packet/checksum.h"
#include "models/packet/headers.h"

namespace gd {

SegmentPlan segment_plan(const Parsed& p, std::uint16_t gso_size, bool fixed_id, bool accecn) {
  SegmentPlan s;
  s.size = gso_size;
  s.l3_offset = static_cast<std::uint16_t>(p.l3_offset());
  s.l4_offset = static_cast<std::uint16_t>(p.l4_offset());
  s.header_length = p.header_length;
  s.payload = p.length - p.header_length;
  s.ipv6 = p.l3 == L3::ipv6;
  s.udp = p.l4 == L4::udp;
  s.fixed_id = fixed_id;
  s.accecn = accecn;
  return s;
}

void segment_headers(std::uint8_t* out, const std::uint8_t* merged, const SegmentPlan& plan, std::uint32_t index, bool partial,
                     std::uint16_t payload_sum) {
  if (out != merged) std::memcpy(out, merged, plan.header_length);
  const std::uint32_t payload = plan.payload_of(index), l4 = plan.header_length - plan.l4_offset + payload;
  std::uint8_t* ip = out + plan.l3_offset;
  std::uint8_t* t = out + plan.l4_offset;
  const std::uint8_t protocol = plan.udp ? ipproto::kUdp : ipproto::kTcp;
  std::uint16_t pseudo;
  if (plan.ipv6) {
    put_be16(ip + ip6::kPayloadLength, static_cast<std::uint16_t>(plan.l4_offset - plan.l3_offset - ip6::kHeader + l4));
    pseudo = csum::pseudo6(ip + ip6::kSrc, protocol, l4);
  } else {
    const std::uint32_t header = plan.l4_offset - plan.l3_offset;
    put_be16(ip + ip4::kTotalLength, static_cast<std::uint16_t>(header + l4));
    if (!plan.fixed_id) put_be16(ip + ip4::kId, static_cast<std::uint16_t>(be16(ip + ip4::kId) + index));
    put_be16(ip + ip4::kCheck, 0);
    put_be16(ip + ip4::kCheck, static_cast<std::uint16_t>(~csum::sum(ip, header)));
    pseudo = csum::pseudo4(ip + ip4::kSrc, protocol, l4);
  }
  if (plan.udp) {
    put_be16(t + udp::kLength, static_cast<std::uint16_t>(l4));
    if (be16(t + udp::kCheck) == 0) return;               // sent without
    put_be16(t + udp::kCheck, partial ? pseudo : 0);
    if (partial) return;
    const auto check = static_cast<std::uint16_t>(~csum::add(csum::add(csum::sum(t, udp::kHeader), payload_sum), pseudo));
    return put_be16(t + udp::kCheck, check ? check : 0xffff);
  }
  put_be32(t + tcp::kSeq, be32(t + tcp::kSeq) + index * plan.size);
  if (index + 1 < plan.segments()) t[tcp::kFlags] &= static_cast<std::uint8_t>(~(tcp::kFin | tcp::kPsh));
  if (index > 0 && !plan.accecn) t[tcp::kFlags] &= static_cast<std::uint8_t>(~tcp::kCwr);
  put_be16(t + tcp::kCheck, partial ? pseudo : 0);
  if (partial) return;
  const std::uint16_t sum = csum::add(csum::sum(t, plan.header_length - plan.l4_offset), payload_sum);   // TCP headers are even
  put_be16(t + tcp::kCheck, static_cast<std::uint16_t>(~csum::add(sum, pseudo)));
}

}  // namespace gd
