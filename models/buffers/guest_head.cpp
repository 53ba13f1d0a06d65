// guest-head, design "One" of 2010: the NIC writes the whole frame into one guest buffer that holds headroom, data and
// shared info; only the sk_buff struct is the host's.
//
// Modelled: the layout agreed at bind, receive buffer registers in 1 KiB steps (82599) or per descriptor, the virtio
// header in the headroom before the frame, a host-side shadow of the shared info. Merged delivery needs used_offset, so
// GRO is off on its queue. Source: Xin Xiaohui, "[RFC][PATCH v2 3/3]", 2010-04-02.
#include "models/base/error.h"
#include "models/buffers/vhost_copy.h"
#include "models/buffers/zero_copy.h"

namespace gd {
namespace {

// Bytes that the NIC may write into one buffer: SRRCTL.BSIZEPACKET counts 1 KiB; per-descriptor NICs take any size.
Bytes nic_area(const BindEnvironment& e) {
  const Bytes frame = e.mtu + kLargestL2;
  return e.buffer_size_per_descriptor ? align_up(frame, kLine) : align_up(frame, 1024);
}

GuestRxLayout layout_for(const BindEnvironment& e) {
  GuestRxLayout l;
  l.kind = GuestRxLayout::Kind::head;
  l.headroom = e.options.headroom;
  l.tailroom = e.options.tailroom;
  const Bytes need = l.headroom + e.header_length + nic_area(e) + l.tailroom;
  l.buffer = 1024;
  while (l.buffer < need) l.buffer *= 2;
  return l;
}

class GuestHeadPath final : public ZeroCopyPath {
 public:
  explicit GuestHeadPath(PathContext c) : ZeroCopyPath(std::move(c)), shadow_(c_.costs.get("shinfo.shadow")) {}

  void shape(RxQueueConfig& q) override {
    q.packet_buffer = nic_area(c_.env);
    q.split = SplitMode::off;
  }
  bool merges() const override { return false; }
  Hpa headers(const Skb& skb) const override { return skb.head.addr; }

  bool post(Step& s) override {
    std::uint32_t token = 0;
    unsigned n = 0;
    while (n < kPostBatch && posted_.take_one(s, side_.header_length() + nic_area(c_.env), &token)) {
      posted_.queue(token);
      ++n;
    }
    if (n) feed(s);
    return n == kPostBatch;
  }

  bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) override {
    const std::uint32_t token = next_for(slot);
    if (token == kNoToken) return false;
    d = RxDescriptor::read_format(posted_.map(s, token) + side_.header_length(), 0);
    return true;
  }

  Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) override {
    const std::uint32_t token = taken_from(slot);
    posted_.unmap(s, token);
    if (frame == kNoFrame || w.packet_length == 0) {        // a blocked DMA
      recycle(s, token, at_device(token, w.packet_length > 0));
      return nullptr;
    }
    require(w.end_of_packet, "the NIC scattered a frame that its buffer was sized for");
    own(s, token, Owner::in_flight, Owner::skb, "guest buffer received");
    Skb* skb = c_.skbs.alloc(s);
    if (c_.env.options.shadow_shared_info) s.charge(shadow_);
    skb->head = {posted_[token].hpa + side_.header_length(), w.packet_length, token};
    skb->head_is_page = true;
    skb->length = w.packet_length;
    skb->hash = w.rss_hash;
    skb->checksum = checksum_of(w);
    c_.frames.append(skb->frames, frame);
    const std::uint64_t id = c_.frames[frame].id;
    if (c_.fault.hit(Fault::flip_host, id)) *c_.phys.at(skb->head.addr + skb->length - 1) ^= 0x40;
    if (c_.fault.hit(Fault::free_twice, id)) c_.ownership.move(posted_[token].id, Owner::skb, Owner::guest, s.now(), "planted");
    if (c_.fault.hit(Fault::leak_buffer, id)) skb->head.token = kNoToken;
    return skb;
  }

  Progress deliver(Step& s, Skb* skb) override {
    const std::uint32_t token = skb->head.token;
    s.charge(packet_);
    c_.frames.stamp(skb->frames, Stage::deliver, s.now());
    if (token != kNoToken) {
      const PostedBuffer& b = posted_[token];
      side_.write_header(s, b.hpa, side_.header_for(*skb, 1));
      side_.carry(b.head, skb->frames);
      posted_.give(s, token, side_.header_length() + skb->length, Owner::skb);
      ++stats_.delivered_packets;
      ++stats_.used_entries;
    } else {
      c_.frames.dropped(skb->frames, Drop::stack, s.now());   // planted: the buffer was lost
    }
    c_.skbs.free(s, skb);
    return Progress::done;
  }

  void release(Step& s, Skb* skb) override {
    if (skb->head.token != kNoToken) {
      recycle(s, skb->head.token, Owner::skb);
      feed(s);
    }
    c_.skbs.free(s, skb);
  }

 private:
  Cost shadow_;
};

class GuestHead final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"guest-head",
                               "The whole frame goes into one guest buffer laid out as the NIC driver would; no copy.",
                               "whole frame into one guest buffer with headroom, data and shared info",
                               "virtio header",
                               "the headroom before the frame (2.6.35 small mode: its own descriptor)",
                               "lay buffers out as the NIC driver does; sizes and headroom are asked for at bind",
                               "steer",
                               3, false, true, false, {"headroom", "tailroom", "shadow_shared_info"}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override {
    if (auto why = refuse_zero_copy(e)) return why;
    if (e.rx_mode == RxMode::big) return "the guest's big receive mode posts chains of pages; one buffer must hold a whole frame";
    if (layout_for(e).buffer > kPage)
      return "a frame of MTU " + std::to_string(e.mtu) + " with headroom, receive buffer and shared info does not fit one 4 KiB page";
    return std::nullopt;
  }
  GuestRxLayout guest_layout(const BindEnvironment& e) const override { return layout_for(e); }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t) const override {
    return std::min<std::uint64_t>(e.ring_size - 1, e.queue_size);
  }
  std::unique_ptr<RxPath> make_path(PathContext c) const override { return std::make_unique<GuestHeadPath>(std::move(c)); }
};

}  // namespace

const Strategy& guest_head_strategy() {
  static const GuestHead s;
  return s;
}

}  // namespace gd
