#include "models/host/guest_demux.h"

#include <algorithm>

#include "models/packet/address.h"
#include "models/packet/headers.h"
#include "models/packet/parse.h"

namespace gd {

GuestDemux::GuestDemux(std::uint32_t share, PhysMem& phys, FrameTable& frames, CostBook& costs)
    : share_(share), phys_(phys), frames_(frames), steer_(costs.get("host.steer")), quota_(share ? costs.get("defence.quota") : Cost{}) {}

void GuestDemux::drop(Step& s, Skb* skb, Drop why) {
  frames_.dropped(skb->frames, why, s.now());
  skb->path->release(s, skb);
}

bool GuestDemux::room(const Skb& skb) const {
  return std::all_of(guests_.begin(), guests_.end(), [&](const Rule& r) { return r.up->room(skb) && !beyond_share(r, skb); });
}

void GuestDemux::packet(Step& s, Skb* skb) {
  const Hpa at = skb->path->headers(*skb);
  s.charge(steer_);
  s.load(steer_.op, at, kLine);
  ++stats_.packets;
  stats_.frames += skb->frames.count;
  const std::uint8_t* b = phys_.at(at);
  const bool tagged = be16(b + 12) == 0x8100;
  const std::uint16_t vlan = tagged ? be16(b + 14) & 0xfff : 0;
  const Rule* best = best_rule(guests_, mac_number(b), vlan);
  if (!best) return drop(s, skb, Drop::filtered);
  if (share_) {
    s.charge(quota_);
    if (beyond_share(*best, *skb)) {
      stats_.over_share += skb->frames.count;
      return drop(s, skb, best->full);
    }
  }
  best->up->packet(s, skb);
}

}  // namespace gd
