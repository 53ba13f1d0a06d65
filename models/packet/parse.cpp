#include "models/packet/parse.h"

#include "models/packet/headers.h"

namespace gd {
namespace {

// Longer chains of IPv6 extension headers are taken as malformed; keeps every header offset within 16 bits.
constexpr std::uint32_t kMaxL3Header = 8192;

// What `Parsed` may share with the frame's bytes a compiler cannot know: lengths travel in these and are stored once.

// Where the IP packet's bytes end inside the frame, and whether they are all there.
struct Extent {
  std::uint32_t end;
  bool cut;
};

Extent extent(std::uint32_t l2, std::uint32_t ip_length, std::uint32_t length) {
  const std::uint32_t end = l2 + ip_length;
  return end > length ? Extent{length, true} : Extent{end, false};
}

// The bytes behind an IP header that could be decoded.
struct Behind {
  std::uint32_t at;      // 0: there was none
  Extent extent;
  std::uint8_t protocol;
  bool fragment;
};

// Everything after the decoded headers, up to `end`, is payload.
void set_payload(Parsed& p, std::uint32_t header, std::uint32_t end) {
  p.header_length = static_cast<std::uint16_t>(header);
  p.payload_offset = header;
  p.payload_length = end > header ? end - header : 0;
}

// A header that could not be decoded: what is behind IP is its payload.
[[gnu::noinline, gnu::cold]] void bare(Parsed& p, const Behind& b, Decode why) {
  set_payload(p, b.at, b.extent.end);
  p.decode = why;
}

void parse_tcp(const std::uint8_t* frame, Parsed& p, const Behind& b) {
  const std::uint32_t at = b.at;
  const Extent x = b.extent;
  if (x.end < at + tcp::kHeader) return bare(p, b, x.cut ? Decode::truncated : Decode::lengths);
  const std::uint8_t* t = frame + at;
  const std::uint32_t header = (t[tcp::kDataOffset] >> 4) * 4u;
  if (header < tcp::kHeader) return bare(p, b, Decode::lengths);
  if (x.end < at + header) return bare(p, b, x.cut ? Decode::truncated : Decode::lengths);
  p.l4 = L4::tcp;
  p.l4_length = static_cast<std::uint16_t>(header);
  p.src_port = be16(t + tcp::kSrcPort);
  p.dst_port = be16(t + tcp::kDstPort);
  p.seq = be32(t + tcp::kSeq);
  p.ack = be32(t + tcp::kAck);
  const std::uint8_t flags = t[tcp::kFlags];
  p.flags = flags;
  p.window = be16(t + tcp::kWindow);
  set_payload(p, at + header, x.end);
  p.decode = x.cut ? Decode::truncated : Decode::ok;
  p.pure_ack = !x.cut && x.end == at + header && (flags & (tcp::kAckFlag | tcp::kSyn | tcp::kFin | tcp::kRst)) == tcp::kAckFlag;
}

void parse_udp(const std::uint8_t* frame, Parsed& p, const Behind& b) {
  const std::uint32_t at = b.at;
  const Extent x = b.extent;
  if (x.end < at + udp::kHeader) return bare(p, b, x.cut ? Decode::truncated : Decode::lengths);
  const std::uint8_t* u = frame + at;
  p.udp_length = be16(u + udp::kLength);
  if (p.udp_length < udp::kHeader || at + p.udp_length > p.l2_length + p.ip_length) return bare(p, b, Decode::lengths);
  p.l4 = L4::udp;
  p.l4_length = udp::kHeader;
  p.src_port = be16(u + udp::kSrcPort);
  p.dst_port = be16(u + udp::kDstPort);
  set_payload(p, at + udp::kHeader, x.end);
  p.decode = x.cut ? Decode::truncated : Decode::ok;
}

void parse_l4(const std::uint8_t* frame, Parsed& p, const Behind& b) {
  if (b.fragment) return bare(p, b, b.extent.cut ? Decode::truncated : Decode::ok);
  if (b.protocol == ipproto::kTcp) return parse_tcp(frame, p, b);
  if (b.protocol == ipproto::kUdp) return parse_udp(frame, p, b);
  bare(p, b, b.extent.cut ? Decode::truncated : Decode::protocol);
}

Behind parse_ipv4(const std::uint8_t* frame, Parsed& p, std::uint32_t l2, std::uint32_t length) {
  const std::uint8_t* ip = frame + l2;
  if (length < l2 + ip4::kHeader) return {};   // truncated
  const std::uint32_t header = (ip[0] & 15) * 4u;
  const std::uint32_t total = be16(ip + ip4::kTotalLength);
  if (ip[0] >> 4 != 4 || header < ip4::kHeader || total < header) {
    p.decode = Decode::lengths;
    return {};
  }
  if (length < l2 + header) return {};         // truncated
  const std::uint16_t f = be16(ip + ip4::kFragment);
  const Behind b{l2 + header, extent(l2, total, length), ip[ip4::kProtocol], (f & (ip4::kMf | ip4::kOffsetMask)) != 0};
  p.l3 = L3::ipv4;
  p.l3_length = static_cast<std::uint16_t>(header);
  p.ip_length = total;
  p.protocol = b.protocol;
  if (b.fragment) [[unlikely]] {
    p.more_fragments = f & ip4::kMf;
    p.fragment_offset = static_cast<std::uint16_t>((f & ip4::kOffsetMask) * 8);
    p.is_fragment = true;
  }
  return b;
}

[[gnu::noinline]] Behind parse_ipv6(const std::uint8_t* frame, Parsed& p) {
  const std::uint8_t* ip = frame + p.l2_length;
  set_payload(p, p.l2_length, p.length);
  if (p.length < p.l2_length + ip6::kHeader) return {};   // truncated
  if (ip[0] >> 4 != 6) {
    p.decode = Decode::lengths;
    return {};
  }
  p.l3 = L3::ipv6;
  p.ip_length = ip6::kHeader + be16(ip + ip6::kPayloadLength);
  p.l3_length = ip6::kHeader;
  const Extent x = extent(p.l2_length, p.ip_length, p.length);
  std::uint8_t next = ip[ip6::kNext];
  for (;;) {
    const bool fragment = next == ipproto::kFragment;
    if (!fragment && next != ipproto::kHopByHop && next != ipproto::kRouting && next != ipproto::kDestination) break;
    p.protocol = next;
    const std::uint32_t at = p.l2_length + p.l3_length;
    const std::uint8_t* e = frame + at;
    const std::uint32_t size = x.end < at + 8 ? 8u : fragment ? 8u : (e[1] + 1u) * 8;
    if (x.end < at + size || p.l3_length + size > kMaxL3Header) {
      set_payload(p, at, x.end);
      p.decode = x.end < at + size && x.cut ? Decode::truncated : Decode::lengths;
      return {};
    }
    if (next == ipproto::kRouting && e[3] != 0) p.routing_pending = true;
    p.l3_length = static_cast<std::uint16_t>(p.l3_length + size);
    next = e[0];
    if (fragment) {
      const std::uint16_t f = be16(e + 2);
      p.fragment_header = true;
      p.more_fragments = f & 1;
      p.fragment_offset = f & 0xfff8;
      p.is_fragment = p.more_fragments || p.fragment_offset != 0;
      if (p.is_fragment) break;
    }
  }
  p.protocol = next;
  return {p.l4_offset(), x, next, p.is_fragment};
}

// What is behind Ethernet header and tags, `l2` bytes of them: a constant for nearly all frames, so that it is made twice.
void parse_l3(const std::uint8_t* frame, Parsed& p, std::uint32_t l2, std::uint16_t type, std::uint32_t length) {
  p.ethertype = type;
  p.l2_length = static_cast<std::uint16_t>(l2);
  Behind b{};
  if (type == ether::kIpv4) [[likely]] {
    b = parse_ipv4(frame, p, l2, length);
    if (b.at == 0) set_payload(p, l2, length);
  } else if (type == ether::kIpv6) {
    b = parse_ipv6(frame, p);
  } else {
    set_payload(p, l2, length);
    p.decode = Decode::ethertype;
  }
  if (b.at != 0) parse_l4(frame, p, b);
}

// Any frame but an untagged one of IPv4.
[[gnu::noinline]] void parse_tagged(const std::uint8_t* frame, Parsed& p, std::uint32_t length) {
  std::uint32_t l2 = ether::kHeader;
  std::uint16_t type = be16(frame + ether::kType);
  while ((type == ether::kVlan || type == ether::kQinq) && p.vlan_tags < 2) {
    if (length < l2 + ether::kTag) {
      p.ethertype = type;
      p.l2_length = static_cast<std::uint16_t>(l2);
      return set_payload(p, l2, length);
    }
    if (p.vlan_tags++ == 0) {
      p.vlan_type = type;
      p.vlan_tci = be16(frame + l2);
    }
    type = be16(frame + l2 + 2);
    l2 += ether::kTag;
  }
  parse_l3(frame, p, l2, type, length);
}

}  // namespace

[[gnu::flatten]] Parsed parse(const std::uint8_t* frame, std::uint32_t length) {
  Parsed p;
  p.length = length;
  if (length < ether::kHeader) p.payload_length = length;
  else if (be16(frame + ether::kType) == ether::kIpv4) [[likely]] parse_l3(frame, p, ether::kHeader, ether::kIpv4, length);
  else parse_tagged(frame, p, length);
  return p;
}

}  // namespace gd
