// Every shipped scenario with every one of its strategies that can be bound: bytes right, ownership right, books exact.
#include <gtest/gtest.h>

#include "src/system/system.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace shipped_test {

void delivers_every_byte(const std::string& scenario, const std::string& strategy) {
  // A broken ledger or conservation ends the child with exit code 3.
  const ChildResult r = run_child(scenario, strategy);
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.metrics.at("integrity.errors"), "0") << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.metrics.at("ownership.violations"), "0") << (r.messages.empty() ? "" : r.messages.front());
  if (strategy == "none") {   // dma-bench: no frames
    EXPECT_GT(r.value("dma.operations"), 0);
  } else {
    EXPECT_GT(r.value("packets.offered"), 0);
    EXPECT_GT(r.value("packets.delivered"), 0);
  }
  EXPECT_EQ(r.value("packets.offered") + r.value("packets.replicas"),
            r.value("packets.delivered") + r.value("packets.dropped") + r.value("packets.consumed_by_host") + r.value("packets.in_flight"));
  double reasons = 0;
  for (const auto& [name, text] : r.metrics)
    if (name.rfind("drops.", 0) == 0 && name != "drops.total") reasons += std::stod(text);
  EXPECT_EQ(reasons, r.value("drops.total"));
}

class Shipped : public ::testing::TestWithParam<std::string> {};

TEST_P(Shipped, DeliversEveryByteAndLosesNothing) {
  for_each_served(GetParam(), {}, [](const std::string& s) { delivers_every_byte(GetParam(), s); });
}

INSTANTIATE_TEST_SUITE_P(All, Shipped, ::testing::ValuesIn(shipped_scenarios()), [](const auto& i) { return test_name(i.param.substr(0, i.param.size() - 5)); });

}  // namespace shipped_test
}  // namespace gd::test
