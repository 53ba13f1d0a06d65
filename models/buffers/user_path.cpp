#include "models/buffers/user_path.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "models/base/error.h"
#include "models/buffers/bounce.h"
#include "models/buffers/received.h"
#include "models/packet/parse.h"

namespace gd {
namespace {

Bytes unit_of(const BindEnvironment& e) { return e.buffer_size_per_descriptor ? kLine : 1024; }   // SRRCTL.BSIZEPACKET counts 1 KiB

class UserPath final : public RxPath {
 public:
  UserPath(PathContext c, UserDesign design)
      : c_(std::move(c)), pages_(*c_.user), design_(design), pull_(c_.costs.get("header.pull")), snapshot_(c_.costs.get("defence.snapshot")),
        nic_header_(std::min<Bytes>(c_.env.header_buffer, Skb::kSlab)), slots_(c_.env.ring_size) {
    const Bytes frame = c_.env.mtu + kLargestL2, unit = unit_of(c_.env);
    nic_bytes_ = std::min(align_up(frame, unit), align_down(pages_.area().buffer, unit));
    if (c_.env.defences.depleted == Depleted::copy) bounce_ = std::make_unique<Bounce>(c_, std::bit_ceil(nic_bytes_));
  }

  void shape(RxQueueConfig& q) override {
    q.packet_buffer = nic_bytes_;
    q.split = design_ == UserDesign::split ? c_.env.split : SplitMode::off;
    q.header_buffer = design_ == UserDesign::split ? nic_header_ : 0;
    q.split_threshold = c_.env.split_threshold;
  }
  bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) override;
  Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) override;
  Hpa headers(const Skb& skb) const override { return skb.snapshot ? skb.snapshot : skb.head.length ? skb.head.addr : skb.frags[0].addr; }
  bool merges() const override { return c_.env.gro; }
  bool napi_frags() const override { return design_ == UserDesign::frags; }
  Skb** napi_skb() override { return napi_frags() ? &spare_ : nullptr; }
  void pulled_empty(Step& s, Skb&, const Frag& f) override {
    if (f.token != kNoToken) keep(s, f.token);
  }
  Gpa hand_over(Step& s, Frag& f) override {
    if (Bounce::is(f.token)) return kNotTheirs;                    // copied, and then released
    const std::uint32_t token = std::exchange(f.token, kNoToken);
    ++stats_.used_entries;
    return pages_.give(s, token) + (f.addr - pages_.addr(token));
  }
  bool look_for_buffers(Step& s) override {
    const bool more = pages_.fetch(s);
    feed(s);
    return more;
  }
  Progress deliver(Step&, Skb*) override { broken("an application's packets are handed over by completions"); }
  bool guest_memory() const override { return true; }
  void release(Step& s, Skb* skb) override {
    for_each_frag(*skb, [&](Frag& f) {
      if (f.token != kNoToken) keep(s, f.token);
    });
    c_.skbs.free(s, skb);
    feed(s);
  }
  // The application has ended, and its queue is stopped: the driver gets no buffers, descriptors give up theirs, and so does a frame
  // whose last piece never came.
  void close(const GuestHold&) override {
    pages_.close();
    starved_ = true;
  }
  void take_back(Step& s, std::uint32_t slot) override {
    Slot& x = slots_[slot];
    const std::uint32_t token = left_ring(x);
    if (Bounce::is(token)) {
      bounce_->take(s, token, false);
      bounce_->free(s, token);
    } else {
      pages_.keep(token);                                          // posted, unless the card has not been waited for
    }
    if (!x.header) return;
    c_.skbs.take_head(s, x.header, false);
    c_.skbs.free_shell(s, std::exchange(x.header, nullptr));
  }
  bool reclaim(Step& s) override {
    if (partial_) release(s, std::exchange(partial_, nullptr));
    return false;
  }
  std::uint64_t unreclaimed() const override { return buffers_of(c_.ownership, partial_); }
  std::uint64_t free_buffers() const override { return in_ring_ + pages_.kept(); }
  std::uint64_t capacity() const override { return std::min<std::uint64_t>(c_.env.ring_size - 1, pages_.area().buffers); }
  const PathStats& stats() const override {
    auto& st = const_cast<PathStats&>(stats_);
    st.guest_errors = pages_.bad_entries();
    st.memlock_stalls = pages_.stalls().memlock;
    st.pin_quota_stalls = pages_.stalls().pin_quota;
    st.buffer_quota_stalls = pages_.stalls().buffer_quota;
    return st;
  }

