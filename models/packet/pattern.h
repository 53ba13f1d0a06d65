// The payload of synthetic traffic: byte `o` of flow `f`'s stream is pattern[(base(f) + o) mod P], P = 65521 (prime), so
// that a byte of the wrong offset or flow is seen with high probability, and the expected payload needs no storage.
// Offsets that differ by a multiple of P cannot be told apart.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/rng.h"

namespace gd {

class Pattern {
 public:
  static constexpr std::uint32_t kPeriod = 65521;
  static constexpr std::uint32_t kMaxLength = 65536;   // bytes that data() offers without a wrap

  // Fills the pattern from `rng`.
  explicit Pattern(Rng& rng);

  // Place in the pattern of byte `offset` of flow `flow`, below kPeriod.
  std::uint32_t index(std::uint32_t flow, std::uint64_t offset) const {
    return static_cast<std::uint32_t>((base(flow) + offset) % kPeriod);
  }
  // kMaxLength contiguous bytes of the stream from `offset` on.
  const std::uint8_t* data(std::uint32_t flow, std::uint64_t offset) const { return &bytes_[index(flow, offset)]; }
  // Copies `len` bytes of the stream to `to`; any length.
  void fill(std::uint8_t* to, std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const;
  // Whether `len` bytes at `from` are those of the stream; any length.
  bool equal(const std::uint8_t* from, std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const;
  // csum::sum of those bytes as if the first stood at an even offset, up to 0 and 0xffff being the same; O(1).
  // len <= kMaxLength.
  std::uint16_t partial_sum(std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const;

 private:
  static std::uint64_t base(std::uint32_t flow) { return (flow * 0x9e3779b97f4a7c15ULL) >> 40; }
  static constexpr std::uint32_t kStep = 8;   // a table for each byte would cost two cache misses a frame
  std::uint64_t sum_before(std::uint32_t to) const;
  std::uint16_t range_sum(std::uint32_t from, std::uint32_t to) const;
  std::uint16_t wrapped_sum(std::uint32_t at, std::uint32_t len) const;
  std::vector<std::uint8_t> bytes_;     // kPeriod + kMaxLength
  std::vector<std::uint16_t> prefix_;   // prefix_[i] = sum of bytes_[0, i * kStep), its words in memory order
};

}  // namespace gd
