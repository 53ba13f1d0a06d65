#include "src/report/results.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "models/base/error.h"
#include "src/report/json_text.h"
#include "tests/report/made_up.h"

namespace gd::report {
namespace results_test {

using Json = nlohmann::ordered_json;

std::string scratch() {
  std::string name = testing::TempDir() + "report-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  return name;
}

TEST(Metric, TextIsCutAtSixPlaces) {
  const struct { std::int64_t num; std::uint64_t den; const char* text; } rows[] = {
      {0, 1, "0"}, {0, 7, "0"}, {123456, 1, "123456"}, {9412, 1000, "9.412"}, {2, 3, "0.666666"}, {-2, 3, "-0.666666"}, {1, 2'000'000, "0"},
      {-1, 2'000'000, "0"}, {1, 1'000'000, "0.000001"}, {INT64_MAX, 1, "9223372036854775807"}, {10, 4, "2.5"}, {INT64_MIN, 2, "-4611686018427387904"}};
  for (const auto& r : rows) EXPECT_EQ((system::Metric{"", "", r.num, r.den}.text()), r.text);
}

TEST(JsonText, NestsAndEscapes) {
  JsonText j;
  j.open('{').key("a\"\n").string("x\\\xff").key("list").open('[', JsonText::flat).count(1).open('{').key("k").raw("null").close().close().key("empty").open('[').close().key("n").open('[').real(0.1).boolean(true).close().close();
  EXPECT_EQ(j.text(), "{\n  \"a\\\"\\n\": \"x\\\\\xef\xbf\xbd\",\n  \"list\": [1, {\"k\": null}],\n  \"empty\": [],\n  \"n\": [\n    0.1,\n    true\n  ]\n}\n");
  EXPECT_EQ(milli_text(-1420500), "-1420.5");
  EXPECT_EQ(milli_text(7), "0.007");
  EXPECT_EQ(number(1.0 / 0.0), "null");
}

TEST(Results, ComeBackAsTheyWere) {
  const std::string folder = scratch();
  const system::RunResult r = made_up::run("copy-header");
  write_results(r, folder);
  const system::RunResult back = read_results(folder);
  EXPECT_EQ(summary_json(back), summary_json(r));
  EXPECT_EQ(ledger_json(back), ledger_json(r));
  EXPECT_EQ(cycles_folded(back), cycles_folded(r));
  EXPECT_EQ(histogram_json(back), histogram_json(r));
  EXPECT_EQ(back.fingerprint, r.fingerprint);
  EXPECT_EQ(back.messages.all(), r.messages.all());
  EXPECT_EQ(back.messages.standstill, std::vector<std::string>{"a queue | that stands"});
  EXPECT_EQ(back.messages.first_about("integrity.errors"), "bytes: one");
  EXPECT_EQ(back.messages.first_about("ownership.violations"), r.messages.ownership.front());
  EXPECT_EQ(back.messages.first_about("drops.total"), "");
  ASSERT_NE(back.find("throughput.goodput"), nullptr);
  EXPECT_EQ(back.find("throughput.goodput")->text(), "9.412007");
  EXPECT_EQ(back.find("no.such"), nullptr);
}

TEST(Results, SummaryHasTheKeysOfTheContractInOrder) {
  const Json j = Json::parse(summary_json(made_up::run("vhost-copy")));
  std::vector<std::string> keys;
  for (const auto& [key, value] : j.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"schema", "scenario", "strategy", "label", "seed", "config_sha256", "fingerprint", "simulated_ps", "metrics", "run"}));
  EXPECT_EQ(j["fingerprint"], "0123456789abcdef");
  EXPECT_EQ(j["metrics"]["throughput.goodput"]["value"], 9.292007);
  EXPECT_EQ(j["metrics"]["throughput.goodput"]["unit"], "Gb/s");
  for (const char* key : {"wall_s", "cpu_s", "frames_per_cpu_s", "peak_rss_bytes", "host", "activations_per_frame", "lookups_per_frame", "bytes_moved_per_frame"})
    EXPECT_TRUE(j["run"].contains(key)) << key;
  EXPECT_EQ(j["run"]["activations_per_frame"], 6.0);
}

TEST(Results, OnlyTheRunLineDependsOnTheMachine) {
  system::RunResult a = made_up::run("guest-head"), b = a;
  b.wall_s = 99, b.cpu_s = 55, b.peak_rss_bytes = 1, b.activations = 3;
  EXPECT_NE(summary_json(a), summary_json(b));
  EXPECT_EQ(without_run(summary_json(a)), without_run(summary_json(b)));
  const Json j = Json::parse(without_run(summary_json(a)));
  EXPECT_FALSE(j.contains("run"));
  EXPECT_TRUE(j.contains("metrics"));
  for (auto& m : b.metrics) m.num += m.name == "drops.total";
  EXPECT_NE(without_run(summary_json(a)), without_run(summary_json(b)));
}

TEST(Results, LedgerTotalsSum) {
  const system::RunResult r = made_up::run("vhost-copy");
  const Json j = Json::parse(ledger_json(r));
  const double total = j["total"]["cycles"];
  for (const char* part : {"lines", "cores", "contexts", "components"}) {
    double sum = 0;
    for (const auto& l : j[part]) sum += l["cycles"].get<double>();
    EXPECT_DOUBLE_EQ(sum, total) << part;
  }
  std::uint64_t folded = 0;
  std::string text = cycles_folded(r), line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    line = text.substr(at, end - at);
    EXPECT_EQ(std::count(line.begin(), line.end(), ';'), 3);
    folded += std::strtoull(line.c_str() + line.rfind(' '), nullptr, 10);
    at = end + 1;
  }
  EXPECT_DOUBLE_EQ(static_cast<double>(folded), total);
}

TEST(Results, BadFoldersAreOneMessage) {
  const std::string folder = scratch();
  const auto message = [&] {
    try {
      read_results(folder);
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(message(), "cannot read " + folder + "/summary.json: No such file or directory");
  write_file(folder + "/summary.json", "{\"schema\": 1, \"scenario\": ");
  EXPECT_NE(message().find("summary.json: is not a result file"), std::string::npos);
  write_file(folder + "/summary.json", "{\"schema\": 99}");
  EXPECT_NE(message().find("schema 99 is not"), std::string::npos);
  EXPECT_THROW(write_file(folder + "/no/such", "x"), UserError);
}

}  // namespace results_test
}  // namespace gd::report
