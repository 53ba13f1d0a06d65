// The GRO stage of NAPI: asks the rules (models/packet/gro.h) and carries out what they say on skbs.
//
// Modelled: the three ways in which a driver delivers, told by the skb's geometry: A, linear (napi_gro_receive); B, linear
// headers and payload in fragments (header split); C, everything in fragments (napi_gro_frags, RxPath::napi_frags()). How
// the headers are reached: in place, also in the first fragment (frag0), or by making them linear first (the slow path);
// what is held or passed up has its parsed headers pulled, what is merged has not. What a merge costs (header reads where
// the header lies, comparisons, fragment moves, frag_list chaining; in 2.6.35 the new head before a linear aggregate),
// completion, and delivery in order: one by one in 2.6.35, else in batches of segments (gro_normal_list). Not modelled: a
// pull of more than an skb's slab (longer chains of headers stay in the fragments).
// Source: net/core/gro.c, napi_gro_receive, napi_gro_frags and skb_gro_receive; net/core/dev.c of 2.6.35.
#pragma once
#include <vector>

#include "models/base/costs.h"
#include "models/buffers/strategy.h"
#include "models/packet/gro.h"
#include "models/skb/skb.h"

namespace gd {

// Takes finished packets from GRO: a tap queue, or the host's own protocol stack.
struct PacketSink {
  virtual ~PacketSink() = default;
  virtual void packet(Step& s, Skb* skb) = 0;
  // Whether there is room for a packet, as it was at the step's start: where there is none it is given in a fresh step.
  virtual bool room(const Skb&) const { return true; }
  // Packets that wait there (for conservation: wire frames).
  virtual std::uint32_t held() const = 0;
};

// What a software checksum over the whole packet finds, wherever its bytes lie; `none` where there is nothing to check
// (no TCP or UDP header, a fragment, a UDP packet without checksum). `p` was parsed from `headers`, where all headers are
// contiguous. No simulated cost.
csum::Checked packet_checksum(const PhysMem& phys, const Skb& skb, const std::uint8_t* headers, const Parsed& p);

struct GroParams {
  bool enabled = true;
  GroRules rules = GroRules::linux_6;
  bool udp = false;                  // UDP segments of a flow are merged (NETIF_F_GRO_UDP_FWD or a UDP_GRO socket)
  std::uint32_t hz = 250;            // CONFIG_HZ: ages are counted in ticks
  std::uint32_t normal_batch = 8;    // segments that wait before they go up together (gro_normal_batch); 2.6.35 has none: 1
  std::uint32_t most_buffers = UINT32_MAX;   // of the guest's in a merged packet, where they are the guest's: what its driver takes
  // The hazard frag-shift: the fragment array moves down as Linux 2.6.35 did it (PullBug::shift_bytes). A packet that lost
  // a fragment so is a violation for each buffer lost, and is dropped where it would have been passed up.
  bool frag_shift_bug = false;
};

struct GroStats {
  std::uint64_t packets_in = 0, packets_out = 0, merged = 0, segments_out = 0;
  std::uint64_t chained = 0;                                             // frag_list merges
  std::uint64_t pulled_bytes = 0, slow_headers = 0;                      // bytes made linear; packets whose headers were not reached in place
  std::uint64_t flushes[static_cast<int>(GroReason::count_)] = {};
};

// How a poll ended.
enum class PollEnd : std::uint8_t {
  complete,   // nothing is left to receive: all entries leave
  timer,      // so, but a timer will look after the entries (gro_flush_timeout): those of earlier ticks leave
  budget      // the budget is used up and another poll follows: all leave, from HZ 1000 on the old ones (2.6.35: none)
};

class GroStage {
 public:
  // Costs: gro.receive (per packet), gro.compare (per entry looked at), gro.merge_frag (per descriptor moved),
  // gro.chain (and, 2.6.35, the copy of a new head's bytes), gro.complete, gro.checksum (per byte summed by software),
  // gro.match (per entry of the packet's own flow: its headers are compared), gro.pull (per pull and byte), gro.slow_pull
  // (the same where headers could not be reached in place), gro.expand_head (a pull that the skb's linear room cannot take).
  GroStage(const GroParams& params, PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs);
  // One packet from the driver. `path` owns its buffers. What is ready goes to `up`, as far as the step allows.
  void receive(Step& s, Skb* skb, RxPath& path, PacketSink& up);
  // Hands up what is due; false when the step is over before that: to be called again.
  bool hand_up(Step& s, PacketSink& up);
  // End of a poll: entries are flushed, and everything that is ready goes up. False when the step is over before that: to
  // be called again.
  bool end_poll(Step& s, RxPath& path, PacketSink& up, PollEnd how);
  bool holds() const { return table_.held() != 0; }
  // Wire frames in here: in held packets, and in those that wait to be handed up.
  std::uint32_t held_frames() const { return held_frames_; }
  const GroStats& stats() const { return stats_; }

  // Linear room that napi_get_frags gives an skb, from the Ethernet header on (GRO_MAX_HEAD less MAX_HEADER).
  static constexpr std::uint32_t kFragsRoom = 128;

 private:
  // The packet's first bytes as the rules read them: in place where the headers lie in one run, else gathered.
  struct View {
    const std::uint8_t* frame;
    std::uint32_t contiguous;
    Parsed p;
  };
  View view(const Skb& skb);
  static void count_buffers(const Skb& skb, std::uint32_t header, GroSegment& seg);
  std::uint32_t in_place(const Skb& skb, bool frags) const;
  void pull(Step& s, Skb& skb, std::uint32_t n, RxPath& path, const Cost& price);
  void finish(Step& s, const GroFlushed& f, RxPath& path);
  void merge(Step& s, Skb* into, Skb* skb, GroResult& r, RxPath& path);
  void pass(Step& s, Skb* skb);
  std::int64_t tick(const Step& s) const { return static_cast<std::int64_t>(jiffy_.of(static_cast<std::uint64_t>(s.start()))); }
  bool old() const { return table_.rules() == GroRules::linux_2_6_35; }

  GroParams params_;
  Divisor jiffy_;   // ps
  PhysMem& phys_;
  SkbPool& skbs_;
  FrameTable& frames_;
  GroTable table_;
  Cost receive_, compare_, merge_frag_, chain_, complete_, checksum_, match_, pull_, slow_pull_, expand_;
  GroStats stats_;
  std::uint32_t held_frames_ = 0;
  // The list of ready packets: `due_` of them go up now, the others when the batch is full or the poll ends.
  Skb *ready_ = nullptr, *ready_tail_ = nullptr;
  std::uint32_t ready_packets_ = 0, due_ = 0, batched_ = 0;   // batched_: segments in those not yet due
  // Longest header chain that is parsed (8 KiB of IPv6 extension headers) when it does not lie in one run.
  static constexpr std::uint32_t kGathered = 8192 + 128;
  std::vector<std::uint8_t> gathered_;
};

}  // namespace gd
