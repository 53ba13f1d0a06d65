#include "models/buffers/spare.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

SparePath::SparePath(PathContext c) : c_(std::move(c)), pages_(c_, kPage, false), copy_(c_.costs.get("host.copy")) {}

std::unique_ptr<CopyPath> make_copy_path(PathContext c) { return std::make_unique<SparePath>(std::move(c)); }

Skb* SparePath::copy(Step& s, const Skb& from) {
  Skb* skb = slice(s, from, 0, 0, from.length);
  if (from.snapshot) s.copy(copy_, skb->head.addr, from.snapshot, std::min<Bytes>(from.snapshot_length, skb->head.length));
  skb->checksum = from.checksum;
  skb->gso_type = from.gso_type;
  skb->gso_size = from.gso_size;
  skb->gso_segments = from.gso_segments;
  skb->gso_fixed_id = from.gso_fixed_id;
  skb->gso_accecn = from.gso_accecn;
  skb->csum_start = from.csum_start;
  skb->csum_offset = from.csum_offset;
  skb->header_length = from.header_length;
  return skb;
}

Skb* SparePath::slice(Step& s, const Skb& from, std::uint32_t header, std::uint32_t at, std::uint32_t length) {
  require(header <= kPage - kRoom, "the headers of a copied packet are longer than a page");
  Skb* skb = c_.skbs.alloc(s);
  skb->path = this;
  skb->take_hash(from);
  skb->length = header + length;
  std::uint32_t token = pages_.get(s);
  skb->head = {pages_[token].addr + kRoom, header, token};
  skb->head_is_page = true;
  Frag* to = &skb->head;
  Bytes room = kPage - kRoom - header;
  for_each_frag(const_cast<Skb&>(from), [&](Frag& f) {
    const std::uint32_t before = std::min(at, f.length);
    at -= before;
    for (std::uint32_t done = before; done < f.length && length > 0;) {
      if (room == 0) {
        require(skb->nr_frags < kMaxSkbFrags, "a copied packet has more pages than an skb has fragments");
        token = pages_.get(s);
        to = &skb->frags[skb->nr_frags++];
        *to = {pages_[token].addr, 0, token};
        room = kPage;
      }
      const auto n = static_cast<std::uint32_t>(std::min<Bytes>({room, f.length - done, length}));
      s.copy(copy_, to->addr + to->length, f.addr + done, n);
      to->length += n;
      room -= n;
      done += n;
      length -= n;
    }
  });
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
