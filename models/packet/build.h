// Builds headers of synthetic frames at O(1) a frame: a template per flow, patched with what differs from frame to
// frame; checksums come from the template's sums and the caller's payload sum (Pattern::partial_sum).
// Shapes that a card's header split trips over: the last fragment of a datagram, VXLAN, an unknown transport protocol, long headers.
// Not modelled: IPv4 options, other IPv6 extension headers, other tunnels (captures bring those).
#pragma once
#include <cstdint>

#include "models/packet/headers.h"
#include "models/packet/parse.h"

namespace gd {

enum class Shape : std::uint8_t {
  plain,
  fragment,       // last fragment of a UDP datagram (IPv6: behind a fragment header): the payload begins behind IP
  tunnel,         // IPv4, UDP to VXLAN's port without a checksum; the payload begins with the VXLAN header and the inner headers
  unknown_l4,     // IP protocol 253 (RFC 3692: experiments); the payload begins behind IP
  long_headers,   // IPv6 with destination options of kOptions bytes before TCP or UDP
  pure_ack        // TCP; the caller gives its frames no payload
};

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
  Shape shape = Shape::plain;
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
  static constexpr unsigned kOptions = 192;               // of long_headers: with them more than 256 bytes of headers
  static constexpr unsigned kInner = 8 + 14 + 20 + 8;     // of tunnel: VXLAN, Ethernet, IPv4, UDP
  static constexpr std::uint32_t kFragmentOffset = 1480;  // of fragment: behind the first of an MTU of 1500
  static constexpr unsigned kMax = 14 + 4 + 40 + kOptions + 32;
  HeaderTemplate() = default;
  // Throws UserError for a protocol other than TCP and UDP, or UDP over IPv6 without checksum.
  explicit HeaderTemplate(const FlowHeader& flow);
  // Bytes of headers before the payload, as a card or a protocol stack finds it.
  std::uint32_t length() const { return length_; }
  // Headers that are a part of the payload (tunnel): its first bytes, written by write() too.
  std::uint32_t inner() const { return shape_ == Shape::tunnel ? kInner : 0; }
  Shape shape() const { return shape_; }
  std::uint32_t l3_offset() const { return l3_; }
  // Writes length() + inner() bytes; FrameFields::payload_length counts the inner ones, payload_sum is of no use with them. The payload is the caller's to write, and Ethernet padding too.
  void write(std::uint8_t* out, const FrameFields& f) const;

 private:
  void write_tunnel(std::uint8_t* out, const FrameFields& f) const;
  Shape shape_ = Shape::plain;
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
