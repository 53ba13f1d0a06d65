// Division of 64-bit integers by a number that is set once and divided by often: a rate, a period, a size.
#pragma once
#include <cstdint>

namespace gd {

// Gives n / d and n % d exactly, for every n, by a multiplication (T. Granlund, P. Montgomery, "Division by invariant integers
// using multiplication", PLDI 1994, figure 4.1). Pre: d > 0.
class Divisor {
 public:
  constexpr explicit Divisor(std::uint64_t d = 1) : d_(d) {
    if (d == 0) return;   // its owner refuses it
    unsigned log = 0;   // of d, rounded up
    while (log < 64 && std::uint64_t{1} << log < d) ++log;
    const unsigned __int128 above = (static_cast<unsigned __int128>(1) << log) - d;
    factor_ = static_cast<std::uint64_t>((above << 64) / d + 1);
    first_ = log > 0;
    second_ = log > 0 ? log - 1 : 0;
  }
  constexpr std::uint64_t value() const { return d_; }
  constexpr std::uint64_t of(std::uint64_t n) const {   // n / d
    const auto high = static_cast<std::uint64_t>(static_cast<unsigned __int128>(factor_) * n >> 64);
    return (high + ((n - high) >> first_)) >> second_;
  }
  constexpr std::uint64_t rest(std::uint64_t n) const { return n - of(n) * d_; }   // n % d

 private:
  std::uint64_t d_, factor_ = 0;
  unsigned first_ = 0, second_ = 0;
};

}  // namespace gd
