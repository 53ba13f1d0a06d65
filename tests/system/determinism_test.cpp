// Two runs that differ are a bug; another seed is another run.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace determinism_test {

const char* const kStrategies[] = {"vhost-copy", "guest-head", "copy-header", "page-frags", "passthrough"};

TEST(Determinism, TheSameRunTwiceIsTheSame) {
  for (const char* s : kStrategies)
    EXPECT_EQ(run_child("quickstart.json", s).everything, run_child("quickstart.json", s).everything) << s;
}

// Ties of one instant are resolved by rank, not by who came first.
TEST(Determinism, ShufflingTheOrderOfAnInstantChangesNothing) {
  for (const char* scenario : {"quickstart.json", "closed-loop-tcp.json", "size-mix.json"})
    for (const char* s : kStrategies) {
      const std::vector<std::string> set = {"nic.virtio_rings=true"};
      std::vector<std::string> shuffled = set;
      shuffled.push_back("debug.shuffle=true");
      EXPECT_EQ(run_child(scenario, s, set).everything, run_child(scenario, s, shuffled).everything) << scenario << " " << s;
    }
}

TEST(Determinism, AnotherSeedIsAnotherPoissonRun) {
  const std::vector<std::string> poisson = {"traffic.arrival=poisson"};
  auto other = poisson;
  other.push_back("seed=2");
  const ChildResult a = run_child("bulk-1500.json", "vhost-copy", poisson), b = run_child("bulk-1500.json", "vhost-copy", other);
  ASSERT_EQ(a.exit_code, 0) << a.error;
  ASSERT_EQ(b.exit_code, 0) << b.error;
  EXPECT_NE(a.fingerprint, b.fingerprint);
}

}  // namespace determinism_test
}  // namespace gd::test
