#include "models/memory/llc_loops.h"

#include "models/base/bytes.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace gd::llc {
namespace {

constexpr unsigned kAhead = 4;   // sets from which on it pays to ask for them early

inline unsigned lowest_bit(unsigned mask) { return static_cast<unsigned>(__builtin_ctz(mask)); }
inline __attribute__((always_inline)) std::uint32_t count_bits(std::uint64_t mask) { return static_cast<std::uint32_t>(__builtin_popcountll(mask)); }

// match() for each instruction set; the results are the same.
namespace baseline {
using llc::match;
#define GD_TARGET
#include "models/memory/llc_lines.inc"
#undef GD_TARGET
}  // namespace baseline

#if defined(__x86_64__) && defined(__GNUC__)
namespace avx2 {
#define GD_TARGET __attribute__((target("avx2")))
GD_TARGET inline unsigned match(const std::uint32_t* tag, std::uint32_t want) {
  const __m256i w = _mm256_set1_epi32(static_cast<int>(want)), low = _mm256_set1_epi32(static_cast<int>(kTagBits));
  const auto* v = reinterpret_cast<const __m256i*>(tag);
  const __m256i a = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_load_si256(v), low), w);
  const __m256i b = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_load_si256(v + 1), low), w);
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(a))) |
         static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(b))) << 8;
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
