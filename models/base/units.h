// Integer units of the simulation: time in picoseconds, sizes in bytes, work in milli-cycles.
// Durations of rates and clocks are exact ratios whose remainder is carried, so that a Gen3 x8 byte (126.98 ps) or a
// 3.4 GHz cycle (294.12 ps) does not drift. Nothing here uses floating point.
#pragma once
#include <cstdint>

#include "models/base/divisor.h"

namespace gd {

using Time = std::int64_t;    // picoseconds since the start of the simulation, or a duration in picoseconds
using Bytes = std::uint64_t;  // bytes
using Hpa = std::uint64_t;    // host-physical address
using Gpa = std::uint64_t;    // guest-physical address
using Iova = std::uint64_t;   // address as a device puts it on the bus

constexpr Time kNever = INT64_MAX;
constexpr Time kPs = 1, kNs = 1000, kUs = 1000 * kNs, kMs = 1000 * kUs, kSec = 1000 * kMs;
constexpr Bytes kLine = 64;     // a cache line
constexpr Bytes kPage = 4096;   // a base page
constexpr Bytes kMemoryLimit = Bytes{128} << 30;   // a machine's physical memory, both sockets', is less

constexpr std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }
constexpr std::uint64_t align_up(std::uint64_t a, std::uint64_t b) { return ceil_div(a, b) * b; }
constexpr std::uint64_t align_down(std::uint64_t a, std::uint64_t b) { return a / b * b; }
// Bytes from `a` to the end of its base page, at most `n`.
constexpr Bytes in_page(std::uint64_t a, Bytes n) {
  const Bytes room = kPage - a % kPage;
  return n < room ? n : room;
}

// (a * b + rest) / by, the remainder left in `rest`; in 64 bits where that is enough.
inline std::uint64_t divide(std::uint64_t a, std::uint64_t b, std::uint64_t& rest, const Divisor& by) {
  std::uint64_t n;
  if (__builtin_expect(!__builtin_mul_overflow(a, b, &n) && !__builtin_add_overflow(n, rest, &n), 1)) {
    const std::uint64_t q = by.of(n);
    rest = n - q * by.value();
    return q;
  }
  const unsigned __int128 wide = static_cast<unsigned __int128>(a) * b + rest;
  rest = static_cast<std::uint64_t>(wide % by.value());
  return static_cast<std::uint64_t>(wide / by.value());
}

// Turns counts of a unit into time at `units_per_second`, exactly: the sum of all take() results is never more than
// one picosecond away from the exact total.
class RateClock {
 public:
  explicit RateClock(std::uint64_t units_per_second = 1) : rate_(units_per_second) {}
  std::uint64_t rate() const { return rate_.value(); }
  // Duration of `units`, carrying the remainder to the next call.
  Time take(std::uint64_t units) {
    return static_cast<Time>(divide(units, kSec, rest_, rate_));
  }
  // Duration of `units` rounded up, without carrying (for estimates and limits).
  Time peek(std::uint64_t units) const {
    std::uint64_t rest = rate() - 1;
    return static_cast<Time>(divide(units, kSec, rest, rate_));
  }

 private:
  Divisor rate_;
  std::uint64_t rest_ = 0;
};

// A core's clock: milli-cycles to picoseconds with the remainder carried, and stalls to milli-cycles.
class CycleClock {
 public:
  explicit CycleClock(std::uint64_t hz = 1'000'000'000) : hz_(hz) {
    if (hz > kGiga) per_mc_ = static_cast<std::uint64_t>(((static_cast<unsigned __int128>(kGiga) << 64) + hz - 1) / hz), short_mc_ = UINT64_MAX / hz;
    if (hz > 0) short_stall_ = (UINT64_MAX - kGiga) / hz;
  }
  std::uint64_t hz() const { return hz_.value(); }
  Time take(std::uint64_t milli_cycles) {
    return static_cast<Time>(divide(milli_cycles, kGiga, rest_, hz_));
  }
  // The same, rounded down, nothing carried. A multiplication by the rounded-up reciprocal is exact for what a step takes: it is too
  // much by less than 1 / hz of a picosecond.
  Time peek(std::uint64_t milli_cycles) const {
    if (milli_cycles <= short_mc_) [[likely]] return static_cast<Time>(static_cast<unsigned __int128>(milli_cycles) * per_mc_ >> 64);
    return peek_long(milli_cycles);
  }
  // Milli-cycles that a stall of `t` picoseconds takes, remainder carried.
  std::uint64_t stall(Time t) {
    const auto ps = static_cast<std::uint64_t>(t);
    if (ps > short_stall_) [[unlikely]] return stall_long(ps);
    const std::uint64_t n = ps * hz() + stall_rest_, mc = n / kGiga;
    stall_rest_ = n - mc * kGiga;
    return mc;
  }
  // Milli-cycles in a duration, rounded down, nothing carried.
  std::uint64_t in(Time t) const {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(t) * hz() / kGiga);
  }

 private:
  static constexpr std::uint64_t kGiga = 1'000'000'000;   // picoseconds in a milli-cycle of 1 Hz
  [[gnu::noinline, gnu::cold]] Time peek_long(std::uint64_t milli_cycles) const {
    std::uint64_t rest = 0;
    return static_cast<Time>(divide(milli_cycles, kGiga, rest, hz_));
  }
  [[gnu::noinline, gnu::cold]] std::uint64_t stall_long(std::uint64_t ps) {
    return divide(ps, hz(), stall_rest_, Divisor(kGiga));
  }
  Divisor hz_;
  std::uint64_t per_mc_ = 0, short_mc_ = 0;   // picoseconds of one, in 1 / 2^64; for how many it is exact
  std::uint64_t short_stall_ = 0;             // picoseconds whose product with hz has 64 bits
  std::uint64_t rest_ = 0, stall_rest_ = 0;
};

}  // namespace gd
