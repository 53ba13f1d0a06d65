// async-copy: who copies which piece, and when a packet's used entries follow.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace async_copy_test {

struct AsyncCopyTest : PathBench {
  // An engine that is slow enough to be caught at work: a byte takes a microsecond.
  void open(Bytes threshold, Hazard hazard = Hazard::none, std::uint32_t ring = 64) {
    CopyEngineParams p;
    p.rate = 1'000'000;
    p.ring = ring;
    engine = std::make_unique<CopyEngine>(agenda, 3990, memory, p);
    env.copy_engine = true;
    env.options.threshold = threshold;
    env.options.completion = CopyCompletion::interrupt;
    env.options.hazard = hazard;
    bind("async-copy");
    path->serve(doer);
    refill(20);
    for (int i = 0; i < 8; ++i) guest->post(1536);
  }
  // A worker that has nothing else to do.
  void wait_for_copies(Time t) {
    run(now() + t);
    in_step([&](Step& s) { path->await(s); });
  }
  std::size_t used_now() {
    publish();
    return guest->used().size();
  }
};

TEST_F(AsyncCopyTest, UsedEntriesFollowTheEngineInOrder) {
  open(256);
  const Frame big = tcp4_frame(1400), small = udp4_frame(20);
  Skb *first = arrive(big), *second = arrive(small);
  in_step([&](Step& s) { EXPECT_EQ(path->deliver(s, first), Progress::done); });
  in_step([&](Step& s) { EXPECT_EQ(path->deliver(s, second), Progress::done); });
  EXPECT_TRUE(path->awaits());
  EXPECT_EQ(path->held(), 2u);
  EXPECT_EQ(used_now(), 0u);                  // the short one, copied by the core, waits behind the long one
  wait_for_copies(2 * kMs);
  publish();
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 0u);                 // reaped by settle() of the worker's next step, published after it
  publish();
  const auto all = guest->used();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(guest->bytes(all[0].token, 12, all[0].len - 12), big);
  EXPECT_EQ(guest->bytes(all[1].token, 12, all[1].len - 12), small);
  EXPECT_FALSE(path->awaits());
  EXPECT_EQ(path->held(), 0u);
  EXPECT_EQ(take_frames(), 2u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  EXPECT_EQ(spent("copy_engine.submit").calls, 1u);
  EXPECT_EQ(spent("copy_engine.doorbell").calls, 1u);
  EXPECT_EQ(spent("vhost.copy").bytes, small.size());
  EXPECT_EQ(engine->stats().bytes, big.size());
  expect_no_violation();
}

TEST_F(AsyncCopyTest, BelowTheThresholdItIsVhostCopy) {
  open(4096);
  const Frame f = tcp4_frame(1400);
  EXPECT_EQ(deliver(arrive(f)), Progress::done);
  EXPECT_EQ(guest->used().size(), 1u);
  EXPECT_EQ(engine->stats().copies, 0u);
  EXPECT_EQ(take_frames(), 1u);
}

TEST_F(AsyncCopyTest, WithoutAFreeDescriptorTheCoreCopies) {
  open(256, Hazard::none, 8);
  for (int i = 0; i < 10; ++i) guest->post(1536);
  for (int i = 0; i < 10; ++i) {
    Skb* skb = arrive(tcp4_frame(1000));
    in_step([&](Step& s) { EXPECT_EQ(path->deliver(s, skb), Progress::done); });
  }
  EXPECT_EQ(engine->stats().full, 2u);
  publish();
  wait_for_copies(20 * kMs);
  publish();
  publish();
  EXPECT_EQ(guest->used().size(), 10u);
  EXPECT_EQ(take_frames(), 10u);
  EXPECT_EQ(engine->stats().copies, 8u);
  expect_no_violation();
}

TEST_F(AsyncCopyTest, EarlyCompletionShowsOldBytes) {
  open(256, Hazard::early_completion);
  const Frame f = tcp4_frame(1400);
  Skb* skb = arrive(f);
  in_step([&](Step& s) { EXPECT_EQ(path->deliver(s, skb), Progress::done); });
  publish();
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_NE(guest->bytes(used[0].token, 12, used[0].len - 12), f);
  EXPECT_EQ(take_frames(), 1u);
  EXPECT_EQ(path->unreclaimed(), own.count(Owner::skb));
  wait_for_copies(2 * kMs);
  publish();
  EXPECT_EQ(guest->bytes(used[0].token, 12, used[0].len - 12), f);
  EXPECT_EQ(own.count(Owner::skb), 0u);
}

}  // namespace async_copy_test
}  // namespace gd::test
