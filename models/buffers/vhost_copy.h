// vhost-copy: what Linux does. The NIC writes into host pages; after GRO the vhost worker copies the virtio header and
// every byte into the guest's ring buffers.
//
// Modelled: page recycling with the mapping kept, copybreak, build_skb (the linear part lies in the page) or header split
// into the skb's head, mergeable buffers gathered by byte count, small and big chains, used entries in batches.
// Merged frames that the guest did not negotiate never come here: the tap has cut them (models/host/gso.h). Source: drivers/vhost/net.c handle_rx, drivers/net/tun.c tun_put_user.
#pragma once
#include "models/buffers/guest_side.h"
#include "models/buffers/host_pages.h"
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
  Hpa headers(const Skb& skb) const override { return skb.head.length ? skb.head.addr : skb.frags[0].addr; }
  bool merges() const override { return c_.env.gro; }
  bool move_start(Step& s, Skb& skb, std::uint32_t headers, int by) override;
  void release(Step& s, Skb* skb) override;
  void pulled_empty(Step& s, Skb&, const Frag& f) override {
    if (f.token != kNoToken) pages_.free(s, f.token);
  }
  std::uint32_t held() const override { return partial_ && !partial_->frames.empty() ? 1 : 0; }
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

// Bytes that the NIC wrote into a header buffer of `header_buffer` bytes, by the split mode's rules (82575 manual, table 33).
std::uint32_t header_buffer_bytes(SplitMode mode, Bytes header_buffer, const RxWriteback& w);
// Checksum state of a packet from its write-back.
Checksum checksum_of(const RxWriteback& w);
// What a write-back says of a packet as a whole: hash, its type, checksum state.
void describe(Skb& skb, const RxWriteback& w);
// Copies the first bytes of a packet whose head lies in a buffer into the skb's own memory, as many as GRO reads. `cost`: byte.
void take_snapshot(Step& s, const Cost& cost, Skb& skb);

}  // namespace gd
