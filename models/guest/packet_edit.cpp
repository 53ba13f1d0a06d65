// What protocol code does to a packet in guest memory: parse, pull, skip, splice, sum.
#include <algorithm>

#include "models/guest/packet.h"
#include "models/packet/headers.h"

namespace gd {
namespace {
constexpr std::uint32_t kLook = 256;   // bytes that the parser needs of any usual packet
}  // namespace

const std::uint8_t* GuestBuffers::look(GuestPacket& p, std::uint32_t& contiguous) {
  contiguous = std::min(p.length, kLook);
  gather(p, 0, contiguous, scratch_.data());
  p.parsed = parse(scratch_.data(), p.length);
  if (p.length > kLook && (p.parsed.header_length > kLook - 64 || p.parsed.decode == Decode::truncated)) {
    contiguous = p.length;
    gather(p, 0, p.length, scratch_.data());
    p.parsed = parse(scratch_.data(), p.length);
  }
  return scratch_.data();
}

void GuestBuffers::pull(Step& s, GuestPacket& p, std::uint32_t need) {
  GuestBuffer& head = buffers_[p.first];
  if (head.pool != kHeads) return;
  need = std::min(need, head.size - head.at);
  while (head.length < need && head.next != kNil) {
    const std::uint32_t b = head.next;
    GuestBuffer& g = buffers_[b];
    const std::uint32_t n = std::min(need - head.length, g.length);
    s.copy(c_.costs.linear_copy, head.hpa + head.at + head.length, g.hpa + g.at, n);
    c_.stats.linear_copied += n;
    head.length += n;
    g.at += n;
    g.length -= n;
    if (g.length > 0) continue;
    head.next = g.next;
    if (p.last == b) p.last = p.first;
    --p.pieces;
    // Its fragment goes, unless a buffer that continues it stays.
    if (head.next != kNil && buffers_[head.next].joined) buffers_[head.next].joined = false;
    else if (p.members == 0) --p.frags;
    put(b, s.now());
  }
}

void GuestBuffers::skip(Step& s, GuestPacket& p, std::uint32_t n, bool drop_head) {
  p.length -= n;
  for (std::uint32_t b = p.first; b != kNil && n > 0; b = buffers_[b].next) {
    GuestBuffer& g = buffers_[b];
    const std::uint32_t part = std::min(n, g.length);
    g.at += part;
    g.length -= part;
    n -= part;
  }
  const std::uint32_t b = p.first;
  const GuestBuffer& g = buffers_[b];
  if (g.length > 0 || !drop_head) return;
  p.first = g.next;
  if (p.last == b) p.last = kNil;
  --p.pieces;
  if (g.pool != kHeads) {                // an skb head goes with its skb
    p.truesize -= g.size;
    s.charge(c_.costs.page_free);
  }
  put(b, s.now());
}

void GuestBuffers::splice(GuestPacket& to, GuestPacket& from, std::uint32_t truesize) {
  if (from.first != kNil) {
    buffers_[to.last].next = from.first;
    to.last = from.last;
  }
  to.length += from.length;
  to.pieces += from.pieces;
  to.truesize += truesize;
  from.first = from.last = kNil;
  from.length = from.pieces = 0;
}

csum::Checked GuestBuffers::check_l4(const GuestPacket& p, const std::uint8_t* header, std::uint32_t& summed) const {
  const Parsed& q = p.parsed;
  const std::uint32_t from = q.l4_offset(), to = q.l2_length + q.ip_length;
  summed = 0;
  if (q.l4 == L4::none || q.is_fragment || q.routing_pending || to > p.length) return csum::Checked::none;
  if (q.l4 == L4::udp && be16(header + from + udp::kCheck) == 0) return q.l3 == L3::ipv6 ? csum::Checked::bad : csum::Checked::none;
  std::uint16_t sum = 0;
  std::uint32_t at = 0;
  for (std::uint32_t b = p.first; b != kNil && at < to; b = buffers_[b].next) {
    const GuestBuffer& g = buffers_[b];
    const std::uint32_t lo = std::max(from, at), hi = std::min(to, at + g.length);
    if (lo < hi) {
      sum = csum::combine(sum, summed, csum::sum(bytes(g) + (lo - at), hi - lo));
      summed += hi - lo;
    }
    at += g.length;
  }
  return csum::add(sum, csum::pseudo(header, q, summed)) == 0xffff ? csum::Checked::good : csum::Checked::bad;
}

void GuestBuffers::charge_sum(Step& s, const GuestPacket& p, std::uint32_t from, std::uint32_t n) {
  load(s, c_.costs.checksum.op, p, from, n, true);
  s.charge(c_.costs.checksum, n);
  c_.stats.checksummed += n;
}

void GuestBuffers::load(Step& s, OpId op, const GuestPacket& p, std::uint32_t from, std::uint32_t n, bool stream) const {
  std::uint32_t at = 0;
  for (std::uint32_t b = p.first; b != kNil && at < from + n; b = buffers_[b].next) {
    const GuestBuffer& g = buffers_[b];
    const std::uint32_t lo = std::max(from, at), hi = std::min(from + n, at + g.length);
    if (lo < hi) {
      if (stream) s.stream_load(op, g.hpa + g.at + (lo - at), hi - lo);
      else s.load(op, g.hpa + g.at + (lo - at), hi - lo);
    }
    at += g.length;
  }
}

}  // namespace gd
