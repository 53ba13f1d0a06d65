// Builds headers of synthetic frames at O(1) a frame: a template per flow, patched with what differs from frame to
// frame; checksums come from the template's sums and the caller's payload sum (Pattern::partial_sum).
// Not modelled: IP options, IPv6 extension headers, fragments (captures bring those).
#pragma once
#include <cstdint>

#include "models/packet/headers.h"
#include "models/packet/parse.h"

namespace gd {

// What the frames of a flow have in common. Addresses in network order; IPv4 uses the first 4 bytes.
struct FlowHeader {
  std::uint8_t dst_mac[6] = {}, src_mac[6] = {};
  bool tagged = false;            // in-band 802.1Q tag
  std::uint16_t vlan_tci = 0;
  bool ipv6 = false;
  std::uint8_t src_ip[16] = {}, dst_ip[16] = {};
  std::uint8_t protocol = ipproto::kTcp;   // kTcp or kUdp
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint8_t tos = 0;           // or traffic class
  std::uint8_t ttl = 64;          // or hop limit
  std::uint32_t flow_label = 0;   // IPv6, 20 bits
  bool timestamps = false;        // TCP: NOP, NOP, timestamp option (12 bytes)
  bool udp_checksum = true;       // false: field 0 (IPv4 only)
};

// What differs from frame to frame.
struct FrameFields {
  std::uint32_t payload_length = 0;   // bytes; the IP packet must stay below 65536
  std::uint16_t payload_sum = 0;      // csum::sum of the payload as if it began at an even offset
  std::uint16_t ip_id = 0;
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = tcp::kAckFlag;
  std::uint16_t window = 65535;
  std::uint32_t ts_value = 0, ts_echo = 0;
};

class HeaderTemplate {
 public:
  static constexpr unsigned kMax = 14 + 4 + 40 + 32;
  HeaderTemplate() = default;
  // Throws UserError for a protocol other than TCP and UDP, or UDP over IPv6 without checksum.
  explicit HeaderTemplate(const FlowHeader& flow);
  // Bytes of headers before the payload.
  std::uint32_t length() const { return length_; }
  std::uint32_t l3_offset() const { return l3_; }
  // Writes length() bytes. The payload is the caller's to write, and Ethernet padding too.
  void write(std::uint8_t* out, const FrameFields& f) const;

 private:
  std::uint8_t bytes_[kMax] = {};
  std::uint16_t length_ = 0, l3_ = 0, l4_ = 0;
  std::uint16_t l3_sum_ = 0;   // IPv4 header without total length and id
  std::uint16_t l4_sum_ = 0;   // pseudo header without length, L4 header without the fields of FrameFields
  bool ipv6_ = false, udp_ = false, timestamps_ = false, udp_checksum_ = true;
};

// Longest header that build_tcp_ack writes.
constexpr std::uint32_t kMaxAck = 14 + 8 + 40 + 20;

// What a receiver puts into the ACK that it sends.
struct AckFields {
  std::uint32_t seq = 0;    // the receiver's own sequence number
  std::uint32_t ack = 0;    // next byte expected
  std::uint16_t window = 65535;
  std::uint16_t ip_id = 0;  // IPv4
  std::uint8_t flags = tcp::kAckFlag;
};

// Writes an ACK frame without payload and without TCP options that answers `frame` (parsed as `p`): MACs, addresses and
// ports swapped, in-band tags kept, TTL 64, DF set. Returns its length (54 for IPv4; padding to 60 is the link's), or 0
// when the frame is not TCP. `out` has room for kMaxAck bytes and may not overlap `frame`.
std::uint32_t build_tcp_ack(std::uint8_t* out, const std::uint8_t* frame, const Parsed& p, const AckFields& f);

}  // namespace gd
