#include "models/memory/llc_loops.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "models/base/rng.h"

namespace gd::llc {
namespace llc_loops_test {

constexpr unsigned kSets = 96;

void expect_equal(const Met& a, const Met& b, int round) {
  ASSERT_EQ(a.misses, b.misses) << round;
  ASSERT_EQ(a.write_backs, b.write_backs) << round;
}

// Results, tags and draws, over walks of all lengths through sets of all ways that a few hundred lines compete for.
TEST(LlcLoops, ThoseOfAvx2DoWhatThePlainOnesDo) {
  const Loops* const fast = avx2_loops();
  if (!fast) GTEST_SKIP() << "this machine has no AVX2";
  const Loops& plain = plain_loops();
  Rng rng(7, "test");
  std::vector<Set> one(kSets, Set{}), two(kSets, Set{});
  std::uint64_t drawn_one = 99, drawn_two = 99;
  std::uint64_t hits = 0, written_back = 0, gone = 0;
  for (int round = 0; round < 20000; ++round) {
    const unsigned n = 1 + static_cast<unsigned>(rng.below(64)), first = static_cast<unsigned>(rng.below(kSets - n + 1));
    const auto tag = static_cast<std::uint32_t>(1 + first + kSets * rng.below(24));
    const unsigned from = static_cast<unsigned>(rng.below(16)), count = 1 + static_cast<unsigned>(rng.below(16 - from));
    const std::uint32_t mark = rng.below(2) ? kDirty : 0;
    switch (rng.below(8)) {
      case 0: {
        const Met a = plain.invalidate(&one[first], n, tag), b = fast->invalidate(&two[first], n, tag);
        expect_equal(a, b, round);
        gone += n - a.misses;
        break;
      }
      case 1: {
        const Met a = plain.look(&one[first], n, tag), b = fast->look(&two[first], n, tag);
        expect_equal(a, b, round);
        break;
      }
      default: {
        const Met a = plain.access(&one[first], n, tag, mark, Ways(from, count), drawn_one);
        const Met b = fast->access(&two[first], n, tag, mark, Ways(from, count), drawn_two);
        expect_equal(a, b, round);
        hits += n - a.misses, written_back += a.write_backs;
      }
    }
    ASSERT_EQ(drawn_one, drawn_two) << round;
    ASSERT_EQ(std::memcmp(one.data(), two.data(), kSets * sizeof(Set)), 0) << round;
  }
  EXPECT_GT(hits, 10000u);            // every way out of the loops was taken
  EXPECT_GT(written_back, 10000u);
  EXPECT_GT(gone, 1000u);
}

TEST(LlcLoops, TheBestAreThoseOfTheMachine) {
  EXPECT_EQ(&best_loops(), avx2_loops() ? avx2_loops() : &plain_loops());
}

}  // namespace llc_loops_test
}  // namespace gd::llc
