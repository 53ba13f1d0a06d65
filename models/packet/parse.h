// Parsing of an Ethernet frame without FCS, as a NIC's parser or a protocol stack does it.
//
// Modelled: up to two in-band VLAN tags (0x8100, 0x88a8), IPv4 with options, IPv6 with hop-by-hop, routing, destination
// and fragment headers, TCP, UDP. Not modelled: tunnels (a VXLAN packet is a UDP payload), IPv6 jumbograms, AH/ESP,
// LLC/SNAP. No byte at or after frame + length is read, whatever the frame contains.
#pragma once
#include <cstdint>

namespace gd {

enum class L3 : std::uint8_t { none, ipv4, ipv6 };
enum class L4 : std::uint8_t { none, tcp, udp };

// How far the frame could be understood. `ok`: L3 and, unless it is a fragment, a TCP or UDP header.
enum class Decode : std::uint8_t {
  ok,
  ethertype,   // neither IPv4 nor IPv6 (ARP, LLC, a third tag ...): l2_length only
  protocol,    // IP with an L4 protocol other than TCP and UDP: L2 and L3 are valid
  truncated,   // the frame ends inside a header, or before the end that the IP length field claims
  lengths      // impossible version, header length, total length, TCP data offset or UDP length
};

// Offsets and lengths in bytes from the start of the frame. Always holds:
// header_length <= length, payload_offset + payload_length <= length.
struct Parsed {
  std::uint32_t length = 0;           // of the frame as given
  std::uint32_t ip_length = 0;        // the IP packet as its length field says (IPv6: 40 + payload length)
  std::uint32_t payload_offset = 0;   // L4 payload; L3 payload for a fragment or another protocol; L2 payload otherwise
  std::uint32_t payload_length = 0;   // as the IP length says (Ethernet padding excluded), cut at the frame's end
  std::uint32_t seq = 0, ack = 0;     // TCP
  std::uint16_t header_length = 0;    // L2 + L3 + L4 header bytes as far as decoded; L2 + L3 for a fragment
  std::uint16_t l2_length = 0;        // Ethernet header and tags; the L3 header begins here
  std::uint16_t l3_length = 0;        // IP header with options or extension headers
  std::uint16_t l4_length = 0;        // TCP header with options, or 8 for UDP; 0 when there is none
  std::uint16_t ethertype = 0;        // after the tags
  std::uint16_t vlan_tci = 0;         // first in-band tag; 0 when vlan_tags is 0
  std::uint16_t vlan_type = 0;        // its ethertype
  std::uint16_t fragment_offset = 0;  // in bytes
  std::uint16_t window = 0;           // TCP
  std::uint16_t udp_length = 0;       // UDP length field
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint8_t vlan_tags = 0;         // in-band tags: 0, 1, 2
  std::uint8_t protocol = 0;          // L4 protocol number (after IPv6 extension headers); valid when l3 != none
  std::uint8_t flags = 0;             // TCP
  L3 l3 = L3::none;
  L4 l4 = L4::none;                   // tcp/udp only when its header was decoded
  Decode decode = Decode::truncated;
  bool is_fragment = false;           // more fragments follow, or offset != 0: L4 is not decoded
  bool fragment_header = false;       // an IPv6 fragment header is present (also an atomic one)
  bool routing_pending = false;       // IPv6 routing header with segments left: the destination is not the final one
  bool more_fragments = false;
  bool pure_ack = false;              // TCP without payload, ACK set, none of SYN, FIN, RST

  std::uint32_t l3_offset() const { return l2_length; }
  std::uint32_t l4_offset() const { return static_cast<std::uint32_t>(l2_length) + l3_length; }
  bool ok() const { return decode == Decode::ok; }
  // VLAN id of the first in-band tag, 0 when untagged.
  std::uint16_t vlan_id() const { return vlan_tci & 0x0fff; }
  // Bytes of Ethernet padding after the IP packet.
  std::uint32_t padding() const {
    const std::uint32_t end = l2_length + ip_length;
    return l3 != L3::none && end < length ? length - end : 0;
  }
};

// `frame`: `length` bytes from the destination MAC on, without FCS; any length, any content.
Parsed parse(const std::uint8_t* frame, std::uint32_t length);

}  // namespace gd
