// Packets that the host had to copy into pages of its own: a rewrite without headroom, a clone or a foreign frame whose
// buffer is wanted back, a broadcast's replica. The vhost worker hands them over by RxPath::deliver_copy() of the guest's
// own path.
//
// Modelled: page allocation, the copy of every byte (or of a segment's), headroom before the packet (NET_SKB_PAD), freeing.
// Source: net/core/skbuff.c skb_copy, skb_copy_expand.
#pragma once
#include "models/buffers/host_pages.h"
#include "models/buffers/strategy.h"

namespace gd {

class SparePath final : public CopyPath {
 public:
  static constexpr std::uint32_t kRoom = 64;   // NET_SKB_PAD: bytes before the packet in its first page
  // Costs: host.copy (per byte).
  explicit SparePath(PathContext c);
  Skb* copy(Step& s, const Skb& from) override;
  Skb* slice(Step& s, const Skb& from, std::uint32_t header, std::uint32_t at, std::uint32_t length) override;
  void shape(RxQueueConfig&) override {}
  bool refill(Step&, std::uint32_t, std::array<std::uint64_t, 2>&) override { return false; }
  Skb* receive(Step&, std::uint32_t, const RxWriteback&, FrameRef) override { return nullptr; }
  Hpa headers(const Skb& skb) const override { return skb.head.addr; }
  bool merges() const override { return false; }
  bool move_start(Step& s, Skb& skb, std::uint32_t headers, int by) override;
  Progress deliver(Step&, Skb*) override;
  void release(Step& s, Skb* skb) override;
  std::uint64_t free_buffers() const override { return pages_.idle(); }
  std::uint64_t capacity() const override { return pages_.total(); }
  const PathStats& stats() const override { return stats_; }

 private:
  PathContext c_;
  PathStats stats_;
  HostPages pages_;
  Cost copy_;
};

}  // namespace gd
