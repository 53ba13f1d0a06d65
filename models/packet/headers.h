// Numbers of the protocols that the models read and write: offsets, lengths, constants, network-order access.
// Sources: IEEE 802.3, 802.1Q; RFC 791, 8200, 9293, 768.
#pragma once
#include <cstdint>
#include <cstring>

namespace gd {

// Big-endian (network order) access at any alignment.
inline std::uint16_t be16(const std::uint8_t* p) {
  std::uint16_t v;
  std::memcpy(&v, p, 2);
  return __builtin_bswap16(v);
}
inline std::uint32_t be32(const std::uint8_t* p) {
  std::uint32_t v;
  std::memcpy(&v, p, 4);
  return __builtin_bswap32(v);
}
inline void put_be16(std::uint8_t* p, std::uint16_t v) {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, 2);
}
inline void put_be32(std::uint8_t* p, std::uint32_t v) {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, 4);
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "network-order access is written for little-endian hosts");

// Ethernet. All lengths in bytes, without FCS unless said otherwise.
namespace ether {
constexpr std::uint32_t kHeader = 14, kTag = 4, kFcs = 4;
constexpr std::uint32_t kMinFrame = 60;                  // shortest frame on a wire, without FCS
constexpr std::uint32_t kDst = 0, kSrc = 6, kType = 12;  // offsets
constexpr std::uint16_t kIpv4 = 0x0800, kArp = 0x0806, kVlan = 0x8100, kIpv6 = 0x86dd, kQinq = 0x88a8;
inline bool is_multicast(const std::uint8_t* mac) { return mac[0] & 1; }   // broadcast too
}  // namespace ether

namespace ipproto {
constexpr std::uint8_t kHopByHop = 0, kIcmp = 1, kTcp = 6, kUdp = 17, kRouting = 43, kFragment = 44, kIcmp6 = 58,
                       kNoNext = 59, kDestination = 60;
}

// Offsets from the IPv4 header.
namespace ip4 {
constexpr std::uint32_t kHeader = 20;
constexpr std::uint32_t kTos = 1, kTotalLength = 2, kId = 4, kFragment = 6, kTtl = 8, kProtocol = 9, kCheck = 10,
                        kSrc = 12, kDst = 16;
constexpr std::uint16_t kDf = 0x4000, kMf = 0x2000, kOffsetMask = 0x1fff;   // in the fragment field
}  // namespace ip4

// Offsets from the IPv6 header.
namespace ip6 {
constexpr std::uint32_t kHeader = 40;
constexpr std::uint32_t kPayloadLength = 4, kNext = 6, kHopLimit = 7, kSrc = 8, kDst = 24;
}  // namespace ip6

// Offsets from the TCP header.
namespace tcp {
constexpr std::uint32_t kHeader = 20;
constexpr std::uint32_t kSrcPort = 0, kDstPort = 2, kSeq = 4, kAck = 8, kDataOffset = 12, kFlags = 13, kWindow = 14,
                        kCheck = 16, kUrgent = 18;
constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAckFlag = 0x10, kUrg = 0x20, kEce = 0x40,
                       kCwr = 0x80;
}  // namespace tcp

// Offsets from the UDP header.
namespace udp {
constexpr std::uint32_t kHeader = 8;
constexpr std::uint32_t kSrcPort = 0, kDstPort = 2, kLength = 4, kCheck = 6;
}  // namespace udp

}  // namespace gd
