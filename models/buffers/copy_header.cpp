// copy-header, design "Two" of 2010: the NIC splits; headers go to a host skb head, payload to guest pages; the header is
// copied into the guest's header room when the packet is handed over.
//
// Modelled: placement `separate-buffer` (mergeable buffers: two kinds of ring buffers told apart by size, payload at offset 0
// of its page, merged frames whose further segments take pages only, a pure ACK that leaves its page with the NIC; big mode:
// a header buffer at the start of each chain, told by split_layout, one frame a chain) and `in-first-buffer` (a fixed room
// before the payload in every buffer, the header right-aligned before the payload, told by split_layout; merged frames need
// used_offset, because further pages have the room too). Frames that the NIC did not split are pulled by the host; their
// payload is handed over with an offset, moved or copied. In `always` mode a small TCP segment that lies whole in the header
// buffer has its payload moved to its page while GRO is on: merged, it would need a header buffer of its own.
// Not here: chains of which a frame takes several pages.
// Source: Xin Xiaohui, 2010-04-02 and 2010-06-13; 82575 manual, table 33.
#include "models/buffers/copy_header.h"

#include <algorithm>
#include <utility>

#include "models/base/error.h"
#include "models/buffers/user_path.h"
#include "models/packet/parse.h"

namespace gd {
namespace {
constexpr Bytes kLongestHeader = 192;   // packet header for which the guest's header room is sized at least
}

CopyHeaderGeometry copy_header_geometry(const BindEnvironment& e) {
  CopyHeaderGeometry g;
  const Bytes frame = e.mtu + kLargestL2, unit = e.buffer_size_per_descriptor ? kLine : 1024;   // SRRCTL.BSIZEPACKET counts 1 KiB
  if (e.options.placement == Placement::in_first_buffer) {
    g.place = CopyHeaderGeometry::Place::room;
    g.room = e.options.room;
    g.header_space = g.room - std::min<Bytes>(g.room, e.header_length);
    g.space = kPage - std::min(g.room, kPage);
    g.fits = frame <= g.space;
    g.packet_buffer = g.fits ? align_up(frame, unit) : align_down(g.space, unit);
    g.of_frame = static_cast<std::uint32_t>(ceil_div(frame, g.packet_buffer));
    return g;
  }
  g.place = e.mergeable ? CopyHeaderGeometry::Place::separate : CopyHeaderGeometry::Place::chain;
  g.header_buffer = align_up(e.header_length + std::max<Bytes>(e.header_buffer, kLongestHeader), kLine);
  g.header_space = g.header_buffer - e.header_length;
  g.space = kPage;
  g.fits = frame <= kPage;
  g.packet_buffer = e.mergeable ? std::min<Bytes>(kPage, align_up(e.rx_buffer, 1024)) : kPage;
  g.of_frame = static_cast<std::uint32_t>(ceil_div(frame, g.packet_buffer));
  return g;
}

CopyHeaderPath::CopyHeaderPath(PathContext c)
    : ZeroCopyPath(std::move(c)), g_(copy_header_geometry(c_.env)), header_copy_(c_.costs.get("header.copy")),
      pull_(c_.costs.get("header.pull")), unsplit_copy_(c_.costs.get("unsplit.copy")),
      nic_header_(std::min({c_.env.header_buffer, Skb::kSlab, align_down(g_.header_space, kLine)})), heads_(c_.env.ring_size, nullptr), header_mask_(1) {
  while (header_mask_ < c_.guest->rx().size + 1u) header_mask_ *= 2;
  header_fifo_.resize(header_mask_);
  --header_mask_;
  posted_.take_chains(g_.place == Place::chain);
  share_reserve(own_header() ? 8 - c_.env.options.headers_of_8 : 8, 8, g_.of_frame);
  if (own_header()) posted_.two_kinds(c_.env.options.headers_of_8, 8);
}

void CopyHeaderPath::shape(RxQueueConfig& q) {
  q.packet_buffer = g_.packet_buffer;
  q.split = c_.env.split;
  q.header_buffer = nic_header_;
  q.split_threshold = c_.env.split_threshold;
}

// Segments 2..n need offsets where every page has the room; of a chain a packet takes one page.
bool CopyHeaderPath::merges() const {
  const bool can = g_.place == Place::separate || (g_.place == Place::room && c_.env.used_offset);
  return can && c_.env.gro && feature::guest_gso(c_.guest->rx().features);
}

// Header buffers stay with the worker; pages go to the driver.
bool CopyHeaderPath::post(Step& s) {
  std::uint32_t token = 0;
  unsigned n = 0;
  const Bytes least = own_header() ? g_.header_buffer : kPage;
  while (n < kPostBatch && take(s, least, &token)) {
    if (posted_[token].length < kPage) {
      header_fifo_[header_tail_++ & header_mask_] = token;
    } else {
      queue(s, token);
    }
    ++n;
  }
  return n == kPostBatch;
}

bool CopyHeaderPath::low() const {
  return ZeroCopyPath::low() || (own_header() && (header_tail_ - header_head_) * 8 < c_.guest->rx().size);
}

// Each kind may take what the other needs.
std::string CopyHeaderPath::pinned_together() const {
  if (!own_header()) return "";
  const std::uint32_t size = c_.guest->rx().size, headers = size * c_.env.options.headers_of_8 / 8;
  const Bytes all = align_up(headers * g_.header_buffer, kPage) + (size - headers) * kPage;
  return std::string(", which header buffers and pages share; ").append(std::to_string(all / 1024)).append("KiB let all of them be pinned");
}

bool CopyHeaderPath::refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) {
  const std::uint32_t token = next_for(s, slot, Asked(s));
  if (token == kNoToken) return false;
  Skb* skb = c_.skbs.alloc(s);
  c_.skbs.post_head(s, skb);
  heads_[slot] = skb;
  d = RxDescriptor::read_format(address(s, token, room()), skb->slab_iova);
  return true;
}

