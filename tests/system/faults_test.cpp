// Each check fires: a planted fault in each stage is found, and by the check whose business it is.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace faults_test {

enum class FoundBy { integrity, conservation, ownership, ledger };
struct Fault {
  const char* kind;
  FoundBy by;
};
constexpr Fault kFaults[] = {
    {"flip-wire", FoundBy::integrity},    {"flip-nic", FoundBy::integrity},      {"flip-host", FoundBy::integrity},
    {"flip-guest", FoundBy::integrity},   {"lose-nic", FoundBy::conservation},   {"lose-host", FoundBy::conservation},
    {"lose-guest", FoundBy::conservation}, {"free-twice", FoundBy::ownership},   {"leak-buffer", FoundBy::ownership},
    {"dma-after-return", FoundBy::ownership}, {"uncharged-cycle", FoundBy::ledger}};

class Planted : public ::testing::TestWithParam<std::tuple<Fault, const char*>> {};

TEST_P(Planted, IsFound) {
  const auto [fault, strategy] = GetParam();
  const ChildResult r = run_child("pcap-bulk-tcp4.json", strategy,
                                  {std::string("debug.fault.kind=") + fault.kind, "debug.fault.frame=100"});
  switch (fault.by) {
    case FoundBy::integrity:
      ASSERT_EQ(r.exit_code, 0) << r.error;
      EXPECT_GE(r.value("integrity.errors"), 1);
      ASSERT_FALSE(r.messages.empty());
      EXPECT_NE(r.messages.front().find("frame 10"), std::string::npos) << r.messages.front();
      break;
    case FoundBy::ownership:
      ASSERT_EQ(r.exit_code, 0) << r.error;
      EXPECT_GE(r.value("ownership.violations"), 1);
      break;
    case FoundBy::conservation:
      EXPECT_EQ(r.exit_code, 3);
      EXPECT_NE(r.error.find("conservation"), std::string::npos) << r.error;
      break;
    case FoundBy::ledger:
      EXPECT_EQ(r.exit_code, 3);
      EXPECT_NE(r.error.find("ledger"), std::string::npos) << r.error;
      break;
  }
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<Fault, const char*>>& i) {
  return test_name(std::string(std::get<0>(i.param).kind) + "_" + std::get<1>(i.param));
}

INSTANTIATE_TEST_SUITE_P(All, Planted,
                         ::testing::Combine(::testing::ValuesIn(kFaults), ::testing::Values("vhost-copy", "guest-head", "copy-header", "page-frags")),
                         name_of);

// The device's own data path has no host stage.
TEST(PlantedPassthrough, IsFound) {
  for (const char* kind : {"flip-wire", "flip-nic", "flip-guest"}) {
    const ChildResult r = run_child("pcap-bulk-tcp4.json", "passthrough",
                                    {"nic.virtio_rings=true", std::string("debug.fault.kind=") + kind, "debug.fault.frame=100"});
    ASSERT_EQ(r.exit_code, 0) << kind << ": " << r.error;
    EXPECT_GE(r.value("integrity.errors"), 1) << kind;
  }
}

TEST(NoFault, NothingIsFound) {
  const ChildResult r = run_child("pcap-bulk-tcp4.json", "vhost-copy");
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.value("integrity.errors"), 0);
  EXPECT_EQ(r.value("ownership.violations"), 0);
}

}  // namespace faults_test
}  // namespace gd::test
