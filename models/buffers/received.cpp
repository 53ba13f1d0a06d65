#include "models/buffers/received.h"

#include <algorithm>

#include "models/packet/gro.h"

namespace gd {

std::uint32_t header_buffer_bytes(SplitMode mode, Bytes header_buffer, const RxWriteback& w) {
  if (mode == SplitMode::off) return 0;
  if (mode == SplitMode::split) return w.split && !w.header_overflow ? w.header_length : 0;
  return w.header_overflow ? static_cast<std::uint32_t>(header_buffer) : w.header_length;
}

Checksum checksum_of(const RxWriteback& w) {
  if (w.l4_error || w.ip_error) return Checksum::bad;
  return w.l4_checked ? Checksum::unnecessary : Checksum::none;
}

void describe(Skb& skb, const RxWriteback& w) {
  skb.hash = w.rss_hash;
  skb.hash_type = w.rss_type;
  skb.checksum = checksum_of(w);
}

void take_snapshot(Step& s, const Cost& cost, Skb& skb) {
  skb.snapshot = skb.slab_addr;
  skb.snapshot_length = static_cast<std::uint16_t>(std::min<Bytes>(skb.length, kGroHeaderMax));
  s.copy(cost, skb.snapshot, skb.head.addr, skb.snapshot_length);
}

std::uint64_t buffers_of(const Ownership& ownership, Skb* skb) {
  std::uint64_t n = 0;
  if (!skb) return n;
  n += skb->kept != kNoToken;
  for_each_frag(*skb, [&](Frag& f) { n += f.token != kNoToken; });
  for (Skb* m = skb; m; m = m == skb ? m->list : m->next)
    n += m->slab_buffer != kNoBuffer && ownership.owner(m->slab_buffer) == Owner::skb;
  return n;
}

}  // namespace gd
