// page-frags, design "Three" of 2010 (napi_gro_frags): the whole frame goes into guest pages; with a splitting NIC the headers
// into one guest page and the payload into the next. The host pulls the headers into an skb of its own, for its own parsing.
//
// Modelled: room for the virtio header at the front of every posted buffer, behind which the NIC writes; the pull undone at
// hand-over, because the headers are still in the guest's page: the first buffer starts at the frame, further ones after
// their headers, with an offset in the used entry; of the headers only what the host changed is written back; pages that a
// pull has emptied are kept for the hand-over, those of merged segments go to the driver's queue again. Without used_offset:
// no merging and no splitting, and frames of several buffers are moved to where the guest reads them, or refused.
// Of a buffer whose two pages are scattered in host memory and whose bus addresses are in a row each page is a fragment.
// Not modelled: a NIC that chooses between header and payload pages of different sizes.
// Sources: Herbert Xu, netdev 2010-06-11; Xin Xiaohui, 2010-06-13; net/core/gro.c (napi_gro_frags, gro_pull_from_frag0).
#include "models/buffers/page_frags.h"

#include <algorithm>
#include <utility>

#include "models/base/error.h"
#include "models/buffers/user_path.h"

namespace gd {

PageFragsGeometry page_frags_geometry(const BindEnvironment& e) {
  PageFragsGeometry g;
  g.whole = e.rx_mode == RxMode::mergeable;
  g.room = e.header_apart ? 0 : e.header_length;
  g.space = g.whole ? e.options.buffer - g.room : kSmallPacket;
  const Bytes frame = e.mtu + kLargestL2;
  g.fits = frame <= g.space;
  const Bytes unit = e.buffer_size_per_descriptor ? kLine : 1024;   // SRRCTL.BSIZEPACKET counts 1 KiB
  // A frame of several buffers is scattered over whole pieces; the driver's own small buffers it must fit.
  g.packet_buffer = g.fits || !g.whole ? align_up(frame, unit) : align_down(g.space, unit);
  if (e.options.hazard == Hazard::short_buffer) g.packet_buffer = align_up(e.options.buffer + 1, 1024);
  g.split = e.used_offset && !e.in_order ? e.split : SplitMode::off;
  g.header_buffer = g.split == SplitMode::off ? 0 : std::min<Bytes>(e.header_buffer, align_down(g.space, kLine));
  g.of_frame = static_cast<std::uint32_t>(ceil_div(frame, std::max<Bytes>(1, g.packet_buffer))) * g.each();
  return g;
}

PageFragsPath::PageFragsPath(PathContext c)
    : ZeroCopyPath(std::move(c)), g_(page_frags_geometry(c_.env)), write_back_(c_.costs.get("page_frags.write_back")),
      move_(c_.costs.get("page_frags.move")), header_slots_(c_.env.ring_size, kNoToken), kept_next_(c_.guest->rx().size, kNoToken),
      kept_length_(c_.guest->rx().size, 0) {
  posted_.take_scattered(g_.room + kFirstPiece);
  share_reserve(1, 1, g_.of_frame);
}

void PageFragsPath::shape(RxQueueConfig& q) {
  q.packet_buffer = g_.packet_buffer;
  q.split = g_.split;
  q.header_buffer = g_.header_buffer;
  q.split_threshold = c_.env.split_threshold;
}

bool PageFragsPath::merges() const {
  return c_.env.gro && c_.env.used_offset && !c_.env.in_order && feature::guest_gso(c_.guest->rx().features);
}

bool PageFragsPath::post(Step& s) {
  const Bytes least = hazard(Hazard::short_buffer) ? 1 : g_.room + std::min<Bytes>(g_.packet_buffer, c_.env.mtu + kLargestL2);
  std::uint32_t token = 0;
  unsigned n = 0;
  while (n < kPostBatch && ZeroCopyPath::take(s, least, &token)) {
    queue(s, token);
    ++n;
  }
  return n == kPostBatch;
}

bool PageFragsPath::refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) {
  const Asked asked(s);
  Iova header = 0;
  if (g_.split != SplitMode::off) {
    const std::uint32_t h = header_slots_[slot] = next_for(s, slot, asked);
    if (h == kNoToken) return false;
    header = address(s, h, g_.room);
  }
  const std::uint32_t token = next_for(s, slot, asked);
  if (token == kNoToken) {
    if (header) {                          // of no use alone
      left_ring(header_slots_[slot]);
      recycle(s, header_slots_[slot], Owner::posted);
    }
    return false;
  }
  d = RxDescriptor::read_format(address(s, token, g_.room), header);
  return true;
}

void PageFragsPath::take_back(Step& s, std::uint32_t slot) {
  ZeroCopyPath::take_back(s, slot);
  if (g_.split == SplitMode::off) return;
  std::swap(slots_[slot], header_slots_[slot]);
  ZeroCopyPath::take_back(s, slot);
}

