#include "models/packet/pattern.h"

#include <cstring>

#include "models/packet/checksum.h"

namespace gd {

namespace {
// The first `n` < 8 bytes in memory of a word, the others 0.
inline std::uint64_t low_bytes(std::uint64_t w, std::uint32_t n) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  return w & ((std::uint64_t{1} << n * 8) - 1);
}
}  // namespace

Pattern::Pattern(Rng& rng) : bytes_(kPeriod + kMaxLength), prefix_(kPeriod / kStep + 1) {
  for (std::uint32_t i = 0; i < kPeriod; i += 4) {
    const std::uint32_t v = rng();
    std::memcpy(&bytes_[i], &v, kPeriod - i < 4 ? kPeriod - i : 4);
  }
  for (std::uint32_t i = kPeriod; i < bytes_.size(); ++i) bytes_[i] = bytes_[i - kPeriod];
  for (std::uint32_t i = 0; i + 1 < prefix_.size(); ++i) prefix_[i + 1] = csum::add(prefix_[i], csum::sum(&bytes_[i * kStep], kStep));
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

// Sum of bytes [0, to) of one period: the steps before `to` and what is left, its words in memory order.
std::uint16_t Pattern::sum_before(std::uint32_t to) const {
  static_assert(kStep == 16);
  const std::uint32_t rest = to % kStep;
  std::uint64_t w[2];
  std::memcpy(w, &bytes_[to - rest], sizeof w);   // bytes_ goes on behind the period
  if (rest < 8) w[0] = low_bytes(w[0], rest), w[1] = 0;
  else w[1] = low_bytes(w[1], rest - 8);
  const std::uint64_t sum = (w[0] & 0xffffffff) + (w[0] >> 32) + (w[1] & 0xffffffff) + (w[1] >> 32);
  return csum::add(prefix_[to / kStep], csum::swapped(csum::fold(sum)));
}

// Sum of bytes [from, to) of one period, the first at an even offset.
std::uint16_t Pattern::range_sum(std::uint32_t from, std::uint32_t to) const {
  const std::uint16_t s = csum::sub(sum_before(to), sum_before(from));
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
