// What the driver posts, and when.
#include <algorithm>
#include <string>

#include "models/base/error.h"
#include "models/guest/rx_queue.h"

namespace gd {
namespace {
constexpr std::uint32_t kGoodPacket = 14 + 4 + 1500;         // GOOD_PACKET_LEN
constexpr std::uint32_t kSharedInfo = 320;                   // SKB_DATA_ALIGN(sizeof(struct skb_shared_info)), x86-64
constexpr std::uint32_t kSkbPad = 64;                        // NET_SKB_PAD
constexpr unsigned kMaxFragsOld = 18;                        // MAX_SKB_FRAGS of 2.6.35 with 4 KiB pages
}  // namespace

std::uint64_t guest_features(const GuestParams& p) {
  using namespace feature;
  const bool linux6 = p.virtio.driver == GuestDriverRules::linux_6;
  std::uint64_t f = p.virtio.wanted | bit(kMac);
  if (linux6) f |= bit(kVersion1) | (p.virtio.event_idx ? bit(kEventIdx) : 0);
  if (p.virtio.checksum) f |= bit(kCsum) | bit(kGuestCsum);
  if (p.virtio.rx_mode == GuestRxMode::mergeable) f |= bit(kMergeRxBuffers);
  if (p.virtio.gso && p.virtio.checksum && p.virtio.rx_mode != GuestRxMode::small) f |= bit(kGuestTso4) | bit(kGuestTso6) | bit(kGuestEcn);
  return f & p.virtio.offered;
}

GuestRxQueue::GuestRxQueue(GuestContext& c, GuestBuffers& buffers)
    : c_(c), buffers_(buffers), layout_(vring::place(c.space, c.params.virtio.queue_size, guest_features(c.params))), ring_(layout_) {
  side_.by_head.resize(layout_.size);
  layout_.side = &side_;
  ring_ = DriverRing(layout_);
  choose();
}

void GuestRxQueue::choose() {
  const std::uint64_t f = layout_.features;
  const GuestParams& p = c_.params;
  const bool linux6 = c_.linux6();
  const GuestRxLayout& l = p.layout;
  const auto refuse = [&](const std::string& why) { throw UserError("guest " + p.name + ": receive buffers " + why); };
  mergeable_ = feature::has(f, feature::kMergeRxBuffers);
  used_offset_ = mergeable_ && feature::has(f, feature::kUsedOffset);
  header_ = layout_.header_length;
  budget_ = p.napi_budget ? p.napi_budget : linux6 ? 64 : 128;
  switch (l.kind) {
    case GuestRxLayout::Kind::head:
      if (l.buffer == 0 || l.buffer > kPage || l.headroom + l.tailroom + header_ + 60 > l.buffer)
        refuse("of " + std::to_string(l.buffer) + " B do not hold headroom, header, a frame and tailroom within a page");
      mode_ = Mode::head;
      post_at_ = static_cast<std::uint32_t>(l.headroom);
      tail_ = static_cast<std::uint32_t>(l.tailroom);
      data_at_ = post_at_ + header_;
      buffers_.set_unit(GuestBuffers::kChunks, static_cast<std::uint32_t>(l.buffer));
      return;
    case GuestRxLayout::Kind::pages:
      if (!mergeable_) refuse("of whole pieces of pages need mergeable buffers");
      if (l.buffer < header_ + 60 || l.buffer > kPage || kPage % l.buffer != 0)
        refuse("of " + std::to_string(l.buffer) + " B are no whole part of a page that holds a frame's header");
      mode_ = Mode::pages;
      data_at_ = header_;
      buffers_.set_unit(GuestBuffers::kChunks, static_cast<std::uint32_t>(l.buffer));
      return;
    case GuestRxLayout::Kind::room:
      if (!feature::has(f, feature::kSplitLayout)) refuse("with a room need split_layout, which tells how much of it is used");
      if (l.buffer > kPage || l.room < header_ + 14 || l.room + 60 > l.buffer)
        refuse("of " + std::to_string(l.buffer) + " B with a room of " + std::to_string(l.room) + " B do not hold a frame within a page");
      mode_ = Mode::room;
      data_at_ = header_;
      room_ = static_cast<std::uint32_t>(l.room);
      buffers_.set_unit(GuestBuffers::kChunks, static_cast<std::uint32_t>(l.buffer));
      return;
    case GuestRxLayout::Kind::header_pages:
      if (!mergeable_) {
        if (!feature::has(f, feature::kSplitLayout)) refuse("told apart by size need mergeable buffers, and as chains split_layout");
        if (l.header_buffer < header_ + 64 || l.header_buffer >= kPage) refuse("as chains need headers of 76..4095 B");
        mode_ = Mode::chain;
        data_at_ = header_;
        big_pages_ = linux6 ? kMaxFrags : kMaxFragsOld;   // each a fragment
        per_entry_ = big_pages_ + 1;
        if (per_entry_ > layout_.size) refuse("of " + std::to_string(per_entry_) + " descriptors do not fit the ring");
        buffers_.set_unit(GuestBuffers::kHeaders, static_cast<std::uint32_t>(l.header_buffer));
        return;
      }
      if (l.header_buffer < header_ + 64 || l.header_buffer >= kPage || l.headers_of_8 < 1 || l.headers_of_8 > 7 || layout_.size < 8)
        refuse("told apart by size need headers of 76..4095 B, 1 to 7 of 8 buffers, and a ring of 8 or more");
      mode_ = Mode::header_pages;
      data_at_ = header_;
      buffers_.set_unit(GuestBuffers::kHeaders, static_cast<std::uint32_t>(l.header_buffer));
      headers_target_ = layout_.size * l.headers_of_8 / 8;
      pages_target_ = layout_.size - headers_target_;
      return;
    case GuestRxLayout::Kind::driver: break;
  }
  if (mergeable_) {
    mode_ = linux6 ? Mode::mergeable : Mode::mergeable_old;
    data_at_ = header_;
    if (p.virtio.mergeable_buffer > kPage || (p.virtio.mergeable_buffer && p.virtio.mergeable_buffer < header_ + 64))
      refuse("of " + std::to_string(p.virtio.mergeable_buffer) + " B: mergeable ones have 76..4096 B");
  } else if (feature::guest_gso(f) || (linux6 && p.mtu > 1500)) {
    mode_ = Mode::big;
    const unsigned beyond = !linux6 ? kMaxFragsOld : feature::guest_gso(f) ? kMaxFrags : static_cast<std::uint32_t>(ceil_div(p.mtu, kPage));
    big_pages_ = beyond + 1;
    per_entry_ = beyond + 2;
    data_at_ = linux6 ? 32 : 16;
    if (per_entry_ > layout_.size) refuse("of " + std::to_string(per_entry_) + " descriptors do not fit the ring");
  } else if (linux6) {
    mode_ = Mode::small;
    post_at_ = kSkbPad;
    data_at_ = post_at_ + header_;
    const std::uint32_t unit = static_cast<std::uint32_t>(align_up(kSkbPad + header_ + kGoodPacket, kLine)) + kSharedInfo;
    tail_ = unit - post_at_ - header_ - kGoodPacket;
    buffers_.set_unit(GuestBuffers::kChunks, unit);
  } else {
    mode_ = Mode::small_old;
    per_entry_ = 2;
    data_at_ = kSkbPad + 2;              // NET_IP_ALIGN 2
    buffers_.set_unit(GuestBuffers::kChunks, 2048);
  }
}

std::uint32_t GuestRxQueue::mergeable_length() const {
  if (c_.params.virtio.mergeable_buffer) return static_cast<std::uint32_t>(c_.params.virtio.mergeable_buffer);
  // get_mergeable_buf_len() and mergeable_min_buf_len(): the average of packet lengths within bounds, whole lines.
  const std::uint32_t packet = feature::guest_gso(layout_.features) ? 65535 : c_.params.mtu;
  const std::uint32_t share = static_cast<std::uint32_t>(ceil_div(header_ + 14 + 4 + packet, layout_.size));
  const std::uint32_t most = static_cast<std::uint32_t>(kPage) - header_;
  const std::uint32_t least = std::min(most, std::max(std::max(share, header_) - header_, kGoodPacket));
  return static_cast<std::uint32_t>(align_up(header_ + std::clamp(average_, least, most), kLine));
}

bool GuestRxQueue::headers_next() const {
  const unsigned need_h = headers_target_ > headers_out_ ? headers_target_ - headers_out_ : 0;
  const unsigned need_p = pages_target_ > pages_out_ ? pages_target_ - pages_out_ : 0;
  return static_cast<std::uint64_t>(need_h) * pages_target_ >= static_cast<std::uint64_t>(need_p) * headers_target_;
}

std::uint32_t GuestRxQueue::post_big(Segment* segments, unsigned& n) {
  std::uint32_t first = kNil;
  for (unsigned i = 0; i < big_pages_; ++i) {
    const std::uint32_t b = buffers_.take(GuestBuffers::kPages);
    if (b == kNil) {
      buffers_.put_list(first, 0);
      return kNil;
    }
    buffers_[b].next = first;
    first = b;
  }
  n = 0;
  segments[n++] = Segment{buffers_[first].gpa, header_, true};
  segments[n++] = Segment{buffers_[first].gpa + data_at_, static_cast<std::uint32_t>(kPage) - data_at_, true};
  for (std::uint32_t b = buffers_[first].next; b != kNil; b = buffers_[b].next)
    segments[n++] = Segment{buffers_[b].gpa, static_cast<std::uint32_t>(kPage), true};
  return first;
}

// A header buffer and pages.
std::uint32_t GuestRxQueue::post_chain(Segment* segments, unsigned& n) {
  std::uint32_t first = kNil;
  for (unsigned i = 0; i <= big_pages_; ++i) {
    const std::uint32_t b = buffers_.take(i < big_pages_ ? GuestBuffers::kPages : GuestBuffers::kHeaders);
    if (b == kNil) {
      buffers_.put_list(first, 0);
      return kNil;
    }
    buffers_[b].next = first;
    first = b;
  }
  n = 0;
  for (std::uint32_t b = first; b != kNil; b = buffers_[b].next) segments[n++] = Segment{buffers_[b].gpa, buffers_[b].size, true};
  return first;
}

// Posts one ring buffer; false when the ring is full or memory exhausted. `pages`: pages allocated for it.
bool GuestRxQueue::post(RingView& v, Time t, unsigned& pages) {
  if (ring_.free_descriptors() < per_entry_) return false;
  Segment segments[kMaxFragsOld + 2];
  unsigned n = 1;
  std::uint32_t b = kNil;
  pages = 1;
  switch (mode_) {
    case Mode::small:
    case Mode::small_old:
    case Mode::pages:
    case Mode::room:
    case Mode::head: b = buffers_.take(GuestBuffers::kChunks); break;
    case Mode::mergeable_old: b = buffers_.take(GuestBuffers::kPages); break;
    case Mode::mergeable: b = buffers_.take_frag(mergeable_length(), t); break;
    case Mode::header_pages: b = buffers_.take(headers_next() ? GuestBuffers::kHeaders : GuestBuffers::kPages); break;
    case Mode::big:
      b = post_big(segments, n);
      pages = big_pages_;
      break;
    case Mode::chain:
      b = post_chain(segments, n);
      pages = per_entry_;
      break;
  }
  if (b == kNil) {
    failed_ = true;
    ++c_.stats.refill_failures;
    return false;
  }
  failed_ = false;
  const GuestBuffer& g = buffers_[b];
  if (mode_ == Mode::small_old) {
    segments[0] = Segment{g.gpa, header_, true};
    segments[1] = Segment{g.gpa + data_at_, kGoodPacket, true};
    n = 2;
  } else if (mode_ != Mode::big && mode_ != Mode::chain) {
    segments[0] = Segment{g.gpa + post_at_, g.size - post_at_ - tail_, true};
  }
  for (std::uint32_t i = b; i != kNil; i = buffers_[i].next, ++posted_) c_.ownership.move(buffers_[i].own, Owner::guest, Owner::posted, t, "guest posts");
  if (mode_ == Mode::header_pages) ++(g.pool == GuestBuffers::kHeaders ? headers_out_ : pages_out_);
  ring_.add(v, segments, n, b);
  max_outstanding_ = std::max(max_outstanding_, ring_.outstanding());
  return true;
}

void GuestRxQueue::fill() {
  SpaceView v(c_.space);
  unsigned pages = 0;
  while (post(v, 0, pages)) {}
  ring_.publish(v);
  if (ring_.outstanding() == 0) throw UserError("guest " + c_.params.name + ": its memory does not hold one receive buffer");
  ring_.enable_callbacks(v);
}

bool GuestRxQueue::wants_refill() const {
  if (!c_.linux6()) return ring_.outstanding() < max_outstanding_ / 2;
  if (ring_.free_descriptors() > std::min<unsigned>(budget_, layout_.size) / 2) return true;
  // A kind that few packets use must not run dry behind one that many use.
  return mode_ == Mode::header_pages && (headers_out_ * 2 < headers_target_ || pages_out_ * 2 < pages_target_);
}

bool GuestRxQueue::refill(Step& s, RingView& v) {
  unsigned pages = 0;
  bool more = true;
  while (!s.over() && (more = post(v, s.now(), pages))) {
    s.charge(c_.costs.refill);
    s.charge_times(c_.costs.page_alloc, pages);
    ++c_.stats.refills;
  }
  ring_.publish(v);
  return more && ring_.free_descriptors() >= per_entry_;
}

}  // namespace gd