// A buffer back from the device: part of the packet when the NIC wrote `length` bytes into it, else the driver's again.
void PageFragsPath::take(Step& s, std::uint32_t token, std::uint32_t length, bool written) {
  const Owner before = at_device(token, written);
  if (length == 0) return recycle(s, token, before);
  received(s, token, before, "guest page received");
  partial_->length += length;
  const std::uint32_t split = Bounce::is(token) ? 0 : posted_[token].split;
  require(partial_->nr_frags + (split ? 2u : 1u) <= kMaxSkbFrags, "a scattered frame has more pieces than an skb has fragments");
  const auto first = split ? std::min(length, split - static_cast<std::uint32_t>(g_.room)) : length;
  partial_->frags[partial_->nr_frags++] = {place(token, g_.room), first, token};
  if (first < length) partial_->frags[partial_->nr_frags++] = {posted_[token].beyond, length - first, kNoToken};
}

Skb* PageFragsPath::receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) {
  const std::uint32_t token = taken_from(slot);
  const std::uint32_t in_header = partial_ ? 0 : header_buffer_bytes(g_.split, g_.header_buffer, w);
  if (!partial_) {
    partial_ = c_.skbs.get_frags(s, spare_);
    describe(*partial_, w);
  }
  if (g_.split != SplitMode::off) {
    left_ring(header_slots_[slot]);
    take(s, header_slots_[slot], in_header, in_header > 0);
  }
  take(s, token, w.packet_length, w.packet_length > 0);
  if (!w.end_of_packet) return nullptr;
  Skb* skb = std::exchange(partial_, nullptr);
  if (frame == kNoFrame || skb->nr_frags == 0) {
    release(s, skb);
    return nullptr;
  }
  c_.frames.append(skb->frames, frame);
  if (refused(s, skb)) return nullptr;
  plant(s, *skb, c_.frames[frame].id);
  return skb;
}

void PageFragsPath::plant(Step& s, Skb& skb, std::uint64_t id) {
  Frag &first = skb.frags[0], &last = skb.frags[skb.nr_frags - 1];
  if (c_.fault.hit(Fault::flip_host, id)) *c_.phys.at(last.addr + last.length - 1) ^= 0x40;
  if (!Bounce::is(first.token) && c_.fault.hit(Fault::free_twice, id)) c_.ownership.move(posted_[first.token].id, Owner::skb, Owner::guest, s.now(), "planted");
  if (c_.fault.hit(Fault::leak_buffer, id)) first.token = kNoToken;
}

// The page still holds the headers; it stays the packet's until the hand-over.
void PageFragsPath::pulled_empty(Step& s, Skb& skb, const Frag& f) {
  if (f.token == kNoToken) return;
  if (Bounce::is(f.token)) return recycle(s, f.token, Owner::skb);
  if (hazard(Hazard::put_pulled_page)) own(s, f.token, Owner::skb, Owner::host, "put_page of a page that a pull had emptied");
  kept_next_[f.token] = kNoToken;
  kept_length_[f.token] = static_cast<std::uint32_t>(f.addr - posted_[f.token].hpa) - posted_[f.token].room;
  std::uint32_t* link = &skb.kept;
  while (*link != kNoToken) link = &kept_next_[*link];
  *link = f.token;
}

void PageFragsPath::put_kept(Step& s, Skb& skb) {
  for (std::uint32_t t = std::exchange(skb.kept, kNoToken); t != kNoToken; t = kept_next_[t]) recycle(s, t, Owner::skb);
}

void PageFragsPath::release(Step& s, Skb* skb) {
  if (!hazard(Hazard::forgotten_destructor))
    for (Skb* m = skb; m; m = m == skb ? skb->list : m->next) put_kept(s, *m);
  put_all(s, skb);
}

// Of the bytes [at, at + n) of the skb's own head only those that differ from the guest's page are stored.
void PageFragsPath::write_back(Step& s, Hpa page, Hpa own, std::uint32_t n) {
  const std::uint8_t *a = c_.phys.at(page), *b = c_.phys.at(own);
  for (std::uint32_t i = 0; i < n;) {
    if (a[i] == b[i]) {
      ++i;
      continue;
    }
    std::uint32_t end = i + 1;
    while (end < n && a[end] != b[end]) ++end;
    s.copy(write_back_, page + i, own + i, end - i);
    i = end;
  }
}

