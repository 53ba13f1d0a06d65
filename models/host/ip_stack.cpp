#include "models/host/ip_stack.h"

#include <algorithm>
#include <cstring>

#include "models/buffers/strategy.h"
#include "models/packet/checksum.h"

namespace gd {

IpStack::IpStack(PhysMem& phys, CostBook& costs)
    : phys_(phys), ip_(costs.get("stack.ip")), tcp_(costs.get("stack.tcp")), udp_(costs.get("stack.udp")), raw_(costs.get("stack.raw")),
      checksum_(costs.get("stack.checksum")), pulled_(kLargestPacket) {}

// All bytes of a packet, with those of its headers that were read once.
std::uint32_t IpStack::gather(Skb& skb) {
  std::uint32_t n = 0;
  for_each_frag(skb, [&](Frag& f) {
    std::memcpy(&pulled_[n], phys_.at(f.addr), f.length);
    n += f.length;
  });
  if (skb.snapshot) std::memcpy(pulled_.data(), phys_.at(skb.snapshot), std::min<std::uint32_t>(n, skb.snapshot_length));
  return n;
}

void IpStack::show(Skb& skb, Time t) {
  const std::uint32_t n = gather(skb);
  if (skb.checksum == Checksum::partial) csum::complete_l4(pulled_.data(), n);
  observer_->handed_up(guest_, pulled_.data(), n, t);
}

IpStack::Seen IpStack::receive(Step& s, Skb& skb) {
  if (observer_) show(skb, s.now());
  const Hpa at = skb.path->headers(skb);
  const std::uint8_t* headers = phys_.at(at);
  Parsed p = parse(headers, skb.snapshot ? std::min<std::uint32_t>(skb.length, skb.snapshot_length) : skb.length);
  const std::uint32_t contiguous = skb.head.length ? skb.head.length : skb.frags[0].length;
  // A cut inside the headers, also of the snapshot (headers longer than it): pull them.
  const bool cut = skb.snapshot ? p.decode == Decode::truncated && p.l4 == L4::none && !p.is_fragment
                                : contiguous < skb.length && (p.header_length > contiguous || !p.ok());
  if (cut) {
    const std::uint32_t n = gather(skb);
    headers = pulled_.data();
    p = parse(headers, n);
  }
  s.charge(ip_);
  s.load(ip_.op, at, p.header_length);
  s.charge(p.l4 == L4::tcp ? tcp_ : p.l4 == L4::udp ? udp_ : raw_);
  const bool sum = skb.checksum == Checksum::none && p.l4 != L4::none;
  if (sum) {
    s.charge(checksum_, skb.length);
    for_each_frag(skb, [&](Frag& f) { s.stream_load(checksum_.op, f.addr, f.length); });
    skb.checksum = packet_checksum(phys_, skb, headers, p) == csum::Checked::bad ? Checksum::bad : Checksum::unnecessary;
  }
  return {headers, p, sum};
}

}  // namespace gd
