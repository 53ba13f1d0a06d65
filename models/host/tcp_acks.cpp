#include "models/host/tcp_acks.h"

#include <algorithm>
#include <cstring>

#include "models/base/rng.h"
#include "models/packet/build.h"

namespace gd {

TcpAcks::TcpAcks(PhysMem& phys, CostBook& costs) : phys_(phys), ack_(costs.get("stack.tcp_ack")), flows_(2 * kFlows) {}

std::uint32_t TcpAcks::connection(const std::uint8_t* headers, const Parsed& p) {
  std::uint8_t key[sizeof Flow::key] = {};
  const std::uint8_t* l3 = headers + p.l3_offset();
  if (p.l3 == L3::ipv4) std::memcpy(key, l3 + ip4::kSrc, 8);
  else std::memcpy(key, l3 + ip6::kSrc, 32);
  std::memcpy(key + 32, headers + p.l4_offset(), 4);
  std::uint64_t h = hash_name(std::string_view(reinterpret_cast<const char*>(key), sizeof key));
  h ^= h >> 32;
  for (std::size_t i = h % flows_.size();; i = (i + 1) % flows_.size()) {
    Flow& f = flows_[i];
    if (f.used && std::memcmp(f.key, key, sizeof key) != 0) continue;
    if (!f.used) {
      if (in_use_ == kFlows) return 0;
      ++in_use_;
      f.used = true;
      std::memcpy(f.key, key, sizeof key);
    }
    return static_cast<std::uint32_t>(i + 1);
  }
}

void TcpAcks::data(Step& s, std::uint32_t connection, const std::uint8_t* headers, const Parsed& p, std::uint32_t segment, Bytes held) {
  if (!tx_ || connection == 0) return;
  Flow& f = flows_[connection - 1];
  const std::uint32_t end = p.seq + p.payload_length;
  if (!f.seen) {
    f.seen = true;
    f.acked = f.next = p.seq;
  }
  const bool again = static_cast<std::int32_t>(end - f.next) <= 0;   // sent again: its sender waits for an acknowledgement
  if (!again) f.next = end;
  f.segment = std::max(f.segment, segment);
  if (buffer_ && p.header_length <= kLastHeaders) {
    std::memcpy(f.headers, headers, p.header_length);
    f.parsed = p;
  }
  if (!again && f.next - f.acked < 2 * f.segment) return;
  send(s, f, headers, p, held);
}

void TcpAcks::read(Step& s, std::uint32_t connection, Bytes held) {
  if (!tx_ || connection == 0 || buffer_ == 0) return;
  Flow& f = flows_[connection - 1];
  const std::uint32_t told = f.acked + f.window - f.next;   // what is left of the window
  const Bytes left = told < (1u << 31) ? told : 0, fresh = window(held);
  if (f.parsed.header_length == 0 || 2 * left > window(0) || fresh == 0 || fresh < 2 * left) return;
  send(s, f, f.headers, f.parsed, held);
}

void TcpAcks::send(Step& s, Flow& f, const std::uint8_t* headers, const Parsed& p, Bytes held) {
  const Hpa slot = tx_->reserve(s);
  if (slot == 0) return;                   // ring full: with the next data
  AckFields a;
  a.seq = p.ack;
  a.ack = f.next;
  a.ip_id = f.ip_id++;
  if (buffer_) a.window = static_cast<std::uint16_t>(std::min<Bytes>(window(held) >> kWindowScale, 65535));
  std::uint8_t frame[kMaxAck];
  const std::uint32_t n = build_tcp_ack(frame, headers, p, a);
  if (n == 0) return;
  std::memcpy(phys_.at(slot), frame, n);
  s.charge(ack_);
  s.store(ack_.op, slot, n);
  tx_->xmit(s, n);
  tx_->flush(s);
  f.acked = f.next;
  f.window = std::uint32_t{a.window} << kWindowScale;
  ++sent_;
}

std::uint32_t TcpAcks::received(Step& s, const Skb& skb, const std::uint8_t* headers, const Parsed& p, Bytes held) {
  const std::uint32_t of = p.l4 == L4::tcp ? connection(headers, p) : 0;
  if (of) data(s, of, headers, p, skb.gso_size ? std::min<std::uint32_t>(skb.gso_size, p.payload_length) : p.payload_length, held);
  return of;
}

}  // namespace gd
