#include "models/nic/rx_ring.h"

#include <cstring>
#include <utility>

#include "models/packet/headers.h"

namespace gd::nic {
namespace {

std::uint8_t rss_code(RssType t) {
  switch (t) {
    case RssType::none: break;
    case RssType::ipv4: return RxDescriptor::kRssIp4;
    case RssType::tcp4: return RxDescriptor::kRssTcp4;
    case RssType::udp4: return RxDescriptor::kRssUdp4;
    case RssType::ipv6: return RxDescriptor::kRssIp6;
    case RssType::tcp6: return RxDescriptor::kRssTcp6;
    case RssType::udp6: return RxDescriptor::kRssUdp6;
  }
  return RxDescriptor::kRssNone;
}

}  // namespace

RxRing::RxRing(Engine& engine, RxPath& path, std::uint32_t index, const RxQueueConfig& config)
    : e_(engine), path_(path), index_(index), c_(config), slots_(config.size),
      mask_((config.size & (config.size - 1)) == 0 ? config.size - 1 : 0) {}

SplitDecision RxRing::decide(const RxInfo& info) const {
  const std::uint32_t stripped = c_.strip_vlan && info.tagged ? ether::kTag : 0;
  SplitInput in;
  in.mode = c_.split;
  in.header_buffer = static_cast<std::uint32_t>(c_.header_buffer);
  in.threshold = static_cast<std::uint32_t>(c_.split_threshold);
  in.length = e_.frames[info.frame].length - stripped;
  in.header_length = info.header_length - stripped;
  in.decodable = info.decodable;
  in.has_payload = info.has_payload;
  return split(in);
}

RxQueue::Ready RxRing::ready(const RxInfo& info, Time now) {
  if (stopped_) return Ready::never;
  plan_ = decide(info);
  plan_length_ = e_.frames[info.frame].length - (c_.strip_vlan && info.tagged ? ether::kTag : 0);
  const std::uint32_t rest = plan_length_ - plan_.to_header;
  plan_descriptors_ = std::max(1u, static_cast<std::uint32_t>(ceil_div(rest, c_.packet_buffer)));
  if (plan_descriptors_ > 1 && (!e_.params.scatter || plan_descriptors_ >= c_.size || plan_descriptors_ > e_.params.descriptor_cache))
    return Ready::never;
  if (fetched_ - used_ >= plan_descriptors_) return Ready::yes;
  wanted_ = plan_descriptors_;
  fetch(now);
  return Ready::wait;
}

void RxRing::doorbell(std::uint32_t tail, Time now) {
  const std::uint64_t moved = tail_ + (tail + c_.size - place(tail_)) % c_.size;
  if (stopped_ || tail >= c_.size || moved - visible_ >= c_.size) {   // one slot stays free
    ++e_.stats.bad_doorbells;
    return;
  }
  tail_ = moved;
  broken_ = false;
  path_.ring_level(index_, now);
  fetch(now);
}

void RxRing::enable(bool on, Time now) {
  if (on == !stopped_) return;
  if (on && !drained()) {                  // the driver has not waited
    ++e_.stats.bad_doorbells;
    return;
  }
  stopped_ = !on;
  broken_ = false;
  wanted_ = 0;
  if (on) {
    tail_ = fetched_ = used_;
  } else {
    if (done_ != flushed_) flush(now, 0, done_);
    path_.kick(index_, now);               // what waits is dropped
  }
  path_.ring_level(index_, now);
}

void RxRing::fetch(Time now) {
  if (stopped_) return;
  const auto cached = static_cast<std::uint32_t>(fetched_ - used_), in_ring = static_cast<std::uint32_t>(tail_ - fetched_);
  if (reading_ != 0 || broken_ || in_ring == 0 || cached >= e_.params.descriptor_cache) return;
  if (cached >= wanted_) {   // nobody waits: prefetch
    if (cached >= e_.params.prefetch_threshold) return;
    if (in_ring < e_.params.prefetch_host && cached > 0) return;
  }
  const std::uint32_t at = place(fetched_);
  std::uint32_t n = std::min({in_ring, e_.params.descriptor_cache - cached, e_.params.fetch_batch, c_.size - at});
  const Iova a = c_.ring + at * RxDescriptor::kSize;
  n = static_cast<std::uint32_t>(in_page(a, n * RxDescriptor::kSize) / RxDescriptor::kSize);
  const Transfer t = e_.bus.read(now, a, nullptr, n * RxDescriptor::kSize, c_.domain, true);
  ++e_.stats.fetch_reads;
  reading_ = n;
  reading_hpa_ = t.hpa;
  e_.events.push(t.done, Ev::rx_fetch, index_, 0);
}

void RxRing::fetched(Time now) {
  const std::uint32_t n = std::exchange(reading_, 0);
  if (reading_hpa_ == kNoAddress) {   // not tried again before the next doorbell
    ++e_.stats.ring_faults;
    broken_ = true;
    return;
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    Slot& s = slot(fetched_++);
    s.packet = e_.memory.load<std::uint64_t>(reading_hpa_ + i * RxDescriptor::kSize);
    s.header = e_.memory.load<std::uint64_t>(reading_hpa_ + i * RxDescriptor::kSize + 8) & ~1ULL;
  }
  e_.stats.descriptors_fetched += n;
  fetch(now);
  path_.kick(index_, now);
}

// Posted writes of consecutive bytes, cut at 4 KiB borders: neighbouring bus pages need not be neighbours in memory.
void RxRing::write(Issue& io, Iova a, const std::uint8_t* from, Bytes n) {
  while (n > 0) {
    const Bytes piece = in_page(a, n);
    const Transfer t = e_.data_write(io.at, a, from, piece, c_.domain);
    ++io.writes;
    io.done = std::max(io.done, t.done);
    if (t.fault()) {
      io.failed = true;
    } else {
      if (io.first == kNoAddress) io.first = t.hpa, io.first_iova = a;
      e_.ownership.device_write(t.hpa, piece, io.at, "nic rx");
      e_.ownership.wrote_for(index_, t.hpa, piece);
      e_.landed(io.frame, t.hpa);
    }
    a += piece;
    from += piece;
    n -= piece;
  }
}

// The bytes to write: those on the wire, or a copy without the tag or with the planted flip.
const std::uint8_t* RxRing::source(const RxInfo& info, std::uint32_t& length) {
  FrameMeta& m = e_.frames[info.frame];
  const bool strip = c_.strip_vlan && info.tagged;
  const bool flip = m.payload_length > 0 && e_.hit(Fault::flip_nic, info.frame);
  length = m.length;
  if (strip) m.vlan = info.tci;
  if (!strip && !flip) return m.bytes;
  std::uint8_t* copy = e_.staging.data();
  std::memcpy(copy, m.bytes, m.length);
  if (flip) copy[m.payload_offset + m.payload_length / 2] ^= 0x20;
  if (!strip) return copy;
  length -= ether::kTag;
  std::memmove(copy + ether::kTag, copy, ether::kType);   // the addresses move up to the inner type
  return copy + ether::kTag;
}

Cut RxRing::cut(const RxInfo& info, const SplitDecision& d) const {
  switch (d.kind) {
    case SplitKind::off:
    case SplitKind::unsplit: return plan_length_ <= c_.split_threshold ? Cut::small : Cut::undecodable;
    case SplitKind::clean: return info.tunnel ? Cut::tunnel : info.transport ? Cut::transport : info.fragment ? Cut::fragment : Cut::unknown_l4;
    case SplitKind::header_only: return Cut::no_payload;
    case SplitKind::whole_in_header: return Cut::header_buffer;
    case SplitKind::forced: return Cut::forced;
    case SplitKind::overflow:
    case SplitKind::forced_overflow: break;
  }
  return Cut::overflow;
}

void RxRing::count(const RxInfo& info, const SplitDecision& d) {
  NicStats& s = e_.stats;
  switch (d.kind) {
    case SplitKind::off: break;
    case SplitKind::unsplit: ++s.unsplit; break;
    case SplitKind::clean: ++s.split; break;
    case SplitKind::header_only: ++s.split; break;
    case SplitKind::overflow: ++s.header_overflow, ++s.unsplit; break;
    case SplitKind::whole_in_header: ++s.whole_in_header; break;
    case SplitKind::forced: ++s.forced_split; break;
    case SplitKind::forced_overflow: ++s.header_overflow, ++s.forced_split; break;
  }
  if (d.kind != SplitKind::off) {
    const Cut where = cut(info, d);
    ++s.cuts[static_cast<int>(where)];
    if (where != Cut::transport) s.unsplit_header_bytes += d.to_header, s.unsplit_packet_bytes += plan_length_ - d.to_header;
  }
  if (d.kind == SplitKind::clean && info.fragment) ++s.fragments;
  if (d.to_header == plan_length_ && info.pure_ack) ++s.pure_acks;
  if (plan_descriptors_ > 1) ++s.multi_descriptor;
}

void RxRing::take(const RxInfo& info, Time now) {
  FrameMeta& m = e_.frames[info.frame];
  const SplitDecision d = plan_;
  const Time lag = e_.rx_lag(m, now);
  Issue io{now, now, 0, kNoAddress, 0, false, info.frame};
  e_.plant_stale_write(info.frame, now);
  std::uint32_t length = 0;
  const std::uint8_t* bytes = source(info, length);
  count(info, d);
  if (e_.faults) {
    e_.faults->begin(m.id, bytes + d.to_header, length - d.to_header);
    if (e_.faults->loses_data()) ++e_.stats.lost_data_writes;
  }
  if (d.to_header > 0) write(io, slot(used_).header, bytes, d.to_header);

  RxWriteback w;
  w.rss_hash = info.hash.value;
  w.rss_type = rss_code(info.hash.type);
  w.vlan_present = c_.strip_vlan && info.tagged;
  w.vlan = w.vlan_present ? info.tci : 0;
  w.done = true;
  w.ip_checked = info.l3 != csum::Checked::none;
  w.l4_checked = info.l4 != csum::Checked::none;
  w.ip_error = info.l3 == csum::Checked::bad;
  w.l4_error = info.l4 == csum::Checked::bad;
  std::uint32_t at = d.to_header;
  const bool misplaced = e_.params.misplaced_fragments && info.fragment && d.kind == SplitKind::clean && plan_descriptors_ == 1;
  if (misplaced) ++e_.stats.misplaced;
  for (std::uint32_t i = 0; i < plan_descriptors_; ++i) {
    Slot& s = slot(used_ + i);
    const std::uint32_t n = std::min(length - at, static_cast<std::uint32_t>(c_.packet_buffer));
    if (misplaced)
      write(io, s.packet + NicParams::kMisplaced, bytes + at, std::min(n, static_cast<std::uint32_t>(c_.packet_buffer) - NicParams::kMisplaced));
    else
      write(io, s.packet, bytes + at, n);
    at += n;
    w.packet_length = static_cast<std::uint16_t>(n);
    w.header_length = i == 0 ? static_cast<std::uint16_t>(d.header_length) : 0;
    w.split = i == 0 && d.sph;
    w.header_overflow = i == 0 && d.hbo;
    w.end_of_packet = i + 1 == plan_descriptors_;
    const auto q = RxDescriptor::encode(w);
    s.writeback[0] = q[0], s.writeback[1] = q[1];
    s.in_flight = kNoFrame;
    s.writes = 0;
    s.failed = s.reported = s.lost = false;
  }
  if (io.failed)   // the buffers go back with an empty descriptor each
    for (std::uint32_t i = 0; i < plan_descriptors_; ++i) {
      RxWriteback e;
      e.done = true;
      e.end_of_packet = i + 1 == plan_descriptors_;
      const auto q = RxDescriptor::encode(e);
      slot(used_ + i).writeback[0] = q[0], slot(used_ + i).writeback[1] = q[1];
    }
  Slot& last = slot(used_ + plan_descriptors_ - 1);
  last.in_flight = info.frame;
  last.length = m.length;
  last.writes = io.writes;
  last.failed = io.failed;
  last.data_hpa = io.first;
  last.data_iova = io.first_iova;
  e_.writes_in_flight += io.writes;
  e_.bytes_in_flight += m.length;
  used_ += plan_descriptors_;
  wanted_ = 0;
  path_.ring_level(index_, now);
  last_data_ = std::max(last_data_, io.done + lag);
  if (e_.params.writeback_batch <= 1) {
    done_ = used_;
    flush(now, lag, used_);
  } else {
    e_.events.push(last_data_, Ev::rx_data, index_, used_);
  }
  fetch(now);
}

FrameRef RxRing::take_frame(std::uint32_t n) {
  if (n >= c_.size) return kNoFrame;
  Slot& s = slots_[n];
  if (std::exchange(s.done, false)) --e_.untaken;
  const FrameRef f = std::exchange(s.visible, kNoFrame);
  if (f == kNoFrame) return f;
  --e_.held;
  e_.returned = s.data_hpa;
  e_.returned_iova = s.data_iova;
  e_.returned_domain = c_.domain;
  return f;
}

}  // namespace gd::nic
