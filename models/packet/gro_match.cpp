// The protocol handlers of GRO: what may be held at all, which entry is of the same flow, and what forbids a merge.
#include "models/packet/gro.h"
#include "models/packet/headers.h"

namespace gd {
namespace {

constexpr std::uint32_t kFlagWordFin = static_cast<std::uint32_t>(tcp::kFin) << 16;
constexpr std::uint32_t kFlagWordPsh = static_cast<std::uint32_t>(tcp::kPsh) << 16;
constexpr std::uint32_t kFlagWordCwr = static_cast<std::uint32_t>(tcp::kCwr) << 16;
constexpr std::uint32_t kMaxPacket = 65536;     // a merged packet stays below: GRO_LEGACY_MAX_SIZE

bool equal(const std::uint8_t* a, const std::uint8_t* b, std::uint32_t n) { return std::memcmp(a, b, n) == 0; }

}  // namespace

GroReason GroTable::decode(Head& h, GroResult& r) const {
  const Parsed& p = *h.s.parsed;
  const std::uint8_t* frame = h.s.frame;
  r.header_bytes = r.header_length = p.length < ether::kHeader ? p.length : ether::kHeader;
  if (old() && h.s.gso) return GroReason::already_merged;   // not even compared
  if (p.l3 == L3::none || (old() && p.vlan_tags > 0)) return GroReason::no_handler;
  h.l3 = p.l3_offset();
  h.l4 = p.l4_offset();
  if (h.l4 > h.s.contiguous) return GroReason::no_handler;
  r.header_bytes = h.l4;
  const std::uint8_t* ip = frame + h.l3;
  const bool is_udp = p.protocol == ipproto::kUdp && !old();   // UDP has a handler since 3.x, which looks for a tunnel
  if (p.protocol != ipproto::kTcp && !is_udp) return GroReason::no_handler;
  if (p.l3 == L3::ipv4) {
    if (ip[0] != 0x45 || (!old() && p.is_fragment)) return GroReason::no_handler;
    if (csum::check_l3(frame, p) != csum::Checked::good) return GroReason::no_handler;
    const std::uint16_t fragment = be16(ip + ip4::kFragment);
    h.l3_flush = p.padding() > 0 || h.l3 + p.ip_length > p.length;
    h.l3_flush |= old() ? fragment != ip4::kDf : (fragment & ~ip4::kDf) != 0;
  } else {
    if (p.fragment_header) return GroReason::no_handler;
    h.l3_flush = p.padding() > 0 || h.l3 + p.ip_length > p.length;
  }
  r.header_length = h.l4;
  if (h.l4 + (is_udp ? udp::kHeader : tcp::kHeader) > h.s.contiguous) return GroReason::no_handler;
  if (is_udp) {
    r.header_bytes = h.l4 + udp::kHeader;
    const GroReason why = decode_udp(h);
    if (why == GroReason::none) r.header_length = h.length;
    return why;
  }
  const std::uint32_t tcp_length = (frame[h.l4 + tcp::kDataOffset] >> 4) * 4u;
  h.length = h.l4 + tcp_length;
  if (tcp_length < tcp::kHeader || h.length > h.s.contiguous || h.length > kGroHeaderMax) return GroReason::no_handler;
  r.header_bytes = r.header_length = h.length;
  h.payload = p.length - h.length;
  return GroReason::none;
}

// Segment mode: a checksum there must be, and no byte that the datagram does not own.
GroReason GroTable::decode_udp(Head& h) const {
  const std::uint8_t* u = h.s.frame + h.l4;
  const std::uint32_t rest = h.s.parsed->length - h.l4, length = be16(u + udp::kLength);
  if (!udp_ || be16(u + udp::kCheck) == 0 || length <= udp::kHeader || length != rest) return GroReason::no_handler;
  h.udp = true;
  h.length = h.l4 + udp::kHeader;
  if (h.length > kGroHeaderMax) return GroReason::no_handler;
  h.payload = rest - udp::kHeader;
  return GroReason::none;
}

std::uint32_t GroTable::reads(const GroSegment& s) const {
  GroResult r;
  Head h{s, 0, 0, 0, 0, false, false};
  decode(h, r);
  return r.header_bytes;
}

GroReason GroTable::verify(const Head& h, GroResult& r) const {
  if (h.s.verified) return GroReason::none;
  if (old()) return GroReason::bad_checksum;     // no software sum in GRO before 3.9
  if (h.l3_flush || h.s.gso) return GroReason::none;   // not asked: it will not be held anyway
  r.summed_bytes = h.s.parsed->length - h.l4;
  csum::Checked c = h.s.checksum;
  if (c == csum::Checked::none && h.s.contiguous >= h.s.parsed->length) c = csum::check_l4(h.s.frame, *h.s.parsed);
  return c == csum::Checked::good ? GroReason::none : GroReason::bad_checksum;
}

bool GroTable::same_network_flow(const Entry& e, const Head& h) const {
  const std::uint8_t *a = e.header + h.l3, *b = h.s.frame + h.l3;
  if (!e.info.ipv6)
    return equal(a + ip4::kSrc, b + ip4::kSrc, 8) && a[ip4::kProtocol] == b[ip4::kProtocol] &&
           (!old() || a[ip4::kTos] == b[ip4::kTos]);
  // Addresses, next header and every byte of the extension headers; the old rules add traffic class and hop limit.
  constexpr std::uint32_t kVersionAndLabel = 0xf00fffff;
  const std::uint32_t mask = old() ? 0xffffffff : kVersionAndLabel;
  return ((be32(a) ^ be32(b)) & mask) == 0 && a[ip6::kNext] == b[ip6::kNext] &&
         (!old() || a[ip6::kHopLimit] == b[ip6::kHopLimit]) && equal(a + ip6::kSrc, b + ip6::kSrc, h.l4 - h.l3 - ip6::kSrc);
}

// dev_gro_receive's look at every entry: what does not depend on the protocol.
bool GroTable::screened(const Entry& e, const Head& h) const {
  const GroSegment& s = h.s;
  if (!old() && e.hash != s.rx_hash) return false;
  if (e.device != s.device || e.vlan_stripped != s.vlan_stripped || (s.vlan_stripped && e.vlan_tci != s.vlan_tci)) return false;
  return equal(e.header, s.frame, ether::kHeader);
}

// In-band tags (equal ones mean equal offsets), network and transport.
bool GroTable::same_flow(const Entry& e, const Head& h) const {
  if (e.info.l3_offset != h.l3 || e.info.l4_offset != h.l4) return false;
  if (h.l3 > ether::kHeader && !equal(e.header + ether::kHeader, h.s.frame + ether::kHeader, h.l3 - ether::kHeader)) return false;
  return equal(e.header + h.l4, h.s.frame + h.l4, 4) && same_network_flow(e, h);
}

bool GroTable::network_differs(Entry& e, const Head& h) const {
  const std::uint8_t *a = e.header + h.l3, *b = h.s.frame + h.l3;
  if (e.info.ipv6) {
    if (old()) return false;
    return be16(a) != be16(b) || a[ip6::kHopLimit] != b[ip6::kHopLimit];   // the label is equal: traffic class
  }
  const auto step = static_cast<std::uint16_t>(be16(b + ip4::kId) - be16(a + ip4::kId));
  if (old()) return a[ip4::kTtl] != b[ip4::kTtl] || step != e.info.segments;
  if (e.info.segments == 1 && step == 0) e.info.fixed_id = true;
  return a[ip4::kTtl] != b[ip4::kTtl] || a[ip4::kTos] != b[ip4::kTos] ||
         ((be16(a + ip4::kFragment) ^ be16(b + ip4::kFragment)) & ip4::kDf) != 0 ||
         step != (e.info.fixed_id ? 0 : e.info.segments);
}

std::uint32_t GroTable::merged_length(const Entry& e, const Head& h) { return h.l3 - ether::kHeader + e.info.ip_length + h.payload; }

// Any of these forbids the merge; where several hold, the order here decides which one is reported.
GroReason GroTable::refusal(Entry& e, const Head& h) const {
  const std::uint8_t *a = e.header + h.l4, *b = h.s.frame + h.l4;
  const bool differs = network_differs(e, h);
  if (e.host_pages != h.s.host_pages) return GroReason::other_memory;
  if (h.udp) return refusal_udp(e, h, differs);
  if (b[tcp::kFlags] & (tcp::kSyn | tcp::kRst | tcp::kUrg)) return GroReason::closing_flags;
  if (h.payload == 0 || h.s.parsed->pure_ack)
    return b[tcp::kFlags] & tcp::kFin ? GroReason::closing_flags : GroReason::pure_ack;
  if (h.s.gso) return GroReason::already_merged;
  if (h.l3_flush) return GroReason::length_mismatch;
  if (be32(b + tcp::kSeq) != e.first_seq + e.info.payload) return GroReason::out_of_order;
  const std::uint32_t ignored = kFlagWordFin | kFlagWordPsh | (old() ? kFlagWordCwr : 0);
  if (differs || ((be32(a + tcp::kDataOffset) ^ be32(b + tcp::kDataOffset)) & ~ignored) != 0 ||
      (old() && b[tcp::kFlags] & tcp::kCwr) || be32(a + tcp::kAck) != be32(b + tcp::kAck) ||
      !equal(a + tcp::kHeader, b + tcp::kHeader, h.length - h.l4 - tcp::kHeader))
    return GroReason::header_mismatch;
  if (h.payload > e.info.segment_payload) return GroReason::larger_segment;
  if (merged_length(e, h) >= kMaxPacket) return GroReason::size_limit;
  if (std::uint32_t{e.buffers} + h.s.payload_buffers > most_buffers_) return GroReason::no_room;
  if (old() && !e.chained) {
    if (h.s.frags > e.room) return GroReason::no_room;
    // A linear payload can start a frag_list only on an aggregate of one segment.
    if (h.s.frags == 0 && e.info.segments > 1) return GroReason::no_room;
  }
  return GroReason::none;
}

// Datagrams have no order of their own: what comes next joins.
GroReason GroTable::refusal_udp(const Entry& e, const Head& h, bool differs) const {
  if (h.s.gso) return GroReason::already_merged;
  if (h.l3_flush) return GroReason::length_mismatch;
  if (differs) return GroReason::header_mismatch;
  if (h.payload > e.info.segment_payload) return GroReason::larger_segment;
  return merged_length(e, h) >= kMaxPacket ? GroReason::size_limit : GroReason::none;
}

}  // namespace gd
