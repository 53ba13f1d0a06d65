// Which runs a sweep consists of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/base/error.h"
#include "src/scenario/diagnostics.h"
#include "src/scenario/loader.h"
#include "src/scenario/sweep.h"

using namespace gd;
using namespace gd::scenario;
using testing::ElementsAre;
using testing::HasSubstr;

namespace sweep_test {

std::vector<std::string> range(const char* key, const char* from, const char* to, const char* step) {
  std::string problem;
  std::vector<std::string> out = range_values(key, from, to, step, problem);
  if (!problem.empty()) return {"!" + problem};
  return out;
}

TEST(SweepRange, StepsAndDoubling) {
  EXPECT_THAT(range("nic.ring_size", "64", "256", "64"), ElementsAre("64", "128", "192", "256"));
  EXPECT_THAT(range("nic.ring_size", "64", "300", "log2"), ElementsAre("64", "128", "256"));
  EXPECT_THAT(range("traffic.rate", "2Gbps", "5Gbps", "1500Mbps"), ElementsAre("\"2Gbps\"", "\"3.5Gbps\"", "\"5Gbps\""));
  EXPECT_THAT(range("time.measure", "1us", "4us", "log2"), ElementsAre("\"1us\"", "\"2us\"", "\"4us\""));
  EXPECT_THAT(range("nic.ring_size", "8", "8", "1"), ElementsAre("8"));
  EXPECT_THAT(range("traffic.frame_bytes", "64", "256", "log2"), ElementsAre("64", "128", "256"));   // what its type does not say
  EXPECT_THAT(range("strategies.0.threshold", "1KiB", "2KiB", "512B"), ElementsAre("\"1KiB\"", "\"1536B\"", "\"2KiB\""));
  EXPECT_THAT(range("nic.ring_size", "9223372036854775807", "9223372036854775807", "log2"), ElementsAre("9223372036854775807"));
}

TEST(SweepRange, WhatIsNone) {
  struct Row { const char *key, *from, *to, *step, *says; };
  for (const Row& r : {Row{"consumer", "a", "b", "1", "no number"}, {"nic.ring_size", "64", "8", "8", "has no values"}, {"nic.ring_size", "8", "64", "0", "has no values"},
                       {"nic.ring_size", "0", "64", "log2", "has no values"}, {"traffic.rate", "2", "5Gbps", "1Gbps", "no unit"}, {"time.measure", "1ps", "1s", "1ps", "more than"}}) {
    const std::vector<std::string> got = range(r.key, r.from, r.to, r.step);
    ASSERT_EQ(got.size(), 1u) << r.key;
    EXPECT_THAT(got[0], HasSubstr(r.says));
  }
}

TEST(SweepAxisOption, ListsAndRanges) {
  EXPECT_THAT(parse_axis("nic.ring_size=64,128").keys[0].values, ElementsAre("64", "128"));
  EXPECT_THAT(parse_axis("traffic.rate=1Gbps,2Gbps").keys[0].values, ElementsAre("\"1Gbps\"", "\"2Gbps\""));
  EXPECT_THAT(parse_axis("nic.ring_size=64..256..log2").keys[0].values, ElementsAre("64", "128", "256"));
  EXPECT_THAT(parse_axis("host.gro.enabled=true,false").keys[0].values, ElementsAre("true", "false"));
  for (const char* bad : {"nic.ring_size", "=1", "nic.ring_size=", "nic.ring_siz=1", "nic.ring_size=1,,2", "nic.ring_size=1..2..x", "guests[].name=a,b", "guests[].virtio.queue_size=64,128"}) EXPECT_THROW(parse_axis(bad), ScenarioError) << bad;
}

Sweep two_axes() {
  Sweep s;
  add_axis(s, parse_axis("nic.ring_size=64,128"));
  add_axis(s, parse_axis("traffic.rate=1Gbps,2Gbps,3Gbps"));
  return s;
}

TEST(SweepRuns, ProductWithSeedsInnermost) {
  Sweep s = two_axes();
  s.seed_count = 2;
  const std::vector<SweepRun> runs = sweep_runs(s, 5);
  ASSERT_EQ(runs.size(), 12u);
  for (std::size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i].index, i);
  EXPECT_EQ(runs[0].seed, 5u);
  EXPECT_EQ(runs[1].seed, 6u);
  EXPECT_EQ(runs[2].set[1].second, "\"2Gbps\"");
  EXPECT_EQ(runs[5].set[0].second, "64");
  EXPECT_EQ(runs[6].set[0].second, "128");
  EXPECT_EQ(runs[6].set[0].first, "nic.ring_size");
}

