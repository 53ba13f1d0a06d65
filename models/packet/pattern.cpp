#include "models/packet/pattern.h"

#include <cstring>

#include "models/packet/checksum.h"

namespace gd {

Pattern::Pattern(Rng& rng) : bytes_(kPeriod + kMaxLength), prefix_(kPeriod / kStep + 1) {
  for (std::uint32_t i = 0; i < kPeriod; i += 4) {
    const std::uint32_t v = rng();
    std::memcpy(&bytes_[i], &v, kPeriod - i < 4 ? kPeriod - i : 4);
  }
  for (std::uint32_t i = kPeriod; i < bytes_.size(); ++i) bytes_[i] = bytes_[i - kPeriod];
  for (std::uint32_t i = 0; i + 1 < prefix_.size(); ++i) prefix_[i + 1] = csum::add(prefix_[i], csum::swapped(csum::sum(&bytes_[i * kStep], kStep)));
}

void Pattern::fill(std::uint8_t* to, std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const {
  for (; len > kMaxLength; to += kMaxLength, offset += kMaxLength, len -= kMaxLength) std::memcpy(to, data(flow, offset), kMaxLength);
  std::memcpy(to, data(flow, offset), len);
}

bool Pattern::equal(const std::uint8_t* from, std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const {
  for (; len > kMaxLength; from += kMaxLength, offset += kMaxLength, len -= kMaxLength)
    if (std::memcmp(from, data(flow, offset), kMaxLength) != 0) return false;
  return std::memcmp(from, data(flow, offset), len) == 0;
}

// Sum of bytes [0, to) of one period, its words in memory order and not folded: the steps before `to` and what is left.
inline std::uint64_t Pattern::sum_before(std::uint32_t to) const {
  static_assert(kStep == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  std::uint64_t w;
  std::memcpy(&w, &bytes_[to / kStep * kStep], kStep);   // bytes_ goes on behind the period
  w &= (std::uint64_t{1} << to % kStep * 8) - 1;
  return prefix_[to / kStep] + csum::halves(w);
}

// Sum of bytes [from, to) of one period, the first at an even offset.
inline std::uint16_t Pattern::range_sum(std::uint32_t from, std::uint32_t to) const {
  constexpr std::uint64_t kZero = std::uint64_t{0xffff} << 32;   // a zero of this arithmetic that is more than any sum_before
  const std::uint16_t s = csum::fold(sum_before(to) + (kZero - sum_before(from)));
  return from & 1 ? s : csum::swapped(s);
}

std::uint16_t Pattern::wrapped_sum(std::uint32_t at, std::uint32_t len) const {
  std::uint32_t done = 0;
  std::uint16_t s = 0;
  while (done < len) {   // at most three rounds: the period is shorter than kMaxLength
    const std::uint32_t left = len - done, here = kPeriod - at, n = left < here ? left : here;
    s = csum::combine(s, done, range_sum(at, at + n));
    done += n;
    at = 0;
  }
  return s;
}

std::uint16_t Pattern::partial_sum(std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const {
  const std::uint32_t at = index(flow, offset);
  if (len <= kPeriod - at) [[likely]] return range_sum(at, at + len);
  return wrapped_sum(at, len);
}

}  // namespace gd
