// RSS hash: Toeplitz over the address and port fields (Microsoft, "RSS hashing functions" and "RSS hashing types").
#pragma once
#include <cstdint>
#include <utility>

#include "models/packet/parse.h"

namespace gd {

// What a hash was computed over.
enum class RssType : std::uint8_t { none, ipv4, tcp4, udp4, ipv6, tcp6, udp6 };

struct RssHash {
  std::uint32_t value = 0;   // 0 when type is none
  RssType type = RssType::none;
};

// Which packets are hashed, and over what; the most specific enabled kind is taken (TCP over IPv4 with tcp4 off is
// hashed as ipv4). Fragments never use ports.
struct RssFields {
  bool ipv4 = true, tcp4 = true, udp4 = false;
  bool ipv6 = true, tcp6 = true, udp6 = false;
};

class Toeplitz {
 public:
  static constexpr unsigned kKeyBytes = 40;
  static constexpr unsigned kMaxInput = 36;   // IPv6 addresses and ports
  // The key of Microsoft's verification suite.
  static const std::uint8_t kDefaultKey[kKeyBytes];

  // `key`: 40 bytes, only read here.
  explicit Toeplitz(const std::uint8_t* key = kDefaultKey);
  // Hash of `n` bytes, n <= kMaxInput.
  std::uint32_t hash(const std::uint8_t* input, unsigned n) const { return hash_at(0, input, n); }
  // Hash of a frame; `frame` is what `p` was parsed from.
  RssHash hash(const std::uint8_t* frame, const Parsed& p, const RssFields& fields) const;

 private:
  // What `input` at byte `position` of the whole adds.
  std::uint32_t byte_at(unsigned position, std::uint8_t input) const { return table_[position][input]; }
  std::uint32_t hash_at(unsigned position, const std::uint8_t* input, unsigned n) const {
    std::uint32_t h = 0;
    for (unsigned i = 0; i < n; ++i) h ^= byte_at(position + i, input[i]);
    return h;
  }
  // The same without a loop, for the addresses and ports of IPv4.
  template <unsigned... I>
  std::uint32_t hash_in_line(unsigned position, const std::uint8_t* input, std::integer_sequence<unsigned, I...>) const {
    return (byte_at(position + I, input[I]) ^ ...);
  }
  // By byte of the input. Of its 36 KiB the flows of a run use a line or two for each byte that they differ in.
  std::uint32_t table_[kMaxInput][256];
};

}  // namespace gd
