// Bisection as a function of what is known, and what a search says of what it has seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "src/cli/bisection.h"
#include "src/cli/search_task.h"

using namespace gd;
using namespace gd::cli;
using scenario::SweepSearch;
using testing::ElementsAre;
using testing::HasSubstr;

namespace search_test {

SweepSearch stepped(std::uint64_t from, std::uint64_t to, std::uint64_t step) {
  SweepSearch s;
  s.key = "traffic.frame_bytes";
  s.type = scenario::Type::count;
  s.from = from;
  s.to = to;
  s.step = step;
  return s;
}
SweepSearch relative(std::uint64_t from, std::uint64_t to, std::uint64_t ppm, std::uint64_t unit = 1) {
  SweepSearch s = stepped(from, to, 0);
  s.relative = ppm;
  s.unit = unit;
  return s;
}
SweepSearch doubled(std::uint64_t from, std::uint64_t to) {
  SweepSearch s = stepped(from, to, 0);
  s.doubling = true;
  return s;
}

// Plays a search to its end.
Known played(const SweepSearch& s, Seek seek, const std::function<int(std::uint64_t)>& state) {
  Known known;
  for (;;) {
    const std::vector<std::uint64_t> next = next_values(s, seek, known);
    if (next.empty()) return known;
    for (const std::uint64_t v : next) {
      EXPECT_TRUE(v >= s.from && v <= s.to) << v;
      EXPECT_TRUE(known.emplace(v, state(v)).second) << v << " is looked at twice";
    }
  }
}

TEST(Bisection, FirstValues) {
  EXPECT_THAT(first_values(stepped(64, 1518, 8)), ElementsAre(64, 424, 792, 1152, 1518));
  EXPECT_THAT(first_values(stepped(1, 3, 1)), ElementsAre(1, 2, 3));
  EXPECT_THAT(first_values(stepped(1, 2, 1)), ElementsAre(1, 2));
  EXPECT_THAT(first_values(stepped(0, 100, 1000)), ElementsAre(0, 100));
  EXPECT_THAT(first_values(relative(1'000'000'000, 10'000'000'000, 10'000)), ElementsAre(1'000'000'000, 1'778'000'000, 3'162'000'000, 5'620'000'000, 10'000'000'000));
  EXPECT_THAT(first_values(doubled(64, 4096)), ElementsAre(64, 128, 512, 1024, 4096));
  EXPECT_THAT(first_values(relative(64, 4096, 10'000, 8)), ElementsAre(64, 176, 512, 1448, 4096));
}

TEST(Bisection, FindsTheChangeAsCloselyAsAsked) {
  for (std::uint64_t limit = 65; limit <= 1518; ++limit) {
    const SweepSearch s = stepped(64, 1518, 8);
    const Known known = played(s, Seek::lowest_change, [&](std::uint64_t v) { return v < limit; });
    ASSERT_EQ(changes(known).size(), 1u) << limit;
    const Change c = changes(known).front();
    EXPECT_TRUE(c.below < limit && limit <= c.above && c.above - c.below <= 8) << limit;
    EXPECT_LE(known.size(), most_values(s));
  }
  for (const std::uint64_t limit : {1'000'000'001u, 1'234'567'890u, 3'160'000'000u, 4'000'000'000u}) {
    const SweepSearch s = relative(1'000'000'000, 100'000'000'000, 10'000);
    const Known known = played(s, Seek::lowest_change, [&](std::uint64_t v) { return v < limit; });
    const Change c = changes(known).front();
    EXPECT_TRUE(c.below < limit && limit <= c.above && (c.above - c.below) * 100 <= c.below) << limit;
    EXPECT_LE(known.size(), most_values(s));
    EXPECT_LE(known.size(), 16u);
  }
  const Change c = changes(played(doubled(8, 8192), Seek::lowest_change, [](std::uint64_t v) { return v >= 700; })).front();
  EXPECT_EQ(c, (Change{512, 1024, 0, 1}));
  const Change m = changes(played(relative(64, 4096, 10'000, 8), Seek::lowest_change, [](std::uint64_t v) { return v >= 700; })).front();
  EXPECT_EQ(m, (Change{696, 704, 0, 1}));
}

TEST(Bisection, EdgesOfTheNumbers) {
  const SweepSearch wide = stepped(0, UINT64_MAX, 1);
  const Change c = changes(played(wide, Seek::lowest_change, [](std::uint64_t v) { return v >= UINT64_MAX; })).front();
  EXPECT_EQ(c, (Change{UINT64_MAX - 1, UINT64_MAX, 0, 1}));
  const Change far = changes(played(relative(1, UINT64_MAX, 10'000), Seek::lowest_change, [](std::uint64_t v) { return v >= 7; })).front();
  EXPECT_EQ(far, (Change{6, 7, 0, 1}));
  EXPECT_EQ(changes(played(doubled(1, UINT64_MAX), Seek::lowest_change, [](std::uint64_t v) { return v >= 5; })).front(), (Change{4, 8, 0, 1}));
}

TEST(Bisection, NoChangeStopsAtTheFirstValuesAndSeveralAreSeen) {
  const SweepSearch s = stepped(0, 100, 1);
  EXPECT_EQ(played(s, Seek::lowest_change, [](std::uint64_t) { return 1; }).size(), 5u);
  const auto band = [](std::uint64_t v) { return v >= 30 && v < 80; };
  const Known low = played(s, Seek::lowest_change, band), high = played(s, Seek::highest_change, band);
  EXPECT_EQ(changes(low).front(), (Change{29, 30, 0, 1}));
  EXPECT_EQ(changes(low).size(), 2u);
  EXPECT_EQ(changes(high).back(), (Change{79, 80, 1, 0}));
}

system::RunResult run_of(const std::string& label, std::int64_t cycles, std::int64_t drops) {
  system::RunResult r;
  r.label = label;
  r.metrics.push_back({"cpu.cycles_per_packet", "cycles", cycles, 1});
  r.metrics.push_back({"drops.total", "frames", drops, 1});
  return r;
}

SweepSearch line_search(SweepSearch::Aim aim) {
  SweepSearch s = stepped(0, 80, 10);
  s.aim = aim;
  s.holds.text = "drops.total == 0";
  s.holds.metric = "drops.total";
  return s;
}

// `drops` and `cycles` at a value, for the first and the second strategy.
report::SearchResult found(const SweepSearch& s, const std::function<std::pair<std::int64_t, std::int64_t>(std::uint64_t)>& pair, std::size_t seeds = 1) {
  SearchTask t(s, 0, "one", s.aim == SweepSearch::Aim::crossover ? "two" : "");
  for (std::vector<std::uint64_t> next = t.wanted(); !next.empty(); next = t.wanted())
    for (const std::uint64_t v : next) {
      std::vector<std::vector<system::RunResult>> by_seed;
      for (std::size_t i = 0; i < seeds; ++i)
        by_seed.push_back(s.aim == SweepSearch::Aim::crossover ? std::vector{run_of("one", pair(v).first, 0), run_of("two", pair(v).second, 0)}
                                                                : std::vector{run_of("one", 1, i == 0 ? pair(v).first : pair(v).second)});
      t.learn(v, by_seed);
    }
  return t.result();
}

TEST(Search, Highest) {
  const SweepSearch s = line_search(SweepSearch::Aim::highest);
  report::SearchResult r = found(s, [](std::uint64_t v) { return std::pair<std::int64_t, std::int64_t>(v > 30 ? 7 : 0, 0); });
  EXPECT_EQ(r.outcome, "found");
  EXPECT_EQ(r.value, "30");
  EXPECT_EQ(r.above, "40");
  EXPECT_EQ(r.words, "drops.total == 0 holds up to 30; at 40: measured 7 frames, wanted == 0 frames");
  r = found(s, [](std::uint64_t) { return std::pair<std::int64_t, std::int64_t>(0, 0); });
  EXPECT_EQ(r.outcome, "everywhere");
  EXPECT_FALSE(r.value);
  r = found(s, [](std::uint64_t) { return std::pair<std::int64_t, std::int64_t>(3, 0); });
  EXPECT_EQ(r.outcome, "nowhere");
  EXPECT_EQ(r.words, "drops.total == 0 does not hold at 0: measured 3 frames, wanted == 0 frames");
  r = found(s, [](std::uint64_t v) { return std::pair<std::int64_t, std::int64_t>(v == 40 ? 3 : 0, 0); });
  EXPECT_EQ(r.value, "30");
  EXPECT_THAT(r.words, HasSubstr("not monotone: it changes too between 40 and 60"));
}

TEST(Search, EverySeedHasToHold) {
  const report::SearchResult r = found(line_search(SweepSearch::Aim::highest), [](std::uint64_t v) { return std::pair<std::int64_t, std::int64_t>(v > 60 ? 7 : 0, v > 10 ? 1 : 0); }, 2);
  EXPECT_EQ(r.value, "10");
  EXPECT_THAT(r.words, HasSubstr("at 20: measured 1 frames"));
}

TEST(Search, Lowest) {
  const report::SearchResult r = found(line_search(SweepSearch::Aim::lowest), [](std::uint64_t v) { return std::pair<std::int64_t, std::int64_t>(v < 50 ? 7 : 0, 0); });
  EXPECT_EQ(r.value, "50");
  EXPECT_EQ(r.below, "40");
  EXPECT_EQ(r.words, "drops.total == 0 holds from 50; at 40: measured 7 frames, wanted == 0 frames");
}

TEST(Search, Crossover) {
  SweepSearch s = stepped(0, 80, 10);
  s.aim = SweepSearch::Aim::crossover;
  s.metric = "cpu.cycles_per_packet";
  report::SearchResult r = found(s, [](std::uint64_t v) { return std::pair<std::int64_t, std::int64_t>(100 + 2 * v, 150 + v); });
  EXPECT_EQ(r.outcome, "found");   // equal at 50
  EXPECT_EQ(r.below, "40");
  EXPECT_EQ(r.above, "50");
  EXPECT_EQ(r.lower_below, "one");
  EXPECT_EQ(r.lower_above, "");
  EXPECT_THAT(r.words, HasSubstr("one is lower up to 40 (180 against 190), both are equal from 50 (200 against 200)"));
  r = found(s, [](std::uint64_t v) { return std::pair<std::int64_t, std::int64_t>(100 + 2 * v, 155 + v); });
  EXPECT_EQ(r.lower_above, "two");
  EXPECT_EQ(r.value, "60");
  r = found(s, [](std::uint64_t v) { return std::pair<std::int64_t, std::int64_t>(100 + v, 50 + v); });
  EXPECT_EQ(r.outcome, "no-change");
  EXPECT_EQ(r.words, "cpu.cycles_per_packet: two is lower from 0 (100 against 50) to 80 (180 against 130)");
}

TEST(Search, AMetricWithoutAValueEndsIt) {
  SweepSearch s = line_search(SweepSearch::Aim::highest);
  s.holds.metric = "latency.p99";
  SearchTask t(s, 0, "one");
  t.learn(0, {{run_of("one", 1, 0)}});
  EXPECT_TRUE(t.wanted().empty());
  EXPECT_EQ(t.result().outcome, "no-value");
  EXPECT_THAT(t.result().words, HasSubstr("at 0 one has no value of latency.p99"));
}

}  // namespace search_test
