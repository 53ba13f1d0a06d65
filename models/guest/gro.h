// Guest GRO: the stage of NAPI between the guest's driver and its stack. Asks the rules (models/packet/gro.h) and carries
// out what they say on packets in guest memory.
//
// Modelled (napi_gro_receive, skb_gro_receive, napi_complete): headers read where they lie, held packets' headers pulled
// into their skb head, segments joined by moving their page fragments (17 to an skb, then frag_list members), linear ones
// as frag_list members; software checksum where nobody vouched for one; headers rewritten in guest memory. A packet that
// the host merged (GSO) is not merged further: it flushes its flow's entry and goes up. Without HASH_REPORT a
// virtio-net device gives no receive hash, so that all flows share one bucket of 8 entries. A round that used its whole budget flushes all, as with
// HZ below 1000 (2.6.35 rules: nothing). The driver of 2.6.35 calls netif_receive_skb(): no GRO at all.
// Not modelled: batching of delivery to the stack (gro_normal_batch), gro_flush_timeout.
#pragma once
#include "models/guest/stack.h"
#include "models/packet/gro.h"

namespace gd {

class GuestGro {
 public:
  GuestGro(GuestContext& c, GuestBuffers& buffers, GuestStack& stack);
  // One packet from the driver. What is ready waits for deliver().
  void receive(Step& s, std::uint32_t packet);
  // End of a poll round; `again`: its budget is used up and another follows.
  void end_round(Step& s, bool again);
  bool ready() const { return first_ != kNil; }
  // Hands ready packets to the stack, at least one, until the step is over. True when none is left.
  bool deliver(Step& s, RingView& v);

 private:
  static void* owner(std::uint32_t packet) { return reinterpret_cast<void*>(std::uintptr_t{packet} + 1); }
  static std::uint32_t packet(const void* owner) { return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(owner) - 1); }
  std::uint32_t slots(const GuestPacket& p, std::uint32_t header) const;
  void hold(Step& s, GuestPacket& p, std::uint32_t header);
  void merge(Step& s, std::uint32_t into, std::uint32_t from, std::uint32_t header);
  void finish(Step& s, const GroFlushed& f);
  void up(std::uint32_t packet);

  GuestContext& c_;
  GuestBuffers& buffers_;
  GuestStack& stack_;
  bool enabled_;
  GroTable table_;
  std::uint32_t first_ = kNil, last_ = kNil;   // ready, in order
};

}  // namespace gd
