// What the parts of a guest share: parameters, books, the costs of its software.
#pragma once
#include "models/base/costs.h"
#include "models/guest/guest.h"

namespace gd {

// Costs of the cost book, named "guest.<member>" unless said otherwise; units in brackets.
struct GuestCosts {
  explicit GuestCosts(CostBook& book);
  Cost irq, napi_poll, napi_complete;                       // interrupt entry to scheduled poll; a round; its end
  Cost used_entry, driver_packet, skb_alloc, frag;          // [entry], [packet], [skb], [page fragment]
  Cost linear_copy;                                         // header copy and pull [byte]
  Cost gro_receive, gro_compare, gro_merge, gro_complete;   // [packet], [entry looked at], [fragment moved or skb chained], [merged packet]
  Cost indirect_table;                                      // [table of a buffer, allocated and freed]
  Cost refill, page_alloc, page_free, skb_free;             // [ring buffer], [page], [page], [skb]
  Cost ip, decapsulate, tcp, udp, udp_no_port, raw, checksum, socket_queue;   // [packet], checksum [byte]
  Cost read, copy_user;                                     // read() call; [byte]
  Cost tcp_ack, tx_xmit, tx_reclaim, doorbell;              // [ACK], [frame], [frame], [kick that is no exit]
  Cost exit_kick, exit_inject, exit_eoi, exit_user;         // "vm.exit_kick" ...: each exit there and back
  OpId ring, header;                                        // stalls on ring memory and on packet headers
};

class Behaviour;

struct GuestContext {
  GuestContext(const GuestParams& p, const Guest::Environment& e)
      : params(p), space(e.space), phys(e.space.memory()), ownership(e.ownership), frames(e.frames), expected(e.expected),
        faults(e.faults), costs(e.costs) {}
  const GuestParams& params;
  GuestSpace& space;
  PhysMem& phys;
  Ownership& ownership;
  FrameTable& frames;
  ExpectedBytes& expected;
  FaultPlan* faults;
  GuestCosts costs;
  GuestStats stats;
  Histogram hold;                                           // ps for which buffers were the guest's
  Behaviour* behaviour = nullptr;                           // null: well-behaved
  ResetSink* reset = nullptr;
  Observer* observer = nullptr;
  Ledger::Row user_exits = 0;                               // context "exit-user" of the softirq's core; without MSI-X only
  std::uint64_t held = 0;                                   // frames taken and not ended

  bool linux6() const { return params.virtio.driver == GuestDriverRules::linux_6; }
  bool hit(Fault kind, FrameRef f) { return faults && faults->hit(kind, frames[f].id); }
  void delivered(FrameRef f, Time t) {
    frames.delivered(f, t);
    --held;
  }
  void dropped(FrameChain& c, Drop why, Time t) {
    held -= c.count;
    frames.dropped(c, why, t);
  }
};

}  // namespace gd
