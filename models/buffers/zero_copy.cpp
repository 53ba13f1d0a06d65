#include "models/buffers/zero_copy.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "models/base/error.h"

namespace gd {

std::optional<std::string> refuse_zero_copy(const BindEnvironment& e) {
  if (e.consumer != Consumer::guest) return "serves the consumers guest and user-async only";
  if (e.in_order && e.options.in_order == InOrder::refuse)
    return "used entries come in completion order; VIRTIO_F_IN_ORDER was negotiated";
  if (e.in_order && e.host_copies)
    return "VIRTIO_F_IN_ORDER was negotiated: a buffer that is kept for copies (" + std::string(e.copied_work) + ") would hold up those behind it";
  if (e.pin == PinPolicy::whole_guest && e.guest_memory > e.memlock_limit)
    return "host.pin is whole-guest and host.memlock_limit is smaller than the guest's memory";
  if (e.memlock_limit < kPage) return "host.memlock_limit does not allow one pinned page";
  if (e.softirq_publish) {
    if (e.dirty_log) return "each page of the log is pinned to be marked, which may sleep: not from softirq (vhost.publish, host.dirty_log)";
    std::string what;
    if (e.shared_queue) what = "defences.shared_queue";
    else if (e.host_copies) what = e.copied_work;
    else if (e.at_limit == AtLimit::copy) what = "host.at_memlock_limit";
    else if (e.options.unfit_buffers == UnfitBuffers::copy) what = "unfit_buffers";
    else if (e.defences.depleted == Depleted::copy) what = "defences.depleted";
    if (!what.empty()) return what.append(" copies into the guest's memory, which may fault and sleep: not from softirq (vhost.publish)");
    if (e.header_apart || e.rx_mode == RxMode::big)
      return "the virtio header goes to a descriptor of its own, which is not pinned: not from softirq (vhost.publish)";
  }
  return std::nullopt;
}

std::optional<std::string> refuse_ring(const BindEnvironment& e, Bytes buffers, std::uint32_t part, std::uint32_t whole, const char* what) {
  const std::uint32_t posted = e.queue_size * part / whole, quota = e.defences.buffer_quota * part / whole;
  Bytes kept = posted - posted / 2;
  if (e.defences.buffer_quota) kept = std::min<Bytes>(kept, std::max(1u, quota));
  if (e.shared_queue || buffers <= kept) return std::nullopt;
  return "a frame of MTU " + std::to_string(e.mtu) + " takes up to " + std::to_string(buffers) + what + "; a guest with " +
         std::to_string(e.queue_size) + " ring entries keeps no more than " + std::to_string(kept) + " posted (virtio.queue_size, defences.buffer_quota)";
}

ZeroCopyPath::ZeroCopyPath(PathContext c)
    : c_(std::move(c)), side_(c_), posted_(c_, side_, stats_), out_(c_, side_, posted_, stats_), packet_(c_.costs.get("zerocopy.packet")),
      destructor_(c_.costs.get(c_.env.options.destructor == Destructor::skb           ? "destructor.skb"
                               : c_.env.options.destructor == Destructor::shared_info ? "destructor.shared_info"
                                                                                      : "destructor.page_hash")),
      slots_(c_.env.ring_size, kNoToken), reserve_(std::bit_ceil(c_.guest->rx().size + 1u)) {
  if (c_.env.shared_queue) posted_.copy_all();
  share_reserve(1, 1, 1);
}

// A copy that waits at the head of the tap's queue holds up the deliveries that make the guest refill: drivers do that when more than
// half of their ring, or 32 buffers, are free at the latest. So does a card that has no more than half. What a quota or a limit of
// pinned pages leaves is shared likewise; copies need no pinned pages where buffers beyond the limit are taken for them.
void ZeroCopyPath::share_reserve(std::uint32_t part, std::uint32_t whole, std::uint32_t of_frame) {
  of_frame_ = of_frame;
  const BindEnvironment& e = c_.env;
  std::uint64_t held = e.ring_buffers ? e.ring_buffers : c_.guest->rx().size;
  if (e.defences.buffer_quota) held = std::min<std::uint64_t>(held, e.defences.buffer_quota);
  const std::uint64_t pinned = std::min({held, e.memlock_limit / kPage, e.defences.pin_quota / kPage});
  const auto below_half = [&](std::uint64_t n) {
    n = n * part / whole;
    const std::uint64_t half = n > 2 ? (n - 1) / 2 : n / 2;
    return static_cast<std::uint32_t>(half >= of_frame ? half - (of_frame - 1) : std::min<std::uint64_t>(half, 1));
  };
  reserve_wanted_ = reserve_always_ = e.host_copies ? below_half(pinned) : 0;
  reserve_most_ = std::max(1u, e.shared_queue ? static_cast<std::uint32_t>(held / 2) : below_half(e.at_limit == AtLimit::copy ? held : pinned));
}

bool ZeroCopyPath::ask_for_kick(Step& s, bool starved) {
  if (const Time t = posted_.stall_ends(s.now()); t != kNever && worker_) side_.timer().retry(*worker_, t);
  if (!starved && !low()) return false;
  return side_.ask_for_kick(s);
}

std::string ZeroCopyPath::blocked() const {
  const char* limit = posted_.stalled_at();
  if (!limit || posted_.queued() || in_ring_ > pages_in_ring_) return "";
  return std::string("posting stands still at ").append(limit).append(pinned_together());
}

const PathStats& ZeroCopyPath::stats() const {
  auto& st = const_cast<PathStats&>(stats_);
  st.guest_errors = side_.guest_errors();
  st.logged_pages = side_.logged_pages();
  st.hol_sum = side_.hol_sum();
  st.hol_buffers = side_.hol_buffers();
  return st;
}

void ZeroCopyPath::feed(Step& s) {
  if (!starved_) return;
  starved_ = false;
  if (c_.softirq) s.wake(*c_.softirq);
}

std::uint32_t ZeroCopyPath::uncovered() const {
  if (c_.env.defences.depleted != Depleted::copy || !bounce_ || !bounce_->out()) return 0;
  const std::uint32_t needed = bounce_->out() + of_frame_ - 1;
  return needed - std::min(needed, reserved());
}

void ZeroCopyPath::queue(Step& s, std::uint32_t token) {
  if (posted_[token].cpu_only || reserved() < reserve_wanted_) reserve_[reserve_tail_++ & (reserve_.size() - 1)] = token;
  else posted_.queue(token, s.now());
  feed(s);
}

// A frame that cannot go to the guest's memory: for a copy there must be a waiting buffer for each page.
bool ZeroCopyPath::wants_page() const {
  return posted_.refuses() || reserved() > reserve_wanted_ + (bounce_ ? bounce_->out() : 0);
}

std::uint32_t ZeroCopyPath::next_for(Step& s, std::uint32_t slot, Asked asked) {
  if (door_ != Door::open) {
    starved_ = true;
    return kNoToken;
  }
  if (posted_.empty()) release_reserve();
  std::uint32_t token = posted_.next(asked.at);
  if (token == kNoToken) {
    if (!asked.fresh) return kNoToken;   // asked again in a new step
    if (wants_page()) {
      token = page(s);
    } else if (depleted()) {
      token = page(s);
      ++stats_.reserve_pages;
      if (bounce_->out() == c_.env.defences.host_reserve) ++stats_.reserve_empty;
    } else {
      if (posted_.empty()) starved_ = true;
      else if (c_.softirq) side_.timer().feed(*c_.softirq, posted_.last_at());   // on their way
      return kNoToken;
    }
  }
  ++in_ring_;
  if (Bounce::is(token)) ++pages_in_ring_;
  return slots_[slot] = token;
}

std::uint32_t ZeroCopyPath::page(Step& s) {
  if (!bounce_) {
    RxQueueConfig q;
    shape(q);
    bounce_ = std::make_unique<Bounce>(c_, std::bit_ceil(std::max(q.packet_buffer, q.header_buffer)));
  }
  return bounce_->post(s);
}

bool ZeroCopyPath::depleted() const {
  return c_.env.defences.depleted == Depleted::copy && in_ring_ - pages_in_ring_ < kFewBuffers &&
         (!bounce_ || bounce_->out() < c_.env.defences.host_reserve);
}

// Buffers that were kept for the copies of a depleted time are the driver's when no page waits for one.
void ZeroCopyPath::release_reserve() {
  if (c_.env.defences.depleted != Depleted::copy || !bounce_ || bounce_->out()) return;
  reserve_wanted_ = reserve_always_;
  while (reserved() > reserve_always_ && !posted_[reserve_[reserve_head_ & (reserve_.size() - 1)]].cpu_only)
    posted_.queue(reserve_[reserve_head_++ & (reserve_.size() - 1)], 0);
}

void ZeroCopyPath::left_ring(std::uint32_t token) {
  --in_ring_;
  if (Bounce::is(token)) --pages_in_ring_;
}

std::uint32_t ZeroCopyPath::taken_from(std::uint32_t slot) {
  left_ring(slots_[slot]);
  stats_.fill_sum += free_buffers();
  ++stats_.fill_samples;
  if (free_buffers() < stats_.min_free) stats_.min_free = free_buffers();
  return slots_[slot];
}

Owner ZeroCopyPath::at_device(std::uint32_t token, bool written) const {
  if (Bounce::is(token)) return written ? Owner::in_flight : Owner::posted;
  const BufferId b = posted_[token].id;
  return written || (b != kNoBuffer && c_.ownership.owner(b) == Owner::in_flight) ? Owner::in_flight : Owner::posted;
}

void ZeroCopyPath::own(Step& s, std::uint32_t token, Owner from, Owner to, const char* where) {
  posted_.move(token, from, to, s.now(), where);
}

void ZeroCopyPath::received(Step& s, std::uint32_t token, Owner before, const char* where) {
  if (Bounce::is(token)) return bounce_->take(s, token, before == Owner::in_flight);
  posted_.unmap(s, token);
  own(s, token, before, Owner::skb, where);
}

void ZeroCopyPath::recycle(Step& s, std::uint32_t token, Owner from) {
  if (Bounce::is(token)) {
    if (from != Owner::skb) bounce_->take(s, token, from == Owner::in_flight);
    return bounce_->free(s, token);
  }
  own(s, token, from, Owner::posted, "recycled");
  if (posted_[token].cpu_only) reserve_[--reserve_head_ & (reserve_.size() - 1)] = token;
  else if (from == Owner::skb && reserved() < reserve_wanted_) reserve_[reserve_tail_++ & (reserve_.size() - 1)] = token;   // for the copy that ends its packet
  else posted_.queue_front(token, s.now());
}

bool ZeroCopyPath::any_host_page(const Skb& skb) {
  for (const Skb* m = &skb; m; m = m == &skb ? skb.list : m->next) {
    if (Bounce::is(m->head.token)) return true;
    for (unsigned i = 0; i < m->nr_frags; ++i)
      if (Bounce::is(m->frags[i].token)) return true;
  }
  return false;
}

bool ZeroCopyPath::refused(Step& s, Skb* skb) {
  skb->host_pages = in_host_pages(*skb);
  if (c_.env.at_limit != AtLimit::refuse || reserved() > reserve_wanted_ || !skb->host_pages) return false;
  c_.frames.dropped(skb->frames, Drop::memlock, s.now());
  release(s, skb);
  return true;
}

void ZeroCopyPath::destruct(Step& s, const Skb& skb, unsigned buffers) {
  if (c_.env.options.destructor == Destructor::page_hash) return s.charge_times(destructor_, buffers);
  s.charge(destructor_);
  if (c_.env.options.destructor == Destructor::shared_info) s.load(destructor_.op, skb.slab_addr + Skb::kSlab - kLine, kLine);
}

void ZeroCopyPath::put_all(Step& s, Skb* skb) {
  unsigned buffers = 0;
  const bool forgotten = hazard(Hazard::forgotten_destructor);
  for_each_frag(*skb, [&](Frag& f) {
    if (f.token == kNoToken || forgotten) return;
    recycle(s, f.token, Owner::skb);
    ++buffers;
  });
  if (!forgotten) destruct(s, *skb, buffers);
  if (buffers) feed(s);
  c_.skbs.free(s, skb);
}

// Every buffer of the packet goes to the guest unused; a page of the host is the driver's again.
Progress ZeroCopyPath::give_back(Step& s, Skb* skb) {
  unsigned buffers = 0;
  const auto give = [&](std::uint32_t token) {
    if (token == kNoToken) return;
    if (Bounce::is(token)) return recycle(s, token, Owner::skb);
    posted_.give(s, token, 0, Owner::skb);
    ++buffers;
  };
  for (Skb* m = skb; m; m = m == skb ? skb->list : m->next)
    for (std::uint32_t t = std::exchange(m->kept, kNoToken), next; t != kNoToken; t = next) {
      next = next_kept(t);
      give(t);
    }
  for_each_frag(*skb, [&](Frag& f) { give(f.token); });
  stats_.returned_unused += buffers;
  destruct(s, *skb, buffers);
  c_.skbs.free(s, skb);
  return Progress::done;
}

// From where the NIC began to write to the end of each run: headers that were pulled or skipped are among them.
template <class F>
void ZeroCopyPath::each_written(Skb& skb, F each) {
  bool goes_on = false;                    // the buffer before goes on behind a border, in a run without a token
  for (Skb* m = &skb; m; m = m == &skb ? skb.list : m->next)
    for (std::uint32_t t = m->kept; t != kNoToken; t = next_kept(t)) {
      each(written_from(t), kept_bytes(t));
      goes_on = m == &skb && posted_[t].split;
    }
  for_each_frag(skb, [&](Frag& f) {
    if (f.token == kNoToken && goes_on && f.addr != skb.head.addr) each(f.addr, f.length);
    if (f.token == kNoToken || Bounce::is(f.token)) return;
    goes_on = posted_[f.token].split;
    const Hpa from = written_from(f.token);
    each(from, f.addr + f.length - from);
  });
}

void ZeroCopyPath::scrub(Step& s, Skb& skb, const Cost& cost) {
  each_written(skb, [&](Hpa from, Bytes n) {
    std::memset(c_.phys.at(from), 0, n);
    s.charge(cost, n);
    s.stream_store(cost.op, from, n);
  });
}

void ZeroCopyPath::not_for_guest(const Skb& skb) {
  each_written(const_cast<Skb&>(skb), [&](Hpa from, Bytes) { c_.ownership.not_for_its_guest(from); });
}

void ZeroCopyPath::reset(Time) {
  renewed_ = door_ != Door::open;
  most_ = 0;
  side_.reset();
  for (std::uint16_t head = 0; head < c_.guest->rx().size; ++head)
    if (posted_[head].outstanding) side_.stale(head);
}

std::uint32_t ZeroCopyPath::spare(Step& s) {
  const std::uint32_t token = reserved() ? reserve_[reserve_head_++ & (reserve_.size() - 1)] : posted_.next();
  own(s, token, Owner::posted, Owner::skb, "guest buffer for a copy");
  return token;
}

void ZeroCopyPath::unwind(Step& s, std::uint32_t token) {
  own(s, token, Owner::skb, Owner::posted, "too few buffers for a copy");
  reserve_[--reserve_head_ & (reserve_.size() - 1)] = token;
}

// One buffer holds what its posted range can: the virtio header before a packet's first byte, nothing before further ones.
void ZeroCopyPath::places(std::uint32_t token, std::uint32_t index, std::uint32_t) {
  const PostedBuffer& b = posted_[token];
  const std::uint32_t room = index ? 0 : b.room;
  out_.add({b.gpa + room, b.length - room, token, index ? 0 : side_.header_length(), true});
}

// The copy waits until the guest has posted `wanted` more buffers than it could keep so far.
Progress ZeroCopyPath::no_spare(std::uint32_t wanted) {
  reserve_wanted_ = std::max(reserve_wanted_, std::min(wanted, reserve_most_));
  return Progress::no_buffers;
}

Progress ZeroCopyPath::deliver_copy(Step& s, Skb* skb) {
  if (!out_.busy()) {
    if (!ready_for_copy()) return no_spare(1);
    const std::uint32_t had = spares(), headers = header_bytes(*skb), first = first_for_copy(s);
    out_.begin(*skb);
    std::uint32_t n = 0;
    places(first, n++, headers);
    while (out_.room() < skb->length && c_.env.mergeable && spares() > 0 && n < c_.env.packet_buffers) places(spare(s), n++, headers);
    if (out_.room() < skb->length) {
      // What copies may keep from the driver may not suffice; one buffer is all that a guest without merging gives.
      const bool never = !c_.env.mergeable || n >= c_.env.packet_buffers || had - spares() >= reserve_most_;
      while (--n > 0) unwind(s, out_.drop_last());
      unwind_first(s, first);
      out_.cancel();
      if (!never) return no_spare(static_cast<std::uint32_t>(skb->length / kShortest) + 1);
      c_.frames.dropped(skb->frames, Drop::oversize, s.now());
      skb->path->release(s, skb);
      return Progress::done;
    }
    s.charge(packet_);
    require(!skb->snapshot, "a packet is copied whose headers the host holds apart");
    if (skb->path == this) stats_.copied_no_buffer += skb->frames.count;
    else if (c_.env.shared_queue) stats_.copied_shared += skb->frames.count;
    VirtioNetHdr h = side_.header_for(*skb, n);
    const Hpa at = header_place(first, headers, h);
    out_.header(s, at, posted_[first].head, h);
  }
  if (!out_.run(s)) return Progress::more;
  skb->path->release(s, skb);
  return Progress::done;
}

}  // namespace gd
