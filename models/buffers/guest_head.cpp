// guest-head, design "One" of 2010: the NIC writes the whole frame into one guest buffer that holds headroom, data and
// shared info; only the sk_buff struct is the host's.
//
// Modelled: the layout agreed at bind, receive buffer registers in 1 KiB steps (82599) or per descriptor, the virtio
// header in the headroom before the frame, merging by frag_list (the head is never a page of the host's, so it is never
// stolen) and merged delivery with used_offset, a host-side shadow of the shared info or the guest's own copy, and what a
// guest can do to that; with header_snapshot the host parses and changes a copy of the first 192 bytes, and what it changed is
// written back. Without used_offset GRO is off on its queue.
// Source: Xin Xiaohui, "[RFC][PATCH v2 3/3]", 2010-04-02; include/linux/skbuff.h (skb_shared_info).
#include "models/base/error.h"
#include "models/buffers/guest_shinfo.h"
#include "models/buffers/received.h"
#include "models/buffers/user_path.h"
#include "models/buffers/zero_copy.h"

namespace gd {
namespace {

constexpr Bytes kGuestHeadroom = 64, kGuestFrame = 1518, kGuestTailroom = 320;   // virtio-net's own small buffers

// Bytes that the NIC may write into one buffer: SRRCTL.BSIZEPACKET counts 1 KiB; per-descriptor NICs take any size.
Bytes nic_area(const BindEnvironment& e) {
  const Bytes frame = e.mtu + kLargestL2;
  return e.buffer_size_per_descriptor ? align_up(frame, kLine) : align_up(frame, 1024);
}

// From the buffer's start: where the host driver's skb puts the shared info, and bytes that it takes in all.
Bytes shared_info_at(const BindEnvironment& e) { return align_up(e.options.headroom + e.header_length + nic_area(e), kLine); }
Bytes driver_needs(const BindEnvironment& e) { return shared_info_at(e) + e.options.tailroom; }

GuestRxLayout layout_for(const BindEnvironment& e) {
  GuestRxLayout l;
  l.kind = GuestRxLayout::Kind::head;
  l.headroom = e.options.headroom;
  l.tailroom = e.options.tailroom;
  l.buffer = 1024;
  if (e.options.hazard == Hazard::short_buffer) return l;
  if (e.options.guest_layout == GuestLayout::smaller || e.options.hazard == Hazard::layout_mismatch) {
    l.headroom = kGuestHeadroom;
    l.tailroom = kGuestTailroom;
    l.buffer = align_up(kGuestHeadroom + e.header_length + kGuestFrame, kLine) + kGuestTailroom;
    return l;
  }
  while (l.buffer < driver_needs(e)) l.buffer *= 2;
  return l;
}

class GuestHeadPath final : public ZeroCopyPath {
 public:
  explicit GuestHeadPath(PathContext c)
      : ZeroCopyPath(std::move(c)), write_back_(c_.costs.get("header.copy")),
        snapshot_(c_.costs.get("defence.snapshot")), info_(c_, layout_for(c_.env), shared_info_at(c_.env), stats_) {
    if (c_.env.options.guest_layout == GuestLayout::smaller && !hazard(Hazard::layout_mismatch)) posted_.copy_all();
  }

  void shape(RxQueueConfig& q) override {
    q.packet_buffer = nic_area(c_.env);
    q.split = SplitMode::off;
  }
  bool merges() const override {
    return c_.env.gro && c_.env.used_offset && !c_.env.in_order && feature::guest_gso(c_.guest->rx().features);
  }
  Hpa headers(const Skb& skb) const override { return skb.snapshot ? skb.snapshot : skb.head.addr; }
  void edited(Step& s, Skb& skb, std::uint32_t from, std::uint32_t to) override {
    if (skb.snapshot) s.copy(write_back_, skb.head.addr + from, skb.snapshot + from, to - from);
  }
  // A later start is told by the offset; an earlier one would leave the posted range.
  bool move_start(Step&, Skb& skb, std::uint32_t, int by) override {
    if (by > 0 || skb.head.token == kNoToken || !c_.env.used_offset) return false;
    const auto less = static_cast<std::uint32_t>(-by);
    skb.head.addr += less;
    skb.head.length -= less;
    skb.length -= less;
    if (!skb.snapshot) return true;
    skb.snapshot += less;
    skb.snapshot_length = static_cast<std::uint16_t>(skb.snapshot_length - std::min<std::uint32_t>(skb.snapshot_length, less));
    return true;
  }

