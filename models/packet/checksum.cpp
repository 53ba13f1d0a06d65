#include "models/packet/checksum.h"

#include "models/packet/headers.h"

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

}  // namespace

// The one's-complement sum does not depend on the byte order in which it is made (RFC 1071, section 2B): words are added
// in memory order, 32 bits into 64 so that no carry is lost, and only the folded result is swapped.
std::uint16_t sum(const std::uint8_t* data, std::uint32_t len) {
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  while (len >= 32) {
    const std::uint64_t w0 = load64(data), w1 = load64(data + 8), w2 = load64(data + 16), w3 = load64(data + 24);
    a += (w0 & 0xffffffff) + (w1 & 0xffffffff);
    b += (w0 >> 32) + (w1 >> 32);
    c += (w2 & 0xffffffff) + (w3 & 0xffffffff);
    d += (w2 >> 32) + (w3 >> 32);
    data += 32;
    len -= 32;
  }
  a += b + c + d;
  while (len >= 4) {
    a += load32(data);
    data += 4;
    len -= 4;
  }
  if (len & 2) {
    std::uint16_t v;
    std::memcpy(&v, data, 2);
    a += v;
    data += 2;
  }
  if (len & 1) a += *data;
  return swapped(fold(a));
}

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
  const std::uint8_t* ip = frame + p.l3_offset();
  if (p.l3 == L3::ipv4) return pseudo4(ip + ip4::kSrc, p.protocol, len);
  if (p.l3 == L3::ipv6) return pseudo6(ip + ip6::kSrc, p.protocol, len);
  return 0;
}

Checked check_l3(const std::uint8_t* frame, const Parsed& p) {
  if (p.l3 != L3::ipv4) return Checked::none;
  return sum(frame + p.l3_offset(), p.l3_length) == 0xffff ? Checked::good : Checked::bad;
}

Checked check_l4(const std::uint8_t* frame, const Parsed& p) {
  std::uint32_t len = 0;
  if (p.routing_pending || !segment(p, len)) return Checked::none;
  const std::uint8_t* l4 = frame + p.l4_offset();
  if (p.l4 == L4::udp && l4[udp::kCheck] == 0 && l4[udp::kCheck + 1] == 0)
    return p.l3 == L3::ipv4 ? Checked::none : Checked::bad;
  return add(pseudo(frame, p, len), sum(l4, len)) == 0xffff ? Checked::good : Checked::bad;
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