// A packet has nothing in its buffer: the driver gets it again, unless the packet's header goes there.
void CopyHeaderPath::take_back(Step& s, std::uint32_t slot) {
  ZeroCopyPath::take_back(s, slot);
  Skb* skb = std::exchange(heads_[slot], nullptr);
  c_.skbs.take_head(s, skb, false);
  c_.skbs.free_shell(s, skb);
}

void CopyHeaderPath::without_payload(Step& s, Skb& skb, std::uint32_t token, Owner from) {
  if (own_header() || skb.kept != kNoToken || skb.nr_frags || Bounce::is(token)) return recycle(s, token, from);
  received(s, token, from, "guest page kept for a packet's header");
  skb.kept = token;
}

Skb* CopyHeaderPath::receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) {
  const std::uint32_t token = taken_from(slot);
  Skb* fresh = heads_[slot];
  heads_[slot] = nullptr;
  const std::uint32_t in_header = partial_ ? 0 : header_buffer_bytes(c_.env.split, nic_header_, w);
  c_.skbs.take_head(s, fresh, in_header > 0);
  const Owner before = at_device(token, w.packet_length > 0);
  const std::uint32_t header = w.packet_length == 0 ? mergeable_header(fresh->slab_addr, in_header) : 0;
  if (!partial_) {
    partial_ = fresh;
    partial_->head = {partial_->slab_addr, in_header, kNoToken};
    partial_->length = in_header + w.packet_length;
    describe(*partial_, w);
    first_in_header_ = in_header;
  } else {
    c_.skbs.free_shell(s, fresh);
    partial_->length += w.packet_length;
  }
  if (w.packet_length == 0 && header == 0) {   // all in the header buffer
    without_payload(s, *partial_, token, before);
  } else {
    received(s, token, before, "guest page received");
  }
  if (header) {
    const std::uint32_t payload = in_header - header;
    s.copy(unsplit_copy_, data(token), partial_->slab_addr + header, payload);
    partial_->head.length = header;
    partial_->frags[partial_->nr_frags++] = {data(token), payload, token};
    ++stats_.copied_unsplit;
    stats_.copied_unsplit_bytes += payload;
  }
  if (w.packet_length) {
    require(partial_->nr_frags < kMaxSkbFrags, "a scattered frame has more pieces than an skb has fragments");
    partial_->frags[partial_->nr_frags++] = {data(token), w.packet_length, token};
  }
  if (!w.end_of_packet) return nullptr;
  Skb* skb = partial_;
  partial_ = nullptr;
  if (frame == kNoFrame) {
    release(s, skb);
    return nullptr;
  }
  c_.frames.append(skb->frames, frame);
  if (refused(s, skb)) return nullptr;
  if (first_in_header_ == 0) pull_headers(s, *skb);
  plant(s, *skb, c_.frames[frame].id);
  return skb;
}