 private:
  struct Slot {
    std::uint32_t token = kNoToken;
    Skb* header = nullptr;
  };
  // Part of a packet no longer, and nobody's but the kernel's.
  void keep(Step& s, std::uint32_t token) {
    if (Bounce::is(token)) return bounce_->free(s, token);
    pages_.own(s, token, Owner::skb, Owner::posted, "back to the kernel's pool");
    pages_.keep(token);
  }
  // Buffers for a driver that had found none.
  void feed(Step& s) {
    const std::uint32_t out = pages_out();
    const bool some = out ? pages_.kept() > out || (!pages_.fetches() && pages_.offered()) : pages_.ready();
    if (starved_ && (some || (wants_page() && has_page())) && c_.softirq) starved_ = false, s.wake(*c_.softirq);
  }
  std::uint32_t pages_out() const { return bounce_ ? bounce_->out() : 0; }
  bool wants_page() const { return bounce_ && !pages_.closed() && in_ring_ - pages_in_ring_ < kFewBuffers; }
  bool has_page() const { return pages_out() < c_.env.defences.host_reserve; }
  std::uint32_t next_buffer(Step& s);
  std::uint32_t left_ring(Slot& x) {
    --in_ring_;
    pages_in_ring_ -= Bounce::is(x.token);
    return std::exchange(x.token, kNoToken);
  }
  Hpa place(std::uint32_t token) const { return Bounce::is(token) ? bounce_->addr(token) : pages_.addr(token); }
  Skb* start(Step& s, Slot& x, const RxWriteback& w, std::uint32_t in_header);
  void add(Step& s, std::uint32_t token, std::uint32_t length);
  void pull_headers(Step& s, Skb& skb);
  PathContext c_;
  PathStats stats_;
  UserPages& pages_;
  UserDesign design_;
  Cost pull_, snapshot_;
  Bytes nic_header_, nic_bytes_ = 0;           // that the card writes into a header buffer, and into a buffer
  std::vector<Slot> slots_;
  static constexpr std::uint32_t kFewBuffers = 16;   // the application's at the card below which pages of the host follow: one refill (ixgbe)
  std::uint32_t in_ring_ = 0, pages_in_ring_ = 0;    // of them pages of the host
  std::unique_ptr<Bounce> bounce_;             // defences.depleted copy
  bool starved_ = false, paged_ = false;   // paged_: the frame under way lies in a page of the host, too
  Skb* partial_ = nullptr;                     // a scattered frame whose last descriptor has not come
  Skb* spare_ = nullptr;                       // napi->skb
};

// The application's buffer, or a page of the host for a frame that is to be copied when there are some. While such pages are out the
// driver leaves a buffer for each of them: a copy at the head of the socket's queue would wait for buffers that packets behind it hold.
std::uint32_t UserPath::next_buffer(Step& s) {
  const std::uint32_t out = pages_out();
  if (out) pages_.stock(s, out + 1);
  if (out == 0 || pages_.kept() > out) {
    const std::uint32_t token = pages_.take(s);
    if (token != kNoToken) return token;
  }
  if (!wants_page() || !has_page()) return kNoToken;
  ++stats_.reserve_pages;
  ++pages_in_ring_;
  const std::uint32_t token = bounce_->post(s);
  if (!has_page()) ++stats_.reserve_empty;
  return token;
}

bool UserPath::refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& d) {
  Slot& x = slots_[slot];
  x.token = next_buffer(s);
  if (x.token == kNoToken) {
    starved_ = true;
    return false;
  }
  Iova header = 0;
  if (design_ == UserDesign::split) {
    x.header = c_.skbs.alloc(s);
    c_.skbs.post_head(s, x.header);
    header = x.header->slab_iova;
  }
  d = RxDescriptor::read_format(Bounce::is(x.token) ? bounce_->iova(x.token) : pages_.iova(x.token), header);
  ++in_ring_;
  ++stats_.posted;
  return true;
}

// The first, or only, descriptor of a packet.
Skb* UserPath::start(Step& s, Slot& x, const RxWriteback& w, std::uint32_t in_header) {
  Skb* skb = nullptr;
  if (design_ == UserDesign::split) {
    skb = std::exchange(x.header, nullptr);
    c_.skbs.take_head(s, skb, in_header > 0);
    skb->head = {skb->slab_addr, in_header, kNoToken};
  } else {
    skb = design_ == UserDesign::frags ? c_.skbs.get_frags(s, spare_) : c_.skbs.alloc(s);
  }
  skb->length = in_header;
  describe(*skb, w);
  return skb;
}

// Bytes that the card wrote into a buffer become part of the packet; a buffer without any is the kernel's again.
void UserPath::add(Step& s, std::uint32_t token, std::uint32_t length) {
  const bool page = Bounce::is(token);
  if (page) bounce_->take(s, token, length > 0);
  else pages_.received(s, token, length > 0, "an application's buffer received");
  paged_ = paged_ || (page && length > 0);
  if (length == 0) return keep(s, token);
  partial_->length += length;
  const Frag f{place(token), length, token};
  if (design_ == UserDesign::head) {
    partial_->head = f;
    return;
  }
  require(partial_->nr_frags < kMaxSkbFrags, "a scattered frame has more pieces than an skb has fragments");
  partial_->frags[partial_->nr_frags++] = f;
}

