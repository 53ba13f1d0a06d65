// copy-header, design "Two" of 2010: the NIC splits; headers go to a host skb head, payload to guest pages; the header is
// copied into a guest header buffer when the packet is handed over (`separate-buffer`).
//
// Modelled: two kinds of ring buffers told apart by size, payload at offset 0 of its page, merged frames whose further
// segments take pages only, a pure ACK that leaves its page with the NIC, frames that the NIC did not split (pulled by the
// host; payload moved or copied), plain virtio with mergeable buffers. In `always` mode a small TCP segment that lies whole
// in the header buffer has its payload moved to its page while GRO is on: merged, it would need a header buffer of its own.
// Not here: in-first-buffer placement and delivery with an offset, which need extension bits.
// Source: Xin Xiaohui, 2010-04-02 and 2010-06-13; 82575 manual, table 33.
#include <algorithm>

#include "models/base/error.h"
#include "models/buffers/vhost_copy.h"
#include "models/buffers/zero_copy.h"
#include "models/packet/parse.h"

namespace gd {
namespace {

// Bytes of a guest's header buffer: virtio header and the largest packet header that is copied there.
Bytes header_buffer_for(const BindEnvironment& e) {
  return align_up(e.header_length + std::max<Bytes>(e.header_buffer, 192), kLine);
}

class CopyHeaderPath final : public ZeroCopyPath {
 public:
  explicit CopyHeaderPath(PathContext c)
      : ZeroCopyPath(std::move(c)), header_copy_(c_.costs.get("header.copy")), pull_(c_.costs.get("header.pull")),
        unsplit_copy_(c_.costs.get("unsplit.copy")), header_least_(header_buffer_for(c_.env)),
        nic_header_(std::min<Bytes>(c_.env.header_buffer, Skb::kSlab)), heads_(c_.env.ring_size, nullptr), header_mask_(1) {
    while (header_mask_ < c_.guest->rx().size + 1u) header_mask_ *= 2;
    header_fifo_.resize(header_mask_);
    --header_mask_;
  }

  void shape(RxQueueConfig& q) override {
    q.packet_buffer = std::min<Bytes>(kPage, align_up(c_.env.rx_buffer, 1024));
    q.split = c_.env.split;
    q.header_buffer = nic_header_;
    q.split_threshold = c_.env.split_threshold;
  }
  bool merges() const override { return c_.env.gro && feature::guest_gso(c_.guest->rx().features); }
  Hpa headers(const Skb& skb) const override { return skb.head.addr; }

  // Header buffers stay with the worker; pages go to the driver.
  bool post(Step& s) override {
    std::uint32_t token = 0;
    unsigned n = 0;
    bool pages = false;
    while (n < kPostBatch && posted_.take_one(s, header_least_, &token)) {
      if (posted_[token].length < kPage) {
        header_fifo_[header_tail_++ & header_mask_] = token;
      } else {
        posted_.queue(token);
        pages = true;
      }
      ++n;
    }
    if (pages) feed(s);
    return n == kPostBatch;
  }
  bool ask_for_kick(Step& s, bool starved) override {
    const bool few_headers = (header_tail_ - header_head_) * 8 < c_.guest->rx().size;
    return ZeroCopyPath::ask_for_kick(s, starved || few_headers);
  }

  bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) override {
    const std::uint32_t token = next_for(slot);
    if (token == kNoToken) return false;
    Skb* skb = c_.skbs.alloc(s);
    c_.skbs.post_head(s, skb);
    heads_[slot] = skb;
    d = RxDescriptor::read_format(posted_.map(s, token), skb->slab_iova);
    return true;
  }

  Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) override {
    const std::uint32_t token = taken_from(slot);
    Skb* fresh = heads_[slot];
    heads_[slot] = nullptr;
    const std::uint32_t in_header =
        partial_ ? 0 : header_buffer_bytes(c_.env.split, nic_header_, w);
    c_.skbs.take_head(s, fresh, in_header > 0);
    const Owner before = at_device(token, w.packet_length > 0);
    const std::uint32_t header = w.packet_length == 0 ? mergeable_header(fresh->slab_addr, in_header) : 0;
    if (w.packet_length == 0 && header == 0) {  // all in the header buffer: the page stays with the NIC
      recycle(s, token, before);
    } else {
      posted_.unmap(s, token);
      own(s, token, before, Owner::skb, "guest page received");
    }
    if (!partial_) {
      partial_ = fresh;
      partial_->head = {partial_->slab_addr, in_header, kNoToken};
      partial_->length = in_header + w.packet_length;
      partial_->hash = w.rss_hash;
      partial_->checksum = checksum_of(w);
      first_in_header_ = in_header;
    } else {
      c_.skbs.free_shell(s, fresh);
      partial_->length += w.packet_length;
    }
    if (header) {
      const std::uint32_t payload = in_header - header;
      s.copy(unsplit_copy_, posted_[token].hpa, partial_->slab_addr + header, payload);
      partial_->head.length = header;
      partial_->frags[partial_->nr_frags++] = {posted_[token].hpa, payload, token};
      ++stats_.copied_unsplit;
      stats_.copied_unsplit_bytes += payload;
    }
    if (w.packet_length) {
      require(partial_->nr_frags < kMaxSkbFrags, "a scattered frame has more pieces than an skb has fragments");
      partial_->frags[partial_->nr_frags++] = {posted_[token].hpa, w.packet_length, token};
    }
    if (!w.end_of_packet) return nullptr;
    Skb* skb = partial_;
    partial_ = nullptr;
    if (frame == kNoFrame) {
      release(s, skb);
      return nullptr;
    }
    c_.frames.append(skb->frames, frame);
    if (first_in_header_ == 0) pull_headers(s, *skb);
    plant(s, *skb, c_.frames[frame].id);
    return skb;
  }

