// Which guest, or which application with asynchronous reads, a packet of a shared receive queue is for, found by the host in software: what a card without a queue for each guest
// leaves to a bridge or to macvlan.
//
// Modelled: the look-up by destination MAC and VLAN for each packet that leaves GRO, and a share of the queue's buffers that one
// guest's tap (an application's socket) may hold: what comes beyond it is dropped for that guest alone, so that a guest that takes nothing does not keep the
// pages that the others' frames need. Rules match as the card's do: MAC and VLAN, MAC, VLAN, any; broadcast and multicast that no rule without a MAC takes go
// to the first guest, whose bridge replicates them. Not modelled: learning, ageing, flooding of unknown addresses (they are dropped as filtered).
// Source: net/bridge/br_fdb.c, drivers/net/macvlan.c.
#pragma once
#include <vector>

#include "models/host/gro_stage.h"

namespace gd {

struct DemuxStats {
  std::uint64_t packets = 0, frames = 0;
  std::uint64_t over_share = 0;       // frames dropped because their guest's tap or socket held its share
};

class GuestDemux : public PacketSink {
 public:
  // Costs: host.steer (per packet); defence.quota (per packet) with a share. `share`: wire frames in a guest's tap or socket, 0: no limit.
  GuestDemux(std::uint32_t share, PhysMem& phys, FrameTable& frames, CostBook& costs);
  // Packets to `mac` (48 bits, 0: any) with VLAN id `vlan` (0: any or none) go to `up`, which leads to `queue`; beyond the share they
  // are dropped as `full`.
  void add(std::uint64_t mac, std::uint16_t vlan, PacketSink& up, const PacketSink& queue, Drop full) { guests_.push_back({mac, vlan, &up, &queue, full}); }
  void packet(Step& s, Skb* skb) override;
  bool room(const Skb& skb) const override;   // with every guest
  std::uint32_t held() const override { return 0; }
  const DemuxStats& stats() const { return stats_; }

 private:
  struct Rule {
    std::uint64_t mac;
    std::uint16_t vlan;
    PacketSink* up;
    const PacketSink* queue;
    Drop full;
  };
  void drop(Step& s, Skb* skb, Drop why);
  bool beyond_share(const Rule& r, const Skb& skb) const { return share_ && r.queue->held() + skb.frames.count > share_; }
  std::uint32_t share_;
  PhysMem& phys_;
  FrameTable& frames_;
  Cost steer_, quota_;
  std::vector<Rule> guests_;
  DemuxStats stats_;
};

}  // namespace gd
