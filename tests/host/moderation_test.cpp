// What the driver tells the card at the end of a poll: how far it has come, and how to moderate.
#include "tests/host/host_bench.h"

namespace gd::test {
namespace moderation_test {

struct ModerationTest : HostBench {
  ModerationTest() {
    env.gro = false;
    up.on_packet = [this](Step& s, Skb* k) {
      frames.dropped(k->frames, Drop::stack, s.now());
      path->release(s, k);
    };
  }
  std::vector<std::uint32_t> written(std::uint64_t offset) const {
    std::vector<std::uint32_t> v;
    for (const StubNic::Write& w : nic.writes)
      if (w.offset == offset) v.push_back(w.value);
    return v;
  }
  // `polls` interrupts of `burst` frames each, 100 us apart.
  void load(int polls, int burst) {
    for (int p = 0; p < polls; ++p) {
      for (int i = 0; i < burst; ++i) ASSERT_TRUE(receive(udp4_frame(300)));
      wait(100 * kUs);
    }
  }
};
using Values = std::vector<std::uint32_t>;
constexpr std::uint32_t value(std::uint32_t us, std::uint32_t count) { return us << 16 | count; }

TEST_F(ModerationTest, ArmsWithWhatItHasTaken) {
  NapiParams p;
  p.arm_by_index = true;
  start("vhost-copy", nullptr, p);
  load(2, 3);
  EXPECT_EQ(written(reg::rx_arm(0)), (Values{0, 3, 6}));
  EXPECT_EQ(nic.count(reg::irq_enable(0)), 0u);
}

TEST_F(ModerationTest, WithoutItNothingIsToldToTheCard) {
  start("vhost-copy");
  load(200, 1);
  EXPECT_EQ(nic.rx.moderation, 0u);
  EXPECT_EQ(nic.count(reg::moderation(0)), 0u);
  EXPECT_EQ(napi->moderation(), nullptr);
}

// The first change, to where the card stands already, comes after 64 interrupts behind the first; nothing is measured
// until it is in force, and the next turns round, as nothing is better.
TEST_F(ModerationTest, ChangesEvery64Interrupts) {
  NapiParams p;
  p.adaptive = true;
  p.period = Dim::Period::completion;
  p.moderation_command = 150 * kUs;
  start("vhost-copy", nullptr, p);
  EXPECT_EQ(nic.rx.moderation, value(8, 128));
  EXPECT_EQ(*napi->moderation(), (Dim::Profile{8 * kUs, 128}));
  load(64, 1);
  EXPECT_EQ(written(reg::moderation(0)), Values{});
  load(1, 1);
  EXPECT_EQ(written(reg::moderation(0)), Values{value(8, 128)});
  load(65, 1);   // the first of them comes while the change is on its way
  EXPECT_EQ(written(reg::moderation(0)), Values{value(8, 128)});
  load(1, 1);
  EXPECT_EQ(written(reg::moderation(0)), (Values{value(8, 128), value(2, 256)}));
  EXPECT_EQ(*napi->moderation(), (Dim::Profile{2 * kUs, 256}));
}

TEST_F(ModerationTest, MoreFramesAreBetter) {
  NapiParams p;
  p.adaptive = true;
  start("vhost-copy", nullptr, p);
  load(66, 1);
  load(66, 2);
  load(66, 4);
  EXPECT_EQ(written(reg::moderation(0)), (Values{value(8, 256), value(64, 256), value(128, 256)}));
}

}  // namespace moderation_test
}  // namespace gd::test