// A longer header fits where the headers have a page of their own; a shorter one begins later, which the offset tells.
bool PageFragsPath::move_start(Step& s, Skb& skb, std::uint32_t headers, int by) {
  const int length = static_cast<int>(skb.head.length) + by;
  if (skb.head.length < headers || length > static_cast<int>(Skb::kSlab)) return false;
  const bool apart = skb.kept != kNoToken;
  if (apart ? kept_length_[skb.kept] != skb.head.length || length > static_cast<int>(g_.space) : by > 0 || !c_.env.used_offset) return false;
  std::uint8_t* head = c_.phys.at(skb.head.addr);
  if (by > 0) std::memmove(head + by, head, skb.head.length);
  else std::memmove(head, head - by, static_cast<std::size_t>(length));
  s.charge(write_back_, headers);
  skb.length = static_cast<std::uint32_t>(static_cast<int>(skb.length) + by);
  skb.head.length = static_cast<std::uint32_t>(length);
  if (apart) kept_length_[skb.kept] = skb.head.length;
  return true;
}

// The headers that were pulled lie before the fragments again, as the host left them.
void PageFragsPath::undo_pull(Step& s, Skb& skb) {
  std::uint32_t at = 0;
  for (std::uint32_t t = skb.kept; t != kNoToken; t = kept_next_[t]) {
    write_back(s, posted_[t].hpa + posted_[t].room, skb.head.addr + at, kept_length_[t]);
    at += kept_length_[t];
  }
  if (const std::uint32_t rest = skb.head.length - at; rest) {
    Frag& f = skb.frags[0];
    f.addr -= rest;
    f.length += rest;
    write_back(s, f.addr, skb.head.addr + at, rest);
  }
  skb.head.length = 0;
}

// Without offsets the guest reads a packet's further buffers from their start. False: the packet is refused.
bool PageFragsPath::fit_without_offset(Step& s, Skb& skb) {
  if (c_.env.used_offset || hazard(Hazard::room_in_every_page)) return true;
  if (buffers_ == 1) return true;
  if (c_.env.options.large_frames == LargeFrames::refuse) return false;
  ++stats_.copied_large;
  for (unsigned i = skb.kept == kNoToken ? 1 : 0; i < skb.nr_frags; ++i) {
    Frag& f = skb.frags[i];
    if (f.token == kNoToken) continue;
    const Hpa to = posted_[f.token].hpa;
    std::memmove(c_.phys.at(to), c_.phys.at(f.addr), f.length);
    s.charge(move_, f.length);
    s.stream_load(move_.op, f.addr, f.length);
    s.stream_store(move_.op, to, f.length);
    f.addr = to;
  }
  return true;
}

bool PageFragsPath::begin(Step& s, Skb& skb) {
  s.charge(packet_);
  c_.frames.stamp(skb.frames, Stage::deliver, s.now());
  undo_pull(s, skb);
  buffers_ = 0;
  for (std::uint32_t t = skb.kept; t != kNoToken; t = kept_next_[t]) ++buffers_;
  for_each_frag(skb, [&](Frag& f) { buffers_ += f.token != kNoToken && f.length ? 1 : 0; });
  const std::uint32_t first = skb.kept != kNoToken ? skb.kept : skb.frags[0].token;
  if (first == kNoToken) {                                  // planted: the buffer was lost
    c_.frames.dropped(skb.frames, Drop::stack, s.now());
    return false;
  }
  if (!fit_without_offset(s, skb)) {
    c_.frames.dropped(skb.frames, Drop::unsplittable, s.now());
    return false;
  }
  const PostedBuffer& b = posted_[first];
  moved_ = skb.kept != kNoToken ? 0 : static_cast<std::uint32_t>(skb.frags[0].addr - b.hpa) - b.room;
  side_.write_header(s, b.header + moved_, side_.header_for(skb, buffers_));
  side_.carry(b.head, skb.frames);
  given_ = 0;
  return true;
}

// A packet's first buffer is used from the virtio header on; of the others only where their bytes begin.
void PageFragsPath::give(Step& s, std::uint32_t token, Hpa addr, std::uint32_t length) {
  if (given_++ == 0) return posted_.give(s, token, side_.header_length() + length, Owner::skb, moved_);
  const bool told = c_.env.used_offset && !hazard(Hazard::room_in_every_page);
  posted_.give(s, token, length, Owner::skb, told ? static_cast<std::uint32_t>(addr - posted_[token].hpa) : 0);
}

// Bytes of buffer `token` behind a border of host memory: a fragment of their own, without a token.
std::uint32_t PageFragsPath::beyond(std::uint32_t token, const Skb& skb, unsigned next) const {
  const bool there = posted_[token].split && next < skb.nr_frags && skb.frags[next].token == kNoToken;
  return there ? skb.frags[next].length : 0;
}

