// Dynamic interrupt moderation: what is compared, how the walk goes, when it is measured.
#include <gtest/gtest.h>

#include "models/host/dim.h"

namespace gd::test {
namespace dim_test {

using Verdict = Dim::Verdict;
using Walk = Dim::Walk;

struct Compared {
  const char* what;
  Dim::Rates now, before;
  Verdict verdict;
  friend std::ostream& operator<<(std::ostream& o, const Compared& c) { return o << c.what; }
};

class DimCompare : public testing::TestWithParam<Compared> {};

TEST_P(DimCompare, Verdict) { EXPECT_EQ(Dim::compare(GetParam().now, GetParam().before), GetParam().verdict); }

INSTANTIATE_TEST_SUITE_P(
    Table, DimCompare,
    testing::Values(Compared{"nothing before, nothing now", {0, 0, 50}, {0, 0, 10}, Verdict::same},
                    Compared{"nothing before", {5, 1, 50}, {0, 0, 10}, Verdict::better},
                    Compared{"nothing now", {0, 0, 10}, {5, 1, 10}, Verdict::worse},
                    Compared{"a tenth is the same", {1109, 10, 5}, {1000, 10, 5}, Verdict::same},
                    Compared{"more bytes", {1110, 10, 50}, {1000, 10, 5}, Verdict::better},
                    Compared{"fewer bytes", {889, 100, 5}, {1000, 10, 50}, Verdict::worse},
                    Compared{"bytes alike, more frames", {1000, 112, 50}, {1000, 100, 5}, Verdict::better},
                    Compared{"bytes alike, fewer frames", {1000, 88, 5}, {1000, 100, 50}, Verdict::worse},
                    Compared{"no frames before", {1000, 1, 50}, {1000, 0, 5}, Verdict::better},
                    Compared{"fewer interrupts", {1000, 100, 88}, {1000, 100, 100}, Verdict::better},
                    Compared{"more interrupts", {1000, 100, 112}, {1000, 100, 100}, Verdict::worse},
                    Compared{"interrupts alike", {1000, 100, 110}, {1000, 100, 100}, Verdict::same},
                    Compared{"no interrupts before", {1000, 100, 112}, {1000, 100, 0}, Verdict::same}));

TEST(Dim, Profiles) {
  const auto at = [](Dim::Period p, int i) { return Dim::profile(p, i); };
  EXPECT_EQ(at(Dim::Period::event, 0), (Dim::Profile{1 * kUs, 256}));
  EXPECT_EQ(at(Dim::Period::event, 2), (Dim::Profile{64 * kUs, 256}));
  EXPECT_EQ(at(Dim::Period::event, 4), (Dim::Profile{256 * kUs, 256}));
  EXPECT_EQ(at(Dim::Period::completion, 0), (Dim::Profile{2 * kUs, 256}));
  EXPECT_EQ(at(Dim::Period::completion, 1), (Dim::Profile{8 * kUs, 128}));
  EXPECT_EQ(at(Dim::Period::completion, 4), (Dim::Profile{64 * kUs, 64}));
}

// What a steady load gives with each profile: interrupts a millisecond. The profile of the first measurement is the card's own.
struct Walked {
  const char* what;
  std::array<std::uint64_t, Dim::kProfiles> events;
  std::vector<int> indices;   // after each measurement
  friend std::ostream& operator<<(std::ostream& o, const Walked& w) { return o << w.what; }
};

class DimWalk : public testing::TestWithParam<Walked> {};

TEST_P(DimWalk, Indices) {
  Dim dim;
  std::vector<int> got;
  int card = Dim::kInitial;
  for (std::size_t i = 0; i < GetParam().indices.size(); ++i) {
    if (dim.decide({8000, 100, GetParam().events[static_cast<std::size_t>(card)]})) card = dim.index();
    got.push_back(dim.index());
  }
  EXPECT_EQ(got, GetParam().indices);
}

INSTANTIATE_TEST_SUITE_P(
    Table, DimWalk,
    testing::Values(Walked{"the longer the fewer: to the right end, and there it rests", {1000, 125, 16, 8, 4}, {1, 0, 1, 2, 3, 4, 4, 4}},
                    Walked{"most frames an interrupt at the left end", {20, 40, 80, 80, 80}, {1, 0, 0, 0}},
                    Walked{"best in the middle: back by the step that was too far", {250, 8, 16, 16, 16}, {1, 0, 1, 2, 1, 1, 1}},
                    Walked{"all alike: to the left end", {50, 50, 50, 50, 50}, {1, 0, 1, 0, 1, 0}}));

TEST(Dim, RestsUntilTheLoadChanges) {
  Dim dim;
  const Dim::Rates load{8000, 100, 20};
  EXPECT_TRUE(dim.decide(load));                    // the first load is more than none
  EXPECT_TRUE(dim.decide({8000, 100, 20}));         // no better: turned
  EXPECT_TRUE(!dim.decide({8000, 100, 10}) && dim.walk() == Walk::parked);
  EXPECT_FALSE(dim.decide({8700, 108, 11}));        // within a tenth of what it had when it stopped
  EXPECT_FALSE(dim.decide({8790, 109, 11}));        // ... and that stays the reference
  EXPECT_TRUE(dim.decide({9000, 112, 11}));
  EXPECT_EQ(dim.walk(), Walk::right);
  EXPECT_EQ(dim.index(), 1);
}

TEST(Dim, WithoutABytesCountItNeverMoves) {
  Dim dim;
  for (std::uint64_t events : {10, 1000, 5}) EXPECT_FALSE(dim.decide({0, 0, events}));
  EXPECT_EQ(dim.walk(), Walk::parked);
}

// A load that gets worse all the time: it turns at each step, and after ten of them it rests for ten measurements.
TEST(Dim, TenStepsAreTired) {
  Dim dim;
  std::uint64_t bytes = 1 << 20;
  for (int i = 0; i < Dim::kSteps; ++i) EXPECT_TRUE(dim.decide({bytes /= 2, 100, 50}));
  EXPECT_EQ(dim.walk(), Walk::left);
  EXPECT_FALSE(dim.decide({bytes /= 2, 100, 50}));
  EXPECT_EQ(dim.walk(), Walk::tired);
  const int index = dim.index();
  for (int i = 0; i < Dim::kSteps - 1; ++i) EXPECT_FALSE(dim.decide({bytes, 100, 50}));
  EXPECT_TRUE(dim.decide({bytes, 100, 50}));
  EXPECT_NE(dim.index(), index);
}

TEST(Dim, MeasuresOver64Interrupts) {
  Dim dim;
  EXPECT_FALSE(dim.sample({0, 0, 0, 0}));
  EXPECT_FALSE(dim.sample({5 * kMs, 63, 6300, 630'000}));
  EXPECT_TRUE(dim.sample({6 * kMs, 64, 6400, 640'000}));
  EXPECT_EQ(dim.index(), 1);
  EXPECT_FALSE(dim.sample({60 * kMs, 640, 64'000, 6'400'000}));   // the card has not got it yet
  dim.applied();
  EXPECT_FALSE(dim.sample({61 * kMs, 641, 64'100, 6'410'000}));   // the next begins here
  EXPECT_FALSE(dim.sample({66 * kMs, 704, 70'400, 7'040'000}));
  EXPECT_TRUE(dim.sample({67 * kMs, 705, 70'500, 7'050'000}));
  EXPECT_EQ(dim.index(), 0);
}

}  // namespace dim_test
}  // namespace gd::test
