// Closed-loop TCP in the guest's stack: connections, windows, acknowledgements.
#include <algorithm>

#include "models/base/rng.h"
#include "models/guest/stack.h"
#include "models/packet/build.h"
#include "models/packet/headers.h"

namespace gd {

std::uint32_t GuestStack::find_flow(const GuestPacket& p) {
  const Parsed& q = p.parsed;
  Key key{};
  const std::uint8_t* l3 = head_ + q.l3_offset();
  if (q.l3 == L3::ipv4) std::memcpy(key.bytes, l3 + ip4::kSrc, 8);
  else std::memcpy(key.bytes, l3 + ip6::kSrc, 32);
  std::memcpy(key.bytes + 32, head_ + q.l4_offset(), 4);
  std::uint64_t h = hash_name(std::string_view(reinterpret_cast<const char*>(key.bytes), sizeof key.bytes));
  h ^= h >> 32;
  for (std::size_t i = h % by_hash_.size();; i = (i + 1) % by_hash_.size()) {
    if (by_hash_[i] != 0) {
      if (std::memcmp(flows_[by_hash_[i] - 1].key.bytes, key.bytes, sizeof key.bytes) == 0) return by_hash_[i] - 1;
      continue;
    }
    if (flows_.size() == c_.params.tcp.flows || q.header_length > sizeof Flow::header) return kNil;
    flows_.push_back(Flow{key, TcpReceiver(q.seq, c_.params.tcp.out_of_order, c_.params.tcp.ack_segments), q, {}});
    Flow& f = flows_.back();
    std::memcpy(f.header, head_, q.header_length);
    f.right_edge = q.seq;
    by_hash_[i] = static_cast<std::uint32_t>(flows_.size());
    return by_hash_[i] - 1;
  }
}

// The window to advertise: what the free buffer holds of payload, never less than was promised. 2.6.35 takes half of it
// (tcp_adv_win_scale 1), 6.x the share of payload in truesize that it measures (scaling_ratio).
std::uint32_t GuestStack::window(const Flow& f) const {
  const Bytes limit = c_.params.app.socket_buffer;
  const std::uint64_t space = f.queued < limit ? (limit - f.queued) * f.ratio / 256 : 0;
  const std::int32_t promised = static_cast<std::int32_t>(f.right_edge - f.rx.next());
  const std::uint64_t w = std::max<std::uint64_t>(space, promised > 0 ? static_cast<std::uint64_t>(promised) : 0);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(w, 65535ULL << c_.params.tcp.window_scale));
}

bool GuestStack::send_ack(Step& s, RingView& v, Flow& f) {
  const unsigned scale = c_.params.tcp.window_scale;
  AckFields a;
  a.seq = f.parsed.ack;
  a.ack = f.rx.next();
  a.window = static_cast<std::uint16_t>(window(f) >> scale);
  a.ip_id = f.ip_id;
  std::uint8_t frame[kMaxAck];
  const std::uint32_t n = build_tcp_ack(frame, f.header, f.parsed, a);
  if (n == 0) return true;
  s.charge(c_.costs.tcp_ack);
  if (!tx_.send(s, v, frame, n)) return false;
  ++f.ip_id;
  ++c_.stats.acks;
  if (f.by_timer) ++c_.stats.acks_delayed;
  f.by_timer = false;
  f.rx.acknowledged();
  f.right_edge = a.ack + (static_cast<std::uint32_t>(a.window) << scale);
  f.ack_at = kNever;
  return true;
}

void GuestStack::request(std::uint32_t flow) {
  if (flows_[flow].requested) return;
  flows_[flow].requested = true;
  requests_.push_back(flow);
}

void GuestStack::send_requested(Step& s, RingView& v) {
  std::size_t done = 0;
  while (done < requests_.size()) {
    Flow& f = flows_[requests_[done]];
    if (!send_ack(s, v, f)) break;
    f.requested = false;
    ++done;
  }
  requests_.erase(requests_.begin(), requests_.begin() + static_cast<std::ptrdiff_t>(done));
}

void GuestStack::tcp(Step& s, RingView& v, std::uint32_t packet) {
  GuestPacket& p = buffers_.packet(packet);
  const Parsed& q = p.parsed;
  const std::uint32_t flow = find_flow(p);
  if (flow == kNil) return drop(packet, Drop::stack, s.now());
  Flow& f = flows_[flow];
  // Data inside the advertised window may exceed the limit: where Linux would collapse its queue, this accepts it, up to
  // twice the limit.
  if (q.payload_length > 0 && f.queued + p.truesize > 2 * c_.params.app.socket_buffer) return drop(packet, Drop::socket_full, s.now());
  if (c_.linux6() && q.payload_length >= f.rx.mss() && q.payload_length > 0)
    f.ratio = std::clamp<std::uint32_t>(static_cast<std::uint32_t>(256ULL * q.payload_length / p.truesize), 1, 255);
  const std::uint32_t mss = p.gso_size ? std::min<std::uint32_t>(p.gso_size, q.payload_length) : q.payload_length;
  const TcpReceiver::Answer a = f.rx.segment(q.seq, q.payload_length, q.flags, mss, packet);
  const bool data = q.payload_length > 0;
  switch (a.verdict) {
    case TcpReceiver::Verdict::old:
    case TcpReceiver::Verdict::refuse: drop(packet, Drop::stack, s.now()); break;
    case TcpReceiver::Verdict::keep:
      ++c_.stats.out_of_order;
      p.flow = flow;
      f.queued += p.truesize;
      break;
    case TcpReceiver::Verdict::deliver: {
      if (!data) {
        accept(s, packet);
        break;
      }
      p.flow = flow;
      p.skip = a.skip;
      f.queued += p.truesize;
      to_socket(s, packet);
      std::uint32_t next = 0, skip = 0;
      bool old = false;
      while (f.rx.pop(next, skip, old)) {
        GuestPacket& k = buffers_.packet(next);
        k.skip = skip;
        if (!old && k.parsed.payload_length > 0) {
          to_socket(s, next);
          continue;
        }
        f.queued -= k.truesize;
        if (old) drop(next, Drop::stack, s.now());
        else accept(s, next);
      }
      break;
    }
  }
  if (a.ack_now) {
    if (!send_ack(s, v, f)) request(flow);
  } else if (f.rx.ack_pending() && f.ack_at == kNever) {
    f.ack_at = s.now() + c_.params.tcp.delayed_ack;
    deadline_ = std::min(deadline_, f.ack_at);
  }
}

bool GuestStack::consumed(std::uint32_t flow, std::uint32_t truesize) {
  Flow& f = flows_[flow];
  f.queued -= truesize;
  // tcp_cleanup_rbuf(): an update when the window that the peer sees has halved and could be doubled.
  const std::int32_t left = static_cast<std::int32_t>(f.right_edge - f.rx.next());
  const std::uint64_t now = left > 0 ? static_cast<std::uint64_t>(left) : 0;
  if (2 * now > c_.params.app.socket_buffer / 2) return false;
  const std::uint64_t w = window(f);
  if (w == 0 || w < 2 * now || 16 * w < c_.params.app.socket_buffer || w >> c_.params.tcp.window_scale == 0) return false;
  request(flow);
  return true;
}

Time GuestStack::expire(Time now) {
  Time next = kNever;
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {
    Flow& f = flows_[i];
    if (f.ack_at > now) {
      next = std::min(next, f.ack_at);
      continue;
    }
    f.ack_at = kNever;
    f.by_timer = true;
    request(i);
  }
  return next;
}

}  // namespace gd
