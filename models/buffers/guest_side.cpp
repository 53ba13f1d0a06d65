#include "models/buffers/guest_side.h"

#include "models/base/error.h"

namespace gd {

void PathTimer::act(Time now) {
  if (inject_at_ <= now) {
    inject_at_ = kNever;
    ++injected_;
    guest_.interrupts().interrupt(vector_, now);
  }
  retry_.act(now);
  feed_.act(now);
  if (const Time next = std::min({inject_at_, retry_.at, feed_.at}); next != kNever) wake_at(next);
}

GuestSide::GuestSide(PathContext& c)
    : c_(c), space_(c.guest->space()), guest_(c.guest->index()), ring_(c.guest->rx(), space_.size()), log_(c.env.dirty_log, c.costs),
      timer_(c.agenda, c.interrupt_rank, *c.guest, 0, c.injection_latency), head_(c.costs.get("vhost.head")),
      header_(c.costs.get("vhost.header")), used_(c.costs.get("vhost.used")), publish_(c.costs.get("vhost.publish")),
      signal_(c.costs.get("vhost.signal")),
      offsets_(feature::has(c.guest->rx().features, feature::kMergeRxBuffers) && feature::has(c.guest->rx().features, feature::kUsedOffset)) {
  if (c.env.defences.validate) checks_.push_back(c.costs.get("defence.validate"));
  else ring_.trust_segments();
  if (c.env.defences.read_once) checks_.push_back(c.costs.get("defence.read_once"));
}

bool GuestSide::mapped(const Segment* g, unsigned n) const {
  const Bytes end = space_.reachable();
  return std::all_of(g, g + n, [&](const Segment& x) { return x.gpa < end && x.len <= end - x.gpa; });
}

Segment GuestSide::again(Step& s, const Segment& taken) {
  CpuView v(s, space(), head_.op);
  vring::Desc d;
  v.read(taken.desc, &d, sizeof d);      // address and length stand at the same places in both formats
  Segment g = taken;
  g.gpa = d.addr;
  g.len = d.len;
  return g.len && mapped(&g, 1) ? g : taken;
}

bool GuestSide::take(Step& s, Segment* out, unsigned room, DeviceRing::Taken& t) {
  CpuView v(s, space(), head_.op);
  while (ring_.take(v, out, room, t)) {
    s.charge(head_, t.segments);
    for (const Cost& check : checks_) s.charge(check, t.segments);
    // A ring that does not trust has seen that its segments are the guest's memory.
    if (t.error == RingError::none && (c_.env.defences.validate || mapped(out, t.segments)) && t.readable == 0 && t.writable > 0) return true;
    refuse(s, t.head, out, t.segments);
    ++skipped_;
  }
  return false;
}

void GuestSide::refuse(Step& s, std::uint16_t head, const Segment* segments, unsigned n) {
  for (unsigned i = 0; i < n; ++i)
    for_each_piece(segments[i], [&](BufferId b) {
      if (c_.ownership.owner(b) == Owner::posted) c_.ownership.move(b, Owner::posted, Owner::guest, s.now(), "returned unused");
    });
  push(s, head, 0);
}

void GuestSide::reset() {
  ring_.reset();
  undecided_ = false;
}

void GuestSide::stale(std::uint16_t head) {
  if (stale_.empty()) stale_.resize(ring_.layout().size);
  stales_ += !stale_[head];
  stale_[head] = true;
}

void GuestSide::used(Step& s, std::uint16_t head, std::uint32_t length, std::uint32_t offset) {
  require(offset == 0 || (offsets_ && offset < 65536), "a used entry carries an offset that the guest cannot read");
  require(!offsets_ || length < 65536, "a used entry's length has no room beside its offset");
  if (stales_ && stale_[head]) {   // of a ring that is no more
    stale_[head] = false;
    --stales_;
    return;
  }
  push(s, head, length | offset << 16);
}

void GuestSide::push(Step& s, std::uint16_t head, std::uint32_t len) {
  CpuView v(s, space(), used_.op);
  if (ring_.in_order()) {
    hol_sum_ += static_cast<Time>(ring_.waiting_for_order()) * (s.now() - hol_since_);
    hol_since_ = s.now();
    ++hol_buffers_;
  }
  ring_.push(v, head, len);
  charge_entries(s);
}

void GuestSide::charge_entries(Step& s) {
  for (; charged_ != ring_.entries(); ++charged_) s.charge(used_);
}

void GuestSide::carry(std::uint16_t head, FrameChain& frames) {
  if (stales_ && stale_[head]) return c_.frames.dropped(frames, Drop::guest_no_buffer, c_.agenda.now());
  FrameChain& side = ring_.layout().side->by_head[head];
  c_.frames.join(side, frames);
}

namespace {

// VIRTIO_NET_HASH_REPORT of a descriptor's RSS type.
std::uint16_t hash_report(std::uint8_t rss_type) {
  switch (rss_type) {
    case RxDescriptor::kRssIp4: return 1;
    case RxDescriptor::kRssTcp4: return 2;
    case RxDescriptor::kRssUdp4: return 3;
    case RxDescriptor::kRssIp6: return 4;
    case RxDescriptor::kRssTcp6: return 5;
    case RxDescriptor::kRssUdp6: return 6;
    default: return 0;
  }
}

}  // namespace

VirtioNetHdr GuestSide::header_for(const Skb& skb, unsigned buffers) const {
  if (skb.head.length && !skb.snapshot) c_.ownership.acts_on(c_.phys.at(skb.head.addr), skb.head.addr);
  VirtioNetHdr h;
  // Neither flag without GUEST_CSUM: the sum was completed before, or the guest makes its own.
  if (feature::has(ring_.layout().features, feature::kGuestCsum)) {
    if (skb.checksum == Checksum::partial) {
      h.flags = VirtioNetHdr::kNeedsCsum;
      h.csum_start = skb.csum_start;
      h.csum_offset = skb.csum_offset;
    } else if (skb.checksum == Checksum::unnecessary) {
      h.flags = VirtioNetHdr::kDataValid;
    }
  }
  h.hash_report = hash_report(skb.hash_type);
  if (h.hash_report) h.hash_value = skb.hash;
  if (skb.gso_type) {
    h.gso_type = skb.gso_type;
    h.gso_size = skb.gso_size;
    h.hdr_len = skb.header_length;
  }
  h.num_buffers = static_cast<std::uint16_t>(buffers);
  return h;
}

void GuestSide::write_header(Step& s, Hpa at, const VirtioNetHdr& h) {
  s.charge(header_);
  s.store(header_.op, at, header_length());
  c_.ownership.wrote_for(guest_, at, header_length());
  c_.ownership.cpu_write(at, header_length());
  std::memcpy(c_.phys.at(at), &h, header_length());
}

void GuestSide::publish(Step& s) {
  if (ring_.unpublished() == 0) return;
  CpuView v(s, space(), publish_.op);
  s.charge(publish_);
  log_.publish(s, ring_, v);
  charge_entries(s);
  undecided_ = true;
}

void GuestSide::settle(Step& s) {
  if (!undecided_) return;
  undecided_ = false;
  CpuView v(s, space(), signal_.op);
  if (!ring_.signal_needed(v)) return;
  s.charge(signal_);
  s.at_end([](void* self, std::uint64_t, Core& core, Time now) { static_cast<PathTimer*>(self)->inject(core, now); }, &timer_, 0);
}

std::uint64_t GuestSide::offered(Step& s, OpId op) {
  CpuView v(s, space(), op);
  const auto waiting = static_cast<std::uint16_t>(ring_.available(v));
  return static_cast<std::uint16_t>(ring_.next_avail() + waiting);
}

void GuestSide::attend(Step& s) {
  CpuView v(s, space(), head_.op);
  log_.notify(s, ring_, v, false);
}

bool GuestSide::ask_for_kick(Step& s) {
  CpuView v(s, space(), head_.op);
  log_.notify(s, ring_, v, true);
  return true;
}

bool GuestSide::recheck(Step& s) {
  CpuView v(s, space(), head_.op);
  const bool more = ring_.recheck(v);
  if (more) log_.notify(s, ring_, v, false);
  return more;
}

}  // namespace gd
