#include "models/guest/stack.h"

#include <algorithm>

#include "models/packet/headers.h"
#include "models/packet/vxlan.h"
#include "models/virtio/layout.h"

namespace gd {

GuestStack::GuestStack(GuestContext& c, GuestBuffers& buffers, GuestChecker& checker, GuestTxQueue& tx, GuestSocket& socket)
    : c_(c), buffers_(buffers), checker_(checker), tx_(tx), socket_(socket) {
  if (c.params.tcp.closed) {
    flows_.reserve(c.params.tcp.flows);
    by_hash_.resize(2 * c.params.tcp.flows);
    requests_.reserve(c.params.tcp.flows);
  }
}

void GuestStack::observe(Observer* o) {
  if (o && o->wants_handed_up()) whole_.resize(kLongestPacket + 4);
}

// Shows the packet to the observer as it would stand on a wire: tag put back, checksum completed.
void GuestStack::tell(const GuestPacket& p, Time t) {
  if (!c_.observer || whole_.empty()) return;
  std::uint32_t n = p.length;
  buffers_.gather(p, 0, n, whole_.data());
  if (p.flags & VirtioNetHdr::kNeedsCsum) csum::complete_l4(whole_.data(), n);
  const FrameRef f = p.frames.first;
  if (f != kNoFrame && c_.frames[f].vlan != 0) {
    std::uint64_t sent = c_.frames[f].length;
    if (p.frames.count > 1) {
      sent = c_.frames[f].payload_offset;
      for (FrameRef r = f; r != kNoFrame; r = c_.frames[r].next) sent += c_.frames[r].payload_length;
    }
    if (sent == n + 4ULL) {
      std::memmove(whole_.data() + 16, whole_.data() + 12, n - 12);
      put_be16(whole_.data() + 12, ether::kVlan);
      put_be16(whole_.data() + 14, c_.frames[f].vlan);
      n += 4;
    }
  }
  c_.observer->handed_up(c_.params.index, whole_.data(), n, t);
}

csum::Checked GuestStack::verify(Step& s, const GuestPacket& p) {
  std::uint32_t summed = 0;
  const csum::Checked c = buffers_.check_l4(p, head_, summed);
  if (summed > 0) buffers_.charge_sum(s, p, p.parsed.l4_offset(), summed);
  return c;
}

bool GuestStack::handed_up(std::uint32_t packet, Time t) {
  GuestPacket& p = buffers_.packet(packet);
  if (p.length <= kLongestPacket) tell(p, t);
  if (p.frames.empty() || !c_.hit(Fault::lose_guest, p.frames.first)) return true;
  c_.held -= p.frames.count;
  for (FrameRef f; (f = c_.frames.pop(p.frames)) != kNoFrame;) c_.frames.lose(f);
  buffers_.free_packet(packet, t);
  return false;
}

void GuestStack::drop(std::uint32_t packet, Drop why, Time t) {
  GuestPacket& p = buffers_.packet(packet);
  if (why == Drop::socket_full) c_.stats.socket_drops += p.frames.count;
  if (why == Drop::stack) c_.stats.stack_drops += p.frames.count;
  c_.dropped(p.frames, why, t);
  buffers_.free_packet(packet, t);
}

// The packet ends here, taken by the stack itself.
void GuestStack::accept(Step& s, std::uint32_t packet) {
  GuestPacket& p = buffers_.packet(packet);
  checker_.headers(p);
  checker_.payload_in_place(p);
  for (FrameRef f; (f = c_.frames.pop(p.frames)) != kNoFrame;) c_.delivered(f, s.now());
  s.charge_times(c_.costs.skb_free, 1 + p.members);
  buffers_.free_packet(packet, s.now());
}

void GuestStack::to_socket(Step& s, std::uint32_t packet) {
  GuestPacket& p = buffers_.packet(packet);
  s.charge(c_.costs.socket_queue);
  socket_.truesize += p.truesize;
  if (c_.observer) c_.observer->level(c_.params.socket_level, static_cast<std::int64_t>(socket_.truesize), s.now());
  p.next = kNil;
  // The reader may run on another vCPU now: it sees the packet when this step is done.
  s.at_end([](void* self, std::uint64_t i, Core&, Time) {
    GuestStack& g = *static_cast<GuestStack*>(self);
    const std::uint32_t n = static_cast<std::uint32_t>(i);
    if (g.socket_.first == kNil) g.socket_.first = n;
    else g.buffers_.packet(g.socket_.last).next = n;
    g.socket_.last = n;
  }, this, packet);
  if (socket_.woken == s.start()) return;
  socket_.woken = s.start();
  s.wake(*socket_.reader);
}

// vxlan_rcv() and gro_cells: the outer headers go, and the inner frame comes in like one from a device.
void GuestStack::decapsulate(Step& s, RingView& v, std::uint32_t packet) {
  GuestPacket& p = buffers_.packet(packet);
  s.charge(c_.costs.decapsulate);
  buffers_.pull(s, p, vxlan::kOuter);
  buffers_.load(s, c_.costs.decapsulate.op, p, 0, vxlan::kOuter, false);
  checker_.outer(p, vxlan::kOuter);
  buffers_.skip(s, p, vxlan::kOuter, false);
  p.flags &= static_cast<std::uint8_t>(~VirtioNetHdr::kDataValid);
  receive(s, v, packet);
}

void GuestStack::receive(Step& s, RingView& v, std::uint32_t packet) {
  GuestPacket& p = buffers_.packet(packet);
  if (p.length > kLongestPacket) return drop(packet, Drop::stack, s.now());
  std::uint32_t contiguous = 0;
  head_ = buffers_.look(p, contiguous);
  const Parsed& q = p.parsed;
  if (q.l3 == L3::none && q.decode == Decode::ethertype) return accept(s, packet);
  s.charge(c_.costs.ip);
  if (q.decode == Decode::truncated || q.decode == Decode::lengths) return drop(packet, Drop::stack, s.now());
  buffers_.pull(s, p, q.header_length);
  bool bad = csum::check_l3(head_, q) == csum::Checked::bad;
  if (!bad && !(p.flags & (VirtioNetHdr::kNeedsCsum | VirtioNetHdr::kDataValid))) bad = verify(s, p) == csum::Checked::bad;
  if (bad) {
    ++c_.stats.bad_checksums;
    return drop(packet, Drop::bad_checksum, s.now());
  }
  if (c_.params.tunnel && vxlan::to_tunnel(head_, contiguous, q)) return decapsulate(s, v, packet);
  if (q.l4 == L4::udp && !c_.params.app.listens) {
    s.charge(c_.costs.udp_no_port);
    return accept(s, packet);
  }
  s.charge(q.l4 == L4::tcp ? c_.costs.tcp : q.l4 == L4::udp ? c_.costs.udp : c_.costs.raw);
  if (q.l4 == L4::tcp && c_.params.tcp.closed) return tcp(s, v, packet);
  if (q.payload_length == 0) return accept(s, packet);
  if (socket_.truesize + p.truesize > c_.params.app.socket_buffer) return drop(packet, Drop::socket_full, s.now());
  to_socket(s, packet);
}

}  // namespace gd