  Progress deliver(Step& s, Skb* skb) override {
    if (!member_) {
      if (header_head_ == header_tail_) return Progress::no_buffers;
      hand_over_header(s, *skb);
      member_ = skb;
      at_ = 0;
    }
    while (member_) {
      require(member_ == skb || member_->head.length == 0, "a merged segment's linear bytes have no guest buffer");
      for (; at_ < member_->nr_frags; ++at_) {
        if (s.over()) return Progress::more;
        const Frag& f = member_->frags[at_];
        if (f.token == kNoToken) continue;
        if (f.length == 0) {
          recycle(s, f.token, Owner::skb);
          feed(s);
        } else {
          posted_.give(s, f.token, f.length, Owner::skb);
        }
      }
      member_ = member_ == skb ? skb->list : member_->next;
      at_ = 0;
    }
    ++stats_.delivered_packets;
    c_.skbs.free(s, skb);
    return Progress::done;
  }

  void pulled_empty(Step& s, Skb& skb, const Frag& f) override {
    skb.pulled = 0;                            // the linear part is now the only place of those bytes
    recycle(s, f.token, Owner::skb);
    feed(s);
  }

  void release(Step& s, Skb* skb) override {
    for_each_frag(*skb, [&](Frag& f) {
      if (f.token != kNoToken) recycle(s, f.token, Owner::skb);
    });
    feed(s);
    c_.skbs.free(s, skb);
  }

 private:
  // `always` mode: header length of a TCP segment that lies whole in the header buffer and may be merged; else 0.
  std::uint32_t mergeable_header(Hpa at, std::uint32_t length) const {
    if (c_.env.split != SplitMode::always || length == 0 || !merges()) return 0;
    const Parsed p = parse(c_.phys.at(at), length);
    const bool data = p.ok() && p.l4 == L4::tcp && p.payload_length > 0 && p.header_length + p.payload_length == length;
    return data ? p.header_length : 0;
  }

  // The first used entry of a packet: virtio header and packet header in a header buffer.
  void hand_over_header(Step& s, Skb& skb) {
    const std::uint32_t head = header_fifo_[header_head_++ & header_mask_];
    const PostedBuffer& h = posted_[head];
    if (skb.pulled) {   // GRO pulled headers that the NIC had put into the page: they go back, as completion left them
      Frag& f = skb.frags[0];
      skb.head.length -= skb.pulled;
      f.addr -= skb.pulled;
      f.length += skb.pulled;
      s.copy(pull_, f.addr, skb.head.addr + skb.head.length, skb.pulled);
      skb.pulled = 0;
    }
    const std::uint32_t header = skb.head.length;
    require(header + side_.header_length() <= h.length, "a packet's header is longer than the guest's header buffer");
    unsigned pages = 0;
    for_each_frag(skb, [&](Frag& f) { pages += &f != &skb.head && f.token != kNoToken && f.length ? 1 : 0; });
    s.charge(packet_);
    c_.frames.stamp(skb.frames, Stage::deliver, s.now());
    side_.write_header(s, h.hpa, side_.header_for(skb, 1 + pages));
    s.copy(header_copy_, h.hpa + side_.header_length(), skb.head.addr, header);
    side_.carry(h.head, skb.frames);
    own(s, head, Owner::posted, Owner::skb, "header buffer used");
    posted_.give(s, head, side_.header_length() + header, Owner::skb);
    stats_.used_entries += 1 + pages;
  }

