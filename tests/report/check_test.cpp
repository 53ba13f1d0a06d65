// Policies, and new results against old ones.
#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/report/check.h"
#include "src/report/gate.h"
#include "src/report/results.h"
#include "tests/report/made_up.h"

using namespace gd::report;
using gd::system::Metric;
using gd::system::RunResult;
using testing::HasSubstr;

namespace check_test {

RunResult run(std::vector<Metric> metrics, std::uint64_t seed = 1, const std::string& config = "c0", const std::string& label = "vhost-copy") {
  RunResult r;
  r.scenario = "quick";
  r.strategy = r.label = label;
  r.seed = seed;
  r.config_sha256 = config;
  r.fingerprint = 7;
  r.metrics = std::move(metrics);
  return r;
}

Check check(std::vector<RunResult> before, std::vector<RunResult> now, bool allow = false, const Policies& p = {}) {
  return check_results({"new", "old", std::move(now), std::move(before), allow}, p);
}

TEST(Policy, Patterns) {
  struct Row { const char *pattern, *name; bool matches; };
  for (const Row& r : {Row{"latency.p99", "latency.p99", true}, {"latency.p9", "latency.p99", false}, {"latency.*", "latency.p99", true},
                       {"*", "", true}, {"*.p99", "guest.g0.latency.p99", true}, {"guest.*.drops.*", "guest.a.drops.total", true},
                       {"guest.*.drops.*", "guest.a.latency.p50", false}, {"a*b*c", "axxbyybzc", true}, {"a*b*c", "axxbyyb", false}, {"", "a", false}, {"**", "ab", true}})
    EXPECT_EQ(matches_pattern(r.pattern, r.name), r.matches) << r.pattern << " " << r.name;
}

TEST(Policy, DefaultsAndRules) {
  EXPECT_EQ(Policies{}.of("throughput.goodput").better, 1);
  EXPECT_TRUE(Policies{}.of("throughput.goodput").gate);
  EXPECT_EQ(Policies{}.of("latency.p99").better, -1);
  EXPECT_TRUE(Policies{}.of("guest.g0.latency.p99").gate);
  EXPECT_FALSE(Policies{}.of("pcie.utilisation").gate);
  EXPECT_EQ(Policies{}.of("integrity.errors").rel_tol, 0);
  PolicyRule all{"*", false, true, false, false, {}}, latency{"latency.*", false, false, true, true, {}};
  all.value.rel_tol = 0.2;
  latency.value.abs_tol = 50;
  latency.value.gate = false;
  const Policies p({all, latency});
  EXPECT_EQ(p.of("latency.p99").rel_tol, 0.2);
  EXPECT_EQ(p.of("latency.p99").abs_tol, 50);
  EXPECT_FALSE(p.of("latency.p99").gate);
  EXPECT_TRUE(p.of("throughput.goodput").gate);
}

TEST(CheckResults, TheSameRunHasToGiveTheSame) {
  const Check same = check({run({{"latency.p50", "ns", 7, 2}})}, {run({{"latency.p50", "ns", 7, 2}})});
  EXPECT_EQ(same.failures(), 0u);
  EXPECT_TRUE(same.comparable());
  EXPECT_TRUE(same.pairs[0].same_run);

  const Check moved = check({run({{"latency.p50", "ns", 1'000'000, 1}})}, {run({{"latency.p50", "ns", 999'999, 1}})});
  EXPECT_EQ(moved.failures(), 1u);       // better, and far below every tolerance, yet not the same
  EXPECT_EQ(moved.pairs[0].changes.at(0).state, MetricChange::State::failed);
  EXPECT_THAT(check_text(moved), HasSubstr("has to give the same value"));

  RunResult other_way = run({});
  other_way.fingerprint = 8;
  EXPECT_EQ(check({run({})}, {other_way}).failures(), 1u);
}

TEST(CheckResults, PoliciesForAnotherSeed) {
  struct Row { const char* metric; int before, now; std::size_t failures; MetricChange::State state; };
  using S = MetricChange::State;
  for (const Row& r : {Row{"throughput.goodput", 100, 94, 1, S::failed}, {"throughput.goodput", 100, 106, 0, S::better}, {"latency.p99", 100, 106, 1, S::failed},
                       {"latency.p99", 100, 90, 0, S::better}, {"pcie.upstream_bytes", 100, 200, 0, S::told}, {"integrity.errors", 0, 1, 1, S::failed},
                       {"drops.total", 0, 3, 1, S::failed}, {"security.escapes", 4, 0, 0, S::better}}) {
    const Check c = check({run({{r.metric, "x", r.before, 1}}, 1)}, {run({{r.metric, "x", r.now, 1}}, 2)});
    ASSERT_EQ(c.pairs.size(), 1u);
    EXPECT_FALSE(c.pairs[0].same_run);
    ASSERT_EQ(c.pairs[0].changes.size(), 1u) << r.metric;
    EXPECT_EQ(c.failures(), r.failures) << r.metric << " " << r.before << " " << r.now;
    EXPECT_EQ(c.pairs[0].changes[0].state, r.state) << r.metric << " " << r.before << " " << r.now;
  }
  EXPECT_TRUE(check({run({{"latency.p99", "ns", 100, 1}}, 1)}, {run({{"latency.p99", "ns", 105, 1}}, 2)}).pairs[0].changes.empty());   // the bound itself
  const Check c = check({run({{"latency.p99", "ns", -100, 1}}, 1)}, {run({{"latency.p99", "ns", -80, 1}}, 2)});
  EXPECT_DOUBLE_EQ(c.pairs[0].changes.at(0).change.value(), 0.2);         // by |old|
}

TEST(CheckResults, MissingMetricsFailAndReasonsCountAsNothing) {
  const Check c = check({run({{"drops.nic-fifo", "frames", 2, 1}, {"latency.p99", "ns", 5, 1}}, 1)}, {run({{"packets.offered", "frames", 5, 1}}, 2)});
  ASSERT_EQ(c.pairs[0].changes.size(), 3u);
  EXPECT_EQ(c.pairs[0].changes[0].metric, "latency.p99");
  EXPECT_EQ(c.pairs[0].changes[0].state, MetricChange::State::failed);
  EXPECT_THAT(c.pairs[0].changes[0].detail, HasSubstr("missing"));
  EXPECT_EQ(c.pairs[0].changes[1].metric, "drops.nic-fifo");              // 2 -> 0: fewer
  EXPECT_EQ(c.pairs[0].changes[1].state, MetricChange::State::better);
  EXPECT_EQ(c.pairs[0].changes[2].state, MetricChange::State::added);
}

TEST(CheckResults, ConfigurationsAndLabels) {
  const std::vector<Metric> m = {{"latency.p99", "ns", 100, 1}};
  const Check other = check({run(m)}, {run(m, 1, "c1")});
  EXPECT_FALSE(other.comparable());
  EXPECT_TRUE(check({run(m)}, {run(m, 1, "c1")}, true).comparable());
  EXPECT_EQ(check({run(m)}, {run(m, 1, "c1")}, true).failures(), 0u);
  const Check missing = check({run(m), run(m, 1, "c0", "guest-head")}, {run(m), run(m, 1, "c0", "page-frags")});
  EXPECT_EQ(missing.failures(), 1u);
  EXPECT_TRUE(missing.comparable());
  EXPECT_EQ(missing.unpaired, std::vector<std::string>{"page-frags"});
  EXPECT_FALSE(check({run(m)}, {run(m, 1, "c0", "page-frags")}).comparable());
  // Several seeds are paired by seed alone.
  const Check seeds = check({run(m, 1), run(m, 2)}, {run(m, 2), run(m, 3)});
  EXPECT_TRUE(seeds.pairs[0].missing);
  EXPECT_TRUE(seeds.pairs[1].same_run);
}

// Seeds of another configuration go together: what chance does is no failure, what it does not is one.
TEST(CheckResults, SeedsGoTogether) {
  std::vector<RunResult> before, now;
  const int latency[] = {100, 130, 90, 120}, later[] = {130, 100, 125, 90}, goodput[] = {1000, 1200, 900, 1100};
  for (std::uint64_t s = 0; s < 4; ++s) {
    before.push_back(run({{"latency.p99", "ns", latency[s], 1}, {"throughput.goodput", "Gb/s", goodput[s], 1}, {"vm_exits", "", 100, 1}}, s + 1));
    now.push_back(run({{"latency.p99", "ns", later[s], 1}, {"throughput.goodput", "Gb/s", goodput[s] - 80 - static_cast<int>(s), 1}, {"vm_exits", "", 50, 1}}, s + 1, "c1"));
  }
  EXPECT_FALSE(check(before, now).comparable());
  const Check c = check(before, now, true);
  ASSERT_EQ(c.pairs.size(), 1u);
  EXPECT_EQ(c.pairs[0].seeds, (std::vector<std::uint64_t>{1, 2, 3, 4}));
  ASSERT_EQ(c.pairs[0].changes.size(), 2u);                               // latency moved by up to 39 %, but either way
  EXPECT_EQ(c.pairs[0].changes[0].metric, "throughput.goodput");
  EXPECT_EQ(c.pairs[0].changes[0].state, MetricChange::State::failed);
  EXPECT_EQ(c.pairs[0].changes[0].before_text, "1050");
  EXPECT_THAT(c.pairs[0].changes[0].detail, HasSubstr("Gb/s lower (7.5"));
  EXPECT_THAT(c.pairs[0].changes[0].detail, HasSubstr(": counts; allowed are 5 %"));
  EXPECT_EQ(c.pairs[0].changes[1].state, MetricChange::State::better);
  EXPECT_EQ(c.failures(), 1u);
  EXPECT_THAT(check_text(c), HasSubstr("4 seeds (1 to 4) paired"));
  EXPECT_THAT(check_json(c), HasSubstr("\"seeds\": [1, 2, 3, 4]"));
  EXPECT_EQ(gate_of(c).lines.size(), 1u);
  // One of the seeds is missing: the others go together, and that one fails.
  now.pop_back();
  EXPECT_EQ(check(before, now, true).pairs.size(), 2u);
  EXPECT_EQ(check(before, now, true).failures(), 2u);
  // A metric that is gone fails.
  for (RunResult& r : now) r.metrics.pop_back();
  EXPECT_EQ(check(before, now, true).pairs[0].changes[0].metric, "vm_exits");
}

TEST(CheckResults, WorstFirst) {
  const Check c = check({run({{"latency.p50", "ns", 100, 1}, {"latency.p99", "ns", 100, 1}, {"throughput.goodput", "Gb/s", 100, 1}}, 1)},
                        {run({{"latency.p50", "ns", 110, 1}, {"latency.p99", "ns", 150, 1}, {"throughput.goodput", "Gb/s", 70, 1}}, 2)});
  ASSERT_EQ(c.pairs[0].changes.size(), 3u);
  EXPECT_EQ(c.pairs[0].changes[0].metric, "latency.p99");
  EXPECT_EQ(c.pairs[0].changes[1].metric, "throughput.goodput");
  EXPECT_EQ(c.pairs[0].changes[2].metric, "latency.p50");
}

TEST(CheckResults, ABaselineReadsBackAsItWas) {
  RunResult r = made_up::run("guest-head");
  r.metrics.push_back({"vhost.wakeups", "another unit", 0, 1});
  r.metrics.push_back({"zzz.unknown", "frames", 0, 1});
  std::sort(r.metrics.begin(), r.metrics.end(), [](const Metric& a, const Metric& b) { return a.name < b.name; });
  const std::string path = testing::TempDir() + "/guestdma_baseline.json", text = baseline_json(r);
  EXPECT_THAT(text, HasSubstr("\"zero\": ["));
  EXPECT_THAT(text, testing::Not(HasSubstr("\"drops.no-descriptor\": {")));
  EXPECT_THAT(text, testing::Not(HasSubstr("wall_s")));
  write_file(path, text);
  const RunResult back = read_summary(path);
  ASSERT_EQ(back.metrics.size(), r.metrics.size());
  for (std::size_t i = 0; i < r.metrics.size(); ++i) {
    EXPECT_EQ(back.metrics[i].name, r.metrics[i].name);
    EXPECT_EQ(back.metrics[i].unit, r.metrics[i].unit) << r.metrics[i].name;
    EXPECT_EQ(back.metrics[i].text(), r.metrics[i].text());
  }
  EXPECT_EQ(back.fingerprint, r.fingerprint);
  const Check c = check_results({"new", "old", {r}, {back}, false}, {});
  EXPECT_EQ(c.failures(), 0u) << check_text(c);
  EXPECT_TRUE(c.pairs[0].same_run);
}

TEST(Gates, LinesOfEachKind) {
  Verdict pass, fail, skipped;
  pass.state = Verdict::State::pass, pass.label = "a", pass.text = "drops.total == 0", pass.place = "dir:x/s.json:7:5";
  fail = pass, fail.state = Verdict::State::fail, fail.label = "b", fail.detail = "measured <3> & wanted 0";
  skipped = pass, skipped.state = Verdict::State::skipped, skipped.label = "";
  const Gate g = gate_of("compare", "s", {pass, fail, skipped});
  ASSERT_EQ(g.lines.size(), 3u);
  EXPECT_EQ(g.lines[1].file, "dir:x/s.json");
  EXPECT_EQ(g.lines[1].line, 7u);
  EXPECT_EQ(g.lines[1].column, 5u);
  const std::string xml = junit_xml(g);
  EXPECT_THAT(xml, HasSubstr("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""));
  EXPECT_THAT(xml, HasSubstr("measured &lt;3&gt; &amp; wanted 0"));
  EXPECT_EQ(annotations(g), "::error file=dir%3Ax/s.json,line=7,col=5,title=s.b::drops.total == 0: measured <3> & wanted 0\n");
}

TEST(Gates, AtMostTenAnnotations) {
  Gate g;
  for (int i = 0; i < 12; ++i) g.lines.push_back({GateLine::State::fail, "s", "m" + std::to_string(i), "50 % off\nhere", "", 0, 0});
  const std::string text = annotations(g);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
  EXPECT_THAT(text, HasSubstr("m9: 50 %25 off%0Ahere (and 2 more)"));
}

TEST(Gates, MarkdownIsCutAtALine) {
  EXPECT_EQ(capped("short\n"), "short\n");
  const std::string long_text(300, 'x'), text = "head\n" + long_text + "\n";
  const std::string cut = capped(text, 100);
  EXPECT_LE(cut.size(), 100u);
  EXPECT_EQ(cut.substr(0, 5), "head\n");
  EXPECT_THAT(cut, HasSubstr("Cut here"));
}

}  // namespace check_test
