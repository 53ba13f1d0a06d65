// SHA-256 (FIPS 180-4), for configuration and input-file hashes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gd::scenario {

class Sha256 {
 public:
  void add(std::string_view bytes);
  // The digest as 64 lower-case hex digits; the object is used up.
  std::string hex();

 private:
  void block(const unsigned char* p);
  std::uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  unsigned char pending_[64];
  std::uint64_t length_ = 0;
};

std::string sha256(std::string_view bytes);

}  // namespace gd::scenario
