#include "models/buffers/spare.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

SparePath::SparePath(PathContext c) : c_(std::move(c)), pages_(c_, kPage, false), copy_(c_.costs.get("host.copy")) {}

std::unique_ptr<CopyPath> make_copy_path(PathContext c) { return std::make_unique<SparePath>(std::move(c)); }

Skb* SparePath::copy(Step& s, const Skb& from) {
  Skb* skb = c_.skbs.alloc(s);
  skb->path = this;
  skb->checksum = from.checksum;
  skb->gso_type = from.gso_type;
  skb->gso_size = from.gso_size;
  skb->gso_segments = from.gso_segments;
  skb->gso_fixed_id = from.gso_fixed_id;
  skb->csum_start = from.csum_start;
  skb->csum_offset = from.csum_offset;
  skb->header_length = from.header_length;
  skb->hash = from.hash;
  skb->length = from.length;
  Frag* to = nullptr;
  Bytes room = 0;
  for_each_frag(const_cast<Skb&>(from), [&](Frag& f) {
    for (std::uint32_t at = 0; at < f.length;) {
      if (room == 0) {
        const std::uint32_t token = pages_.get(s);
        const std::uint32_t pad = to ? 0 : kRoom;
        require(!to || skb->nr_frags < kMaxSkbFrags, "a copied packet has more pages than an skb has fragments");
        to = to ? &skb->frags[skb->nr_frags++] : &skb->head;
        *to = {pages_[token].addr + pad, 0, token};
        room = kPage - pad;
      }
      const auto n = static_cast<std::uint32_t>(std::min<Bytes>(room, f.length - at));
      s.copy(copy_, to->addr + to->length, f.addr + at, n);
      to->length += n;
      room -= n;
      at += n;
    }
  });
  skb->head_is_page = true;
  return skb;
}

bool SparePath::move_start(Step&, Skb& skb, std::uint32_t, int by) {
  if (by > 0 && (skb.head.addr & (kPage - 1)) < static_cast<Hpa>(by)) return false;
  skb.head.addr -= static_cast<Hpa>(by);
  skb.head.length += static_cast<std::uint32_t>(by);
  skb.length += static_cast<std::uint32_t>(by);
  return true;
}

Progress SparePath::deliver(Step&, Skb*) { broken("a host's copy is handed over by the guest's own path"); }

void SparePath::release(Step& s, Skb* skb) {
  for_each_frag(*skb, [&](Frag& f) {
    if (f.token != kNoToken) pages_.free(s, f.token);
  });
  c_.skbs.free(s, skb);
}

}  // namespace gd