// `always` mode: header length of a TCP segment that lies whole in the header buffer and may be merged; else 0.
std::uint32_t CopyHeaderPath::mergeable_header(Hpa at, std::uint32_t length) const {
  if (c_.env.split != SplitMode::always || length == 0 || !merges()) return 0;
  const Parsed p = parse(c_.phys.at(at), length);
  const bool with_data = p.ok() && p.l4 == L4::tcp && p.payload_length > 0 && p.header_length + p.payload_length == length;
  return with_data ? p.header_length : 0;
}

// The payload moves `distance` bytes towards the start of its page; pieces not longer than that do not overlap.
void CopyHeaderPath::move_payload(Step& s, Frag& f, std::uint32_t distance) {
  std::memmove(c_.phys.at(f.addr), c_.phys.at(f.addr + distance), f.length);
  s.charge(unsplit_copy_, f.length);
  s.stream_load(unsplit_copy_.op, f.addr + distance, f.length);
  s.stream_store(unsplit_copy_.op, f.addr, f.length);
}

// The NIC left the frame whole in the guest's page: the host copies the headers into the skb's head, and the payload stays
// behind them (`offset`), or goes to where the payload of a split frame would be.
void CopyHeaderPath::pull_headers(Step& s, Skb& skb) {
  Frag& f = skb.frags[0];
  const Parsed p = parse(c_.phys.at(f.addr), f.length);
  std::uint32_t n = p.header_length ? p.header_length : std::min<std::uint32_t>(14, f.length);
  // A header that the guest's header room cannot take goes on in the page.
  n = std::min({n, f.length, static_cast<std::uint32_t>(std::min<Bytes>(g_.header_space, Skb::kSlab))});
  s.copy(pull_, skb.slab_addr, f.addr, n);
  skb.head = {skb.slab_addr, n, kNoToken};
  ++stats_.copied_unsplit;
  const std::uint32_t payload = f.length - n;
  if (payload == 0) {
    const std::uint32_t token = f.token;
    --skb.nr_frags;
    std::copy_n(skb.frags + 1, skb.nr_frags, skb.frags);
    return without_payload(s, skb, token, Owner::skb);
  }
  f.length = payload;
  if (c_.env.options.unsplit == Unsplit::offset) {
    f.addr += n;
    return;
  }
  stats_.copied_unsplit_bytes += payload;
  if (c_.env.options.unsplit == Unsplit::move || posted_.empty()) return move_payload(s, f, n);
  const std::uint32_t spare = posted_.next();
  own(s, spare, Owner::posted, Owner::skb, "spare page for an unsplit frame");
  s.copy(unsplit_copy_, data(spare), f.addr + n, payload);
  posted_.unmap(s, spare);
  recycle(s, f.token, Owner::skb);
  f = {data(spare), payload, spare};
}

