// Every scenario that is shipped loads, is short, and says what it is for.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/scenario/support.h"

namespace gd::scenario {
namespace shipped_test {

namespace fs = std::filesystem;
const std::string kScenarios = GD_SOURCE_DIR "/scenarios";

std::vector<fs::path> files(const std::string& sub) {
  std::vector<fs::path> out;
  if (fs::exists(kScenarios + sub))
    for (const auto& e : fs::directory_iterator(kScenarios + sub))
      if (e.path().extension() == ".json") out.push_back(e.path());
  std::sort(out.begin(), out.end());
  return out;
}

LoadOptions shipped() {
  LoadOptions o;
  o.share_dir = kScenarios;
  return o;
}

TEST(Shipped, EveryScenarioLoadsAndReadsBack) {
  std::size_t seen = 0;
  for (const char* sub : {"", "/bench", "/hazards", "/adversity", "/defences", "/questions"})
    for (const fs::path& file : files(sub)) {
      ++seen;
      SCOPED_TRACE(file.filename().string());
      Scenario s;
      LoadOptions o = shipped();
      if (sub == std::string("/defences")) o.set = {"traffic.rate=1Gbps"};   // to be extended
      ASSERT_NO_THROW(s = load(file.string(), o));
      EXPECT_EQ(s.name, file.stem().string());
      EXPECT_GT(s.description.size(), 20u);
      EXPECT_FALSE(s.costs.empty());
      EXPECT_EQ(resolved(load_text(resolved(s), "config.json", shipped())), resolved(s));
      std::ifstream in(file);
      EXPECT_LT(std::count(std::istreambuf_iterator<char>(in), {}, '\n'), 40);
    }
  EXPECT_GE(seen, 15u);
}

TEST(Shipped, EveryPlatformGivesItsSources) {
  const std::vector<fs::path> all = files("/platforms");
  EXPECT_GE(all.size(), 2u);
  for (const fs::path& file : all) {
    SCOPED_TRACE(file.filename().string());
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_NE(text.find("\"sources\""), std::string::npos);
    LoadOptions o = shipped();
    o.set = {"traffic.rate=1Gbps"};
    EXPECT_NO_THROW(load(file.string(), o));
  }
}

TEST(Shipped, EveryCostProfileLoads) {
  for (const fs::path& file : files("/costs")) {
    SCOPED_TRACE(file.filename().string());
    for (const CostEntry& e : load_costs(file.string())) {
      EXPECT_FALSE(e.source.empty()) << e.name;
      EXPECT_FALSE(e.confidence.empty()) << e.name;
    }
  }
}

TEST(Shipped, EveryCaptureHasItsScenario) {
  std::vector<std::string> used;
  for (const fs::path& file : files("")) used.push_back(load(file.string(), shipped()).traffic.file);
  for (const auto& e : fs::directory_iterator(kScenarios + "/pcaps"))
    if (e.path().extension() == ".pcap") {
      EXPECT_NE(std::find(used.begin(), used.end(), fs::path(e.path()).lexically_normal().string()), used.end()) << e.path();
    }
}

}  // namespace shipped_test
}  // namespace gd::scenario
