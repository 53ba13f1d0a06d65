// The project's own list of published points.
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "src/cli/paths.h"
#include "src/cli/points_plan.h"
#include "src/scenario/table.h"

namespace gd::cli {
namespace shipped_points_test {

const std::string kScenarios = GD_SOURCE_DIR "/scenarios";

const PointsPlan& shipped() {
  static const PointsPlan plan = plan_points(kScenarios + "/fidelity/points.json", Options{});
  return plan;
}

std::string pattern(const std::string& key) { return scenario::pattern_of(key); }

nlohmann::json document(const std::string& path) {
  std::ifstream in(path);
  return nlohmann::json::parse(in);
}

// A number with at most three decimals, in thousandths: 5.831 is 5831.
std::int64_t thousandths(const nlohmann::json& value, const std::string& unit) {
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  EXPECT_TRUE(text.ends_with(unit)) << text << " is not in " << unit;
  text.resize(text.size() - unit.size());
  return std::llround(std::stod(text) * 1000);
}

std::vector<std::string> pointers_of(const nlohmann::json& parameter) {
  const nlohmann::json& p = parameter["pointer"];
  return p.is_array() ? p.get<std::vector<std::string>>() : std::vector<std::string>{p.get<std::string>()};
}

// Keys that a loaded scenario has from some file, sections left out.
void add_keys(const scenario::Scenario& s, std::set<std::string>& keys) {
  for (const auto& [key, at] : s.origins)
    if (scenario::find_row(pattern(key)) != nullptr) keys.insert(pattern(key));
}

TEST(ShippedPoints, EveryGivenPointIsThere) {
  std::ifstream in(GD_SOURCE_DIR "/tests/data/point_ids.txt");
  std::set<std::string> ids;
  for (const Point& p : shipped().points) ids.insert(p.facts.id);
  std::size_t given = 0;
  for (std::string id; in >> id; ++given) EXPECT_TRUE(ids.contains(id)) << id << " is missing";
  EXPECT_EQ(given, 40u);
}

TEST(ShippedPoints, EachHasASource) {
  for (const Point& p : shipped().points) {
    EXPECT_FALSE(p.facts.source.empty()) << p.facts.id;
    EXPECT_FALSE(p.facts.where.empty()) << p.facts.id;
    EXPECT_TRUE(p.facts.year) << p.facts.id;
  }
}

// Parameters belong to a device, a platform, a kernel: no key is there for the points alone.
TEST(ShippedPoints, NoKeyIsTheirOwn) {
  std::set<std::string> used;
  for (const std::string& file : files_in(kScenarios, ".json")) add_keys(scenario::load(file, load_options({})), used);
  for (const PlannedRun& r : shipped().runs) {
    std::set<std::string> keys;
    add_keys(r.plan.scenario, keys);
    for (const std::string& k : keys) EXPECT_TRUE(used.contains(k)) << r.called << " sets " << k << ", which no scenario in scenarios/ does";
  }
}

TEST(ShippedPoints, OneSeed) {
  for (const PlannedRun& r : shipped().runs) EXPECT_EQ(r.plan.scenario.seed, scenario::Scenario{}.seed) << r.called;
}

TEST(ShippedPoints, FittedParametersAndCalibratedPointsBelongTogether) {
  std::set<std::string> calibrated, named;
  std::size_t modelled = 0;
  for (const Point& p : shipped().points) {
    modelled += p.facts.kind != report::PointResult::Kind::not_modelled;
    if (p.facts.kind == report::PointResult::Kind::calibrated) calibrated.insert(p.facts.id);
  }
  for (const nlohmann::json& parameter : document(kScenarios + "/fidelity/parameters.json"))
    for (const std::string& id : parameter["points"].get<std::vector<std::string>>()) {
      EXPECT_TRUE(calibrated.contains(id)) << parameter["pointer"] << " is fitted to " << id << ", which is no calibrated point";
      named.insert(id);
    }
  EXPECT_EQ(named, calibrated);
  EXPECT_FALSE(calibrated.empty());
  EXPECT_LE(2 * calibrated.size(), modelled);
}

TEST(ShippedPoints, EachFittedNumberLiesOnItsGrid) {
  std::set<std::string> seen;
  for (const nlohmann::json& parameter : document(kScenarios + "/fidelity/parameters.json")) {
    const std::string file = parameter["file"], unit = parameter["unit"];
    const nlohmann::json values = document(kScenarios + "/fidelity/" + file);
    const std::int64_t least = thousandths(parameter["min"], ""), most = thousandths(parameter["max"], ""), step = thousandths(parameter["step"], "");
    ASSERT_GT(step, 0) << file;
    for (const std::string& pointer : pointers_of(parameter)) {
      SCOPED_TRACE(file + " " + pointer);
      EXPECT_TRUE(seen.insert(file + pointer).second) << "fitted twice";
      const nlohmann::json::json_pointer place(pointer);
      ASSERT_TRUE(values.contains(place));
      const std::int64_t value = thousandths(values.at(place), unit);
      EXPECT_TRUE(value >= least && value <= most) << value;
      EXPECT_EQ((value - least) % step, 0) << value;
    }
  }
}

}  // namespace shipped_points_test
}  // namespace gd::cli