TEST(SweepRuns, ExclusionsCompareWhatNumbersSay) {
  Sweep s = two_axes();
  s.exclude = {{{"nic.ring_size", "64"}, {"traffic.rate", "\"2000Mbps\""}}, {{"traffic.rate", "\"3Gbps\""}}};
  const std::vector<SweepRun> runs = sweep_runs(s, 1);
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[2].index, 2u);
  EXPECT_EQ(runs[1].set[0].second, "128");
  s.exclude = {{{"nic.ring_size", "64"}}, {{"nic.ring_size", "128"}}};
  EXPECT_THROW(sweep_runs(s, 1), UserError);
  s.exclude = {{{"nic.ring_size", "64"}, {"host.pin", "1"}}};   // a key that is not swept matches no run
  EXPECT_EQ(sweep_runs(s, 1).size(), 6u);
}

TEST(SweepRuns, AnAxisOfTheSameKeyIsReplaced) {
  Sweep s = two_axes();
  add_axis(s, parse_axis("nic.ring_size=512"));
  EXPECT_EQ(sweep_runs(s, 1).size(), 3u);
  EXPECT_EQ(sweep_runs(s, 1)[0].set[0].second, "512");
}

TEST(SweepRuns, NothingOrTooMuch) {
  EXPECT_THROW(sweep_runs({}, 1), UserError);
  Sweep s;
  s.seed_count = 3;
  EXPECT_EQ(sweep_runs(s, 1).size(), 3u);
  add_axis(s, parse_axis("time.measure=1us..90ms..1us"));
  add_axis(s, parse_axis("nic.ring_size=8..800..8"));
  EXPECT_THROW(sweep_runs(s, 1), UserError);
}

Scenario load_block(const std::string& block) {
  LoadOptions o;
  o.share_dir = std::string(GD_SOURCE_DIR) + "/scenarios";
  return load_text("{\"version\": 1, \"traffic\": {\"rate\": \"1Gbps\"}, \"sweep\": " + block + "}", "s.json", o);
}

TEST(SweepBlock, ReadsWritesAndDoesNotCountAsConfiguration) {
  const Scenario s = load_block(R"({"axes": [{"key": "nic.ring_size", "from": 64, "to": 256, "step": "log2"},
    {"zip": [{"key": "pcie.generation", "values": [2, 3]}, {"key": "traffic.rate", "values": ["1Gbps", "2Gbps"]}]}],
    "exclude": [{"nic.ring_size": 64, "pcie.generation": 2}], "seeds": [3, 9]})");
  ASSERT_EQ(s.sweep.axes.size(), 2u);
  const std::vector<SweepRun> runs = sweep_runs(s.sweep, 1);
  EXPECT_EQ(runs.size(), (3u * 2 - 1) * 2);
  EXPECT_EQ(runs[0].set[2].second, "\"2Gbps\"");
  EXPECT_EQ(runs[1].seed, 9u);
  const Scenario again = load_text(resolved(s), "again.json", {});
  EXPECT_EQ(resolved(again), resolved(s));
  EXPECT_EQ(config_sha256(s), config_sha256(load_block("{}")));
}

TEST(SweepBlock, Mistakes) {
  struct Row { const char *block, *says; };
  for (const Row& r : {Row{"[]", "expected an object"}, {R"({"axis": []})", "did you mean \"axes\"?"}, {R"({"axes": [{"values": [1]}]})", "an axis without key"},
                       {R"({"axes": [{"key": "nic.ring_siz", "values": [1]}]})", "did you mean \"nic.ring_size\"?"}, {R"({"axes": [{"key": "nic.ring_size", "values": []}]})", "the list is empty"},
                       {R"({"axes": [{"key": "nic.ring_size", "values": [8], "from": 8}]})", "either values"}, {R"({"axes": [{"key": "nic.ring_size", "from": 8, "to": 64}]})", "from, to and step"},
                       {R"({"axes": [{"zip": [{"key": "nic.ring_size", "values": [8, 16]}, {"key": "pcie.lanes", "values": [8]}]}]})", "pcie.lanes has 1 values"},
                       {R"({"axes": [{"key": "nic.ring_size", "values": [8]}, {"key": "nic.ring_size", "values": [16]}]})", "swept twice"},
                       {R"({"seeds": 0})", "0 is not allowed"}, {R"({"seeds": []})", "the list is empty"}, {R"({"exclude": [{}]})", "leaves nothing"}}) {
    try {
      load_block(r.block);
      ADD_FAILURE() << r.block;
    } catch (const ScenarioError& e) {
      EXPECT_THAT(e.what(), HasSubstr(r.says)) << r.block;
      EXPECT_THAT(e.what(), HasSubstr("/sweep")) << r.block;
    }
  }
}

