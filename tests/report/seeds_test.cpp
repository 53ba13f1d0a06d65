// Statistics over seeds: intervals, paired differences, and what the comparison makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "src/report/comparison.h"
#include "tests/report/made_up.h"

namespace gd::report {
namespace seeds_test {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

// Two-sided 95 %, as printed in tables of Student's distribution.
TEST(Pairs, QuantilesAreThoseOfTheTables) {
  const struct { std::size_t freedom; double factor; } rows[] = {{1, 12.706}, {2, 4.303}, {3, 3.182}, {4, 2.776}, {5, 2.571}, {9, 2.262}, {10, 2.228},
                                                                 {19, 2.093}, {29, 2.045}, {60, 2.000}, {120, 1.980}, {1'000'000, 1.960}};
  for (const auto& r : rows) EXPECT_NEAR(t_factor(r.freedom), r.factor, 0.0005) << r.freedom;
}

// By hand: mean 11.5; squares 2.25 + 0.25 + 0.25 + 2.25 = 5; variance 5/3; standard error 0.645497; times 3.182446.
TEST(Pairs, IntervalOfAMean) {
  const Interval i = interval_of({10, 12, 11, 13});
  EXPECT_DOUBLE_EQ(i.mean, 11.5);
  EXPECT_NEAR(i.half, 2.054260, 1e-6);
  EXPECT_EQ(interval_of({}).n, 0u);
  EXPECT_EQ(interval_of({7}).half, 0);
  EXPECT_EQ(interval_of({0.1, 0.1, 0.1}).half, 0);
  EXPECT_EQ(interval_of({0.1, 0.1, 0.1}).mean, 0.1);
}

// Differences {2, 1, 2, 3}: mean 2, standard error 0.408248, half 1.299229. The two intervals themselves overlap: only pairing shows it.
TEST(Pairs, WhatCounts) {
  struct Row {
    const char* what;
    std::vector<double> from, to;
    double rel, abs;
    double mean, half;
    Finding finding;
  };
  const Row rows[] = {
      {"counted", {10, 12, 11, 13}, {12, 13, 13, 16}, 0.05, 0, 2, 1.299229, Finding::counted},
      {"fewer", {12, 13, 13, 16}, {10, 12, 11, 13}, 0.05, 0, -2, 1.299229, Finding::counted},
      {"within the share", {10, 12, 11, 13}, {12, 13, 13, 16}, 0.2, 0, 2, 1.299229, Finding::tolerated},
      {"within the size", {10, 12, 11, 13}, {12, 13, 13, 16}, 0, 2, 2, 1.299229, Finding::tolerated},
      {"above the size", {10, 12, 11, 13}, {12, 13, 13, 16}, 0, 1.99, 2, 1.299229, Finding::counted},
      {"holds zero", {10, 10, 10, 10}, {12, 8, 13, 11}, 0, 0, 1, 3.437435, Finding::unclear},
      {"always as much", {10, 20, 30}, {15, 25, 35}, 0.05, 0, 5, 0, Finding::counted},
      {"equal", {10, 20}, {10, 20}, 0, 0, 0, 0, Finding::equal},
      {"one pair", {10}, {20}, 0, 0, 10, 0, Finding::unknown},
      {"from nothing", {0, 0, 0}, {1, 1, 1}, 0.05, 0, 1, 0, Finding::counted},
  };
  for (const Row& r : rows) {
    MetricPolicy p;
    p.rel_tol = r.rel;
    p.abs_tol = r.abs;
    const Paired x = pair_up(r.from, r.to, p);
    EXPECT_NEAR(x.difference.mean, r.mean, 1e-9) << r.what;
    EXPECT_NEAR(x.difference.half, r.half, 1e-6) << r.what;
    EXPECT_EQ(x.finding, r.finding) << r.what << ": " << finding_name(x.finding);
  }
}

// Three seeds: cycles of all components grow with the seed, packets are fewer, the application's latency swings.
SeedRuns three(const std::string& strategy, std::int64_t swing) {
  SeedRuns out;
  for (std::uint64_t s = 0; s < 3; ++s) {
    system::RunResult r = made_up::run(strategy);
    r.seed = 7 + s;
    std::uint64_t packets = 100'000 - 10'000 * s, host = 0, all = 0;
    for (system::LedgerLine& l : r.ledger) {
      l.milli_cycles = l.milli_cycles / 100'000 * packets * (100 + s) / 100;
      all += l.milli_cycles;
      if (l.core != "core2") host += l.milli_cycles;
    }
    for (system::Metric& m : r.metrics) {
      if (m.name == "packets.delivered") m.num = static_cast<std::int64_t>(packets);
      if (m.name == "cpu.cycles_per_packet") m.num = static_cast<std::int64_t>(all), m.den = packets * 1000;
      if (m.name == "host.cycles_per_packet") m.num = static_cast<std::int64_t>(host), m.den = packets * 1000;
      if (m.name == "latency.p99") m.num += s == 1 ? swing : -swing;
    }
    out.push_back(r);
  }
  return out;
}

ComparisonInput input() {
  ComparisonInput in = made_up::comparison(2);
  in.seeds = {three("vhost-copy", 0), three("guest-head", 9'000)};
  for (std::size_t i = 0; i < 2; ++i) in.runs[i] = mean_run(in.seeds[i]);
  return in;
}

const PairDifference* find_difference(const SeedStatistics& s, const std::string& metric) {
  for (const PairDifference& d : s.differences)
    if (d.metric == metric) return &d;
  return nullptr;
}

TEST(Seeds, MeansIntervalsAndWords) {
  const Comparison c = compare(input());
  EXPECT_EQ(c.seeds.seeds, (std::vector<std::uint64_t>{7, 8, 9}));
  const PairDifference* cycles = find_difference(c.seeds, "cpu.cycles_per_packet");
  ASSERT_NE(cycles, nullptr);
  EXPECT_EQ(cycles->paired.finding, Finding::counted);
  EXPECT_NEAR(cycles->paired.difference.mean, -1183 * 1.01, 0.01);   // 1,183 cycles less with the first seed, 1 % more with each further one
  EXPECT_THAT(cycles->words, HasSubstr("1,165 to 1,224 cycles lower ("));
  EXPECT_THAT(cycles->words, HasSubstr("counts"));
  EXPECT_THAT(find_difference(c.seeds, "latency.p99")->words, HasSubstr("no difference that counts (-"));
  EXPECT_THAT(find_difference(c.seeds, "copy.guest_bytes_per_packet")->words, HasSubstr("the same in both"));
  EXPECT_EQ(find_difference(c.seeds, "no.such"), nullptr);
  for (const Row& r : c.rows)
    if (r.metric == "cpu.cycles_per_packet") {
      EXPECT_NEAR(*r.cells[0].value, 4168 * 1.01, 0.01);
      EXPECT_THAT(r.cells[0].text, HasSubstr("4,210 ± "));
      EXPECT_TRUE(r.cells[1].best);
    }
}

TEST(Seeds, ReasonsExplainTheMeans) {
  const Comparison c = compare(input());
  ASSERT_EQ(c.reasons.size(), 1u);
  const Reason& r = c.reasons[0];
  EXPECT_NEAR(static_cast<double>(r.cycles_to - r.cycles_from), -1183 * 1010, 2);
  EXPECT_LE(std::abs(r.remainder), 20) << "milli-cycles";
  for (const Term& t : r.terms) {
    if (t.component != "post") continue;
    EXPECT_NEAR(static_cast<double>(t.difference()), 130 * 1010, 2);
  }
  EXPECT_NEAR(r.traffic[2].from, (100'000 * 1620 + 31) * (1 / 100e3 + 1 / 90e3 + 1 / 80e3) / 3, 0.01);   // PCIe upstream
}

TEST(Seeds, FormsAgree) {
  const Comparison c = compare(input());
  const std::string text = comparison_text(c), markdown = comparison_markdown(c), csv = comparison_csv(c);
  EXPECT_THAT(text, HasSubstr("Means over 3 seeds (7 to 9), ± half of the 95 % interval."));
  EXPECT_THAT(text, HasSubstr("guest-head against vhost-copy\n"));
  EXPECT_THAT(text, HasSubstr("no difference that counts: "));
  EXPECT_THAT(text, HasSubstr("the same in both: "));
  EXPECT_THAT(text, HasSubstr("Why the means differ"));
  EXPECT_THAT(markdown, HasSubstr("| cpu.cycles_per_packet | **1,165 to 1,224 cycles lower"));
  EXPECT_THAT(csv.substr(0, csv.find('\n')), testing::EndsWith(",vhost-copy,guest-head,vhost-copy half,guest-head half"));
  const Json j = Json::parse(comparison_json(c));
  EXPECT_EQ(j["seeds"]["confidence"], 0.95);
  EXPECT_EQ(j["seeds"]["metrics"]["guest-head"]["latency.p50"]["n"], 3);
  EXPECT_EQ(j["seeds"]["differences"].size(), c.seeds.differences.size());
  const Json none = Json::parse(comparison_json(compare(made_up::comparison(2))));
  EXPECT_FALSE(none.contains("seeds"));
  const Json document = Json::parse(document_json("compare", input(), {}));
  EXPECT_EQ(document["runs"].size(), 6u);
  EXPECT_THAT(seed_metrics_text(c.seeds, 1, "guest-head"), HasSubstr("latency.p99"));
  EXPECT_THAT(seed_metrics_csv(c.seeds, 0, "vhost-copy"), HasSubstr("vhost-copy,packets.delivered,frames,3,90000,24841.377"));
}

TEST(Seeds, SaysThatNothingIsDrawn) {
  ComparisonInput in = made_up::comparison(2);
  for (std::size_t i = 0; i < 2; ++i) {
    in.seeds.push_back({in.runs[i], in.runs[i]});
    in.seeds[i][1].seed = 8;
  }
  const std::string text = comparison_text(compare(in));
  EXPECT_THAT(text, HasSubstr("The seeds change nothing"));
  EXPECT_THAT(text, Not(HasSubstr("±")));
}

// A metric that one seed lacks: out of the mean run, in the statistics with fewer values, in the differences by pairs.
TEST(Seeds, ValuesThatAreMissing) {
  ComparisonInput in = input();
  auto& metrics = in.seeds[1][2].metrics;
  metrics.erase(std::remove_if(metrics.begin(), metrics.end(), [](const auto& m) { return m.name == "latency.p99.9" || m.name == "drops.tap-full"; }), metrics.end());
  const SeedStatistics s = seed_statistics(in.seeds, {});
  EXPECT_EQ(find_difference(s, "latency.p99.9")->paired.difference.n, 2u);
  EXPECT_EQ(find_difference(s, "drops.tap-full")->paired.difference.n, 3u);   // a reason that did not happen is 0
  EXPECT_EQ(mean_run(in.seeds[1]).find("latency.p99.9"), nullptr);
  EXPECT_NE(mean_run(in.seeds[0]).find("latency.p99.9"), nullptr);
}

TEST(Seeds, ALineHasToHoldWithEach) {
  std::vector<scenario::Expectation> lines(2);
  lines[0].text = "latency.p99 < 80 us", lines[0].metric = "latency.p99", lines[0].op = scenario::Compare::less, lines[0].number = 80'000;
  lines[1].text = "drops.total == 0", lines[1].metric = "drops.total", lines[1].label = "guest-head", lines[1].op = scenario::Compare::equal, lines[1].number = 0;
  const std::vector<SeedRuns> runs = input().seeds;
  const std::vector<Verdict> v = evaluate_seeds(lines, runs);
  ASSERT_EQ(v.size(), 3u);
  EXPECT_EQ(v[0].state, Verdict::State::fail);   // vhost-copy: 80,250 ns with each
  EXPECT_THAT(v[0].detail, HasSubstr("fails with 3 of 3 seeds (7, 8 and 9); seed 7: measured 80,250 ns"));
  EXPECT_EQ(v[1].state, Verdict::State::fail);   // guest-head: 84,240 ns with the second
  EXPECT_THAT(v[1].detail, HasSubstr("fails with 1 of 3 seeds (8); seed 8: measured 84,240 ns"));
  EXPECT_EQ(v[2].state, Verdict::State::pass);
  EXPECT_THAT(v[2].detail, HasSubstr("holds with each of 3 seeds"));
}

}  // namespace seeds_test
}  // namespace gd::report