  bool post(Step& s) override {
    std::uint32_t token = 0;
    unsigned n = 0;
    while (n < kPostBatch && take(s, least(), &token)) {
      queue(s, token);
      ++n;
    }
    return n == kPostBatch;
  }

  bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) override {
    const std::uint32_t token = next_for(s, slot, Asked(s));
    if (token == kNoToken) return false;
    d = RxDescriptor::read_format(address(s, token, room(token)), 0);
    return true;
  }

  Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) override {
    const std::uint32_t token = taken_from(slot);
    const Owner before = at_device(token, w.packet_length > 0);
    if (frame == kNoFrame || w.packet_length == 0) {        // a blocked DMA
      recycle(s, token, before);
      return nullptr;
    }
    require(w.end_of_packet, "the NIC scattered a frame that its buffer was sized for");
    received(s, token, before, "guest buffer received");
    Skb* skb = c_.skbs.alloc(s);
    if (!Bounce::is(token)) info_.make(s, posted_[token]);
    skb->head = {place(token, room(token)), w.packet_length, token};
    skb->length = w.packet_length;
    describe(*skb, w);
    c_.frames.append(skb->frames, frame);
    if (refused(s, skb)) return nullptr;
    if (c_.env.defences.header_snapshot && !Bounce::is(token)) take_snapshot(s, snapshot_, *skb);
    const std::uint64_t id = c_.frames[frame].id;
    if (c_.fault.hit(Fault::flip_host, id)) *c_.phys.at(skb->head.addr + skb->length - 1) ^= 0x40;
    if (!Bounce::is(token) && c_.fault.hit(Fault::free_twice, id)) c_.ownership.move(posted_[token].id, Owner::skb, Owner::guest, s.now(), "planted");
    if (c_.fault.hit(Fault::leak_buffer, id)) skb->head.token = kNoToken;
    return skb;
  }

  // A packet's buffers in order: its own head, then its frag_list's. The head that GRO of 2.6.35 makes for an aggregate, or the cutting
  // of one for a segment, has no buffer; the guest's first buffer still holds the headers, or has their room. A segment's payload is a fragment.
  Progress deliver(Step& s, Skb* skb) override {
    if (out_.busy() || (!member_ && in_host_pages(*skb))) return deliver_copy(s, skb);
    if (!member_) begin(s, *skb);
    while (member_) {
      if (s.over()) return Progress::more;
      const Frag& h = at_ == 0 ? member_->head : member_->frags[at_ - 1];
      if (h.token != kNoToken) {
        const PostedBuffer& b = posted_[h.token];
        info_.use(s, b);
        if (h.token == first_) posted_.give(s, h.token, side_.header_length() + lifted_ + h.length, Owner::skb, moved_);
        else posted_.give(s, h.token, h.length, Owner::skb, static_cast<std::uint32_t>(h.addr - b.hpa));
      }
      if (++at_ <= member_->nr_frags) continue;
      at_ = 0;
      member_ = member_ == skb ? skb->list : member_->next;
    }
    if (buffers_) {
      ++stats_.delivered_packets;
      stats_.used_entries += buffers_;
      destruct(s, *skb, buffers_);
    } else {
      c_.frames.dropped(skb->frames, Drop::stack, s.now());   // planted: the buffer was lost
    }
    c_.skbs.free(s, skb);
    return Progress::done;
  }

  void release(Step& s, Skb* skb) override { put_all(s, skb); }

