#include "models/packet/checksum.h"

#include "models/packet/headers.h"
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace gd::csum {
namespace {

inline std::uint64_t load64(const std::uint8_t* p) {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}
inline std::uint64_t load32(const std::uint8_t* p) {
  std::uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}

// The pseudo header's upper-layer length, TCP or UDP, and whether all of it lies in the frame.
bool segment(const Parsed& p, std::uint32_t& len) {
  if (p.l4 == L4::none || p.decode == Decode::truncated) return false;
  len = p.ip_length - p.l3_length;
  if (p.l4 == L4::udp) len = p.udp_length;
  return p.l4_offset() + len <= p.length;
}

#if defined(__x86_64__) && defined(__GNUC__)
#define GD_WIDE_SUM
constexpr std::uint32_t kBlock = 1 << 16;   // bytes whose sum fits 32 bits

// Sum of the 16-bit words of the first `len` / 32 * 32 bytes in memory order. Multiply-add takes signed words: they are
// summed less 2^15 each.
__attribute__((target("avx2"))) std::uint64_t wide_sum(const std::uint8_t* data, std::uint32_t len) {
  const __m256i bias = _mm256_set1_epi16(static_cast<short>(0x8000)), one = _mm256_set1_epi16(1);
  // The words of 32 bytes in pairs, each word less 2^15.
#define GD_PAIRS(p) _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), bias), one)
  std::uint64_t total = 0;
  while (len >= 32) {
    const std::uint32_t block = (len < kBlock ? len : kBlock) / 32 * 32;
    __m256i a = _mm256_setzero_si256();
    for (std::uint32_t left = block % 128; left > 0; left -= 32, data += 32) a = _mm256_add_epi32(a, GD_PAIRS(data));
    for (std::uint32_t left = block / 128; left > 0; --left, data += 128) {
      const __m256i b = _mm256_add_epi32(GD_PAIRS(data), GD_PAIRS(data + 32)), c = _mm256_add_epi32(GD_PAIRS(data + 64), GD_PAIRS(data + 96));
      a = _mm256_add_epi32(a, _mm256_add_epi32(b, c));
    }
    __m128i h = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1));
    total += static_cast<std::uint64_t>(static_cast<std::int64_t>(_mm_cvtsi128_si32(h)) + std::int64_t{block / 2} * 0x8000);
    len -= block;
  }
#undef GD_PAIRS
  return total;
}

const bool kWide = __builtin_cpu_supports("avx2") != 0;
#endif

// The one's-complement sum does not depend on the byte order in which it is made (RFC 1071, section 2B): words are added
// in memory order, 32 bits into 64 so that no carry is lost, and only the folded result is swapped. All ones, by which a right
// checksum is known, is the same either way.
std::uint64_t memory_sum(const std::uint8_t* data, std::uint32_t len) {
  std::uint64_t a = 0;
#ifdef GD_WIDE_SUM
  if (len >= 64 && kWide) {
    a = wide_sum(data, len);
    data += len / 32 * 32;
    len %= 32;
  }
#endif
  std::uint64_t b = 0;
  for (; len >= 16; data += 16, len -= 16) {
    const std::uint64_t v = load64(data), w = load64(data + 8);
    a += (v & 0xffffffff) + (w & 0xffffffff);
    b += (v >> 32) + (w >> 32);
  }
  a += b;
  for (; len >= 4; data += 4, len -= 4) a += load32(data);
  if (len & 2) {
    std::uint16_t v;
    std::memcpy(&v, data, 2);
    a += v;
    data += 2;
  }
  if (len & 1) a += *data;
  return a;
}

// Of the pseudo header.
std::uint64_t memory_pseudo(const std::uint8_t* frame, const Parsed& p, std::uint32_t len) {
  const std::uint8_t* ip = frame + p.l3_offset();
  const std::uint64_t rest = (std::uint64_t{p.protocol} << 8) + __builtin_bswap32(len);
  if (p.l3 == L3::ipv4) return rest + halves(load64(ip + ip4::kSrc));
  return rest + halves(load64(ip + ip6::kSrc)) + halves(load64(ip + ip6::kSrc + 8)) + halves(load64(ip + ip6::kDst)) + halves(load64(ip + ip6::kDst + 8));
}

constexpr Checked judged(std::uint64_t s) { return fold(s) == 0xffff ? Checked::good : Checked::bad; }

}  // namespace

std::uint16_t sum(const std::uint8_t* data, std::uint32_t len) { return swapped(fold(memory_sum(data, len))); }

std::uint16_t pseudo4(const std::uint8_t* addresses, std::uint8_t protocol, std::uint32_t len) {
  std::uint64_t s = static_cast<std::uint64_t>(protocol) + len;
  for (unsigned i = 0; i < 8; i += 4) s += be32(addresses + i);
  return fold(s);
}

std::uint16_t pseudo6(const std::uint8_t* addresses, std::uint8_t protocol, std::uint32_t len) {
  std::uint64_t s = static_cast<std::uint64_t>(protocol) + len;
  for (unsigned i = 0; i < 32; i += 4) s += be32(addresses + i);
  return fold(s);
}

std::uint16_t pseudo(const std::uint8_t* frame, const Parsed& p, std::uint32_t len) {
  return p.l3 == L3::none ? 0 : swapped(fold(memory_pseudo(frame, p, len)));
}

Checked check_l3(const std::uint8_t* frame, const Parsed& p) {
  if (p.l3 != L3::ipv4) return Checked::none;
  const std::uint8_t* ip = frame + p.l3_offset();
  static_assert(ip4::kHeader == 20);   // without options, as nearly all are
  if (p.l3_length == ip4::kHeader) [[likely]] return judged(halves(load64(ip)) + halves(load64(ip + 8)) + load32(ip + 16));
  return judged(memory_sum(ip, p.l3_length));
}

Checked check_l4(const std::uint8_t* frame, const Parsed& p) {
  std::uint32_t len = 0;
  if (p.routing_pending || !segment(p, len)) return Checked::none;
  const std::uint8_t* l4 = frame + p.l4_offset();
  if (p.l4 == L4::udp && l4[udp::kCheck] == 0 && l4[udp::kCheck + 1] == 0)
    return p.l3 == L3::ipv4 ? Checked::none : Checked::bad;
  return judged(memory_pseudo(frame, p, len) + memory_sum(l4, len));
}

bool complete_l4(std::uint8_t* frame, std::uint32_t length) {
  const Parsed p = parse(frame, length);
  std::uint32_t len = 0;
  if (p.routing_pending || !segment(p, len)) return false;
  std::uint8_t* l4 = frame + p.l4_offset();
  std::uint8_t* field = l4 + (p.l4 == L4::tcp ? tcp::kCheck : udp::kCheck);
  put_be16(field, 0);
  std::uint16_t check = static_cast<std::uint16_t>(~add(pseudo(frame, p, len), sum(l4, len)));
  if (p.l4 == L4::udp && check == 0) check = 0xffff;
  put_be16(field, check);
  return true;
}

}  // namespace gd::csum
