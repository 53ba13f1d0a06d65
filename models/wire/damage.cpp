#include "models/wire/damage.h"

#include <algorithm>
#include <cstring>

#include "models/packet/headers.h"
#include "models/wire/traffic.h"

namespace gd {
namespace {

constexpr std::uint32_t kShortestRunt = 14, kMostBeyond = 256;
// Added to the first byte of a checksum, modulo 256: never congruent to 0 modulo 65535, so that the sum is wrong for sure.
constexpr std::uint8_t kWrong = 0x01;

std::uint32_t longest_legal(const DamageParams& p) { return p.mtu + ether::kHeader + 2 * ether::kTag; }

}  // namespace

WireDamage::WireDamage(FrameTable& table, const DamageParams& p)
    : table_(table), p_(p), kind_rng_(p.seed, "traffic.errors"), detail_rng_(p.seed, "traffic.errors.detail"),
      buffers_(table, longest_legal(p) + kMostBeyond) {}

std::uint32_t WireDamage::plan(std::uint32_t length) {
  const std::uint64_t n = planned_++;
  std::uint32_t at = kind_rng_.at(n) % 1'000'000;
  next_ = Damage::none;
  if (length > longest_legal(p_)) return length;
  const std::pair<Damage, std::uint32_t> kinds[] = {{Damage::runt, p_.runts}, {Damage::giant, p_.giants}, {Damage::fcs, p_.fcs},
                                                    {Damage::l3_checksum, p_.l3_checksum}, {Damage::l4_checksum, p_.l4_checksum}};
  for (const auto& [kind, share] : kinds) {
    if (at < share) {
      next_ = kind;
      break;
    }
    at -= share;
  }
  const std::uint32_t draw = detail_rng_.at(n);
  if (next_ == Damage::runt) return length_ = kShortestRunt + draw % (wire::kMinimum - kShortestRunt);
  if (next_ == Damage::giant) return length_ = longest_legal(p_) + 1 + draw % kMostBeyond;
  length_ = draw;
  return length;
}

std::uint32_t damaged_checksum(const Parsed& p, Damage d) {
  if (d == Damage::l3_checksum) return p.l3 == L3::ipv4 ? p.l3_offset() + ip4::kCheck : 0;
  if (p.is_fragment) return 0;
  if (p.l4 == L4::tcp) return p.l4_offset() + tcp::kCheck;
  return p.l4 == L4::udp ? p.l4_offset() + udp::kCheck : 0;
}

void WireDamage::apply(FrameRef r) {
  if (next_ == Damage::none) return;
  FrameMeta& m = table_[r];
  std::uint32_t check = 0;
  if (next_ == Damage::l3_checksum || next_ == Damage::l4_checksum) {
    check = damaged_checksum(parse(m.bytes, m.length), next_);
    if (check == 0) return;
    if (next_ == Damage::l4_checksum && m.bytes[check] == 0 && m.bytes[check + 1] == 0) return;   // UDP without one
  }
  std::uint8_t* b = buffers_.take(r);
  std::memcpy(b, m.bytes, m.length);
  m.bytes = b;
  m.damage = next_;
  switch (next_) {
    case Damage::none: break;
    case Damage::runt:
      if (m.length < length_) std::memset(b + m.length, 0, length_ - m.length);   // a capture's frame, shorter still
      m.length = length_;
      break;
    case Damage::giant:
      std::memset(b + m.length, 0, length_ - m.length);
      m.length = length_;
      break;
    case Damage::fcs:
      b[length_ / 8 % m.length] ^= static_cast<std::uint8_t>(1u << length_ % 8);
      break;
    case Damage::l3_checksum:
    case Damage::l4_checksum:
      b[check] = static_cast<std::uint8_t>(b[check] + kWrong);
      if (b[check] == 0 && b[check + 1] == 0) b[check + 1] = kWrong;   // 0 would say that there is none
      break;
  }
}

bool DamagedExpected::matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) {
  if (f.damage != Damage::l3_checksum && f.damage != Damage::l4_checksum) return sent_->matches(f, at, data, len);
  const std::uint32_t n = f.payload_offset;
  if (std::max(f.length, len) > scratch_.size() || !sent_->original(f, scratch_.data(), n)) return false;
  const std::uint32_t check = damaged_checksum(parse(scratch_.data(), f.length), f.damage);   // reads the headers alone
  if (check == 0 || check + 2 > n) return false;
  const std::uint8_t was[2] = {scratch_[check], scratch_[check + 1]};
  std::uint8_t spoilt[2] = {static_cast<std::uint8_t>(was[0] + kWrong), was[1]};
  if (spoilt[0] == 0 && spoilt[1] == 0) spoilt[1] = kWrong;
  std::memcpy(scratch_.data(), data, len);
  for (std::uint32_t k = 0; k < 2; ++k) {   // what must stand there, put back to what was sent
    if (check + k < at || check + k >= at + len) continue;
    if (data[check + k - at] != spoilt[k]) return false;
    scratch_[check + k - at] = was[k];
  }
  return sent_->matches(f, at, scratch_.data(), len);
}

}  // namespace gd
