// Every shipped scenario with every strategy that can serve it: bytes right, ownership right, books exact.
#include <gtest/gtest.h>

#include "src/system/system.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace shipped_test {

struct Case {
  std::string scenario, strategy;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::string& s : shipped_scenarios())
    for (const std::string& t : system::strategy_names()) cases.push_back({s, t});
  return cases;
}

class Shipped : public ::testing::TestWithParam<Case> {};

TEST_P(Shipped, DeliversEveryByteAndLosesNothing) {
  if (!can_serve(GetParam().scenario, GetParam().strategy)) GTEST_SKIP() << "refused at bind";
  // A broken ledger or conservation ends the child with exit code 3.
  const ChildResult r = run_child(GetParam().scenario, GetParam().strategy);
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.metrics.at("integrity.errors"), "0") << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.metrics.at("ownership.violations"), "0") << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_GT(r.value("packets.offered"), 0);
  EXPECT_GT(r.value("packets.delivered"), 0);
  EXPECT_EQ(r.value("packets.offered") + r.value("packets.replicas"),
            r.value("packets.delivered") + r.value("packets.dropped") + r.value("packets.consumed_by_host") + r.value("packets.in_flight"));
  double reasons = 0;
  for (const auto& [name, text] : r.metrics)
    if (name.rfind("drops.", 0) == 0 && name != "drops.total") reasons += std::stod(text);
  EXPECT_EQ(reasons, r.value("drops.total"));
}

std::string name_of(const ::testing::TestParamInfo<Case>& i) {
  return test_name(i.param.scenario.substr(0, i.param.scenario.size() - 5) + "_" + i.param.strategy);
}

INSTANTIATE_TEST_SUITE_P(All, Shipped, ::testing::ValuesIn(all_cases()), name_of);

}  // namespace shipped_test
}  // namespace gd::test
