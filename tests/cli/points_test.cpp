// Lists of points: what is read, what is refused and where, and the schema.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "src/cli/points.h"
#include "src/cli/points_plan.h"

namespace gd::cli {
namespace points_test {

using testing::HasSubstr;

// A folder with a scenario s.json, in which lists are written and read.
class Points : public testing::Test {
 protected:
  Points() : folder_(std::filesystem::temp_directory_path() / ("guestdma points " + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    write("s.json", R"({"version": 1, "strategies": ["vhost-copy", "guest-head"], "traffic": {"rate": "1Gbps"}})");
  }
  ~Points() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::vector<Point> read(const std::string& text) {
    scenario::Mistakes m;
    std::vector<Point> out = read_points(write("points.json", text), {}, m).points;
    m.raise();
    return out;
  }
  PointsPlan plan(const std::string& text, const std::vector<std::string>& set = {}) {
    Options o;
    o.set = set;
    return plan_points(write("points.json", text), o);
  }
  // The message about a list, its folder left out.
  std::string mistake(const std::string& text, const std::vector<std::string>& set = {}) {
    try {
      plan(text, set);
    } catch (const UserError& e) {
      std::string what = e.what();
      for (std::size_t at; (at = what.find(folder_.string() + "/")) != std::string::npos;) what.erase(at, folder_.string().size() + 1);
      return what;
    }
    return "none";
  }

  std::filesystem::path folder_;
};

// A point with `more` after its value.
std::string point(const std::string& more, const std::string& id = "p", const std::string& unit = "") {
  const std::string of = !unit.empty() ? unit : more.find("\"drops.") != std::string::npos ? "frames" : "Gb/s";
  return R"({"id": ")" + id + R"(", "value": 2, "unit": ")" + of + R"(", )" + more + "}";
}
const char* const kRun = R"("tolerance": {"rel": 0.1}, "formula": "throughput.goodput[a]", "runs": {"a": {"scenario": "s.json", "strategy": "vhost-copy"}})";

TEST_F(Points, AllOfAPoint) {
  const auto points = read(R"([{"id": "x", "source": "S", "where": "T 1", "year": 2016, "value": 1.5, "unit": "Mpps", "tolerance": {"min": 1, "max": 2.5},
    "runs": {"a": {"scenario": "s.json", "strategy": "vhost-copy", "set": {"nic.ring_size": 256, "nic": {"fifo": "1KiB"}, "name": "quoted"}}},
    "formula": "packets.delivered[a] / 1000", "calibrated": true, "note": "n"}])");
  ASSERT_EQ(points.size(), 1u);
  const report::PointResult& f = points[0].facts;
  EXPECT_EQ(f.id, "x");
  EXPECT_EQ(f.source, "S");
  EXPECT_EQ(f.where, "T 1");
  EXPECT_EQ(f.year, 2016);
  EXPECT_EQ(f.published, 1.5);
  EXPECT_EQ(f.unit, "Mpps");
  EXPECT_EQ(f.tolerance.text(), "1 to 2.5");
  EXPECT_EQ(f.kind, report::PointResult::Kind::calibrated);
  EXPECT_EQ(f.note, "n");
  ASSERT_EQ(points[0].runs.size(), 1u);
  const PointRun& r = points[0].runs[0];
  EXPECT_EQ(r.scenario, (folder_ / "s.json").string());
  EXPECT_EQ(r.strategy, "vhost-copy");
  std::vector<std::string> set;
  for (const auto& s : r.set) set.push_back(s.argument);
  // Text keys are taken as they are, everything else as JSON; a section's keys one by one.
  EXPECT_THAT(set, testing::ElementsAre("nic.ring_size=256", "nic.fifo=\"1KiB\"", "name=quoted"));
}

TEST_F(Points, Tolerances) {
  const auto bounds = [&](const std::string& tolerance) {
    const auto p = read("[" + point(R"("runs": {"a": {"scenario": "s.json"}}, "formula": "drops.total[a]", "tolerance": )" + tolerance) + "]");
    const auto& t = p.at(0).facts.tolerance;
    return std::pair(t.lower(2).value_or(-1), t.upper(2).value_or(-1));
  };
  EXPECT_EQ(bounds(R"({"rel": 0.25})"), std::pair(1.5, 2.5));
  EXPECT_EQ(bounds(R"({"rel": "25%"})"), std::pair(1.5, 2.5));
  EXPECT_EQ(bounds(R"({"abs": 1.5})"), std::pair(0.5, 3.5));
  EXPECT_EQ(bounds(R"({"min": 1, "max": 4})"), std::pair(1.0, 4.0));
  EXPECT_EQ(bounds(R"({"min": 1})"), std::pair(1.0, -1.0));
}

TEST_F(Points, EqualRunsAreOne) {
  write("deep/same.json", R"({"version": 1, "strategies": ["vhost-copy"], "traffic": {"rate": "1Gbps"}})");
  const auto run = [](const std::string& text) { return R"("tolerance": {"rel": 0.1}, "formula": "drops.total[a]", "runs": {"a": )" + text + "}"; };
  const PointsPlan p = plan("[" + point(run(R"({"scenario": "s.json", "strategy": "vhost-copy"})"), "a") + "," +
                            point(run(R"({"scenario": "deep/same.json"})"), "b") + "," +                                             // equal in what counts
                            point(run(R"({"scenario": "s.json", "strategy": "guest-head"})"), "c") + "," +                           // another strategy
                            point(run(R"({"scenario": "s.json", "strategy": "vhost-copy", "set": {"nic.ring_size": 64}})"), "d") + "]");
  EXPECT_EQ(p.runs.size(), 3u);
  EXPECT_THAT(p.of_point, testing::ElementsAre(testing::ElementsAre(0u), testing::ElementsAre(0u), testing::ElementsAre(1u), testing::ElementsAre(2u)));
  EXPECT_EQ(p.runs[1].called, "c[a]");
}

TEST_F(Points, CommandLineGoesOverTheList) {
  const PointsPlan p = plan("[" + point(R"("tolerance": {"rel": 0.1}, "formula": "drops.total[a]",
    "runs": {"a": {"scenario": "s.json", "strategy": "vhost-copy", "set": {"nic.ring_size": 64}}})") + "]", {"nic.ring_size=128"});
  EXPECT_EQ(p.runs.at(0).plan.scenario.nic.ring_size, 128u);
}

TEST_F(Points, Includes) {
  const std::string beside = std::string(kRun).replace(std::string(kRun).find("s.json"), 0, "../");
  write("points.d/b.json", "[" + point(beside, "b") + "]");
  write("points.d/a.json", "[" + point(R"("not_modelled": "why")", "a") + "]");
  write("one.json", "[" + point(R"("not_modelled": "why")", "one") + "]");
  std::vector<std::string> ids;
  for (const Point& p : read(R"([{"include": "one.json"}, {"include": "points.d"}, )" + point(R"("not_modelled": "why")", "z") + "]")) ids.push_back(p.facts.id);
  EXPECT_THAT(ids, testing::ElementsAre("one", "a", "b", "z"));
  EXPECT_THAT(mistake(R"([{"include": "tow.json"}])"), HasSubstr("points.json:1:14: error: /0/include: there is no file \"tow.json\""));
  EXPECT_THAT(mistake(R"([{"include": "one.json"}, )" + point(kRun, "one") + "]"), HasSubstr("the point \"one\" stands twice"));
  write("one.json", R"([{"include": "points.d"}])");
  EXPECT_THAT(mistake(R"([{"include": "one.json"}])"), HasSubstr("one.json:1:14: error: /0/include: a list that is included includes no other"));
}

TEST_F(Points, MistakesWithTheirPlaces) {
  struct {
    std::string list, message;
  } const rows[] = {
      {"", "points.json:1:1: error: the file is empty"},
      {"{}", "points.json:1:1: error: expected a list, found an object"},
      {"[]", "points.json:1:1: error: the list is empty"},
      {"[3]", "points.json:1:2: error: /0: expected an object, found a number"},
      {"[{\"id\": \"a b\", \"value\": 1, \"unit\": \"x\", \"not_modelled\": \"w\"}]", "points.json:1:9: error: /0/id: \"a b\" cannot name a point"},
      {"[{\"value\": 1, \"unit\": \"x\", \"not_modelled\": \"w\"}]", "points.json:1:2: error: /0: has no id"},
      {"[" + point(R"("not_modelled": "w", "formla": "x")") + "]", "error: /0/formla: unknown key \"formla\""},
      {"[" + point(R"("not_modelled": "w", "runs": {})") + "]", "error: /0/runs: a point that is not modelled has no runs"},
      {"[" + point(R"("tolerance": {"rel": 5})") + "]", "error: /0/tolerance/rel: 5 is no share from 0 to 1"},
      {"[" + point(R"("tolerance": {"rel": 0.1, "abs": 1})") + "]", "error: /0/tolerance: has more than one kind of bound"},
      {"[" + point(R"("tolerance": {"min": 3, "max": 1})") + "]", "error: /0/tolerance: min is above max"},
      {"[" + point(R"("tolerance": {"rel": 0.1})") + "]", "error: /0: has no runs"},
      {"[" + point(R"("year": 16, "not_modelled": "w")") + "]", "error: /0/year: 16 is no year"},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "t.json"}})") + "]", "error: /0/runs/a/scenario: there is no file \"t.json\""},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "s.json"}})") + "]", "error: /0/runs/a: runs 2 strategies instead of one"},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "s.json", "strategy": "vhost-cpy"}})") + "]",
       "error: /0/runs/a/strategy: there is no strategy \"vhost-cpy\""},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "s.json", "strategy": "none"}})") + "]", "the scenario is no dma-bench"},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "s.json", "strategy": "copy-header"}})") + "]",
       "error: /0/runs/a/strategy: strategy \"copy-header\" cannot be served"},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "s.json", "set": {"nic.rign_size": 8}}})") + "]",
       "error: /0/runs/a/set/nic.rign_size: unknown key \"nic.rign_size\""},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "s.json", "set": {"nic": {"ring_size": 3}}}})") + "]",
       "error: /0/runs/a/set/nic.ring_size: 3 is too small"},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[a]", "runs": {"a": {"scenario": "s.json", "set": {"seed": 3}}})") + "]",
       "error: /0/runs/a/set/seed: \"seed\" is no key that a run can set"},
      {"[" + point(kRun, "p", "Mb/s") + "]", "error: /0/unit: throughput.goodput is in Gb/s, not in Mb/s"},
      {"[" + point(kRun, "p", "ratio") + "]", "allowed: Gb/s, or a formula that converts"},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.totla[a]", "runs": {"a": {"scenario": "s.json"}})") + "]", "did you mean \"drops.total\"?"},
      {"[" + point(R"("tolerance": {"abs": 1}, "formula": "drops.total[b]", "runs": {"a": {"scenario": "s.json"}})") + "]", "error: /0/formula: there is no run \"b\""},
      {"[" + point(R"("not_modelled": "w")") + "]", "points.json: error: no point is modelled, nothing is run"},
  };
  for (const auto& r : rows) EXPECT_THAT(mistake(r.list), HasSubstr(r.message)) << r.list;
  EXPECT_THAT(mistake("[" + point(kRun) + "]", {"nic.ring_size=3"}), HasSubstr("--set nic.ring_size=3: error: /nic/ring_size: 3 is too small"));
}

