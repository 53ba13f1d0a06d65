#include "models/wire/tcp_sender.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "models/base/error.h"
#include "models/packet/checksum.h"
#include "models/packet/headers.h"
#include "models/packet/parse.h"

namespace gd {
namespace {

// Hash of a connection as the far end sees it: its own address and port, then the guest's.
std::uint64_t hash_of(const std::uint8_t* own, const std::uint8_t* peer, unsigned n, std::uint16_t port, std::uint16_t peer_port) {
  std::uint64_t h = static_cast<std::uint64_t>(port) << 16 | peer_port;
  for (unsigned i = 0; i < n; i += 4) {
    h = (h ^ be32(own + i)) * 0x9e3779b97f4a7c15ULL;
    h = (h ^ (h >> 29) ^ be32(peer + i)) * 0xbf58476d1ce4e5b9ULL;
  }
  return h ^ h >> 31;
}

}  // namespace

TcpSender::TcpSender(Agenda& agenda, std::uint32_t actor_rank, FrameTable& table, const Params& p)
    : Actor(agenda, actor_rank), table_(table), p_(p), stream_(p.flows, p.seed), buffers_(table, std::max(p.frame_bytes, 64u)),
      index_(p.flows.size()), turn_(p.flows.size()), queued_(p.flows.size()) {
  for (const FlowHeader& f : p_.flows)
    if (f.protocol != ipproto::kTcp) throw UserError("a closed loop needs TCP flows");
  const std::uint32_t headers = stream_.longest_header() + wire::kFcs;
  if (p_.frame_bytes <= headers || p_.frame_bytes < 64 || p_.frame_bytes > 65535)
    throw UserError("frame size " + std::to_string(p_.frame_bytes) + " cannot carry TCP segments: the headers and the FCS need " +
                    std::to_string(headers) + " of at least 64 and at most 65535 bytes");
  p_.tcp.mss = p_.frame_bytes - headers;
  tcp_.assign(p_.flows.size(), NewReno(p_.tcp));

  std::size_t places = 16;
  while (places < 2 * p_.flows.size()) places *= 2;
  by_hash_.assign(places, 0);
  for (std::uint32_t f = 0; f < p_.flows.size(); ++f) {
    const FlowHeader& h = p_.flows[f];
    std::uint64_t at = hash_of(h.src_ip, h.dst_ip, h.ipv6 ? 16 : 4, h.src_port, h.dst_port);
    while (by_hash_[at & (places - 1)] != 0) ++at;
    by_hash_[at & (places - 1)] = f + 1;
    ready(f);
  }
}

void TcpSender::ready(std::uint32_t flow) {
  if (queued_[flow]) return;
  queued_[flow] = true;
  std::uint32_t at = turn_head_ + turn_count_++;
  if (at >= turn_.size()) at -= static_cast<std::uint32_t>(turn_.size());
  turn_[at] = flow;
}

// The flow in front has had its turn; `again`: it goes to the end of the line.
void TcpSender::next_turn(bool again) {
  const std::uint32_t f = turn_[turn_head_];
  if (++turn_head_ == turn_.size()) turn_head_ = 0;
  --turn_count_;
  queued_[f] = false;
  in_burst_ = 0;
  if (again) ready(f);
}

Next TcpSender::plan(Time now, Plan& out) {
  while (turn_count_ > 0) {
    const std::uint32_t f = turn_[turn_head_];
    NewReno& t = tcp_[f];
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    if (!t.next(offset, length)) {
      next_turn(false);
      continue;
    }
    t.sent(now);
    wake_at(t.deadline());
    in_burst_ += length;
    std::uint64_t after = 0;
    std::uint32_t after_length = 0;
    const bool more = t.next(after, after_length), full = in_burst_ >= p_.burst_bytes;
    next_.flow = f;
    next_.offset = offset;
    next_.source_index = index_[f]++;
    next_.payload = length;
    next_.push = !more || full;
    if (next_.push) next_turn(more);
    out.earliest = now;
    out.length = stream_.frame_length(next_);
    return Next::frame;
  }
  return finished_ == tcp_.size() ? Next::finished : Next::later;
}

FrameRef TcpSender::emit(Time) {
  const FrameRef r = make_frame(table_, buffers_, stream_, next_);
  ++stats_.segments;
  return r;
}

std::uint32_t TcpSender::find(const std::uint8_t* bytes, const Parsed& p) const {
  const bool ipv6 = p.l3 == L3::ipv6;
  const unsigned n = ipv6 ? 16 : 4;
  const std::uint8_t* peer = bytes + p.l3_offset() + (ipv6 ? ip6::kSrc : ip4::kSrc);
  const std::uint8_t* own = peer + n;
  const std::size_t mask = by_hash_.size() - 1;
  for (std::uint64_t at = hash_of(own, peer, n, p.dst_port, p.src_port); by_hash_[at & mask] != 0; ++at) {
    const std::uint32_t f = by_hash_[at & mask] - 1;
    const FlowHeader& h = p_.flows[f];
    if (h.ipv6 == ipv6 && h.src_port == p.dst_port && h.dst_port == p.src_port && std::memcmp(h.src_ip, own, n) == 0 &&
        std::memcmp(h.dst_ip, peer, n) == 0)
      return f;
  }
  return UINT32_MAX;
}

void TcpSender::from_nic(const std::uint8_t* bytes, std::uint32_t length, Time now) {
  const Parsed p = parse(bytes, length);
  if (p.l4 != L4::tcp || !(p.flags & tcp::kAckFlag) || csum::check_l3(bytes, p) == csum::Checked::bad ||
      csum::check_l4(bytes, p) != csum::Checked::good) {
    ++stats_.bad_acks;
    return;
  }
  const std::uint32_t f = find(bytes, p);
  if (f == UINT32_MAX) {
    ++stats_.unknown;
    return;
  }
  ++stats_.acks;
  NewReno& t = tcp_[f];
  const bool was_done = t.done();
  // The 32-bit number is taken as the one nearest to the oldest unacknowledged byte.
  const auto ahead = static_cast<std::int32_t>(p.ack - (Stream::isn(f) + static_cast<std::uint32_t>(t.una())));
  if (ahead < 0) return;
  t.acked(t.una() + static_cast<std::uint32_t>(ahead), static_cast<std::uint64_t>(p.window) << p_.window_scale, p.pure_ack, now);
  if (t.deadline() != kNever) wake_at(t.deadline());
  if (!was_done && t.done()) ++finished_;
  std::uint64_t offset;
  std::uint32_t payload;
  if (t.next(offset, payload)) ready(f);
  if ((turn_count_ > 0 || finished_ == tcp_.size()) && link_) link_->traffic_ready(now);
}

// Timers are looked at when the earliest one known is due; most have moved on by then.
void TcpSender::act(Time now) {
  Time next = kNever;
  for (std::uint32_t f = 0; f < tcp_.size(); ++f) {
    NewReno& t = tcp_[f];
    if (t.deadline() <= now) {
      t.expired(now);
      ready(f);
    }
    next = std::min(next, t.deadline());
  }
  if (next != kNever) wake_at(next);
  if (turn_count_ > 0 && link_) link_->traffic_ready(now);
}

TcpSender::Stats TcpSender::stats() const {
  Stats s = stats_;
  for (const NewReno& t : tcp_) {
    s.tcp.retransmits += t.stats().retransmits;
    s.tcp.fast_retransmits += t.stats().fast_retransmits;
    s.tcp.timeouts += t.stats().timeouts;
    s.tcp.duplicate_acks += t.stats().duplicate_acks;
    s.tcp.probes += t.stats().probes;
  }
  return s;
}

void TcpSender::reset_stats() {
  stats_ = {};
  for (NewReno& t : tcp_) t.reset_stats();
}

}  // namespace gd
