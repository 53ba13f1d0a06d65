// The Internet checksum (RFC 1071, 1624) over real bytes.
//
// A *sum* here is a folded one's-complement sum of big-endian 16-bit words, 0..0xffff; a *checksum* is its complement,
// as it stands in a header. 0 and 0xffff are the same number in that arithmetic; a sum that contains a pseudo header is
// never 0.
#pragma once
#include <bit>
#include <cstdint>

#include "models/packet/parse.h"

namespace gd::csum {

// a + b with end-around carry.
constexpr std::uint16_t add(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t s = static_cast<std::uint32_t>(a) + b;
  return static_cast<std::uint16_t>(s + (s >> 16));
}
constexpr std::uint16_t sub(std::uint16_t a, std::uint16_t b) { return add(a, static_cast<std::uint16_t>(~b)); }
// A 32-bit or 64-bit accumulation of 16-bit words, folded to 16 bits: a sum of both halves with its carry stands in the upper
// half of the word added to itself turned by half.
constexpr std::uint16_t fold(std::uint64_t s) {
  s += std::rotl(s, 32);
  std::uint32_t h = static_cast<std::uint32_t>(s >> 32);
  h += std::rotl(h, 16);
  return static_cast<std::uint16_t>(h >> 16);
}
// The words of 32 bits of eight bytes in memory, added for a sum of 64 bits.
constexpr std::uint64_t halves(std::uint64_t v) { return (v & 0xffffffff) + (v >> 32); }
// The sum of a block whose first byte stands at an odd offset of the whole.
constexpr std::uint16_t swapped(std::uint16_t s) { return static_cast<std::uint16_t>(s << 8 | s >> 8); }
// Sum of a whole from the sum of its first `a_len` bytes and the sum of the rest.
constexpr std::uint16_t combine(std::uint16_t a, std::uint64_t a_len, std::uint16_t b) {
  return add(a, a_len & 1 ? swapped(b) : b);
}
// Sum of `len` bytes, the first being the high half of a word; an odd last byte is padded with zero.
std::uint16_t sum(const std::uint8_t* data, std::uint32_t len);

// Sum of the pseudo header. `addresses`: source then destination as they stand in the header (8 or 32 bytes);
// `len`: L4 header and payload.
std::uint16_t pseudo4(const std::uint8_t* addresses, std::uint8_t protocol, std::uint32_t len);
std::uint16_t pseudo6(const std::uint8_t* addresses, std::uint8_t protocol, std::uint32_t len);
// The same for a parsed frame; 0 when it has no IP header.
std::uint16_t pseudo(const std::uint8_t* frame, const Parsed& p, std::uint32_t len);

// A checksum field after one of the words it covers changed (RFC 1624, equation 3).
constexpr std::uint16_t update(std::uint16_t check, std::uint16_t old_word, std::uint16_t new_word) {
  return static_cast<std::uint16_t>(~add(add(static_cast<std::uint16_t>(~check), static_cast<std::uint16_t>(~old_word)), new_word));
}

// `none`: there is nothing to check (no such header, IPv6 for L3, a fragment or a cut frame for L4, UDP over IPv4 with
// checksum 0, a pending routing header).
enum class Checked : std::uint8_t { none, good, bad };

// IPv4 header checksum. `frame` is what `p` was parsed from.
Checked check_l3(const std::uint8_t* frame, const Parsed& p);
// TCP or UDP checksum; UDP over IPv6 with checksum 0 is bad (RFC 8200, section 8.1).
Checked check_l4(const std::uint8_t* frame, const Parsed& p);

// Computes the L4 checksum of a contiguous frame from nothing and stores it (a frame handed over with a partial
// checksum). The L4 length is what the IP length field says. False when the frame has no complete TCP or UDP packet.
bool complete_l4(std::uint8_t* frame, std::uint32_t length);

}  // namespace gd::csum
