// Verdicts, order, medians and the four forms of the points' table.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "src/report/fidelity.h"

namespace gd::report {
namespace fidelity_test {

using Kind = PointResult::Kind;
using testing::HasSubstr;

PointResult point(const std::string& id, Kind kind, double published, Tolerance tolerance, std::optional<double> simulated) {
  PointResult p;
  p.id = id;
  p.kind = kind;
  p.published = published;
  p.unit = "ns";
  p.source = "Somebody, 2018";
  p.tolerance = tolerance;
  p.simulated = simulated;
  if (!simulated) p.problem = "a has no value of latency.p99";
  if (kind == Kind::not_modelled) p.reason = "the path ends before | it", p.problem.clear();
  return p;
}
Tolerance rel(double r) { return {r, {}, {}, {}}; }
Tolerance abs_(double a) { return {{}, a, {}, {}}; }
Tolerance range(std::optional<double> min, std::optional<double> max) { return {{}, {}, min, max}; }

TEST(PointVerdict, ByTolerance) {
  struct {
    Tolerance tolerance;
    double published, simulated;
    bool within;
    double used;
  } const rows[] = {
      {rel(0.1), 100, 110, true, 1},       {rel(0.1), 100, 110.1, false, 1.01}, {rel(0.1), 100, 90, true, 1},   {rel(0.1), 100, 95, true, 0.5},
      {rel(0.1), -100, -110, true, 1},     {abs_(15), 0, -15, true, 1},         {abs_(15), 0, 16, false, 16.0 / 15}, {abs_(0), 5, 5, true, 0},
      {range(1, 4), 2, 3, true, 0.5},      {range(1, 4), 2, 1.5, true, 0.5},    {range(1, 4), 2, 5, false, 1.5}, {range(1, {}), 2, 1000, true, 0},
      {range(1, {}), 2, 0.5, false, 1.5},  {range({}, 4), 2, 4, true, 1},       {range(10, 20), 40, 15, true, 0}, {range(0.1, 0.3), 0.2, 0.1 + 0.2, true, 1},
  };
  for (const auto& r : rows) {
    const Fidelity f = judge_points("x", {point("p", Kind::predicted, r.published, r.tolerance, r.simulated)});
    EXPECT_EQ(f.points[0].within, r.within) << r.published << " " << r.simulated << " " << r.tolerance.text();
    EXPECT_NEAR(f.points[0].used, r.used, 1e-9) << r.published << " " << r.simulated << " " << r.tolerance.text();
    EXPECT_EQ(f.misses(), r.within ? 0u : 1u);
  }
}

Fidelity sample() {
  return judge_points("points", {point("tx", Kind::not_modelled, 3.2, {}, {}), point("fitted", Kind::calibrated, 100, rel(0.2), 101), point("close", Kind::predicted, 100, rel(0.5), 104),
                                 point("tight", Kind::predicted, 100, rel(0.01), 102), point("none", Kind::predicted, 100, rel(0.01), {}), point("zero", Kind::predicted, 0, abs_(10), 3),
                                 point("far", Kind::predicted, 100, rel(0.5), 70)});
}

// Without a value first, then misses, then by what is used of the tolerance: not by the size of the error.
TEST(PointVerdict, WorstFirstAndKindsApart) {
  std::vector<std::string> ids;
  for (const PointResult& p : sample().points) ids.push_back(p.id);
  EXPECT_THAT(ids, testing::ElementsAre("none", "tight", "far", "zero", "close", "fitted", "tx"));
}

TEST(PointVerdict, MediansByKind) {
  const Fidelity f = sample();
  EXPECT_EQ(f.predicted.points, 5u);
  EXPECT_EQ(f.predicted.within, 3u);
  EXPECT_EQ(f.predicted.without_error, 2u);             // no value; published 0
  EXPECT_DOUBLE_EQ(*f.predicted.median_error, 0.04);    // of 2, 4 and 30 %
  EXPECT_EQ(f.calibrated.within, 1u);
  EXPECT_DOUBLE_EQ(*f.calibrated.median_error, 0.01);
  EXPECT_EQ(f.not_modelled, 1u);
  EXPECT_EQ(f.misses(), 2u);
  const Fidelity even = judge_points("x", {point("a", Kind::predicted, 100, rel(1), 110), point("b", Kind::predicted, 100, rel(1), 80)});
  EXPECT_NEAR(*even.predicted.median_error, 0.15, 1e-12);
}

TEST(PointTables, Text) {
  const std::string text = fidelity_text(sample());
  EXPECT_THAT(text, HasSubstr("Predicted: 3 of 5 within tolerance, median absolute error 4 % of 3\n"
                              "point   published  simulated  unit  error  tolerance  verdict\n"
                              "none          100          -  ns        -  ±1 %       missed: a has no value of latency.p99\n"
                              "tight         100        102  ns     +2 %  ±1 %       missed\n"
                              "far           100         70  ns    -30 %  ±50 %      within\n"
                              "zero            0          3  ns       +3  ±10        within\n"));
  EXPECT_THAT(text, HasSubstr("\nCalibrated: 1 of 1 within tolerance, median absolute error 1 %\n"));
  EXPECT_THAT(text, HasSubstr("\nNot modelled\ntx: 3.2 ns: the path ends before | it\n"));
}

TEST(PointTables, Markdown) {
  const std::string text = fidelity_markdown(sample());
  EXPECT_THAT(text, HasSubstr("| tight | 100 | 102 | ns | +2 % | ±1 % | **missed** | Somebody, 2018 |\n"));
  EXPECT_THAT(text, HasSubstr("| tx | 3.2 | ns | the path ends before \\| it | Somebody, 2018 |\n"));
}

TEST(PointTables, CsvAndJsonSayTheSame) {
  const Fidelity f = sample();
  const std::string csv = fidelity_csv(f);
  EXPECT_THAT(csv, HasSubstr("tight,predicted,100,102,ns,0.02,99,101,missed,,\"Somebody, 2018\",,\n"));
  EXPECT_THAT(csv, HasSubstr("tx,not modelled,3.2,,ns,,,,,,\"Somebody, 2018\",,the path ends before | it\n"));
  const nlohmann::json j = nlohmann::json::parse(fidelity_json(f));
  EXPECT_EQ(j["missed"], 2);
  EXPECT_EQ(j["predicted"]["median_error"], 0.04);
  EXPECT_EQ(j["points"].size(), 7u);
  EXPECT_EQ(j["points"][1]["id"], "tight");
  EXPECT_EQ(j["points"][1]["verdict"], "missed");
  EXPECT_EQ(j["points"][1]["upper"], 101);
  EXPECT_TRUE(j["points"][0]["simulated"].is_null());
  EXPECT_EQ(j["points"][6]["kind"], "not modelled");
  EXPECT_FALSE(j["points"][6].contains("verdict"));
}

}  // namespace fidelity_test
}  // namespace gd::report
