// How vhost-net finds ring buffers for a packet, as plain arithmetic: heads are taken by byte count until the packet and
// its virtio header fit.
//
// Linux 6 (drivers/vhost/net.c, get_rx_bufs): the length is peeked first; up to 1024 heads (UIO_MAXIOV) with mergeable
// buffers, else one. 2.6.35 (handle_rx): one head, taken before the length is known. What does not fit is discarded.
#pragma once
#include <algorithm>
#include <cstdint>

#include "models/buffers/strategy.h"

namespace gd {

constexpr unsigned kMaxHeads = 1024;   // UIO_MAXIOV

constexpr unsigned gather_quota(VhostRules rules, bool mergeable) {
  return rules == VhostRules::linux_6 && mergeable ? kMaxHeads : 1;
}

enum class Gather : std::uint8_t {
  more,      // take another head; when there is none, all go back and the packet waits
  complete,  // it fits
  overrun    // the quota is used up and it does not fit: heads go back, the packet is discarded
};

// `need`: bytes of packet and virtio header; `room`: capacity of the `heads` taken so far.
constexpr Gather gather_next(std::uint64_t need, std::uint64_t room, unsigned heads, unsigned quota) {
  if (room >= need && heads > 0) return Gather::complete;
  return heads >= quota ? Gather::overrun : Gather::more;
}

// Used length of a head of `capacity` bytes with `before` bytes of the packet in earlier heads: all but the last are full.
constexpr std::uint32_t used_length(std::uint64_t need, std::uint64_t before, std::uint32_t capacity) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(need - std::min(need, before), capacity));
}

}  // namespace gd