TEST_F(Points, TwentyMistakesAtOnce) {
  std::string list;
  for (int i = 0; i < 25; ++i) list += (i ? ", " : "[") + point(R"("not_modelled": "w", "x": 1)", "p" + std::to_string(i));
  const std::string text = mistake(list + "]");
  EXPECT_THAT(text, HasSubstr("/19/x: unknown key"));
  EXPECT_THAT(text, testing::Not(HasSubstr("/20/x: unknown key")));
  EXPECT_THAT(text, HasSubstr("(5 more)"));
}

TEST_F(Points, AtMostHalfAreCalibrated) {
  const std::string fitted = std::string(kRun) + R"(, "calibrated": true)";
  EXPECT_EQ(mistake("[" + point(kRun, "a") + ", " + point(fitted, "b") + "]"), "none");
  EXPECT_THAT(mistake("[" + point(kRun, "a") + ", " + point(fitted, "b") + ", " + point(fitted, "c") + ", " + point(R"("not_modelled": "w")", "d") + "]"),
              HasSubstr("2 of 3 modelled points are calibrated; at most half may be"));
}

// GUESTDMA_UPDATE=1 writes the schema file anew.
TEST(PointsSchema, FileEqualsTheTable) {
  const std::string file = GD_SOURCE_DIR "/scenarios/schema/points.schema.json";
  if (const char* update = std::getenv("GUESTDMA_UPDATE"); update != nullptr && *update == '1') std::ofstream(file) << points_schema();
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(text.str() == points_schema()) << file << " differs from the table of keys; GUESTDMA_UPDATE=1 writes it anew";
}

}  // namespace points_test
}  // namespace gd::cli
