// The GRO stage of NAPI: asks the rules (models/packet/gro.h) and carries out what they say on skbs.
//
// Modelled: what a merge costs (header reads where the header lies, comparisons, fragment moves, frag_list chaining; in
// 2.6.35 the new head before a linear aggregate), completion, delivery in order. Not modelled: the batching of list
// delivery to the stack.
// Source: net/core/gro.c, napi_gro_receive and skb_gro_receive.
#pragma once
#include "models/base/costs.h"
#include "models/buffers/strategy.h"
#include "models/packet/gro.h"
#include "models/skb/skb.h"

namespace gd {

// Takes finished packets from GRO: a tap queue, or the host's own protocol stack.
struct PacketSink {
  virtual ~PacketSink() = default;
  virtual void packet(Step& s, Skb* skb) = 0;
  // Packets that wait there (for conservation: wire frames).
  virtual std::uint32_t held() const = 0;
};

// What a software checksum over the whole packet finds, wherever its bytes lie; `none` where there is nothing to check
// (no TCP or UDP header, a fragment, a UDP packet without checksum). `p` was parsed from `headers`, where all headers are
// contiguous. No simulated cost.
csum::Checked packet_checksum(const PhysMem& phys, const Skb& skb, const std::uint8_t* headers, const Parsed& p);

struct GroStats {
  std::uint64_t packets_in = 0, packets_out = 0, merged = 0, segments_out = 0;
  std::uint64_t chained = 0;                                             // frag_list merges
  std::uint64_t flushes[static_cast<int>(GroReason::count_)] = {};
};

class GroStage {
 public:
  // Costs: gro.receive (per packet), gro.compare (per entry looked at), gro.merge_frag (per descriptor moved),
  // gro.chain (and, 2.6.35, the copy of a new head's bytes), gro.complete, gro.checksum (per byte summed by software).
  GroStage(bool enabled, GroRules rules, PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs);
  // One packet from the driver. `path` owns its buffers. What is ready goes to `up`.
  void receive(Step& s, Skb* skb, RxPath& path, PacketSink& up);
  // End of a poll.
  void flush(Step& s, RxPath& path, PacketSink& up);
  bool holds() const { return table_.held() != 0; }
  std::uint32_t held_frames() const { return held_frames_; }
  const GroStats& stats() const { return stats_; }

 private:
  void finish(Step& s, const GroFlushed& f, RxPath& path, PacketSink& up);
  void merge(Step& s, Skb* into, Skb* skb, GroResult& r, RxPath& path);
  void pass(Step& s, Skb* skb, PacketSink& up);

  bool enabled_;
  PhysMem& phys_;
  SkbPool& skbs_;
  FrameTable& frames_;
  GroTable table_;
  Cost receive_, compare_, merge_frag_, chain_, complete_, checksum_;
  GroStats stats_;
  std::uint32_t held_frames_ = 0;
};

}  // namespace gd
