// The outer headers of VXLAN over UDP and IPv4 (RFC 7348), as a tunnel end point writes and knows them.
//
// Modelled: Ethernet, IPv4 (DF, id 0: an atomic datagram of RFC 6864), UDP without a checksum (the default over IPv4), a
// source port by flow (RFC 7348, section 5: 49152 to 65535, so that a receiver spreads flows). Not modelled: IPv6
// outside, an outer VLAN tag, learning, ARP. Source: drivers/net/vxlan/vxlan_core.c, net/ipv4/ip_tunnel_core.c.
#pragma once
#include "models/packet/headers.h"
#include "models/packet/parse.h"

namespace gd::vxlan {

constexpr std::uint16_t kPort = 4789;
constexpr std::uint32_t kHeader = 8;
constexpr std::uint32_t kOuter = ether::kHeader + ip4::kHeader + udp::kHeader + kHeader;   // 50 bytes before the inner frame
constexpr std::uint32_t kVni = 100;
constexpr std::uint32_t kFrom = 0xc0000201, kTo = 0xc0000202;   // 192.0.2.1 to 192.0.2.2 (RFC 5737): host and guest

// Writes the kOuter bytes that stand before the frame whose headers are `inner` (`p` parsed from them, p.length its bytes
// without FCS). The outer link addresses: the inner destination, and `from_mac`.
void write_outer(std::uint8_t* out, const std::uint8_t* inner, const Parsed& p, std::uint64_t from_mac);

// Whether a frame, `p` parsed from its first `contiguous` bytes, ends in the tunnel of these addresses and this VNI.
bool to_tunnel(const std::uint8_t* frame, std::uint32_t contiguous, const Parsed& p);

}  // namespace gd::vxlan
