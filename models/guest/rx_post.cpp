// What the driver posts, and when.
#include <algorithm>

#include "models/base/error.h"
#include "models/guest/behaviour.h"
#include "models/guest/rx_queue.h"

namespace gd {

GuestRxQueue::GuestRxQueue(GuestContext& c, GuestBuffers& buffers)
    : c_(c), buffers_(buffers), layout_(vring::place(c.space, c.params.virtio.queue_size, guest_features(c.params))), ring_(layout_),
      l_(rx_layout(c.params, layout_.features, layout_.size)),
      budget_(c.params.napi_budget ? c.params.napi_budget : c.linux6() ? 64 : 128) {
  side_.by_head.resize(layout_.size);
  layout_.side = &side_;
  if (l_.descriptors > 1) vring::place_tables(c.space, layout_, l_.descriptors);
  ring_ = DriverRing(layout_);
  slots_ = ring_.slots_for(l_.descriptors);
  if (l_.chunk) buffers_.set_unit(GuestBuffers::kChunks, l_.chunk);
  if (l_.header_buffer) buffers_.set_unit(GuestBuffers::kHeaders, l_.header_buffer);
}

bool GuestRxQueue::headers_next() const {
  const unsigned need_h = l_.headers_target > headers_out_ ? l_.headers_target - headers_out_ : 0;
  const unsigned need_p = l_.pages_target > pages_out_ ? l_.pages_target - pages_out_ : 0;
  return static_cast<std::uint64_t>(need_h) * l_.pages_target >= static_cast<std::uint64_t>(need_p) * l_.headers_target;
}

// get_a_page(): the pool's last page, else a fresh one.
std::uint32_t GuestRxQueue::take_page(unsigned& fresh) {
  if (pool_ == kNil) {
    ++fresh;
    return buffers_.take(GuestBuffers::kPages);
  }
  const std::uint32_t b = pool_;
  pool_ = buffers_[b].next;
  buffers_[b].next = kNil;
  --pooled_;
  return b;
}

// give_pages(): a returned chain goes before what the pool holds.
void GuestRxQueue::give(std::uint32_t first, Time t) {
  std::uint32_t last = kNil, chain = kNil;
  for (std::uint32_t b = first, next; b != kNil; b = next) {
    next = buffers_[b].next;
    if (!l_.pools_pages() || buffers_[b].pool != GuestBuffers::kPages) {
      buffers_.put(b, t);
      continue;
    }
    buffers_[b].next = kNil;
    if (chain == kNil) chain = b;
    else buffers_[last].next = b;
    last = b;
    ++pooled_;
  }
  if (chain == kNil) return;
  buffers_[last].next = pool_;
  pool_ = chain;
}

// add_recvbuf_big(): the chain is built from its end.
std::uint32_t GuestRxQueue::take_chain(unsigned& fresh) {
  std::uint32_t first = kNil;
  const bool head = l_.mode == RxLayout::Mode::chain;
  for (unsigned i = 0; i < l_.pages + head; ++i) {
    const std::uint32_t b = i < l_.pages ? take_page(fresh) : buffers_.take(GuestBuffers::kHeaders);
    if (b == kNil) {
      give(first, 0);
      return kNil;
    }
    buffers_[b].next = first;
    first = b;
  }
  return first;
}

// The descriptors of a ring buffer.
unsigned GuestRxQueue::segments_of(std::uint32_t buffer, Segment* out) const {
  const GuestBuffer& g = buffers_[buffer];
  unsigned n = 0;
  switch (l_.mode) {
    case RxLayout::Mode::big:
      out[n++] = Segment{g.gpa, l_.header, true};
      out[n++] = Segment{g.gpa + l_.data_at, g.size - l_.data_at, true};
      break;
    case RxLayout::Mode::small_old:
      out[n++] = Segment{g.gpa, l_.header, true};
      out[n++] = Segment{g.gpa + l_.data_at, g.size - l_.data_at - l_.tail, true};
      break;
    case RxLayout::Mode::small:            // pieces of one buffer are one descriptor
      out[0] = Segment{g.gpa + l_.post_at, l_.chunk - l_.post_at - l_.tail, true};
      return 1;
    default: out[n++] = Segment{g.gpa + l_.post_at, g.size - l_.post_at - l_.tail, true};
  }
  for (std::uint32_t b = g.next; b != kNil; b = buffers_[b].next) out[n++] = Segment{buffers_[b].gpa, buffers_[b].size, true};
  return n;
}

// Posts one ring buffer; false when the ring is full or memory exhausted. `fresh`: pages or pieces allocated for it.
bool GuestRxQueue::post(RingView& v, Time t, unsigned& fresh) {
  fresh = 0;
  if (ring_.free_descriptors() < slots_) return false;
  if (c_.behaviour && !c_.behaviour->may_post(ring_.outstanding(), t)) return false;
  std::uint32_t b = kNil;
  const auto take = [&](GuestBuffers::Pool p) {
    ++fresh;
    return buffers_.take(p);
  };
  switch (l_.mode) {
    case RxLayout::Mode::small:
      ++fresh;
      b = buffers_.take_frag(l_.chunk, false);
      break;
    case RxLayout::Mode::mergeable:
      ++fresh;
      b = buffers_.take_frag(mergeable_length(), true);
      break;
    case RxLayout::Mode::mergeable_old: b = take_page(fresh); break;
    case RxLayout::Mode::small_old:
    case RxLayout::Mode::head:
    case RxLayout::Mode::room: b = take(GuestBuffers::kChunks); break;
    case RxLayout::Mode::pages: b = l_.chunk == kPage ? take_page(fresh) : take(GuestBuffers::kChunks); break;
    case RxLayout::Mode::header_pages: b = headers_next() ? take(GuestBuffers::kHeaders) : take_page(fresh); break;
    case RxLayout::Mode::big:
    case RxLayout::Mode::chain: b = take_chain(fresh); break;
  }
  if (b == kNil) {
    failed_ = true;
    ++c_.stats.refill_failures;
    return false;
  }
  failed_ = false;
  Segment segments[RxLayout::kMostDescriptors];
  const unsigned n = segments_of(b, segments);
  for (std::uint32_t i = b; i != kNil; i = buffers_[i].next, ++posted_) c_.ownership.move(buffers_[i].own, Owner::guest, Owner::posted, t, "guest posts");
  if (l_.mode == RxLayout::Mode::header_pages) ++(buffers_[b].pool == GuestBuffers::kHeaders ? headers_out_ : pages_out_);
  if (c_.behaviour) c_.behaviour->describe(segments, n, b);
  const int head = ring_.add(v, segments, n, b);
  if (c_.behaviour) c_.behaviour->posted(v, static_cast<std::uint16_t>(head), b);
  max_outstanding_ = std::max(max_outstanding_, ring_.outstanding());
  return true;
}

void GuestRxQueue::fill() {
  SpaceView v(c_.space);
  unsigned fresh = 0;
  while (post(v, 0, fresh)) {}
  ring_.publish(v);
  if (ring_.outstanding() == 0 && !c_.behaviour) throw UserError("guest " + c_.params.name + ": its memory does not hold one receive buffer");
  ring_.enable_callbacks(v);
}

void GuestRxQueue::restart(Step& s, bool again) {
  const bool packed = ring_.packed();
  const std::vector<std::uint8_t> zero(vring::desc_bytes(layout_.size), 0);
  c_.space.write(layout_.desc, zero.data(), zero.size());
  c_.space.write(layout_.avail, zero.data(), packed ? pvring::event_bytes : vring::avail_bytes(layout_.size));
  c_.space.write(layout_.used, zero.data(), packed ? pvring::event_bytes : vring::used_bytes(layout_.size));
  for (FrameChain& f : side_.by_head) c_.frames.dropped(f, Drop::guest_no_buffer, s.now());
  ring_ = DriverRing(layout_);
  headers_out_ = pages_out_ = 0;
  posted_ = 0;
  if (!c_.reset) return;
  s.at_end([](void* sink, std::uint64_t begin, Core&, Time now) {
    auto* device = static_cast<ResetSink*>(sink);
    begin ? device->begin(now) : device->reset(now);
  }, c_.reset, again);
}

// Frames under heads that the driver does not have out: the device gave one back twice.
void GuestRxQueue::sweep(Time t) {
  for (std::uint16_t head = 0; head < layout_.size; ++head)
    if (!side_.by_head[head].empty() && !ring_.is_outstanding(head)) c_.frames.dropped(side_.by_head[head], Drop::stack, t);
}

bool GuestRxQueue::wants_refill() const {
  if (c_.behaviour && c_.behaviour->eager()) return ring_.free_descriptors() >= slots_;
  // A kind that few packets use must not run dry behind one that many use.
  if (l_.mode == RxLayout::Mode::header_pages && (headers_out_ * 2 < l_.headers_target || pages_out_ * 2 < l_.pages_target)) return true;
  if (!l_.linux6) return ring_.outstanding() < max_outstanding_ / 2;   // virtnet_poll() of 2.6.35: vi->num < vi->max / 2
  return ring_.free_descriptors() > std::min<unsigned>(budget_, layout_.size) / 2;
}

bool GuestRxQueue::refill(Step& s, RingView& v) {
  unsigned fresh = 0;
  bool more = true;
  while (!s.over() && (more = post(v, s.now(), fresh))) {
    s.charge(c_.costs.refill);
    if (slots_ < l_.descriptors) s.charge(c_.costs.indirect_table);
    if (fresh) s.charge_times(c_.costs.page_alloc, fresh);
    ++c_.stats.refills;
  }
  ring_.publish(v);
  return more && ring_.free_descriptors() >= slots_;
}

}  // namespace gd
