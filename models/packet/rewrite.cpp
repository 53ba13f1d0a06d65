#include "models/packet/rewrite.h"

#include <cstring>

#include "models/packet/checksum.h"
#include "models/packet/headers.h"
#include "models/packet/vxlan.h"

namespace gd {

bool rewrite_applies(Rewrite kind, const Parsed& p) {
  if (!p.ok() || p.is_fragment || p.l4 == L4::none) return false;
  return kind != Rewrite::none && (kind != Rewrite::vlan_pop || p.vlan_tags > 0);
}

static_assert(kMostGrowth == vxlan::kOuter);

int rewrite_growth(Rewrite kind, const Parsed& p) {
  if (kind == Rewrite::encapsulate) return static_cast<int>(vxlan::kOuter);
  if (kind == Rewrite::vlan_push) return static_cast<int>(ether::kTag);
  return kind == Rewrite::vlan_pop && p.vlan_tags > 0 ? -static_cast<int>(ether::kTag) : 0;
}

ByteRange rewrite_range(Rewrite kind, const Parsed& p) {
  const bool v6 = p.l3 == L3::ipv6;
  const std::uint32_t l3 = p.l3_offset(), check = p.l4_offset() + (p.l4 == L4::tcp ? tcp::kCheck : udp::kCheck);
  switch (kind) {
    case Rewrite::none: return {};
    case Rewrite::mac: return {ether::kSrc, ether::kType};
    case Rewrite::ttl: return v6 ? ByteRange{l3 + ip6::kHopLimit, l3 + ip6::kHopLimit + 1} : ByteRange{l3 + ip4::kTtl, l3 + ip4::kCheck + 2};
    case Rewrite::nat: return {l3 + (v6 ? ip6::kDst : ip4::kCheck), check + 2};
    case Rewrite::vlan_push: return {0, ether::kType + ether::kTag};      // the addresses move to the new start
    case Rewrite::vlan_pop: return {0, ether::kType};
    case Rewrite::encapsulate: return {0, vxlan::kOuter};
  }
  return {};
}

namespace {

// One 16-bit word of a header changes: the field, and the checksum at `check`.
void replace_word(std::uint8_t* at, std::uint16_t by, std::uint8_t* check, bool open) {
  const std::uint16_t old = be16(at);
  put_be16(at, by);
  if (!check) return;
  if (open)
    put_be16(check, csum::add(csum::sub(be16(check), old), by));
  else
    put_be16(check, csum::update(be16(check), old, by));
}

void change(std::uint8_t* h, const Parsed& p, Rewrite kind, const RewriteValues& v, bool open) {
  const bool v6 = p.l3 == L3::ipv6;
  std::uint8_t* ip = h + p.l3_offset();
  if (kind == Rewrite::mac) {
    for (unsigned i = 0; i < 6; ++i) h[ether::kSrc + i] = static_cast<std::uint8_t>(v.mac >> (40 - 8 * i));
  } else if (kind == Rewrite::ttl) {
    if (v6) {
      --ip[ip6::kHopLimit];
    } else {
      const auto word = static_cast<std::uint16_t>(be16(ip + ip4::kTtl) - 0x100);
      replace_word(ip + ip4::kTtl, word, ip + ip4::kCheck, false);
    }
  } else if (kind == Rewrite::nat) {
    std::uint8_t* check = h + p.l4_offset() + (p.l4 == L4::tcp ? tcp::kCheck : udp::kCheck);
    if (p.l4 == L4::udp && be16(check) == 0) check = nullptr;          // sent without
    std::uint8_t* dst = ip + (v6 ? ip6::kDst : ip4::kDst);
    const std::uint16_t old = be16(dst), by = v6 ? v.network6 : v.network4;
    replace_word(dst, by, v6 ? nullptr : ip + ip4::kCheck, false);
    put_be16(dst, old);
    replace_word(dst, by, check, open);
    if (check && p.l4 == L4::udp && !open && be16(check) == 0) put_be16(check, 0xffff);
  }
}

}  // namespace

void rewrite_headers(std::uint8_t* out, const std::uint8_t* in, const Parsed& p, Rewrite kind, const RewriteValues& v, bool open) {
  const std::uint32_t n = p.header_length;
  if (kind == Rewrite::vlan_push) {
    std::memcpy(out, in, ether::kType);
    put_be16(out + ether::kType, ether::kVlan);
    put_be16(out + ether::kType + 2, v.vlan);
    std::memcpy(out + ether::kType + ether::kTag, in + ether::kType, n - ether::kType);
  } else if (kind == Rewrite::vlan_pop) {
    std::memcpy(out, in, ether::kType);
    std::memcpy(out + ether::kType, in + ether::kType + ether::kTag, n - ether::kType - ether::kTag);
  } else if (kind == Rewrite::encapsulate) {
    vxlan::write_outer(out, in, p, v.mac);
    std::memcpy(out + vxlan::kOuter, in, n);
  } else {
    std::memcpy(out, in, n);
    change(out, p, kind, v, open);
  }
}

}  // namespace gd
