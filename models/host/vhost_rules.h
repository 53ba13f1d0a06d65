// When a vhost worker publishes, ends a round, and listens to its socket, as plain functions: drivers/vhost/net.c of Linux 6
// (handle_rx, vhost_net_signal_used) and of 2.6.35.
#pragma once
#include <cstdint>

#include "models/base/units.h"
#include "models/buffers/strategy.h"

namespace gd {

struct VhostParams {
  VhostRules rules = VhostRules::linux_6;
  bool rx_ring = true;                    // the backend hands out its pointer ring, as tap and macvtap do; a packet socket has none
  std::uint32_t batch = 64;               // packets: VHOST_NET_BATCH, and used entries beyond which they are published
  std::uint32_t weight_packets = 256;     // packets of a round: VHOST_NET_PKT_WEIGHT (not in 2.6.35)
  Bytes weight_bytes = 512 * 1024;        // bytes of a round: VHOST_NET_WEIGHT
  bool dirty_log = false;                 // the transmit ring's pages are logged for migration
  Time busy_poll = 0;                     // longest spin before sleeping, busyloop_timeout; 0: none (not in 2.6.35)
};

namespace vhost {
constexpr bool old(const VhostParams& p) { return p.rules == VhostRules::linux_2_6_35; }
// Packets taken from the socket at once (peek_head_len): 2.6.35, and Linux 6 without a pointer ring, dequeue one for each recvmsg.
constexpr std::uint32_t batch(const VhostParams& p) { return old(p) || !p.rx_ring ? 1 : p.batch; }
// Whether taking a batch has a cost of its own: a ring's consumer, or 2.6.35's dequeue; the recvmsg of Linux 6 has its own with it.
constexpr bool batch_costs(const VhostParams& p) { return old(p) || p.rx_ring; }
// Whether `pending` used entries are published before the round's end. 2.6.35: each packet's, with its signal decision.
constexpr bool publish_now(const VhostParams& p, std::uint32_t pending) { return pending > (old(p) ? 0 : p.batch); }
// Whether the round has used up its weight: the worker queues itself again and lets others run.
constexpr bool round_over(const VhostParams& p, std::uint32_t packets, Bytes bytes) {
  return bytes >= p.weight_bytes || (!old(p) && packets >= p.weight_packets);
}
// Whether packets wake the worker although it waits for the guest's buffers. Linux 6 stops polling the socket then.
constexpr bool listens(const VhostParams& p, bool starved) { return !starved || old(p); }
}  // namespace vhost

}  // namespace gd