TEST(SearchBlock, ReadsAndWrites) {
  const Scenario s = load_block(R"({"axes": [{"key": "nic.ring_size", "values": [64, 128]}],
    "search": {"key": "traffic.rate", "from": "1Gbps", "to": "10Gbps", "precision": "2%", "highest": "drops.total == 0"}})");
  ASSERT_TRUE(s.sweep.search);
  EXPECT_EQ(s.sweep.search->from, 1'000'000'000u);
  EXPECT_EQ(s.sweep.search->relative, 20'000u);
  EXPECT_EQ(s.sweep.search->aim, SweepSearch::Aim::highest);
  EXPECT_EQ(s.sweep.search->holds.metric, "drops.total");
  const Scenario pair = load_block(R"({"search": {"key": "traffic.frame_bytes", "from": 64, "to": 1518, "precision": 8,
    "crossover": {"metric": "cpu.cycles_per_packet", "between": ["a", "b"]}}})");
  EXPECT_EQ(pair.sweep.search->step, 8u);
  EXPECT_THAT(pair.sweep.search->between, ElementsAre("a", "b"));
  for (const Scenario* one : {&s, &pair}) EXPECT_EQ(resolved(load_text(resolved(*one), "again.json", {})), resolved(*one));
  EXPECT_EQ(config_sha256(s), config_sha256(load_block("{}")));
}

TEST(SearchBlock, PrecisionFollowsTheKey) {
  const auto of = [](const std::string& rest) { return *load_block("{\"search\": {\"highest\": \"drops.total == 0\", " + rest + "}}").sweep.search; };
  EXPECT_EQ(of(R"("key": "nic.ring_size", "from": 64, "to": 512)").unit, 8u);
  EXPECT_EQ(of(R"("key": "time.measure", "from": "1us", "to": "2us", "precision": "100ns")").step, 100'000u);
  EXPECT_EQ(of(R"("key": "traffic.foreign.host", "from": "0%", "to": "50%", "precision": "1%")").step, 10'000u);
  EXPECT_TRUE(of(R"("key": "nic.ring_size", "from": 64, "to": 512, "precision": "log2")").doubling);
}

TEST(SearchBlock, Mistakes) {
  struct Row { const char *block, *says; };
  for (const Row& r : {Row{R"([])", "expected an object"}, {R"({"key": "nic.ring_size", "from": 64, "highest": "drops.total == 0"})", "has key, from and to"},
                       {R"({"key": "nic.ring_siz", "from": 64, "to": 128, "highest": "drops.total == 0"})", "did you mean \"nic.ring_size\"?"},
                       {R"({"key": "consumer", "from": 64, "to": 128, "highest": "drops.total == 0"})", "is no number"},
                       {R"({"key": "nic.ring_size", "from": 128, "to": 64, "highest": "drops.total == 0"})", "leaves nothing to search"},
                       {R"({"key": "traffic.rate", "from": 1, "to": "2Gbps", "highest": "drops.total == 0"})", "no unit"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "precision": 3, "highest": "drops.total == 0"})", "is a multiple of 8"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "precision": "0%", "highest": "drops.total == 0"})", "never reached"},
                       {R"({"key": "traffic.vlan", "from": 0, "to": 128, "highest": "drops.total == 0"})", "not reached from 0"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128})", "one of highest, lowest and crossover"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "highest": "drops.total", "lowest": "drops.total == 0"})", "one of highest, lowest and crossover"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "highest": "drops.total ~ 0"})", "expected a comparison"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "higest": "drops.total == 0"})", "did you mean \"highest\"?"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "crossover": {"metrc": "x"}})", "did you mean \"metric\"?"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "crossover": {"metric": "x", "between": ["a"]}})", "between two strategies"},
                       {R"({"key": "nic.ring_size", "from": 64, "to": 128, "crossover": {"metric": "x", "between": ["a", "a"]}})", "stands there twice"}}) {
    try {
      load_block(std::string("{\"search\": ") + r.block + "}");
      ADD_FAILURE() << r.block;
    } catch (const ScenarioError& e) {
      EXPECT_THAT(e.what(), HasSubstr(r.says)) << r.block;
      EXPECT_THAT(e.what(), HasSubstr("s.json:1:")) << r.block;
      EXPECT_THAT(e.what(), HasSubstr("/sweep/search")) << r.block;
    }
  }
  EXPECT_THROW(load_block(R"({"axes": [{"key": "nic.ring_size", "values": [64]}], "search": {"key": "nic.ring_size", "from": 64, "to": 128, "highest": "drops.total == 0"}})"), ScenarioError);
}

}  // namespace sweep_test
