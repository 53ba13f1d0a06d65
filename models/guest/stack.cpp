#include "models/guest/stack.h"

#include <algorithm>

#include "models/packet/headers.h"
#include "models/virtio/layout.h"

namespace gd {
namespace {
constexpr std::uint32_t kLook = 256;          // bytes that the parser needs of any usual packet
constexpr std::uint32_t kLongest = 256 * 1024;
}  // namespace

GuestStack::GuestStack(GuestContext& c, GuestBuffers& buffers, GuestChecker& checker, GuestTxQueue& tx, GuestSocket& socket)
    : c_(c), buffers_(buffers), checker_(checker), tx_(tx), socket_(socket) {
  scratch_.resize(kLongest);
  if (c.params.tcp.closed) {
    flows_.reserve(c.params.tcp.flows);
    by_hash_.resize(2 * c.params.tcp.flows);
    requests_.reserve(c.params.tcp.flows);
  }
}

void GuestStack::observe(Observer* o) {
  if (o && o->wants_handed_up()) whole_.resize(kLongest + 4);
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

// __pskb_pull_tail(): an skb whose linear part is a head of its own gets `need` header bytes into it.
void GuestStack::pull(Step& s, GuestPacket& p, std::uint32_t need) {
  GuestBuffer& head = buffers_[p.first];
  if (head.pool != GuestBuffers::kHeads) return;
  need = std::min(need, head.size);
  while (head.length < need && head.next != kNil) {
    const std::uint32_t b = head.next;
    GuestBuffer& g = buffers_[b];
    const std::uint32_t n = std::min(need - head.length, g.length);
    s.copy(c_.costs.linear_copy, head.hpa + head.length, g.hpa + g.at, n);
    c_.stats.linear_copied += n;
    head.length += n;
    g.at += n;
    g.length -= n;
    if (g.length > 0) continue;
    head.next = g.next;
    if (p.last == b) p.last = p.first;
    p.truesize -= g.size;
    --p.pieces;
    buffers_.put(b, s.now());
  }
}

csum::Checked GuestStack::verify(Step& s, const GuestPacket& p) {
  const Parsed& q = p.parsed;
  const std::uint32_t from = q.l4_offset(), to = q.l2_length + q.ip_length;
  if (q.l4 == L4::none || q.is_fragment || q.routing_pending || to > p.length) return csum::Checked::none;
  if (q.l4 == L4::udp && be16(scratch_.data() + from + udp::kCheck) == 0)
    return q.l3 == L3::ipv6 ? csum::Checked::bad : csum::Checked::none;
  std::uint16_t sum = 0;
  std::uint32_t at = 0, done = 0;
  for (std::uint32_t b = p.first; b != kNil && at < to; b = buffers_[b].next) {
    const GuestBuffer& g = buffers_[b];
    const std::uint32_t lo = std::max(from, at), hi = std::min(to, at + g.length);
    if (lo < hi) {
      s.stream_load(c_.costs.checksum.op, g.hpa + g.at + (lo - at), hi - lo);
      sum = csum::combine(sum, done, csum::sum(buffers_.bytes(g) + (lo - at), hi - lo));
      done += hi - lo;
    }
    at += g.length;
  }
  s.charge(c_.costs.checksum, done);
  c_.stats.checksummed += done;
  return csum::add(sum, csum::pseudo(scratch_.data(), q, done)) == 0xffff ? csum::Checked::good : csum::Checked::bad;
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
  s.charge(c_.costs.skb_free);
  buffers_.free_packet(packet, s.now());
}

void GuestStack::to_socket(Step& s, std::uint32_t packet) {
  GuestPacket& p = buffers_.packet(packet);
  s.charge(c_.costs.socket_queue);
  socket_.truesize += p.truesize;
  if (c_.observer) c_.observer->level(c_.params.socket_level, static_cast<std::int64_t>(socket_.truesize), s.now());
  p.next = kNil;
  // The reader may run on another vCPU now: it sees the packet when this step is done.
  s.at_end([](void* self, std::uint64_t i, Time) {
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

void GuestStack::receive(Step& s, RingView& v, std::uint32_t packet) {
  GuestPacket& p = buffers_.packet(packet);
  if (p.length > kLongest) return drop(packet, Drop::stack, s.now());
  tell(p, s.now());
  if (p.frames.count > 0 && c_.hit(Fault::lose_guest, p.frames.first)) {
    c_.held -= p.frames.count;
    for (FrameRef f; (f = c_.frames.pop(p.frames)) != kNoFrame;) c_.frames.lose(f);
    buffers_.free_packet(packet, s.now());
    return;
  }
  buffers_.gather(p, 0, std::min(p.length, kLook), scratch_.data());
  p.parsed = parse(scratch_.data(), p.length);
  if (p.length > kLook && (p.parsed.header_length > kLook - 64 || p.parsed.decode == Decode::truncated)) {
    buffers_.gather(p, 0, p.length, scratch_.data());
    p.parsed = parse(scratch_.data(), p.length);
  }
  const Parsed& q = p.parsed;
  if (q.l3 == L3::none && q.decode == Decode::ethertype) return accept(s, packet);
  s.charge(c_.costs.ip);
  if (q.decode == Decode::truncated || q.decode == Decode::lengths) return drop(packet, Drop::stack, s.now());
  pull(s, p, q.header_length);
  bool bad = csum::check_l3(scratch_.data(), q) == csum::Checked::bad;
  if (!bad && !(p.flags & (VirtioNetHdr::kNeedsCsum | VirtioNetHdr::kDataValid))) bad = verify(s, p) == csum::Checked::bad;
  if (bad) {
    ++c_.stats.bad_checksums;
    return drop(packet, Drop::bad_checksum, s.now());
  }
  s.charge(q.l4 == L4::tcp ? c_.costs.tcp : q.l4 == L4::udp ? c_.costs.udp : c_.costs.raw);
  if (q.l4 == L4::tcp && c_.params.tcp.closed) return tcp(s, v, packet);
  if (q.payload_length == 0) return accept(s, packet);
  if (socket_.truesize + p.truesize > c_.params.app.socket_buffer) return drop(packet, Drop::socket_full, s.now());
  to_socket(s, packet);
}

}  // namespace gd
