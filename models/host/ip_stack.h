// The host's IP and transport layers over one packet, on its way to a socket: what host-socket and user-async have in common.
//
// Modelled: the costs of ip_rcv and of the transport's receive function; headers that do not lie in one run are gathered; a checksum
// that the card has not told is summed over the whole packet; what a packet takes of a socket's buffer. Not modelled: TCP state,
// routes, IP reassembly.
// Source: net/ipv4/ip_input.c, tcp_ipv4.c, udp.c, raw.c; net/core/sock.c.
#pragma once
#include <vector>

#include "models/cpu/core.h"
#include "models/host/gro_stage.h"
#include "models/packet/parse.h"
#include "models/skb/skb.h"

namespace gd {

// Bytes that a packet occupies of a socket's buffer: its own and the overhead of skb and head.
inline Bytes truesize(const Skb& skb) { return skb.length + Skb::kStruct + Skb::kSlab; }

class IpStack {
 public:
  // Costs: stack.ip, stack.tcp, stack.udp, stack.raw (each a packet), stack.checksum (byte).
  IpStack(PhysMem& phys, CostBook& costs);
  struct Seen {
    const std::uint8_t* headers;           // valid until the next packet
    Parsed parsed;
    bool summed;                           // the checksum was made here
  };
  // Who is shown each packet that comes here, as it would stand on a wire, as those of guest `guest`; may be null.
  void observe(Observer* o, std::uint32_t guest) {
    if (o && o->wants_handed_up()) observer_ = o, guest_ = guest;
  }
  // Softirq's side. Afterwards skb.checksum is not `none`, unless the packet has no transport header.
  Seen receive(Step& s, Skb& skb);

 private:
  static constexpr std::uint32_t kLargestPacket = 128 * 1024;   // beyond what GRO merges (64 KiB) and its last segment
  std::uint32_t gather(Skb& skb);
  void show(Skb& skb, Time t);
  PhysMem& phys_;
  Observer* observer_ = nullptr;
  std::uint32_t guest_ = 0;
  Cost ip_, tcp_, udp_, raw_, checksum_;
  std::vector<std::uint8_t> pulled_;       // scratch: a packet in one run
};

}  // namespace gd
