// The inner loops of the last-level cache, over neighbouring sets: once for every machine, once for those with AVX2. Both do the
// same; the tests hold them against each other.
#pragma once
#include <cstdint>

namespace gd::llc {

constexpr std::uint32_t kTagBits = 0x7fffffff, kDirty = 1u << 31;

struct alignas(64) Set {
  std::uint32_t tag[16];   // line number + 1, 0 = empty; bit 31 = dirty
};

// What a loop over the lines of one page met.
struct Lines {
  std::uint64_t missed = 0;   // bit i: line i
  std::uint32_t misses = 0, write_backs = 0;
};

// Each walks `n` (1 to 64) sets from `s` on, which hold consecutive lines, the first of tag `tag`.
struct Loops {
  // A line that is there is marked with `mark` (0 or kDirty); one that is not takes an empty way of [from, from + count), else a
  // pseudo-random one of them, drawn from `random`. Pre: count >= 1, from + count <= 16.
  Lines (*access)(Set* s, unsigned n, std::uint32_t tag, std::uint32_t mark, unsigned from, unsigned count, std::uint64_t& random);
  // A line that is there leaves.
  Lines (*invalidate)(Set* s, unsigned n, std::uint32_t tag);
  Lines (*look)(const Set* s, unsigned n, std::uint32_t tag);
};

const Loops& plain_loops();
const Loops* avx2_loops();    // null where the machine or the compiler has none
const Loops& best_loops();

// Bit i is set where tag i of a set equals `want`, dirty or not.
unsigned match(const std::uint32_t* tag, std::uint32_t want);

}  // namespace gd::llc