// copy-header: the card left the headers in the buffer. The payload stays where it is.
void UserPath::pull_headers(Step& s, Skb& skb) {
  Frag& f = skb.frags[0];
  const Parsed p = parse(c_.phys.at(f.addr), f.length);
  const auto n = std::min<std::uint32_t>({p.header_length ? p.header_length : 14u, f.length, static_cast<std::uint32_t>(Skb::kSlab)});
  s.copy(pull_, skb.slab_addr, f.addr, n);
  skb.head = {skb.slab_addr, n, kNoToken};
  ++stats_.copied_unsplit;
  f.addr += n;
  f.length -= n;
  if (f.length) return;
  keep(s, f.token);
  --skb.nr_frags;
  std::copy_n(skb.frags + 1, skb.nr_frags, skb.frags);
}

Skb* UserPath::receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) {
  Slot& x = slots_[slot];
  const std::uint32_t token = left_ring(x);
  stats_.fill_sum += free_buffers();
  ++stats_.fill_samples;
  stats_.min_free = std::min(stats_.min_free, free_buffers());
  const bool split = design_ == UserDesign::split;
  const std::uint32_t in_header = !split || partial_ ? 0 : header_buffer_bytes(c_.env.split, nic_header_, w);
  if (!partial_) {
    partial_ = start(s, x, w, in_header);
  } else if (x.header) {                        // only a packet's first header buffer is used
    c_.skbs.take_head(s, x.header, false);
    c_.skbs.free_shell(s, std::exchange(x.header, nullptr));
  }
  add(s, token, w.packet_length);
  if (!w.end_of_packet) return nullptr;
  stats_.copied_no_buffer += std::exchange(paged_, false);
  Skb* skb = std::exchange(partial_, nullptr);
  if (frame == kNoFrame || skb->length == 0) {  // a blocked DMA
    release(s, skb);
    return nullptr;
  }
  c_.frames.append(skb->frames, frame);
  if (split && skb->head.length == 0) pull_headers(s, *skb);
  if (design_ == UserDesign::head && c_.env.defences.header_snapshot) take_snapshot(s, snapshot_, *skb);
  Frag& last = skb->nr_frags ? skb->frags[skb->nr_frags - 1] : skb->head;
  const std::uint64_t id = c_.frames[frame].id;
  if (c_.fault.hit(Fault::flip_host, id)) *c_.phys.at(last.addr + last.length - 1) ^= 0x40;
  if (last.token != kNoToken && !Bounce::is(last.token) && c_.fault.hit(Fault::free_twice, id)) pages_.own(s, last.token, Owner::skb, Owner::guest, "planted");
  if (last.token != kNoToken && c_.fault.hit(Fault::leak_buffer, id)) last.token = kNoToken;
  return skb;
}

}  // namespace

std::optional<std::string> refuse_user(const BindEnvironment& e, UserDesign design) {
  if (e.pin != PinPolicy::per_buffer && e.guest_memory > e.memlock_limit) return "the application's area (user_async.buffers) is pinned when it is registered, and host.memlock_limit is smaller";
  if (e.pin != PinPolicy::per_buffer && e.guest_memory > e.defences.pin_quota) return "the application's area (user_async.buffers) is pinned when it is registered, and defences.pin_quota is smaller";
  if (e.pin == PinPolicy::per_buffer && e.user_buffer > e.defences.pin_quota) return "defences.pin_quota is smaller than one buffer of the application (user_async.buffer)";
  if (e.pin == PinPolicy::per_buffer && e.user_buffer > e.memlock_limit) return "host.memlock_limit is smaller than one buffer of the application (user_async.buffer)";
  if (e.options.hazard != Hazard::none && e.options.hazard != Hazard::reclaim_undrained) return "its hazards need a guest";
  if (e.rx_queues != 1 && e.rx_queues != e.guests) return "an application's area belongs to one receive queue (nic.rx_queues)";
  const Bytes frame = e.mtu + kLargestL2;
  switch (design) {
    case UserDesign::head:
      if (align_up(frame, unit_of(e)) > e.user_buffer) return "a frame of MTU " + std::to_string(e.mtu) + " does not fit one buffer of the application (user_async.buffer)";
      break;
    case UserDesign::split:
      if (e.split == SplitMode::off) return "the NIC must split headers (nic.header_split.mode is off)";
      if (e.split == SplitMode::always) return "the first bytes of a payload would go to the header buffer, not to the application (nic.header_split.mode always)";
      if (e.header_buffer == 0 || e.header_buffer > Skb::kSlab) return "nic.header_split.header_buffer must be 64 to 512 bytes: the skb's head";
      [[fallthrough]];
    case UserDesign::frags:
      if (!e.scatter && align_up(frame, unit_of(e)) > e.user_buffer) return "a frame of MTU " + std::to_string(e.mtu) + " takes several buffers, and nic.scatter is off";
      if (ceil_div(frame, align_down(e.user_buffer, unit_of(e))) + 1 > kMaxSkbFrags) return "a frame takes more buffers than an skb has fragments, 17";
      break;
  }
  return std::nullopt;
}

std::unique_ptr<RxPath> make_user_path(PathContext c, UserDesign design) { return std::make_unique<UserPath>(std::move(c), design); }

}  // namespace gd
