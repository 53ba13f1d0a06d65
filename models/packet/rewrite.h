// What a host may change in the headers of a packet on its way to a guest: addresses of the link, the hop count, a network
// address, a VLAN tag, outer headers before it. Pure functions on header bytes; the same ones make the bytes that a checker expects.
//
// Modelled: checksums brought up to date incrementally (RFC 1624), also where a merged packet's TCP checksum is open (the
// field holds the pseudo header's sum). Not modelled: port translation, options, tunnels other than VXLAN.
// Source: net/core/skbuff.c skb_vlan_push and skb_vlan_pop, net/netfilter/nf_nat_proto.c, net/ipv4/ip_forward.c.
#pragma once
#include <cstdint>

#include "models/packet/parse.h"

namespace gd {

enum class Rewrite : std::uint8_t {
  none,
  mac,         // source address becomes the host's
  ttl,         // TTL or hop limit less one
  nat,         // destination network: first 16 bits of the destination address
  vlan_push,   // an 802.1Q tag before the EtherType
  vlan_pop,    // the first in-band tag goes
  encapsulate  // VXLAN: outer headers before the frame (models/packet/vxlan.h)
};

struct RewriteValues {
  std::uint64_t mac = 0x02686f737400;    // 48 bits, first byte highest
  std::uint16_t network4 = 0xc0a8;       // 192.168
  std::uint16_t network6 = 0xfd02;
  std::uint16_t vlan = 100;
};

constexpr std::uint32_t kMostGrowth = 50;  // bytes that a rewrite puts before a packet at most

// Bytes by which the packet grows (50, 4, 0, -4). 0 also for what cannot be: a pop without a tag.
int rewrite_growth(Rewrite kind, const Parsed& p);
// Whether `kind` changes anything of such a packet (headers decoded, no fragment; nat and ttl need IP; a pop needs a tag).
bool rewrite_applies(Rewrite kind, const Parsed& p);

struct ByteRange {
  std::uint32_t from = 0, to = 0;        // counted from the first byte of the new packet
};
// The bytes that differ afterwards, as one range. An encapsulated frame stands unchanged behind it.
ByteRange rewrite_range(Rewrite kind, const Parsed& p);

// Writes the new headers, p.header_length + growth bytes, to `out`; `in`: the old ones, p parsed from them (p.length: the
// whole frame, which the outer headers tell). `open`: the L4
// checksum is open. The two may not overlap. Pre: rewrite_applies.
void rewrite_headers(std::uint8_t* out, const std::uint8_t* in, const Parsed& p, Rewrite kind, const RewriteValues& v, bool open);

}  // namespace gd
