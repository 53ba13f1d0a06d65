// Receive buffers in the host's own pages: the NIC side of vhost-copy and async-copy, and of all that the host receives for itself.
//
// Modelled: page recycling with the mapping kept, copybreak, build_skb (the linear part lies in the page) or header split
// into the skb's head, frames scattered over several buffers. Source: drivers/net/ethernet/intel/ixgbe/ixgbe_main.c.
#pragma once
#include "models/buffers/host_pages.h"
#include "models/buffers/received.h"
#include "models/buffers/strategy.h"

namespace gd {

// The part that both consumers of host pages share: the NIC side.
class HostPagePath : public RxPath {
 public:
  // Costs: copybreak.copy (per byte), skb.expand (per byte: headers that move for a longer header).
  explicit HostPagePath(PathContext c);
  void shape(RxQueueConfig& queue) override;
  bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& descriptor) override;
  Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) override;
  Hpa frame_at(std::uint32_t slot) const override { return pages_[slots_[slot].token].addr; }
  void recycle(Step& s, std::uint32_t slot, const RxWriteback& w) override;
  bool unmap(Step& s) override { return pages_.unmap(s); }
  Hpa headers(const Skb& skb) const override { return skb.head.length ? skb.head.addr : skb.frags[0].addr; }
  bool merges() const override { return c_.env.gro; }
  bool move_start(Step& s, Skb& skb, std::uint32_t headers, int by) override;
  void release(Step& s, Skb* skb) override;
  void pulled_empty(Step& s, Skb&, const Frag& f) override {
    if (f.token != kNoToken) pages_.free(s, f.token);
  }
  std::uint64_t unreclaimed() const override { return buffers_of(c_.ownership, partial_); }
  std::uint64_t free_buffers() const override { return posted_; }
  std::uint64_t capacity() const override { return c_.env.ring_size - 1; }
  const PathStats& stats() const override { return stats_; }

 protected:
  PathContext c_;
  PathStats stats_;

 private:
  struct Slot {
    std::uint32_t token = kNoToken;
    Skb* header = nullptr;          // header split: the skb whose slab head is the header buffer
  };
  void taken();
  Skb* start(Step& s, Slot& slot, const RxWriteback& w, std::uint32_t header_bytes);
  HostPages pages_;
  bool split_;
  Bytes header_buffer_;             // an skb's head takes no more than Skb::kSlab
  Cost copybreak_, expand_;
  std::vector<Slot> slots_;
  bool starved_ = false;            // the last refill met shared_pool
  Skb* partial_ = nullptr;          // a scattered frame whose last descriptor has not come
  std::uint64_t posted_ = 0;
};

// What refuses a design whose vhost worker copies into the guest from host pages.
std::optional<std::string> refuse_host_copy(const BindEnvironment& e);

}  // namespace gd
