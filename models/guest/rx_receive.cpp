// From used entries to a packet, as receive_buf() does it.
#include <algorithm>

#include "models/base/error.h"
#include "models/guest/behaviour.h"
#include "models/guest/rx_queue.h"
#include "models/packet/headers.h"

namespace gd {

bool GuestRxQueue::next_entry(Step& s, RingView& v, Entry& e) {
  DriverRing::Used u;
  const bool got = ring_.get_used(v, u);
  if (c_.behaviour && ring_.errors() != ring_errors_) sweep(s.now());
  c_.stats.guest_errors += ring_.errors() - ring_errors_;
  ring_errors_ = ring_.errors();
  if (!got) return false;
  s.charge(c_.costs.used_entry, slots_);
  e = Entry{};
  e.buffer = u.token;
  e.length = l_.used_offset ? u.len & 0xffff : u.len;
  e.offset = l_.used_offset ? u.len >> 16 : 0;
  std::swap(e.frames, side_.by_head[u.head]);
  if (c_.behaviour) c_.behaviour->returned(u.head);
  c_.held += e.frames.count;
  std::uint32_t start = 0;               // bytes of the chain before the buffer
  for (std::uint32_t b = e.buffer; b != kNil; b = buffers_[b].next, --posted_) {
    const BufferId own = buffers_[b].own;
    const Owner now = c_.ownership.owner(own);
    const bool written = start < e.length;
    start += b != e.buffer ? buffers_[b].size : l_.mode == RxLayout::Mode::small ? buffers_[b].size - l_.post_at : l_.first_capacity(buffers_[b].size);
    if (now == Owner::guest) continue;
    // A device that never touched a chain's further buffers gives them back by the used entry alone.
    if (now == Owner::posted && !written) {
      c_.ownership.move(own, now, Owner::guest, s.now(), "guest takes back unwritten");
      continue;
    }
    c_.ownership.violation(own, s.now(), "a used buffer came back that the device side has not given back");
    c_.ownership.move(own, now, Owner::guest, s.now(), "guest takes");
  }
  if (l_.mode == RxLayout::Mode::header_pages) --(buffers_[e.buffer].pool == GuestBuffers::kHeaders ? headers_out_ : pages_out_);
  return true;
}

// False: header and length do not agree.
bool GuestRxQueue::locate(const Entry& e, const VirtioNetHdr& h, Place& place) const {
  const std::uint32_t size = buffers_[e.buffer].size;
  if (l_.mode == RxLayout::Mode::chain) {
    if (h.hdr_len > size - l_.header || e.length < l_.header + h.hdr_len) return false;
    place = {l_.header, h.hdr_len, e.length > size ? e.length - size : 0};
  } else if (l_.mode == RxLayout::Mode::room && e.offset == 0) {
    if (h.hdr_len > l_.room - l_.header || e.length < l_.room) return false;
    place = {l_.room - h.hdr_len, e.length - l_.room + h.hdr_len, 0};
  } else {
    place.at = l_.data_at + e.offset;
    require(place.at <= size, "a buffer's first piece ends before its packet begins");
    place.first = std::min(e.length - l_.header, size - place.at);
    place.rest = e.length - l_.header - place.first;
  }
  return place.first + place.rest >= ether::kHeader;
}

// Bytes [from, from + n) of a buffer, whose pieces lie apart in host memory.
void GuestRxQueue::load_run(Step& s, std::uint32_t buffer, std::uint32_t from, std::uint32_t n) {
  const GuestBuffer& g = buffers_[buffer];
  const std::uint32_t here = l_.mode == RxLayout::Mode::small ? std::min(n, g.size - from) : n;
  s.load(c_.costs.header, g.hpa + from, here);
  if (here < n) s.load(c_.costs.header, buffers_[g.next].hpa, n - here);
}

// The virtio-net header and the line in which the packet begins.
void GuestRxQueue::load_header(Step& s, const Entry& e, const Place& place) {
  const Hpa at = buffers_[e.buffer].hpa;
  const std::uint32_t ahead = std::min(place.first + place.rest, static_cast<std::uint32_t>(kLine));
  if (l_.mode != RxLayout::Mode::room) return load_run(s, e.buffer, l_.post_at + e.offset, l_.data_at - l_.post_at + ahead);
  s.load(c_.costs.header, at + e.offset, l_.header);
  s.load(c_.costs.header, at + place.at, ahead);
}

GuestRxQueue::Got GuestRxQueue::refuse(Step& s, Entry& e, std::uint32_t packet) {
  ++c_.stats.guest_errors;
  FrameChain& frames = packet == kNil ? e.frames : buffers_.packet(packet).frames;
  c_.stats.stack_drops += frames.count;
  c_.dropped(frames, Drop::stack, s.now());
  if (packet == kNil) give(e.buffer, s.now());
  else buffers_.free_packet(packet, s.now());
  return Got::nothing;
}

// What skb_vnet_hdr says about the packet; false for a header that makes no sense.
bool GuestRxQueue::apply_header(Step& s, GuestPacket& p, const VirtioNetHdr& h) {
  const bool checksum = feature::has(layout_.features, feature::kGuestCsum);
  // DATA_VALID came after 2.6.35. Neither flag may appear without GUEST_CSUM; one that does is not believed.
  p.flags = checksum ? h.flags & (VirtioNetHdr::kNeedsCsum | (l_.linux6 ? VirtioNetHdr::kDataValid : 0)) : 0;
  if (p.flags & VirtioNetHdr::kNeedsCsum) {
    const std::uint32_t end = std::uint32_t{h.csum_start} + h.csum_offset + 2;
    if (l_.linux6) {
      // virtio_net_hdr_to_skb(): headers up to the end of the transport header become linear.
      const std::uint8_t type = h.gso_type & static_cast<std::uint8_t>(~VirtioNetHdr::kGsoEcn);
      const std::uint32_t thlen = type == VirtioNetHdr::kGsoTcpV4 || type == VirtioNetHdr::kGsoTcpV6 ? 20 : type == VirtioNetHdr::kGsoNone ? 0 : 8;
      const std::uint32_t needed = std::max(end, h.csum_start + thlen);
      if (needed > p.length) return false;
      buffers_.pull(s, p, needed);
    } else if (end > buffers_[p.first].length) {
      return false;                        // skb_partial_csum_set() looks at the linear part only
    }
  }
  p.gso_type = h.gso_type;
  p.gso_size = h.gso_size;
  switch (h.gso_type & static_cast<std::uint8_t>(~VirtioNetHdr::kGsoEcn)) {
    case VirtioNetHdr::kGsoNone: break;
    case VirtioNetHdr::kGsoTcpV4:
    case VirtioNetHdr::kGsoTcpV6:
    case VirtioNetHdr::kGsoUdp:
      if (h.gso_size == 0) return false;
      break;
    case VirtioNetHdr::kGsoUdpL4:
      if (!l_.linux6 || h.gso_size == 0) return false;
      break;
    default: return false;
  }
  if (feature::has(layout_.features, feature::kHashReport) && h.hash_report != 0) p.rx_hash = h.hash_value;
  return true;
}

GuestRxQueue::Got GuestRxQueue::receive(Step& s, RingView& v, std::uint32_t& packet) {
  Entry e;
  if (!next_entry(s, v, e)) return Got::none;
  if (e.length == 0 && e.frames.empty()) {
    ++c_.stats.returned;
    give(e.buffer, s.now());
    return Got::nothing;
  }
  const GuestBuffer& g = buffers_[e.buffer];
  if (e.length < l_.header + ether::kHeader || e.offset + e.length > l_.capacity(size_of(g))) return refuse(s, e, kNil);

  VirtioNetHdr h;
  c_.space.read(g.gpa + l_.post_at + e.offset, &h, std::min<unsigned>(l_.header, sizeof h));
  s.charge(c_.costs.driver_packet);
  Place place;
  if (!locate(e, h, place)) return refuse(s, e, kNil);
  load_header(s, e, place);

  packet = buffers_.new_packet();
  GuestPacket& p = buffers_.packet(packet);
  p.taken = s.now();
  c_.frames.join(p.frames, e.frames);
  add_data(p, e, place, s.now());
  s.charge(c_.costs.skb_alloc);
  // Without memory for an skb the packet is lost as one that was wrong is.
  const unsigned count = l_.mergeable ? h.num_buffers : 1;
  if (!make_linear(s, p, s.now()) || count < 1 || !more_buffers(s, v, p, count)) return refuse(s, e, packet);
  if (l_.mode == RxLayout::Mode::mergeable)
    average_ = average_ ? static_cast<std::uint32_t>((average_ * 63ULL + p.length) / 64) : p.length;
  if (!apply_header(s, p, h)) return refuse(s, e, packet);
  ++c_.stats.packets;
  c_.stats.frames += p.frames.count;
  if (c_.frames.mixed())
    for (FrameRef f = p.frames.first; f != kNoFrame; f = c_.frames[f].next)
      if (!c_.frames.is_for(f, c_.params.index) && !c_.frames[f].astray) c_.ownership.foreign_frame(c_.frames[f].length);
  c_.stats.bytes += p.length;
  c_.frames.stamp(p.frames, Stage::guest, s.now());
  return Got::packet;
}

}  // namespace gd
