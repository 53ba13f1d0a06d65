// The covering algorithm alone, on made-up dimensions.
#include "tests/matrix/covering.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gd::test {
namespace covering_test {

using Sizes = std::vector<std::size_t>;

bool any_holds(const std::vector<Row>& rows, const ValuePair& p) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& r) { return holds(r, p); });
}

TEST(Covering, EveryRowAndPairIsListedOnce) {
  EXPECT_EQ(all_rows({2, 3}), (std::vector<Row>{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}}));
  EXPECT_EQ(all_rows({}).size(), 1u);
  EXPECT_EQ(all_pairs({2, 3, 2}).size(), 2u * 3 + 2 * 2 + 3 * 2);
  const Sizes sizes = {2, 3, 2};
  const PairIndex index(sizes);
  const auto pairs = all_pairs(sizes);
  EXPECT_EQ(index.count(), pairs.size());
  for (const Row& row : all_rows(sizes)) {
    unsigned n = 0;
    index.each(row, [&](std::size_t p) { n += holds(row, pairs[p]); });
    EXPECT_EQ(n, 3u);
  }
  EXPECT_EQ(all_pairs({2, 1}), (std::vector<ValuePair>{{0, 0, 1, 0}, {0, 1, 1, 0}}));
}

// `best`: the smallest set that exists (orthogonal arrays; the product of the two largest sizes at least).
TEST(Covering, FewRowsHoldEveryPair) {
  struct Case {
    Sizes sizes;
    std::size_t best, most;
  };
  const Case cases[] = {
      {{1, 1}, 1, 1},       {{2, 2}, 4, 4},          {{2, 2, 2}, 4, 5},
      {{3, 3, 3, 3}, 9, 12}, {{5, 3, 3, 2, 2, 2}, 15, 17}, {{8, 3, 3, 2, 2, 2, 3, 2, 4, 2}, 32, 38},
  };
  for (const Case& c : cases) {
    const Covering cover = cover_pairs(c.sizes, all_rows(c.sizes));
    EXPECT_TRUE(cover.impossible.empty());
    EXPECT_EQ(cover.pairs, all_pairs(c.sizes).size());
    EXPECT_GE(cover.rows.size(), c.best);
    EXPECT_LE(cover.rows.size(), c.most);
    for (const ValuePair& p : all_pairs(c.sizes)) EXPECT_TRUE(any_holds(cover.rows, p));
  }
}

TEST(Covering, ConstraintsAreKeptAndTheirPairsNamed) {
  const Sizes sizes = {3, 3, 2, 2};
  // Value 2 of dimension 0 goes only with value 0 of dimension 1; value 1 of dimension 3 goes with nothing.
  const auto fine = [](const Row& r) { return (r[0] != 2 || r[1] == 0) && r[3] != 1; };
  std::vector<Row> admissible;
  for (const Row& r : all_rows(sizes))
    if (fine(r)) admissible.push_back(r);
  unsigned asked = 0;
  const Covering early = cover_pairs(sizes, admissible);
  const Covering late = cover_pairs(sizes, all_rows(sizes), [&](const Row& r) { return ++asked, fine(r); });
  EXPECT_GT(asked, late.rows.size());
  for (const Covering& c : {early, late}) {
    for (const Row& r : c.rows) EXPECT_TRUE(fine(r));
    for (const ValuePair& p : all_pairs(sizes)) {
      const bool possible = any_holds(admissible, p);
      EXPECT_EQ(any_holds(c.rows, p), possible);
      EXPECT_EQ(std::find(c.impossible.begin(), c.impossible.end(), p) == c.impossible.end(), possible);
    }
  }
}

TEST(Covering, NothingAdmissibleCoversNothing) {
  const Covering c = cover_pairs({2, 2}, {});
  EXPECT_TRUE(c.rows.empty());
  EXPECT_EQ(c.impossible.size(), 4u);
}

TEST(Covering, TheSameArgumentsGiveTheSameRows) {
  const Sizes sizes = {6, 3, 3, 2, 2};
  EXPECT_EQ(cover_pairs(sizes, all_rows(sizes)).rows, cover_pairs(sizes, all_rows(sizes)).rows);
}

}  // namespace covering_test
}  // namespace gd::test
