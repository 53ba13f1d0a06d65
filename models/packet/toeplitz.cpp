#include "models/packet/toeplitz.h"

#include "models/packet/headers.h"

namespace gd {

const std::uint8_t Toeplitz::kDefaultKey[kKeyBytes] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

Toeplitz::Toeplitz(const std::uint8_t* key) {
  // Input bit i (from the left) contributes the 32 key bits that begin at bit i.
  auto window = [key](unsigned bit) {
    std::uint32_t w = 0;
    for (unsigned i = bit; i < bit + 32; ++i) w = w << 1 | (key[i / 8] >> (7 - i % 8) & 1);
    return w;
  };
  for (unsigned byte = 0; byte < kMaxInput; ++byte) {
    std::uint32_t* const t = table_[byte];
    t[0] = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {   // those below 2^bit are known
      const std::uint32_t w = window(byte * 8 + 7 - bit);
      for (unsigned v = 0; v < 1u << bit; ++v) t[1u << bit | v] = w ^ t[v];
    }
  }
}

RssHash Toeplitz::hash(const std::uint8_t* frame, const Parsed& p, const RssFields& fields) const {
  // Addresses stand in the header in the order in which they are hashed, and so do the ports.
  const std::uint8_t* ip = frame + p.l3_offset();
  if (p.l3 == L3::ipv4) {
    const std::uint32_t h = hash_in_line(0, ip + ip4::kSrc, std::make_integer_sequence<unsigned, 8>{});
    const bool tcp = p.l4 == L4::tcp && fields.tcp4;
    if (tcp || (p.l4 == L4::udp && fields.udp4))
      return {h ^ hash_in_line(8, frame + p.l4_offset(), std::make_integer_sequence<unsigned, 4>{}), tcp ? RssType::tcp4 : RssType::udp4};
    if (fields.ipv4) return {h, RssType::ipv4};
  } else if (p.l3 == L3::ipv6) {
    const std::uint32_t h = hash_at(0, ip + ip6::kSrc, 32);
    if (p.l4 == L4::tcp && fields.tcp6) return {h ^ hash_at(32, frame + p.l4_offset(), 4), RssType::tcp6};
    if (p.l4 == L4::udp && fields.udp6) return {h ^ hash_at(32, frame + p.l4_offset(), 4), RssType::udp6};
    if (fields.ipv6) return {h, RssType::ipv6};
  }
  return {};
}

}  // namespace gd