// GRO needed bytes of the page for the headers, and those were all. What the guest's header room cannot take goes back.
void CopyHeaderPath::pulled_empty(Step& s, Skb& skb, const Frag& f) {
  skb.pulled = 0;
  if (f.token == kNoToken) return;
  if (skb.head.length <= g_.header_space) {   // the linear part is now the only place of those bytes
    without_payload(s, skb, f.token, Owner::skb);
    return feed(s);
  }
  const auto n = static_cast<std::uint32_t>(f.addr - data(f.token));
  require(skb.nr_frags == 0 && n < skb.head.length, "headers that fill several pages are pulled");
  skb.head.length -= n;
  skb.frags[skb.nr_frags++] = {f.addr - n, n, f.token};
}

// The headers lie in the skb's own head until they are copied.
bool CopyHeaderPath::move_start(Step& s, Skb& skb, std::uint32_t headers, int by) {
  const int length = static_cast<int>(skb.head.length) + by;
  if (skb.head.length < headers || length > static_cast<int>(std::min<Bytes>(g_.header_space, Skb::kSlab))) return false;
  std::uint8_t* head = c_.phys.at(skb.head.addr);
  if (by > 0) std::memmove(head + by, head, skb.head.length);
  else std::memmove(head, head - by, static_cast<std::size_t>(length));
  s.charge(header_copy_, headers);
  skb.head.length = static_cast<std::uint32_t>(length);
  skb.length = static_cast<std::uint32_t>(static_cast<int>(skb.length) + by);
  return true;
}

void CopyHeaderPath::absorbed(Step& s, Skb& shell) {
  if (const std::uint32_t token = std::exchange(shell.kept, kNoToken); token != kNoToken) recycle(s, token, Owner::skb);
}

void CopyHeaderPath::plant(Step& s, Skb& skb, std::uint64_t id) {
  if (skb.nr_frags == 0) return;
  Frag& f = skb.frags[0];
  if (c_.fault.hit(Fault::flip_host, id)) *c_.phys.at(f.addr + f.length - 1) ^= 0x40;
  if (!Bounce::is(f.token) && c_.fault.hit(Fault::free_twice, id)) c_.ownership.move(posted_[f.token].id, Owner::skb, Owner::guest, s.now(), "planted");
  if (c_.fault.hit(Fault::leak_buffer, id)) {
    skb.length -= f.length;
    f = skb.frags[--skb.nr_frags];
  }
}

