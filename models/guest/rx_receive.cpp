// From used entries to a packet, as receive_buf() and page_to_skb() do it.
#include <algorithm>

#include "models/guest/rx_queue.h"

namespace gd {
namespace {
constexpr std::uint32_t kGoodCopy = 128;                 // GOOD_COPY_LEN
constexpr std::uint32_t kEthernet = 14;
constexpr std::uint32_t kSharedInfo = 320;
constexpr unsigned kMaxFragsOld = 18;
}  // namespace

bool GuestRxQueue::next_entry(Step& s, RingView& v, Entry& e) {
  DriverRing::Used u;
  const bool got = ring_.get_used(v, u);
  c_.stats.guest_errors += ring_.errors() - ring_errors_;
  ring_errors_ = ring_.errors();
  if (!got) return false;
  s.charge(c_.costs.used_entry, per_entry_);
  e = Entry{};
  e.buffer = u.token;
  e.length = used_offset_ ? u.len & 0xffff : u.len;
  e.offset = used_offset_ ? u.len >> 16 : 0;
  std::swap(e.frames, side_.by_head[u.head]);
  c_.held += e.frames.count;
  for (std::uint32_t b = e.buffer; b != kNil; b = buffers_[b].next, --posted_) {
    const BufferId own = buffers_[b].own;
    const Owner now = c_.ownership.owner(own);
    if (now == Owner::guest) continue;
    c_.ownership.violation(own, s.now(), "a used buffer came back that the device side has not given back");
    c_.ownership.move(own, now, Owner::guest, s.now(), "guest takes");
  }
  if (mode_ == Mode::header_pages) --(buffers_[e.buffer].pool == GuestBuffers::kHeaders ? headers_out_ : pages_out_);
  return true;
}

// Bytes that the device may have written into a ring buffer, virtio-net header included.
std::uint32_t GuestRxQueue::capacity(std::uint32_t b) const {
  const std::uint32_t page = static_cast<std::uint32_t>(kPage);
  if (mode_ == Mode::big) return header_ + page - data_at_ + page * (big_pages_ - 1);
  if (mode_ == Mode::small_old) return header_ + 1518;
  if (mode_ == Mode::chain) return buffers_[b].size + page * big_pages_;
  return buffers_[b].size - post_at_ - tail_;
}

bool GuestRxQueue::locate(const Entry& e, const VirtioNetHdr& h, Place& place) const {
  const std::uint32_t size = buffers_[e.buffer].size;
  if (mode_ == Mode::chain) {
    if (h.hdr_len > size - header_ || e.length < header_ + h.hdr_len) return false;
    place = {header_, h.hdr_len, e.length > size ? e.length - size : 0};
  } else if (mode_ == Mode::room && e.offset == 0) {
    if (h.hdr_len > room_ - header_ || e.length < room_) return false;
    place = {room_ - h.hdr_len, e.length - room_ + h.hdr_len, 0};
  } else {
    place.at = data_at_ + e.offset;
    place.first = std::min(e.length - header_, size - place.at);
    place.rest = e.length - header_ - place.first;
  }
  return place.first + place.rest >= kEthernet;
}

// Appends the packet bytes of an entry; buffers that are left empty go back.
void GuestRxQueue::add_data(GuestPacket& p, const Entry& e, const Place& place, Time t) {
  std::uint32_t next = kNil, skip = place.at, length = place.first, rest = place.rest;
  for (std::uint32_t b = e.buffer; b != kNil; b = next) {
    next = buffers_[b].next;
    buffers_[b].next = kNil;
    GuestBuffer& g = buffers_[b];
    g.at = skip;
    g.length = length;
    skip = 0;
    length = std::min(rest, static_cast<std::uint32_t>(kPage));   // further buffers of a chain are pages
    rest -= length;
    if (g.length > 0) buffers_.append(p, b);
    else buffers_.put(b, t);
  }
}

// Gives the packet its linear part: the buffer itself where a skb can be built around it, else an skb head into which
// the first bytes are copied.
void GuestRxQueue::make_linear(Step& s, GuestPacket& p, std::uint32_t first_length) {
  s.charge(c_.costs.skb_alloc);
  if (mode_ == Mode::small || mode_ == Mode::small_old || mode_ == Mode::head) return;
  const GuestBuffer& f = buffers_[p.first];
  const bool one = mode_ != Mode::big || p.pieces == 1;
  if (c_.linux6() && first_length > kGoodCopy && one && f.size - f.at - first_length >= kSharedInfo) return;
  const std::uint32_t n = first_length <= kGoodCopy ? first_length : c_.linux6() ? kEthernet : kGoodCopy;
  const std::uint32_t h = buffers_.take(GuestBuffers::kHeads);
  if (h == kNil) return;                 // no memory for a head: the packet stays as it is
  GuestBuffer& g = buffers_[p.first];
  GuestBuffer& head = buffers_[h];
  head.at = 0;
  head.length = n;
  s.copy(c_.costs.linear_copy, head.hpa, g.hpa + g.at, n);
  c_.stats.linear_copied += n;
  g.at += n;
  g.length -= n;
  p.truesize += head.size;
  const std::uint32_t first = p.first;
  if (g.length == 0) {                   // all of it is in the head: the buffer is free at once
    head.next = g.next;
    if (p.last == first) p.last = h;
    p.truesize -= g.size;
    buffers_.put(first, s.now());
  } else {
    head.next = first;
    ++p.pieces;
  }
  p.first = h;
}

bool GuestRxQueue::more_buffers(Step& s, RingView& v, GuestPacket& p, unsigned count) {
  bool good = true;
  for (unsigned i = 1; i < count; ++i) {
    // 2.6.35 has no frag_list here: too many fragments are an error, and what remains is misread as packet starts.
    if (!c_.linux6() && i >= kMaxFragsOld) return false;
    Entry e;
    if (!next_entry(s, v, e)) return false;
    c_.frames.join(p.frames, e.frames);
    if (e.length == 0 || e.offset + e.length > capacity(e.buffer)) good = false;
    if (!good) {
      buffers_.put_list(e.buffer, s.now());
      if (!c_.linux6()) return false;
      continue;                          // the remaining buffers of the packet are drained
    }
    if (i % kMaxFrags == 0) s.charge(c_.costs.skb_alloc);
    s.charge(c_.costs.frag);
    add_data(p, e, {post_at_ + e.offset, e.length, 0}, s.now());
  }
  return good;
}

GuestRxQueue::Got GuestRxQueue::refuse(Step& s, Entry& e, std::uint32_t packet) {
  ++c_.stats.guest_errors;
  FrameChain& frames = packet == kNil ? e.frames : buffers_.packet(packet).frames;
  c_.stats.stack_drops += frames.count;
  c_.dropped(frames, Drop::stack, s.now());
  if (packet == kNil) buffers_.put_list(e.buffer, s.now());
  else buffers_.free_packet(packet, s.now());
  return Got::nothing;
}

GuestRxQueue::Got GuestRxQueue::receive(Step& s, RingView& v, std::uint32_t& packet) {
  Entry e;
  if (!next_entry(s, v, e)) return Got::none;
  if (e.length == 0 && e.frames.empty()) {
    ++c_.stats.returned;
    buffers_.put_list(e.buffer, s.now());
    return Got::nothing;
  }
  if (e.length < header_ + kEthernet || e.offset + e.length > capacity(e.buffer)) return refuse(s, e, kNil);

  const GuestBuffer& g = buffers_[e.buffer];
  VirtioNetHdr h;
  std::memcpy(&h, c_.phys.at(g.hpa + post_at_ + e.offset), std::min<unsigned>(header_, sizeof h));
  s.charge(c_.costs.driver_packet);
  Place place;
  if (!locate(e, h, place)) return refuse(s, e, kNil);
  const std::uint32_t ahead = std::min(place.first + place.rest, static_cast<std::uint32_t>(kLine));
  if (mode_ == Mode::room) {
    s.load(c_.costs.header, g.hpa + e.offset, header_);
    s.load(c_.costs.header, g.hpa + place.at, ahead);
  } else {
    s.load(c_.costs.header, g.hpa + post_at_ + e.offset, data_at_ - post_at_ + ahead);
  }

  packet = buffers_.new_packet();
  GuestPacket& p = buffers_.packet(packet);
  p.truesize = kSkbTruesize;
  p.flags = h.flags;
  p.gso_type = h.gso_type;
  p.gso_size = h.gso_size;
  c_.frames.join(p.frames, e.frames);
  add_data(p, e, place, s.now());
  if (p.pieces > 1) s.charge_times(c_.costs.frag, p.pieces - 1);
  make_linear(s, p, buffers_[p.first].length);
  const unsigned count = mergeable_ ? h.num_buffers : 1;
  const bool good = count >= 1 && more_buffers(s, v, p, count);
  if (!good || ((h.gso_type & ~VirtioNetHdr::kGsoEcn) != VirtioNetHdr::kGsoNone && h.gso_size == 0)) return refuse(s, e, packet);
  if (mode_ == Mode::mergeable)
    average_ = average_ ? static_cast<std::uint32_t>((average_ * 63ULL + p.length) / 64) : p.length;
  ++c_.stats.packets;
  c_.stats.frames += p.frames.count;
  c_.stats.bytes += p.length;
  c_.frames.stamp(p.frames, Stage::guest, s.now());
  return Got::packet;
}

}  // namespace gd
