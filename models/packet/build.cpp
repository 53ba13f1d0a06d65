#include "models/packet/build.h"

#include <string>

#include "models/base/error.h"
#include "models/packet/checksum.h"
#include "models/packet/vxlan.h"

namespace gd {

namespace {
constexpr std::uint32_t kTimestampOption = 12;   // two NOPs and the option (RFC 7323)
constexpr std::uint8_t kAckTtl = 64;
constexpr std::uint8_t kExperiment = 253;        // RFC 3692
constexpr std::uint32_t kFragmentHeader = 8;
constexpr std::uint16_t kInnerPort = 5002;
}  // namespace

HeaderTemplate::HeaderTemplate(const FlowHeader& flow)
    : shape_(flow.shape), ipv6_(flow.ipv6), udp_(flow.protocol == ipproto::kUdp), timestamps_(flow.timestamps && !udp_),
      udp_checksum_(flow.udp_checksum) {
  if (flow.protocol != ipproto::kTcp && flow.protocol != ipproto::kUdp)
    throw UserError("synthetic traffic is TCP or UDP, not IP protocol " + std::to_string(flow.protocol));
  if (udp_ && ipv6_ && !udp_checksum_) throw UserError("UDP over IPv6 needs a checksum (RFC 8200, section 8.1)");

  if (shape_ == Shape::tunnel && (ipv6_ || !udp_ || udp_checksum_)) throw UserError("a synthetic tunnel is UDP over IPv4 without checksum");
  if (shape_ == Shape::long_headers && !ipv6_) throw UserError("synthetic long headers are those of IPv6");
  const bool bare = shape_ == Shape::fragment || shape_ == Shape::unknown_l4;   // the payload begins behind IP
  const std::uint8_t protocol = shape_ == Shape::unknown_l4 ? kExperiment : flow.protocol;

  std::uint8_t* b = bytes_;
  std::memcpy(b + ether::kDst, flow.dst_mac, 6);
  std::memcpy(b + ether::kSrc, flow.src_mac, 6);
  std::uint32_t at = ether::kType;
  if (flow.tagged) {
    put_be16(b + at, ether::kVlan);
    put_be16(b + at + 2, flow.vlan_tci);
    at += ether::kTag;
  }
  put_be16(b + at, ipv6_ ? ether::kIpv6 : ether::kIpv4);
  l3_ = static_cast<std::uint16_t>(at + 2);

  std::uint8_t* ip = b + l3_;
  if (ipv6_) {
    put_be32(ip, 6u << 28 | static_cast<std::uint32_t>(flow.tos) << 20 | (flow.flow_label & 0xfffff));
    ip[ip6::kNext] = shape_ == Shape::fragment ? ipproto::kFragment : shape_ == Shape::long_headers ? ipproto::kDestination : protocol;
    ip[ip6::kHopLimit] = flow.ttl;
    std::memcpy(ip + ip6::kSrc, flow.src_ip, 16);
    std::memcpy(ip + ip6::kDst, flow.dst_ip, 16);
    l4_ = static_cast<std::uint16_t>(l3_ + ip6::kHeader);
    if (shape_ == Shape::fragment) {   // its id is the frame's
      ip[ip6::kHeader] = protocol;
      put_be16(ip + ip6::kHeader + 2, kFragmentOffset);   // the unit is 8 bytes, the flags are the lowest three bits
      l4_ = static_cast<std::uint16_t>(l4_ + kFragmentHeader);
    } else if (shape_ == Shape::long_headers) {   // one PadN option fills them (RFC 8200, section 4.2)
      std::uint8_t* options = ip + ip6::kHeader;
      options[0] = protocol;
      options[1] = kOptions / 8 - 1;
      options[2] = 1;
      options[3] = kOptions - 4;
      l4_ = static_cast<std::uint16_t>(l4_ + kOptions);
    }
    l4_sum_ = csum::pseudo6(ip + ip6::kSrc, flow.protocol, 0);
  } else {
    ip[0] = 0x45;
    ip[ip4::kTos] = flow.tos;
    put_be16(ip + ip4::kFragment, shape_ == Shape::fragment ? kFragmentOffset / 8 : ip4::kDf);
    ip[ip4::kTtl] = flow.ttl;
    ip[ip4::kProtocol] = protocol;
    std::memcpy(ip + ip4::kSrc, flow.src_ip, 4);
    std::memcpy(ip + ip4::kDst, flow.dst_ip, 4);
    l4_ = static_cast<std::uint16_t>(l3_ + ip4::kHeader);
    l3_sum_ = csum::sum(ip, ip4::kHeader);
    l4_sum_ = csum::pseudo4(ip + ip4::kSrc, flow.protocol, 0);
  }

  length_ = l4_;
  if (bare) return;
  std::uint8_t* l4 = b + l4_;
  put_be16(l4 + tcp::kSrcPort, flow.src_port);
  put_be16(l4 + tcp::kDstPort, shape_ == Shape::tunnel ? vxlan::kPort : flow.dst_port);
  std::uint32_t header = udp_ ? udp::kHeader : tcp::kHeader;
  if (timestamps_) {
    put_be32(l4 + header, 0x0101080a);
    header += kTimestampOption;
  }
  if (!udp_) l4[tcp::kDataOffset] = static_cast<std::uint8_t>(header / 4 << 4);
  length_ = static_cast<std::uint16_t>(l4_ + header);
  l4_sum_ = csum::add(l4_sum_, csum::sum(l4, header));
}

void HeaderTemplate::write(std::uint8_t* out, const FrameFields& f) const {
  std::memcpy(out, bytes_, length_);
  const std::uint16_t l4_length = static_cast<std::uint16_t>(length_ - l4_ + f.payload_length);
  std::uint8_t* ip = out + l3_;
  if (ipv6_) {
    put_be16(ip + ip6::kPayloadLength, static_cast<std::uint16_t>(l4_length + (l4_ - l3_) - ip6::kHeader));
    if (shape_ == Shape::fragment) put_be16(ip + ip6::kHeader + 6, f.ip_id);
  } else {
    const std::uint16_t total = static_cast<std::uint16_t>(l4_length + ip4::kHeader);
    put_be16(ip + ip4::kTotalLength, total);
    put_be16(ip + ip4::kId, f.ip_id);
    put_be16(ip + ip4::kCheck, static_cast<std::uint16_t>(~csum::fold(std::uint64_t{l3_sum_} + total + f.ip_id)));
  }
  if (shape_ == Shape::fragment || shape_ == Shape::unknown_l4) return;
  if (shape_ == Shape::tunnel) write_tunnel(out + length_, f);
  std::uint8_t* l4 = out + l4_;
  std::uint64_t s = static_cast<std::uint64_t>(l4_sum_) + l4_length + f.payload_sum;
  if (udp_) {
    put_be16(l4 + udp::kLength, l4_length);
    if (!udp_checksum_) return;
    const std::uint16_t check = static_cast<std::uint16_t>(~csum::fold(s + l4_length));
    put_be16(l4 + udp::kCheck, check == 0 ? 0xffff : check);
    return;
  }
  put_be32(l4 + tcp::kSeq, f.seq);
  put_be32(l4 + tcp::kAck, f.ack);
  l4[tcp::kFlags] = f.flags;
  put_be16(l4 + tcp::kWindow, f.window);
  s += static_cast<std::uint64_t>(f.seq) + f.ack + f.flags + f.window;
  if (timestamps_) {
    put_be32(l4 + tcp::kHeader + 4, f.ts_value);
    put_be32(l4 + tcp::kHeader + 8, f.ts_echo);
    s += static_cast<std::uint64_t>(f.ts_value) + f.ts_echo;
  }
  put_be16(l4 + tcp::kCheck, static_cast<std::uint16_t>(~csum::fold(s)));
}

// VXLAN, and the headers of a UDP datagram without a checksum from far end to guest.
void HeaderTemplate::write_tunnel(std::uint8_t* out, const FrameFields& f) const {
  std::memset(out, 0, kInner);
  out[0] = 0x08;                       // the VNI is valid
  out[6] = 1;                          // VNI 1
  std::uint8_t* e = out + vxlan::kHeader;
  std::memcpy(e, bytes_, ether::kType);
  e[ether::kDst] |= 2, e[ether::kSrc] |= 2;
  put_be16(e + ether::kType, ether::kIpv4);
  std::uint8_t* ip = e + ether::kHeader;
  const auto total = static_cast<std::uint16_t>(f.payload_length - kInner + ip4::kHeader + udp::kHeader);
  ip[0] = 0x45;
  put_be16(ip + ip4::kTotalLength, total);
  put_be16(ip + ip4::kFragment, ip4::kDf);
  ip[ip4::kTtl] = kAckTtl;
  ip[ip4::kProtocol] = ipproto::kUdp;
  std::memcpy(ip + ip4::kSrc, bytes_ + l3_ + ip4::kSrc, 8);
  put_be16(ip + ip4::kCheck, static_cast<std::uint16_t>(~csum::sum(ip, ip4::kHeader)));
  std::uint8_t* u = ip + ip4::kHeader;
  std::memcpy(u, bytes_ + l4_, 2);     // the ports of plain flows
  put_be16(u + udp::kDstPort, kInnerPort);
  put_be16(u + udp::kLength, static_cast<std::uint16_t>(total - ip4::kHeader));
}

std::uint32_t build_tcp_ack(std::uint8_t* out, const std::uint8_t* frame, const Parsed& p, const AckFields& f) {
  if (p.l4 != L4::tcp) return 0;
  std::memcpy(out + ether::kDst, frame + ether::kSrc, 6);
  std::memcpy(out + ether::kSrc, frame + ether::kDst, 6);
  std::memcpy(out + ether::kType, frame + ether::kType, p.l2_length - ether::kType);

  const std::uint8_t* from = frame + p.l3_offset();
  std::uint8_t* ip = out + p.l2_length;
  std::uint8_t* t;
  std::uint16_t pseudo_sum;
  if (p.l3 == L3::ipv4) {
    std::memset(ip, 0, ip4::kHeader);
    ip[0] = 0x45;
    put_be16(ip + ip4::kTotalLength, ip4::kHeader + tcp::kHeader);
    put_be16(ip + ip4::kId, f.ip_id);
    put_be16(ip + ip4::kFragment, ip4::kDf);
    ip[ip4::kTtl] = kAckTtl;
    ip[ip4::kProtocol] = ipproto::kTcp;
    std::memcpy(ip + ip4::kSrc, from + ip4::kDst, 4);
    std::memcpy(ip + ip4::kDst, from + ip4::kSrc, 4);
    put_be16(ip + ip4::kCheck, static_cast<std::uint16_t>(~csum::sum(ip, ip4::kHeader)));
    t = ip + ip4::kHeader;
    pseudo_sum = csum::pseudo4(ip + ip4::kSrc, ipproto::kTcp, tcp::kHeader);
  } else {
    put_be32(ip, 6u << 28 | (be32(from) & 0xfffff));
    put_be16(ip + ip6::kPayloadLength, tcp::kHeader);
    ip[ip6::kNext] = ipproto::kTcp;
    ip[ip6::kHopLimit] = kAckTtl;
    std::memcpy(ip + ip6::kSrc, from + ip6::kDst, 16);
    std::memcpy(ip + ip6::kDst, from + ip6::kSrc, 16);
    t = ip + ip6::kHeader;
    pseudo_sum = csum::pseudo6(ip + ip6::kSrc, ipproto::kTcp, tcp::kHeader);
  }
  put_be16(t + tcp::kSrcPort, p.dst_port);
  put_be16(t + tcp::kDstPort, p.src_port);
  put_be32(t + tcp::kSeq, f.seq);
  put_be32(t + tcp::kAck, f.ack);
  t[tcp::kDataOffset] = tcp::kHeader / 4 << 4;
  t[tcp::kFlags] = f.flags;
  put_be16(t + tcp::kWindow, f.window);
  put_be32(t + tcp::kCheck, 0);   // and the urgent pointer
  put_be16(t + tcp::kCheck, static_cast<std::uint16_t>(~csum::add(pseudo_sum, csum::sum(t, tcp::kHeader))));
  return static_cast<std::uint32_t>(t - out) + tcp::kHeader;
}

}  // namespace gd