  // The NIC left the frame whole in the guest's page: the host copies the headers into the skb's head and the payload
  // moves to offset 0 of a page.
  void pull_headers(Step& s, Skb& skb) {
    Frag& f = skb.frags[0];
    const Parsed p = parse(c_.phys.at(f.addr), f.length);
    std::uint32_t n = p.header_length ? p.header_length : std::min<std::uint32_t>(14, f.length);
    // A header that the guest's header buffer cannot take goes on in the page.
    n = std::min({n, f.length, static_cast<std::uint32_t>(std::min<Bytes>(header_least_ - side_.header_length(), Skb::kSlab))});
    s.copy(pull_, skb.slab_addr, f.addr, n);
    skb.head = {skb.slab_addr, n, kNoToken};
    ++stats_.copied_unsplit;
    const std::uint32_t payload = f.length - n;
    stats_.copied_unsplit_bytes += payload;
    if (payload == 0) {
      recycle(s, f.token, Owner::skb);
      for (unsigned i = 1; i < skb.nr_frags; ++i) skb.frags[i - 1] = skb.frags[i];
      --skb.nr_frags;
      return;
    }
    if (c_.env.options.unsplit == Unsplit::copy && !posted_.empty()) {
      const std::uint32_t spare = posted_.next();
      own(s, spare, Owner::posted, Owner::skb, "spare page for an unsplit frame");
      s.copy(unsplit_copy_, posted_[spare].hpa, f.addr + n, payload);
      posted_.unmap(s, spare);
      recycle(s, f.token, Owner::skb);
      f = {posted_[spare].hpa, payload, spare};
    } else {
      // Towards lower addresses within one page: pieces not longer than the distance do not overlap.
      for (std::uint32_t done = 0; done < payload; done += n) {
        const std::uint32_t piece = std::min(n, payload - done);
        std::memmove(c_.phys.at(f.addr + done), c_.phys.at(f.addr + n + done), piece);
      }
      s.charge(unsplit_copy_, payload);
      s.stream_load(unsplit_copy_.op, f.addr + n, payload);
      s.stream_store(unsplit_copy_.op, f.addr, payload);
      f.length = payload;
    }
  }

  void plant(Step& s, Skb& skb, std::uint64_t id) {
    if (skb.nr_frags == 0) return;
    Frag& f = skb.frags[0];
    if (c_.fault.hit(Fault::flip_host, id)) *c_.phys.at(f.addr + f.length - 1) ^= 0x40;
    if (c_.fault.hit(Fault::free_twice, id)) c_.ownership.move(posted_[f.token].id, Owner::skb, Owner::guest, s.now(), "planted");
    if (c_.fault.hit(Fault::leak_buffer, id)) {
      skb.length -= f.length;
      f = skb.frags[--skb.nr_frags];
    }
  }

  Cost header_copy_, pull_, unsplit_copy_;
  Bytes header_least_;                       // a guest's header buffer has at least this many bytes
  Bytes nic_header_;                         // of the NIC's header buffer: an skb's head takes no more than Skb::kSlab
  std::vector<Skb*> heads_;                  // by slot: the skb whose slab head is the header buffer
  std::vector<std::uint32_t> header_fifo_;   // guest header buffers that wait for packets
  std::uint32_t header_head_ = 0, header_tail_ = 0, header_mask_;
  Skb* partial_ = nullptr;
  std::uint32_t first_in_header_ = 0;
  const Skb* member_ = nullptr;              // deliver(): where the packet in hand goes on
  unsigned at_ = 0;
};

class CopyHeader final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"copy-header",
                               "The NIC splits; payload goes to guest pages, the header is copied into a guest header buffer.",
                               "header to a host skb head, payload to guest pages",
                               "virtio header and packet header, into the guest's header room",
                               "before the packet header",
                               "offer header buffers and pages as separate ring buffers",
                               "steer, split headers",
                               2, false, true, true, {"unsplit", "headers_of_8"}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override {
    if (auto why = refuse_zero_copy(e)) return why;
    if (e.split == SplitMode::off) return "the NIC must split headers (nic.header_split.mode is off)";
    if (!e.mergeable) return "the guest must negotiate mergeable receive buffers; with chains the hole in the header buffer cannot be told";
    if (e.options.unsplit == Unsplit::offset && !e.used_offset) return "unsplit: offset needs the feature used_offset";
    if (e.header_buffer > Skb::kSlab) return "nic.header_split.header_buffer is larger than an skb's head of 512 bytes";
    if (e.header_buffer == 0) return "nic.header_split.header_buffer is 0";
    if (e.options.headers_of_8 < 1 || e.options.headers_of_8 > 7) return "headers_of_8 must leave both kinds of buffers: 1 to 7 of 8";
    if (e.queue_size < 8) return "the guest's ring must have 8 entries or more to hold both kinds of buffers";
    return std::nullopt;
  }
  GuestRxLayout guest_layout(const BindEnvironment& e) const override {
    GuestRxLayout l;
    l.kind = GuestRxLayout::Kind::header_pages;
    l.header_buffer = header_buffer_for(e);
    l.headers_of_8 = e.options.headers_of_8;
    return l;
  }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t) const override {
    return std::min<std::uint64_t>(e.ring_size - 1, e.queue_size * (8 - e.options.headers_of_8) / 8);
  }
  std::unique_ptr<RxPath> make_path(PathContext c) const override { return std::make_unique<CopyHeaderPath>(std::move(c)); }
};

}  // namespace

const Strategy& copy_header_strategy() {
  static const CopyHeader s;
  return s;
}

}  // namespace gd
