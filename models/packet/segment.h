// The headers of the segments into which a merged TCP or UDP packet is cut: what tcp_gso_segment, __udp_gso_segment and
// inet_gso_segment write.
//
// Modelled: TCP over IPv4 and IPv6 with in-band tags and options as they are: IPv4 id (incremented, or fixed where the
// merged ones were) and header checksum, lengths, sequence number, FIN and PSH on the last segment, CWR on the first or, with
// accurate ECN, on all, TCP checksum complete or as the pseudo header's sum; UDP length and checksum, where one was sent. Not
// modelled: tunnels. Source: net/ipv4/tcp_offload.c.
#pragma once
#include <cstdint>

#include "models/packet/parse.h"

namespace gd {

struct SegmentPlan {
  std::uint32_t payload = 0;        // bytes of the merged packet behind its headers
  std::uint16_t size = 0;           // gso_size: payload bytes of every segment but the last
  std::uint16_t l3_offset = 0, l4_offset = 0, header_length = 0;   // from the Ethernet header
  bool ipv6 = false, udp = false;
  bool fixed_id = false;            // IPv4: all segments carry the first one's id
  bool accecn = false;              // TCP: all segments carry CWR where the merged packet does
  std::uint32_t segments() const { return size ? (payload + size - 1) / size : 1; }
  std::uint32_t payload_of(std::uint32_t index) const {
    const std::uint32_t from = index * size;
    return payload - from < size ? payload - from : size;
  }
};

// From a merged packet's headers (`p` parsed from them, the lengths being those of the whole packet) and what GRO said of it
// (GroMeta: gso_size, fixed_id, accecn).
SegmentPlan segment_plan(const Parsed& p, std::uint16_t gso_size, bool fixed_id, bool accecn);

// Writes the headers of segment `index`, plan.header_length bytes; `merged`: those of the merged packet (may be `out`).
// `payload_sum`: csum::sum of the segment's payload for a complete TCP checksum; with `partial` it is not read and the
// field holds the pseudo header's sum (NEEDS_CSUM).
void segment_headers(std::uint8_t* out, const std::uint8_t* merged, const SegmentPlan& plan, std::uint32_t index, bool partial,
                     std::uint16_t payload_sum);

}  // namespace gd
