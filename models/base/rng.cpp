#include "models/base/rng.h"

#include <Random123/philox.h>

namespace gd {
namespace {

// ln(2) in units of 2^-32, and -ln(1 - i/256) in units of 2^-32 for the table below, by integer series only.
// -ln(1-x) for x = i/256 is computed as the sum of x^k/k in 64.64 fixed point; the series converges because the
// argument is halved first: -ln(u) = e*ln2 - ln(m) with u = m*2^-e, m in [1/2, 1).
constexpr std::uint64_t kLn2 = 2977044472ULL;  // ln 2 * 2^32

// -ln(m / 2^32) in units of 2^-32, m in [2^31, 2^32): atanh series ln(m) = 2*atanh((m-1)/(m+1)).
std::uint64_t minus_ln_mantissa(std::uint64_t m) {
  const std::uint64_t one = 1ULL << 32;
  const std::uint64_t y = ((one - m) << 31) / ((one + m) >> 1);  // (1-m)/(1+m) in 2^-32, at most 1/3
  const std::uint64_t y2 = (y * y) >> 32;
  std::uint64_t term = y, sum = 0;
  for (unsigned k = 1; k < 20; k += 2) {
    sum += term / k;
    term = (term * y2) >> 32;
  }
  return 2 * sum;
}

}  // namespace

Rng::Rng(std::uint64_t seed, std::string_view path) {
  const std::uint64_t k = hash_name(path) ^ (seed * 0x9e3779b97f4a7c15ULL);
  key_[0] = static_cast<std::uint32_t>(k);
  key_[1] = static_cast<std::uint32_t>(k >> 32);
}

void Rng::refill() {
  r123::Philox4x32 philox;
  r123::Philox4x32::ctr_type c = {{static_cast<std::uint32_t>(counter_), static_cast<std::uint32_t>(counter_ >> 32), 0, 0}};
  r123::Philox4x32::key_type k = {{key_[0], key_[1]}};
  const auto out = philox(c, k);
  for (unsigned i = 0; i < 4; ++i) block_[i] = out[i];
  ++counter_;
  left_ = 4;
}

Rng::result_type Rng::at(std::uint64_t index) const {
  r123::Philox4x32 philox;
  r123::Philox4x32::ctr_type c = {{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0, 0}};
  r123::Philox4x32::key_type k = {{key_[0], key_[1]}};
  return philox(c, k)[0];
}

Rng::result_type Rng::operator()() {
  if (left_ == 0) refill();
  return block_[4 - left_--];
}

std::uint64_t Rng::u64() {
  const std::uint64_t lo = (*this)();
  return lo | static_cast<std::uint64_t>((*this)()) << 32;
}

std::uint64_t Rng::below(std::uint64_t bound) {
  if (bound <= 1) return 0;
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t v;
  do v = u64(); while (v >= limit);
  return v % bound;
}

std::uint64_t Rng::exponential(std::uint64_t mean) {
  std::uint64_t u = u64() | 1;  // never zero
  const unsigned e = static_cast<unsigned>(__builtin_clzll(u));
  const std::uint64_t m = (u << e) >> 32;
  const std::uint64_t ln = e * kLn2 + minus_ln_mantissa(m);
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(mean) * ln) >> 32);
}

}  // namespace gd
