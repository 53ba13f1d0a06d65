// What a page holds as text; tests/report/html_test.py opens the pages in a browser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/report/html.h"
#include "tests/report/made_up.h"

namespace gd::report {
namespace html_text_test {

using testing::HasSubstr;
using testing::Not;

TEST(Html, HashesAsAPolicyNamesThem) {
  EXPECT_EQ(csp_hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
  EXPECT_EQ(csp_hash("abc"), "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='");
}

// The data block: JSON that ends where the page says, whatever the texts hold.
nlohmann::json data_of(const std::string& page) {
  const std::string begin = "id=\"data\">\n";
  const std::size_t from = page.find(begin) + begin.size();
  return nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST(Html, HoldsItsFiguresAndNothingElseIsAskedFor) {
  ComparisonInput in = made_up::comparison(3);
  in.description = "</script><script>alert(1)</script> & \"more\"";
  in.runs[0].label = "<b>";
  const Comparison c = compare(in);
  const std::string page = comparison_html(in, c, {}, {"a/summary.json", "odd name.txt"});
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script> &")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* outside : {"http://", "https://", "src=\"", "@import", "url("}) {
    std::size_t at = page.find(outside);
    while (at != std::string::npos && page.compare(at, 26, "http://www.w3.org/2000/svg") == 0) at = page.find(outside, at + 1);   // a name space
    EXPECT_EQ(at, std::string::npos) << outside;
  }
  const nlohmann::json j = data_of(page);
  EXPECT_EQ(j["strategies"][0]["label"], "<b>");
  EXPECT_EQ(j["files"][1]["path"], "odd name.txt");
  for (std::size_t r = 0; r < c.rows.size(); ++r)
    for (std::size_t i = 0; i < c.columns.size(); ++i) EXPECT_EQ(j["rows"][r]["cells"][i]["text"], c.rows[r].cells[i].text);
  // Cycles by component sum to the metric; the way is the run's.
  double sum = 0;
  for (const auto& part : j["strategies"][1]["cycles"]) sum += part[1].get<double>();
  EXPECT_NEAR(sum, in.runs[1].find("cpu.cycles_per_packet")->value(), 1e-6);
  EXPECT_FALSE(j["strategies"][1]["moves"].empty());
  EXPECT_EQ(j["strategies"][1]["way"]["steps"].back()[1].get<double>(), static_cast<double>(in.runs[1].way.steps.back().at) / 1000);
  EXPECT_EQ(j["strategies"][2]["latency"].back()[1].get<std::uint64_t>(), [&] {
    std::uint64_t n = 0;
    for (const auto& b : in.runs[2].distributions[0].buckets) n += b.count;
    return n;
  }());
}

TEST(Html, SaysWhatASweepLeavesOut) {
  SweepResult s;
  s.scenario = "many";
  for (std::size_t i = 0; i <= kPageRows; ++i) {
    SweepRow& r = s.rows.emplace_back();
    r.index = i, r.run.label = "x", r.run.metrics = {{"latency.p50", "ns", 5, 1}};
  }
  s.runs = s.rows.size();
  const nlohmann::json j = data_of(sweep_html(s, {}, {}));
  EXPECT_EQ(j["rows"].size(), kPageRows);
  EXPECT_THAT(j["words"][0].get<std::string>(), HasSubstr("first 20000 of 20001"));
}

}  // namespace html_text_test
}  // namespace gd::report
