// Software segmentation (GSO) in the transmit path of a tap, and the software checksum, for a guest that did not negotiate
// merged frames or open checksums.
//
// Modelled: new skbs whose headers are copied and edited (models/packet/segment.h) while payload fragments and frag_list
// members move over, the checksum over the bytes where the guest wants it complete. Not modelled: the clone of a fragment
// that two segments share (cannot happen: GRO merges whole segments), GSO on the physical device.
// Source: net/core/skbuff.c skb_segment, net/core/dev.c validate_xmit_skb, skb_checksum_help.
#pragma once
#include <vector>

#include "models/base/costs.h"
#include "models/packet/segment.h"
#include "models/ports/frame.h"
#include "models/skb/skb.h"

namespace gd {

// What may be passed on as it is: what the guest has negotiated, and nothing on a raw socket.
struct TapOffloads {
  bool checksum = true;            // GUEST_CSUM: a checksum field that is still to be completed
  bool tso4 = true, tso6 = true;   // GUEST_TSO4, GUEST_TSO6
  bool ecn = true;                 // GUEST_ECN: merged frames with CWR, be it in the first or in all (2026: bits for the latter proposed)
  bool uso = true;                 // GUEST_USO4 and GUEST_USO6
  static TapOffloads none() { return {false, false, false, false, false}; }
  static TapOffloads of(std::uint64_t features);
  // Whether a merged packet of this virtio_net_hdr gso_type passes.
  bool pass(std::uint8_t gso_type) const;
};

struct GsoStats {
  std::uint64_t packets = 0, segments = 0;   // packets that were cut, and what came of them
  std::uint64_t summed_bytes = 0;            // by the software checksum
  std::uint64_t refused = 0;                 // packets whose headers had changed
};

class CopyPath;

class GsoSegmenter {
 public:
  // Costs: gso.segment (a segment: skb set-up, fragment references), gso.header (per byte of headers copied), gso.checksum
  // (per byte summed).
  GsoSegmenter(PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs);
  // Cuts `skb`; its segments are in segments() until the next call, each an skb of its own on the same path. `partial`: the
  // guest completes checksums; else they are complete. A packet whose headers no longer agree with what GRO made of it, because a guest has
  // changed them where the card wrote them, is dropped (stack): none then.
  void segment(Step& s, Skb* skb, bool partial);
  // The same for a packet whose payload must not be referred to: each segment is a copy that `copies` makes, with headroom.
  void segment_copied(Step& s, Skb* skb, bool partial, CopyPath& copies);
  const std::vector<Skb*>& segments() const { return out_; }
  // What `guest` lets pass goes to each(skb) as it is; a merged packet that it cannot take is cut, and the checksum of another one
  // completed. The last step before whatever hands packets to a guest.
  template <class F>
  void pass(Step& s, Skb* skb, const TapOffloads& guest, F each) {
    if (skb->gso_type && !guest.pass(skb->gso_type)) {
      segment(s, skb, guest.checksum);
      for (Skb* x : out_) each(x);
      return;
    }
    if (skb->checksum == Checksum::partial && !guest.checksum) complete(s, *skb);
    each(skb);
  }
  // skb_checksum_help: completes the checksum of a packet that was not cut.
  void complete(Step& s, Skb& skb);
  const GsoStats& stats() const { return stats_; }

 private:
  struct Run {
    Frag frag;
    Skb* head_of;                  // the member whose linear part it is, or null
  };
  void flatten(Skb* skb, std::uint32_t header);
  std::uint16_t sum(Step& s, const Skb& skb, std::uint32_t skip);
  bool plan(const Skb& skb);
  bool fits(Skb& skb);
  void refuse(Step& s, Skb* skb);
  Skb* start(Step& s, Skb* skb, std::size_t run, std::uint32_t header);
  void finish(Step& s, const Skb& merged, Skb* seg, std::uint32_t index, bool partial, FrameChain& frames);
  PhysMem& phys_;
  SkbPool& skbs_;
  FrameTable& frames_;
  Cost segment_, header_, checksum_;
  std::vector<Run> runs_;
  std::vector<Skb*> members_, out_;
  std::vector<std::uint8_t> headers_;   // of the merged packet
  Hpa headers_at_ = 0;
  SegmentPlan plan_;
  GsoStats stats_;
};

}  // namespace gd
