#include "src/report/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "src/report/words.h"
#include "tests/report/made_up.h"

namespace gd::report {
namespace comparison_test {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

std::int64_t sum_of(const Reason& r) {
  std::int64_t sum = 0;
  for (const Term& t : r.terms) sum += t.difference();
  return sum;
}

const Row* find_row(const Comparison& c, const std::string& metric) {
  for (const Row& r : c.rows)
    if (r.metric == metric) return &r;
  return nullptr;
}

TEST(Words, FiguresAndLines) {
  const struct { double v; const char* text; } rows[] = {{0, "0"}, {1234567, "1,234,567"}, {-1234, "-1,234"}, {999, "999"}, {9.41234, "9.412"}, {12.3456, "12.35"},
                                                          {123.456, "123.5"}, {1234.56, "1,235"}, {0.04211, "0.0421"}, {0.00001, "0"}, {-0.00001, "0"}, {2.5, "2.5"}};
  for (const auto& r : rows) EXPECT_EQ(figure(r.v), r.text);
  EXPECT_EQ(signed_figure(3), "+3");
  EXPECT_EQ(signed_grouped(-1420), "-1,420");
  EXPECT_EQ(rounded_milli(-1500), -2);
  EXPECT_EQ(wrap("aa bb cc dd", 5, 2), "aa bb\n  cc\n  dd\n");
  EXPECT_EQ(markdown_cell("a|b\nc"), "a\\|b c");
  EXPECT_EQ(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
}

TEST(Reasons, TermsSumToTheMeasuredDifference) {
  const Comparison c = compare(made_up::comparison(6));
  ASSERT_EQ(c.reasons.size(), 5u + 4u);   // against the first; the best against the others
  for (const Reason& r : c.reasons) {
    EXPECT_TRUE(r.measured);
    const std::int64_t difference = r.cycles_to - r.cycles_from;
    EXPECT_LE(std::abs(difference - sum_of(r)) * 100, std::abs(difference)) << r.from << " " << r.to;
    EXPECT_EQ(r.remainder, difference - sum_of(r));
    for (std::size_t i = 1; i < r.terms.size(); ++i) EXPECT_GE(std::abs(r.terms[i - 1].difference()), std::abs(r.terms[i].difference()));
  }
}

TEST(Reasons, WordsNameTheTerms) {
  const Reason r = explain(made_up::run("vhost-copy"), made_up::run("guest-head"));
  EXPECT_THAT(r.sentences.at(0), HasSubstr("guest-head needs 1,183 cycles per packet less than vhost-copy (4,168 -> 2,985): vhost -1,430 (mostly copy), post +130 (track)"));
  EXPECT_THAT(r.sentences.at(1), HasSubstr("host copies 1,526 -> 12 bytes per packet"));
  EXPECT_THAT(r.sentences.at(2), HasSubstr("45.2 -> 42.1 us; to reach guest -1.7 us, driver -0.9 us"));
}

// The figures of the sentence add up to its total.
TEST(Reasons, FiguresInWordsAddUp) {
  for (const std::string& to : made_up::strategies()) {
    if (to == "vhost-copy") continue;
    const Reason r = explain(made_up::run("vhost-copy"), made_up::run(to));
    const std::string& s = r.sentences.at(0);
    std::int64_t sum = 0;
    for (std::size_t at = s.find("):"); (at = s.find_first_of("+-", at + 1)) != std::string::npos;) {
      if (s[at - 1] != ' ') continue;
      std::string digits;
      for (std::size_t i = at; i < s.size() && s[i] != ' ' && s[i] != '.'; ++i)
        if (s[i] != ',') digits += s[i];
      sum += std::atoll(digits.c_str());
    }
    EXPECT_EQ(sum, rounded_milli(r.cycles_to) - rounded_milli(r.cycles_from)) << s;
  }
}

TEST(Reasons, ChangeWhenTwoLedgersAreSwapped) {
  system::RunResult a = made_up::run("vhost-copy"), b = made_up::run("guest-head");
  const Reason before = explain(a, b);
  std::swap(a.ledger, b.ledger);
  for (const char* name : {"cpu.cycles_per_packet"})
    for (auto& m : a.metrics)
      if (m.name == name)
        for (auto& n : b.metrics)
          if (n.name == name) std::swap(m, n);
  const Reason after = explain(a, b);
  EXPECT_NE(before.sentences.at(0), after.sentences.at(0));
  EXPECT_THAT(after.sentences.at(0), HasSubstr("guest-head needs 1,183 cycles per packet more than vhost-copy (2,985 -> 4,168): vhost +1,430 (mostly copy)"));
  EXPECT_EQ(sum_of(after), -sum_of(before));
}

// A ledger that lacks a charge does not explain the metric, and the words say so.
TEST(Reasons, AGapIsNamed) {
  const system::RunResult a = made_up::run("guest-head");
  system::RunResult b = made_up::run("vhost-copy");
  b.ledger.erase(b.ledger.begin() + 6);
  const Reason r = explain(a, b);
  EXPECT_EQ(r.remainder, 1'420'000);
  EXPECT_THAT(r.sentences.at(0), HasSubstr(", not in the ledgers +1,420."));
}

// Per-packet metrics divide by the packets accepted inside the window, which may be a few more or less than the cohort.
TEST(Reasons, DivideAsTheMetricDoes) {
  system::RunResult r = made_up::run("vhost-copy");
  EXPECT_EQ(packets_of(r), 100'000u);
  r.metrics.push_back({"packets.accepted", "frames", 97'003, 1});
  EXPECT_EQ(packets_of(r), 97'003u);
}

TEST(Reasons, NothingDelivered) {
  system::RunResult none;
  none.label = "none";
  none.metrics = {{"packets.delivered", "frames", 0, 1}, {"packets.offered", "frames", 101'210, 1}};
  ComparisonInput in = made_up::comparison(2);
  in.runs.push_back(none);
  in.buffering.push_back(0);
  const Comparison c = compare(in);
  EXPECT_FALSE(c.reasons.at(1).measured);
  EXPECT_THAT(comparison_text(c), HasSubstr("none delivered nothing"));
  EXPECT_FALSE(find_row(c, "packets.delivered")->cells[2].best);
  EXPECT_EQ(find_row(c, "latency.p50")->cells[2].text, "-");
  EXPECT_NO_THROW(Json::parse(comparison_json(c)));
  ComparisonInput all_none;
  all_none.runs = {none, none};
  EXPECT_NO_THROW(Json::parse(comparison_json(compare(all_none))));
  EXPECT_THAT(comparison_text(compare(all_none)), HasSubstr("delivered nothing"));
  EXPECT_NO_THROW(comparison_markdown(compare(ComparisonInput{})));
}

TEST(Comparison, MarksTheBest) {
  const Comparison c = compare(made_up::comparison(4));
  const Row* goodput = find_row(c, "throughput.goodput");
  ASSERT_NE(goodput, nullptr);
  EXPECT_FALSE(goodput->cells[0].best);
  EXPECT_TRUE(goodput->cells[1].best);     // three are equally good
  EXPECT_TRUE(goodput->cells[3].best);
  const Row* guest = find_row(c, "copy.guest_bytes_per_packet");
  for (const Cell& x : guest->cells) EXPECT_FALSE(x.best);   // all equal
  EXPECT_EQ(find_row(c, "drops.total")->cells[0].note, "tap-full");
  EXPECT_EQ(find_row(c, "pcie.upstream_bytes")->cells[0].text, "1,620");
  EXPECT_EQ(find_row(c, "llc.ddio_write_hit_rate")->cells[0].text, "87.1");
  EXPECT_EQ(find_row(c, "buffering")->cells[0].text, "1,768");
  EXPECT_THAT(c.notes.at(0), HasSubstr("offered frames differ (vhost-copy 101,210, guest-head 100,000"));
}

TEST(Comparison, TextFitsTheTerminal) {
  for (unsigned n = 1; n <= 8; ++n) {
    const std::string text = comparison_text(compare(made_up::comparison(n)));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      EXPECT_LE(columns_of(text.substr(at, end - at)), 100u) << text.substr(at, end - at);
      at = end + 1;
    }
    EXPECT_THAT(text, Not(HasSubstr("\033")));
    EXPECT_THAT(text, HasSubstr("refused other: the NIC does not split headers"));
  }
  EXPECT_THAT(comparison_text(compare(made_up::comparison(3)), {true, 100}), HasSubstr("\033[32m*"));
}

TEST(Comparison, ColourObeysTheEnvironment) {
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  EXPECT_TRUE(colour_wanted(true));
  EXPECT_FALSE(colour_wanted(false));
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(colour_wanted(true));
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  EXPECT_FALSE(colour_wanted(true));
}

TEST(Comparison, AllFormsHaveTheSameFigures) {
  ComparisonInput in = made_up::comparison(4);
  in.runs[1].label = "a|b,c";
  const Comparison c = compare(in);
  const Json j = Json::parse(comparison_json(c));
  EXPECT_EQ(j["strategies"].size(), 4u);
  EXPECT_EQ(j["rows"][0]["values"]["a|b,c"], 9.412007);
  EXPECT_EQ(j["refused"][0]["reason"], "the NIC does not split headers");
  const auto& cycles = j["reasons"][0]["cycles"];
  EXPECT_DOUBLE_EQ(cycles["difference"].get<double>(), cycles["sum_of_terms"].get<double>() + cycles["remainder"].get<double>());
  const std::string md = comparison_markdown(c), csv = comparison_csv(c);
  EXPECT_THAT(md, HasSubstr("| a\\|b,c |"));
  EXPECT_THAT(md, HasSubstr("**9.412**"));
  EXPECT_THAT(md, HasSubstr("1,210 (tap-full)"));
  EXPECT_THAT(csv, HasSubstr("metric,title,unit,vhost-copy,\"a|b,c\",copy-header,passthrough\nthroughput.goodput,goodput,Gb/s,9.292007,9.412007,"));
  const Json doc = Json::parse(document_json("compare", in, {}));
  EXPECT_EQ(doc["runs"][1]["label"], "a|b,c");
  EXPECT_EQ(doc["comparison"]["rows"], j["rows"]);
}

TEST(Run, PrintsItsMetrics) {
  const system::RunResult r = made_up::run("guest-head");
  EXPECT_THAT(run_text(r), HasSubstr("copy.host_bytes_per_packet   12 bytes"));
  EXPECT_THAT(run_text(r), Not(HasSubstr("*")));
  EXPECT_THAT(run_csv(r), HasSubstr("\nthroughput.goodput,9.412007,Gb/s\n"));
  EXPECT_THAT(run_markdown(r), HasSubstr("| drops.total | 0 | frames |"));
  EXPECT_THAT(run_text(r), HasSubstr("message: a queue | that stands"));
  EXPECT_THAT(run_markdown(r), HasSubstr("- a queue \\| that stands"));
}

}  // namespace comparison_test
}  // namespace gd::report
