// The simulator's own budget for a frame of 1500 bytes under load: counts, never time. And memory that does not grow.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace budget_test {

struct Budget {
  const char* strategy;
  double lookups;
};

TEST(Budget, ActivationsAndCacheLookupsOfAFullFrame) {
  for (const Budget b : {Budget{"vhost-copy", 140}, {"guest-head", 90}, {"copy-header", 90}, {"page-frags", 90}, {"passthrough", 90}}) {
    const ChildResult r = run_child("bench/bench-1500.json", b.strategy, {"traffic.frames=20000"});
    ASSERT_EQ(r.exit_code, 0) << r.error;
    const double frames = static_cast<double>(r.frames);
    EXPECT_LE(static_cast<double>(r.activations) / frames, 6.0) << b.strategy;
    EXPECT_LE(static_cast<double>(r.lookups) / frames, b.lookups) << b.strategy;
    EXPECT_EQ(r.value("drops.total"), 0) << b.strategy << ": the budget is for frames that go all the way";
  }
}

TEST(Budget, MemoryIsFlat) {
  for (const char* s : {"vhost-copy", "guest-head", "copy-header", "page-frags", "passthrough"}) {
    const ChildResult few = run_child("bench/bench-1500.json", s, {"traffic.frames=50000"});
    const ChildResult many = run_child("bench/bench-1500.json", s, {"traffic.frames=250000"});
    ASSERT_EQ(few.exit_code, 0) << few.error;
    ASSERT_EQ(many.exit_code, 0) << many.error;
    EXPECT_LT(static_cast<double>(many.peak_rss), 1.1 * static_cast<double>(few.peak_rss)) << s;
  }
}

}  // namespace budget_test
}  // namespace gd::test
