// The inner loops of the last-level cache, over neighbouring sets: once for every machine, once for those with AVX2. Both do the
// same; the tests hold them against each other.
#pragma once
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gd::llc {

constexpr std::uint32_t kTagBits = 0x7fffffff, kDirty = 1u << 31;

struct alignas(64) Set {
  std::uint32_t tag[16];   // line number + 1, 0 = empty; bit 31 = dirty
};

// The ways [from, from + count) of a set, in which a line may be allocated. Pre: from + count <= 16.
class Ways {
 public:
  constexpr Ways(unsigned from, unsigned count) : from_(from), count_(count), mask_(((1u << count) - 1) << from) {}
  unsigned mask() const { return mask_; }
  unsigned drawn(std::uint64_t& random) const {   // pseudo-random
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    return from_ + static_cast<std::uint32_t>((random >> 32) * count_ >> 32);
  }

 private:
  unsigned from_, count_, mask_;
};

// What a walk over lines met. Lines that were not missed were hit.
struct Met {
  std::uint32_t misses = 0;
  std::uint32_t write_backs = 0;   // dirty lines that had to leave
};

// Each walks `n` (1 to 64) sets from `s` on, which hold consecutive lines, the first of tag `tag`.
struct Loops {
  // A line that is there is marked with `mark` (0 or kDirty); one that is not takes an empty one of `ways`, else a pseudo-random
  // one, drawn from `random`. Pre: there is one.
  Met (*access)(Set* s, unsigned n, std::uint32_t tag, std::uint32_t mark, const Ways& ways, std::uint64_t& random);
  // A line that is there leaves.
  Met (*invalidate)(Set* s, unsigned n, std::uint32_t tag);
  Met (*look)(const Set* s, unsigned n, std::uint32_t tag);
};

const Loops& plain_loops();
const Loops* avx2_loops();    // null where the machine or the compiler has none
const Loops& best_loops();

// Bit i is set where tag i of a set equals `want`, dirty or not; on every machine.
#if defined(__SSE2__)
inline unsigned match(const std::uint32_t* tag, std::uint32_t want) {
  const __m128i w = _mm_set1_epi32(static_cast<int>(want)), low = _mm_set1_epi32(static_cast<int>(kTagBits));
  const auto* v = reinterpret_cast<const __m128i*>(tag);
  const __m128i a = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v), low), w);
  const __m128i b = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v + 1), low), w);
  const __m128i c = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v + 2), low), w);
  const __m128i d = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v + 3), low), w);
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d))));
}
#else
inline unsigned match(const std::uint32_t* tag, std::uint32_t want) {
  unsigned m = 0;
  for (unsigned i = 0; i < 16; ++i) m |= static_cast<unsigned>((tag[i] & kTagBits) == want) << i;
  return m;
}
#endif

// The way that a line takes which is not there: an empty one of `ways`, else a pseudo-random one of them. `empty`: a bit for each.
inline unsigned way_for(unsigned empty, const Ways& ways, std::uint64_t& random) {
  if (const unsigned free = empty & ways.mask()) return static_cast<unsigned>(__builtin_ctz(free));
  return ways.drawn(random);
}

}  // namespace gd::llc