 private:
  bool handing_over() const override { return member_ != nullptr; }
  Bytes room(std::uint32_t token) const { return Bounce::is(token) ? 0 : posted_[token].room; }
  // Bytes that the guest's buffer must take behind the virtio header.
  Bytes least() const {
    const bool accepted = hazard(Hazard::short_buffer) || hazard(Hazard::layout_mismatch);
    return accepted ? side_.header_length() : side_.header_length() + std::min<Bytes>(nic_area(c_.env), c_.env.mtu + kLargestL2);
  }
  void begin(Step& s, Skb& skb) {
    s.charge(packet_);
    c_.frames.stamp(skb.frames, Stage::deliver, s.now());
    member_ = &skb;
    buffers_ = at_ = 0;
    first_ = kNoToken;
    Hpa start = 0;
    for_each_frag(skb, [&](Frag& f) {
      if (f.token == kNoToken) return;
      if (buffers_++ == 0) first_ = f.token, start = f.addr;
    });
    if (first_ == kNoToken) return;
    const PostedBuffer& b = posted_[first_];
    if (skb.snapshot && skb.gso_type) s.copy(write_back_, skb.head.addr, skb.snapshot, std::min(skb.header_length, skb.snapshot_length));
    lifted_ = skb.head.token == kNoToken ? skb.head.length : 0;
    start -= lifted_;                     // what the NIC wrote there were the frame's own headers, of the same length
    require(start >= b.hpa + b.room, "the headers of a packet do not fit before its first fragment");
    if (lifted_) s.copy(write_back_, start, skb.head.addr, lifted_);
    moved_ = static_cast<std::uint32_t>(start - b.hpa) - b.room;
    side_.write_header(s, b.header + moved_, side_.header_for(skb, buffers_));
    side_.carry(b.head, skb.frames);
  }

  Cost write_back_;                       // headers of an aggregate, from the head that GRO made to the guest's buffer
  Cost snapshot_;
  GuestSharedInfo info_;
  const Skb* member_ = nullptr;           // deliver(): where the packet in hand goes on
  unsigned at_ = 0, buffers_ = 0;         // the member's piece in hand: 0 its head, else a fragment; buffers of the packet
  std::uint32_t first_ = kNoToken, lifted_ = 0;
  std::uint32_t moved_ = 0;               // bytes by which a rewrite made the frame begin later
};

class GuestHead final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"guest-head",
                               "The whole frame goes into one guest buffer laid out as the NIC driver would; no copy.",
                               "whole frame into one guest buffer with headroom, data and shared info",
                               "virtio header",
                               "the headroom before the frame (2.6.35 small mode: its own descriptor)",
                               "lay buffers out as the NIC driver does; sizes and headroom are asked for at bind; negotiate used_offset to get merged frames",
                               "steer",
                               3, false, true, true,
                               {"headroom", "tailroom", "shadow_shared_info", "guest_layout", "unfit_buffers", "in_order", "destructor"},
                               {Hazard::short_buffer, Hazard::layout_mismatch, Hazard::shinfo_trusted, Hazard::forgotten_destructor, Hazard::reclaim_undrained}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override {
    if (e.consumer == Consumer::user_async) return refuse_user(e, UserDesign::head);
    if (auto why = refuse_zero_copy(e)) return why;
    if (e.rx_mode == RxMode::big) return "the guest's big receive mode posts chains of pages; one buffer must hold a whole frame";
    if (driver_needs(e) > kPage)
      return "a frame of MTU " + std::to_string(e.mtu) + " with headroom, receive buffer and shared info does not fit one 4 KiB page";
    if (e.options.guest_layout == GuestLayout::smaller && e.options.unfit_buffers == UnfitBuffers::refuse && e.options.hazard != Hazard::layout_mismatch)
      return "the guest's own buffers of " + std::to_string(layout_for(e).buffer) + " bytes are smaller than the " +
             std::to_string(driver_needs(e)) + " that the NIC driver's skb takes with headroom, receive buffer and shared info";
    return std::nullopt;
  }
  std::uint64_t guest_features(const BindEnvironment&) const override { return feature::bit(feature::kUsedOffset); }
  bool merges(const BindEnvironment& e) const override { return e.used_offset && !e.in_order; }
  GuestRxLayout guest_layout(const BindEnvironment& e) const override { return layout_for(e); }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t) const override {
    return std::min<std::uint64_t>(e.ring_size - 1, e.queue_size);
  }
  std::unique_ptr<RxPath> make_path(PathContext c) const override {
    if (c.user) return make_user_path(std::move(c), UserDesign::head);
    return std::make_unique<GuestHeadPath>(std::move(c));
  }
};

}  // namespace

const Strategy& guest_head_strategy() {
  static const GuestHead s;
  return s;
}

}  // namespace gd
