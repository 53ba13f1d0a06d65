// Pages that the host writes in a guest, or gets back written by the card, are marked for migration when they are handed over.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace dirty_log_test {

struct Row {
  const char* strategy;
  std::uint32_t buffer;
  std::uint64_t pages;       // of one frame of 3014 bytes
};
struct DirtyLogTest : PathBench, ::testing::WithParamInterface<Row> {};

TEST_P(DirtyLogTest, PagesAreMarkedAsTheyAreHandedOver) {
  const Row& r = GetParam();
  env.mtu = 3000;
  env.dirty_log = true;
  bind(r.strategy);
  for (int i = 0; i < 20; ++i) guest->post(r.buffer, kPage);
  post_all();
  refill(10);
  EXPECT_EQ(path->stats().logged_pages, 0u);
  Skb* skb = arrive(tcp4_frame(2960));
  ASSERT_NE(skb, nullptr);
  EXPECT_EQ(path->stats().logged_pages, 0u);                 // what the card has written is not handed over yet
  EXPECT_EQ(deliver(skb), Progress::done);
  EXPECT_EQ(path->stats().logged_pages, r.pages + 2);        // and the used ring: entries, index
  EXPECT_GT(spent("vhost.log_write").calls, 0u);
  const std::uint64_t before = path->stats().logged_pages;
  in_step([&](Step& s) { path->ask_for_kick(s, true); });
  EXPECT_EQ(path->stats().logged_pages, before + 1);         // avail_event
  take_frames();
  expect_no_violation();
}

INSTANTIATE_TEST_SUITE_P(All, DirtyLogTest,
                         ::testing::Values(Row{"vhost-copy", 2048, 2}, Row{"vhost-copy", 1024, 3}, Row{"page-frags", 4096, 1}));

TEST(DirtyLog, WhoCannotMigrateSaysSo) {
  BindEnvironment e;
  e.dirty_log = true;
  EXPECT_EQ(find_strategy("guest-head")->refuse(e), std::nullopt);
  EXPECT_NE(find_strategy("passthrough")->refuse(e)->find("host.dirty_log"), std::string::npos);
  e.softirq_publish = true;
  EXPECT_NE(find_strategy("guest-head")->refuse(e)->find("host.dirty_log"), std::string::npos);
}

}  // namespace dirty_log_test
}  // namespace gd::test
