// The host between GRO and the tap of one guest, for scenarios in which it is more than a pipe: packet sockets take clones,
// a filter drops, frames turn out to be for somebody else, rules change headers. Without such a scenario GRO feeds the tap.
//
// Order, as in __netif_receive_skb_core: clones; filter; destination by the real MAC (the host, another guest that is not
// simulated, everybody, this guest); rewrites of what is this guest's. Which packets are meant is drawn by the id of the
// first frame from named random streams, so that every design meets the same choice.
//  * For somebody else: the host reads it where it lies and gives the buffer back to the guest unused, or copies it first
//    and reuses the buffer, or drops it. In a guest's memory the bytes have leaked, unless they are overwritten.
//  * Broadcast and multicast: every other guest of the bridge gets a replica (shared host pages, or a copy where the page
//    is a guest's), the host's own stack one of each broadcast.
//  * Rewrites: in place by the design's hooks (models/buffers/strategy.h); without headroom in a copy in host memory.
//  * Encapsulation (VXLAN): outer headers before the frame, by the same hooks. A virtio header cannot say that a tunnelled
//    packet is merged, and a tap has no checksum offload for what is inside, so that a merged packet is cut before and its
//    checksums completed (skb_udp_tunnel_segment): by reference in host memory; segments of a packet in a guest's
//    memory have no headroom, and are copied. What is then longer than the guest's MTU is dropped (DF).
// Where the headers lie in the guest's memory, each look at them is told to the check of changes (Ownership::decides).
// Not modelled: a forwarding table that learns, IGMP, routing, address translation's way back.
// Source: net/core/dev.c, net/bridge/br_input.c, br_forward.c.
#pragma once
#include <vector>

#include "models/base/rng.h"
#include "models/buffers/strategy.h"
#include "models/host/clone_reader.h"
#include "models/host/gso.h"
#include "models/host/tap_queue.h"
#include "models/packet/rewrite.h"

namespace gd {

enum class ForeignAction : std::uint8_t { give_back, copy, drop };
enum class CloneAction : std::uint8_t { hold, copy };

// Shares in parts per million. MACs: 48 bits, first byte highest.
struct BridgeParams {
  std::uint64_t seed = 1;
  std::uint64_t host_mac = 0x02686f737400;
  std::uint64_t neighbour_mac = 0x026775657374;    // a guest behind the same bridge that is not simulated
  std::uint32_t filter = 0, rewritten = 0, cloned = 0;
  Rewrite rewrite = Rewrite::none;
  RewriteValues values;
  ForeignAction foreign = ForeignAction::copy;
  bool scrub = false;
  CloneAction clone = CloneAction::copy;
  Time clone_hold = 50 * kUs;                      // from the packet to its reading
  // Whether any of this does anything; `foreign_traffic`: frames for others may come.
  bool active(bool foreign_traffic) const { return filter || rewritten || cloned || foreign_traffic; }
};

struct BridgeStats {   // wire frames, except bytes
  std::uint64_t rewritten = 0, filtered = 0, foreign = 0, cloned = 0, clone_drops = 0;
  std::uint64_t copied_foreign = 0, copied_shared = 0, copied_headroom = 0;
  std::uint64_t scrubbed_bytes = 0;
};

class HostBridge : public PacketSink, private HeldSink {
 public:
  // Costs: host.filter, host.rewrite, host.encapsulate, host.local, host.clone (each a packet), host.forward (packet and byte), host.scrub
  // (byte); the copy path's, CloneReader's, GsoSegmenter's. `actor_rank`: of the clones' timer.
  HostBridge(const BridgeParams& params, PathContext context, std::uint32_t actor_rank);
  // What is this guest's goes to its tap, or where else its packets are delivered.
  void connect(PacketSink& tap) { tap_ = &tap; }
  // The tap of another guest, which gets replicas.
  void peer(TapQueue& tap) { peers_.push_back(&tap); }
  void packet(Step& s, Skb* skb) override;
  bool room(const Skb& skb) const override { return tap_->room(skb); }
  // Frames that wait for a clone's reader.
  std::uint32_t held() const override { return reader_.held(); }
  CloneReader& reader() { return reader_; }
  const BridgeStats& stats() const { return stats_; }

 private:
  void onward(Step& s, Skb* skb) override;
  bool drawn(const Rng& rng, std::uint32_t ppm, const Skb& skb) const;
  bool clone(Step& s, Skb* skb);
  void keep(Step& s, Skb* skb, const Cost& work);
  void drop(Step& s, Skb* skb, Drop why);
  void dispose(Step& s, Skb* skb);
  void flood(Step& s, Skb* skb, bool host_too);
  Skb* replica(Step& s, Skb* skb);
  Skb* rewrite(Step& s, Skb* skb, const Cost& work);
  void encapsulate(Step& s, Skb* skb);

  BridgeParams params_;
  PathContext c_;
  std::unique_ptr<CopyPath> spare_;
  CloneReader reader_;
  GsoSegmenter gso_;
  Rng filter_rng_, rewrite_rng_, clone_rng_;
  Cost filter_, rewrite_, encapsulate_, local_, forward_, clone_, scrub_;
  PacketSink* tap_ = nullptr;
  std::vector<TapQueue*> peers_;
  std::vector<std::uint8_t> old_;          // headers before a rewrite
  BridgeStats stats_;
};

}  // namespace gd
