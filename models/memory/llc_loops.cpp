#include "models/memory/llc_loops.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace gd::llc {
namespace {

constexpr unsigned kAhead = 4;   // sets from which on it pays to ask for them early

inline unsigned lowest_bit(unsigned mask) { return static_cast<unsigned>(__builtin_ctz(mask)); }
// Asks the simulating machine for `n` sets from `s` on, four at a time: up to three more do no harm.
inline __attribute__((always_inline)) void ask_for(const Set* s, unsigned n) {
  for (const Set* const end = s + n; s < end; s += 4) {
    __builtin_prefetch(s, 1);
    __builtin_prefetch(s + 1, 1);
    __builtin_prefetch(s + 2, 1);
    __builtin_prefetch(s + 3, 1);
  }
}

// For each instruction set: the line that is looked for next, of whose tag in() gives the ways that hold it, and the empty ways.
namespace baseline {
class Wanted {
 public:
  explicit Wanted(std::uint32_t tag) : tag_(tag) {}
  unsigned in(const std::uint32_t* tags) const { return match(tags, tag_); }
  void next() { ++tag_; }
  std::uint32_t tag() const { return tag_; }

 private:
  std::uint32_t tag_;
};
inline unsigned empty(const std::uint32_t* tags) { return match(tags, 0); }
#define GD_TARGET
#include "models/memory/llc_lines.inc"
#undef GD_TARGET
}  // namespace baseline

#if defined(__x86_64__) && defined(__GNUC__)
namespace avx2 {
#define GD_TARGET __attribute__((target("avx2")))
GD_TARGET inline unsigned ways_equal(__m256i low, __m256i high, __m256i tag) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(low, tag)))) |
         static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(high, tag)))) << 8;
}
class Wanted {   // the tag in every lane
 public:
  GD_TARGET explicit Wanted(std::uint32_t tag) : tag_(_mm256_set1_epi32(static_cast<int>(tag))) {}
  GD_TARGET unsigned in(const std::uint32_t* tags) const {
    const __m256i mask = _mm256_set1_epi32(static_cast<int>(kTagBits));
    const auto* v = reinterpret_cast<const __m256i*>(tags);
    return ways_equal(_mm256_and_si256(_mm256_load_si256(v), mask), _mm256_and_si256(_mm256_load_si256(v + 1), mask), tag_);
  }
  GD_TARGET void next() { tag_ = _mm256_add_epi32(tag_, _mm256_set1_epi32(1)); }
  GD_TARGET std::uint32_t tag() const { return static_cast<std::uint32_t>(_mm256_cvtsi256_si32(tag_)); }

 private:
  __m256i tag_;
};
GD_TARGET inline unsigned empty(const std::uint32_t* tags) {   // an empty way is never dirty
  const auto* v = reinterpret_cast<const __m256i*>(tags);
  return ways_equal(_mm256_load_si256(v), _mm256_load_si256(v + 1), _mm256_setzero_si256());
}
#include "models/memory/llc_lines.inc"
#undef GD_TARGET
}  // namespace avx2
#endif

}  // namespace

const Loops& plain_loops() {
  static const Loops loops{baseline::access, baseline::invalidate, baseline::look};
  return loops;
}

const Loops* avx2_loops() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const Loops loops{avx2::access, avx2::invalidate, avx2::look};
  return __builtin_cpu_supports("avx2") ? &loops : nullptr;
#else
  return nullptr;
#endif
}

const Loops& best_loops() {
  const Loops* const fast = avx2_loops();
  return fast ? *fast : plain_loops();
}

}  // namespace gd::llc