namespace {

class CopyHeader final : public Strategy {
 public:
  const Declaration& declaration() const override {
    static const Declaration d{"copy-header",
                               "The NIC splits; payload goes to guest pages, the header is copied into the guest's header room.",
                               "header to a host skb head, payload to guest pages",
                               "virtio header and packet header, into the guest's header room",
                               "before the packet header",
                               "offer header room: header buffers and pages as separate ring buffers, or a room in every buffer (then split_layout, and used_offset to get merged frames)",
                               "steer, split headers",
                               2, false, true, true,
                               {"placement", "room", "unsplit", "headers_of_8", "destructor"}, {Hazard::forgotten_destructor, Hazard::reclaim_undrained}};
    return d;
  }
  std::optional<std::string> refuse(const BindEnvironment& e) const override {
    if (e.consumer == Consumer::user_async) return refuse_user(e, UserDesign::split);
    if (auto why = refuse_zero_copy(e)) return why;
    if (e.in_order) return "header buffers and pages are used in another order than posted; VIRTIO_F_IN_ORDER was negotiated";
    if (e.split == SplitMode::off) return "the NIC must split headers (nic.header_split.mode is off)";
    if (e.options.unsplit == Unsplit::offset && !e.used_offset) return "unsplit: offset needs the feature used_offset";
    if (e.header_buffer > Skb::kSlab) return "nic.header_split.header_buffer is larger than an skb's head of 512 bytes";
    if (e.header_buffer == 0) return "nic.header_split.header_buffer is 0";
    const CopyHeaderGeometry g = copy_header_geometry(e);
    switch (g.place) {
      case CopyHeaderGeometry::Place::room: return refuse_room(e, g);
      case CopyHeaderGeometry::Place::chain:
        if (e.rx_mode == RxMode::small) return "the guest's small receive buffers have no page for the payload";
        if (!e.split_layout) return "with chains the hole in the header buffer cannot be told without split_layout";
        if (!g.fits) return "a frame of MTU " + std::to_string(e.mtu) + " does not fit the one page of a chain that it can take";
        return std::nullopt;
      case CopyHeaderGeometry::Place::separate: break;
    }
    if (e.options.headers_of_8 < 1 || e.options.headers_of_8 > 7) return "headers_of_8 must leave both kinds of buffers: 1 to 7 of 8";
    if (e.defences.buffer_quota == 1) return "defences.buffer_quota must allow 2 buffers, one of each kind";
    if (e.at_limit != AtLimit::copy && e.pin != PinPolicy::whole_guest && std::min(e.memlock_limit, e.defences.pin_quota) < 2 * kPage)
      return "host.memlock_limit and defences.pin_quota must allow 2 pinned pages, for a buffer of each kind";
    if (e.queue_size < 8) return "the guest's ring must have 8 entries or more to hold both kinds of buffers";
    return refuse_ring(e, g.of_frame, 8 - e.options.headers_of_8, 8, " pages");
  }
  std::uint64_t guest_features(const BindEnvironment& e) const override {
    const bool told = copy_header_geometry(e).place != CopyHeaderGeometry::Place::separate;
    return feature::bit(feature::kUsedOffset) | (told ? feature::bit(feature::kSplitLayout) : 0);
  }
  bool merges(const BindEnvironment& e) const override {
    return e.options.placement == Placement::in_first_buffer ? e.used_offset : e.mergeable;
  }
  GuestRxLayout guest_layout(const BindEnvironment& e) const override {
    const CopyHeaderGeometry g = copy_header_geometry(e);
    GuestRxLayout l;
    l.kind = g.place == CopyHeaderGeometry::Place::room ? GuestRxLayout::Kind::room : GuestRxLayout::Kind::header_pages;
    l.buffer = kPage;
    l.room = g.room;
    l.header_buffer = g.header_buffer;
    l.headers_of_8 = e.options.headers_of_8;
    return l;
  }
  std::uint64_t buffering(const BindEnvironment& e, std::uint64_t) const override {
    const CopyHeaderGeometry::Place place = copy_header_geometry(e).place;
    const std::uint64_t posted = place == CopyHeaderGeometry::Place::separate ? e.queue_size * (8 - e.options.headers_of_8) / 8 : e.queue_size;
    return std::min<std::uint64_t>(e.ring_size - 1, posted);
  }
  std::unique_ptr<RxPath> make_path(PathContext c) const override {
    if (c.user) return make_user_path(std::move(c), UserDesign::split);
    return std::make_unique<CopyHeaderPath>(std::move(c));
  }

 private:
  static std::optional<std::string> refuse_room(const BindEnvironment& e, const CopyHeaderGeometry& g) {
    if (!e.split_layout) return "placement: in-first-buffer needs the feature split_layout, which tells how much of the room is used";
    if (e.rx_mode == RxMode::big) return "the guest's big receive mode posts chains of pages, not buffers with a room";
    if (g.room > kPage / 2) return "room must be half a page or less";
    if (g.room < e.header_length + kLine) return "room must take the virtio header and the NIC's smallest header buffer of 64 bytes";
    if (e.split == SplitMode::always && g.room < e.header_length + e.header_buffer)
      return "room is smaller than the virtio header and the NIC's header buffer, all of which is copied in mode always";
    if (!g.fits && !e.used_offset)
      return "a frame of MTU " + std::to_string(e.mtu) + " takes several buffers, which needs used_offset because each has the room";
    return refuse_ring(e, g.of_frame, 1, 1, " buffers");
  }
};

}  // namespace

const Strategy& copy_header_strategy() {
  static const CopyHeader s;
  return s;
}

}  // namespace gd
