// When the measuring window ends.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace windows_test {

// One burst at the start and no other before 8.4 ms: what it brings is spread over the whole window, whatever its length.
TEST(Window, IsAsLongAsAskedThoughTheLastFrameCameLongBefore) {
  const std::vector<std::string> common = {"time.warmup=0ms", "time.drain=6ms"};
  const auto run = [&](const char* key) {
    std::vector<std::string> set = common;
    set.push_back(key);
    return run_child("guests-40g.json", "vhost-copy", set);
  };
  const ChildResult narrow = run("time.measure=4.5ms"), wide = run("time.measure=8ms");
  ASSERT_EQ(narrow.exit_code, 0) << narrow.error;
  ASSERT_EQ(wide.exit_code, 0) << wide.error;
  ASSERT_EQ(narrow.value("packets.offered"), wide.value("packets.offered"));
  EXPECT_NEAR(narrow.value("throughput.offered") * 4.5, wide.value("throughput.offered") * 8, 0.001);
}

// The end of a limited number of frames is the window's: both runs are the same.
TEST(Window, EndsWithTheLastOfSoManyFrames) {
  const ChildResult a = run_child("quickstart.json", "vhost-copy", {"traffic.frames=2000", "time.measure=50ms"});
  const ChildResult b = run_child("quickstart.json", "vhost-copy", {"traffic.frames=2000", "time.measure=90ms"});
  ASSERT_EQ(a.exit_code, 0) << a.error;
  EXPECT_EQ(a.value("throughput.offered"), b.value("throughput.offered"));
}

}  // namespace windows_test
}  // namespace gd::test
