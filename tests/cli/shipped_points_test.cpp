// The project's own list of published points.
#include <gmock/gmock.h>

#include <fstream>
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

}  // namespace shipped_points_test
}  // namespace gd::cli
