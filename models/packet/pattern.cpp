#include "models/packet/pattern.h"

#include <cstring>

#include "models/packet/checksum.h"

namespace gd {

Pattern::Pattern(Rng& rng) : bytes_(kPeriod + kMaxLength), prefix_(kPeriod + 1) {
  for (std::uint32_t i = 0; i < kPeriod; i += 4) {
    const std::uint32_t v = rng();
    std::memcpy(&bytes_[i], &v, kPeriod - i < 4 ? kPeriod - i : 4);
  }
  for (std::uint32_t i = kPeriod; i < bytes_.size(); ++i) bytes_[i] = bytes_[i - kPeriod];
  for (std::uint32_t i = 0; i < kPeriod; ++i)
    prefix_[i + 1] = csum::add(prefix_[i], static_cast<std::uint16_t>(i & 1 ? bytes_[i] : bytes_[i] << 8));
}

void Pattern::fill(std::uint8_t* to, std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const {
  while (len > 0) {
    const std::uint32_t n = len < kMaxLength ? len : kMaxLength;
    std::memcpy(to, data(flow, offset), n);
    to += n;
    offset += n;
    len -= n;
  }
}

bool Pattern::equal(const std::uint8_t* from, std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const {
  while (len > 0) {
    const std::uint32_t n = len < kMaxLength ? len : kMaxLength;
    if (std::memcmp(from, data(flow, offset), n) != 0) return false;
    from += n;
    offset += n;
    len -= n;
  }
  return true;
}

// Sum of bytes [from, to) of one period, the first at an even offset.
std::uint16_t Pattern::range_sum(std::uint32_t from, std::uint32_t to) const {
  const std::uint16_t s = csum::sub(prefix_[to], prefix_[from]);
  return from & 1 ? csum::swapped(s) : s;
}

std::uint16_t Pattern::partial_sum(std::uint32_t flow, std::uint64_t offset, std::uint32_t len) const {
  std::uint32_t at = index(flow, offset), done = 0;
  std::uint16_t s = 0;
  while (done < len) {   // at most three rounds: the period is shorter than kMaxLength
    const std::uint32_t left = len - done, here = kPeriod - at, n = left < here ? left : here;
    s = csum::combine(s, done, range_sum(at, at + n));
    done += n;
    at = 0;
  }
  return s;
}

}  // namespace gd