Progress PageFragsPath::deliver(Step& s, Skb* skb) {
  // A short frame that was pulled whole out of a page of the host lies in the skb's own head alone.
  const bool in_own_head = skb->nr_frags == 0 && skb->kept == kNoToken;
  if (out_.busy() || (!member_ && (in_own_head || in_host_pages(*skb)))) return deliver_copy(s, skb);
  if (!member_) {
    if (!begin(s, *skb)) {
      release(s, skb);
      return Progress::done;
    }
    member_ = skb;
    at_ = 0;
  }
  for (; skb->kept != kNoToken; skb->kept = kept_next_[skb->kept]) {
    if (s.over()) return Progress::more;
    give(s, skb->kept, 0, kept_length_[skb->kept] + beyond(skb->kept, *skb, 0));
  }
  while (member_) {
    for (; at_ < member_->nr_frags; ++at_) {
      if (s.over()) return Progress::more;
      const Frag& f = member_->frags[at_];
      if (f.token == kNoToken) continue;
      if (f.length) give(s, f.token, f.addr, f.length + beyond(f.token, *member_, at_ + 1));
      else recycle(s, f.token, Owner::skb);                 // a merged segment's headers: nobody needs them
    }
    if (member_ != skb) put_kept(s, *member_);
    member_ = member_ == skb ? skb->list : member_->next;
    at_ = 0;
  }
  feed(s);
  ++stats_.delivered_packets;
  stats_.used_entries += buffers_;
  destruct(s, *skb, buffers_);
  c_.skbs.free(s, skb);
  return Progress::done;
}

namespace {

class PageFrags final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"page-frags",
                               "The whole frame goes into guest pages as fragments; the host pulls the headers for its own parsing.",
                               "whole frame into guest pages; with a splitting NIC, headers in one guest page and payload in the next",
                               "virtio header, and only those bytes that the host modified; the pull into the host skb is for the host's own parsing",
                               "the bytes before the frame",
                               "leave room before the frame, and negotiate used_offset to get merged or multi-buffer frames",
                               "steer; scatter only for frames larger than a buffer",
                               3, false, true, true,
                               {"buffer", "large_frames", "unfit_buffers", "in_order", "destructor"},
                               {Hazard::room_in_every_page, Hazard::put_pulled_page, Hazard::frag_shift, Hazard::short_buffer,
                                Hazard::forgotten_destructor, Hazard::reclaim_undrained}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override {
    if (e.consumer == Consumer::user_async) return refuse_user(e, UserDesign::frags);
    if (auto why = refuse_zero_copy(e)) return why;
    if (e.rx_mode == RxMode::big) return "the guest's big receive mode posts chains of pages, of which a frame can take only one each";
    if (e.options.buffer != 2048 && e.options.buffer != kPage) return "buffer must be 2KiB or 4KiB";
    const PageFragsGeometry g = page_frags_geometry(e);
    if (!g.whole && !g.fits && e.options.unfit_buffers == UnfitBuffers::refuse)
      return "the NIC may write " + std::to_string(e.mtu + kLargestL2) + " bytes (MTU " + std::to_string(e.mtu) +
             " and two VLAN tags) into the guest's small buffers of " + std::to_string(kSmallPacket);
    if (g.whole && !g.fits && !e.scatter)
      return "a frame of MTU " + std::to_string(e.mtu) + " takes several buffers, which needs a NIC that scatters (nic.scatter)";
    if (!g.fits)
      if (auto why = refuse_ring(e, g.of_frame, 1, 1, " buffers")) return why;
    if (e.in_order && !g.fits) return "with VIRTIO_F_IN_ORDER a frame must fit one buffer: those of several packets may be used in turn";
    if (g.split != SplitMode::off && e.queue_size < 2) return "the guest's ring must have 2 entries or more for headers and payload";
    if (g.split == SplitMode::off && (e.options.hazard == Hazard::put_pulled_page || e.options.hazard == Hazard::frag_shift))
      return std::string("the hazard ") + hazard_name(e.options.hazard) + " needs a NIC that splits headers, and used_offset";
    return std::nullopt;
  }
  GuestRxLayout guest_layout(const BindEnvironment& e) const override {
    GuestRxLayout l;
    if (!page_frags_geometry(e).whole) return l;
    l.kind = GuestRxLayout::Kind::pages;
    l.buffer = e.options.buffer;
    return l;
  }
  std::uint64_t guest_features(const BindEnvironment&) const override { return feature::bit(feature::kUsedOffset); }
  bool merges(const BindEnvironment& e) const override { return e.used_offset && !e.in_order; }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t) const override {
    return std::min<std::uint64_t>(e.ring_size - 1, e.queue_size / page_frags_geometry(e).each());
  }
  std::unique_ptr<RxPath> make_path(PathContext c) const override {
    if (c.user) return make_user_path(std::move(c), UserDesign::frags);
    return std::make_unique<PageFragsPath>(std::move(c));
  }
};

}  // namespace

const Strategy& page_frags_strategy() {
  static const PageFrags s;
  return s;
}

}  // namespace gd
