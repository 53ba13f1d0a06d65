// Named random streams: Random123 Philox4x32-10, keyed by (seed, path of the component), counter = draw index.
// Adding a component changes no other's stream. Distributions are Boost.Random's or integer tables, never std's.
// Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
#pragma once
#include <cstdint>
#include <string_view>

namespace gd {

class Rng {
 public:
  using result_type = std::uint32_t;
  Rng(std::uint64_t seed, std::string_view path);
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return UINT32_MAX; }
  result_type operator()();
  // The first draw of block `index`, whatever was drawn before: for choices that are keyed by an id.
  result_type at(std::uint64_t index) const;
  std::uint64_t u64();
  // Uniform in [0, bound), unbiased; bound >= 1.
  std::uint64_t below(std::uint64_t bound);
  // An exponential variate of mean `mean` by an integer table (no libm): for Poisson gaps. Exact mean within 0.01 %.
  std::uint64_t exponential(std::uint64_t mean);

 private:
  void refill();
  std::uint32_t key_[2];
  std::uint64_t counter_ = 0;
  std::uint32_t block_[4];
  unsigned left_ = 0;
};

// FNV-1a over the bytes; used for stream keys and stable ids.
constexpr std::uint64_t hash_name(std::string_view s) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (char c : s) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

}  // namespace gd
