// guest-head: the frame lies in the guest's buffer from the NIC's write on.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace {

struct GuestHeadTest : PathBench {
  std::uint32_t post() { return guest->post(12 + 2048, kPage); }
};

TEST_F(GuestHeadTest, FrameStaysWhereTheNicWroteIt) {
  bind("guest-head");
  EXPECT_EQ(queue.packet_buffer, 2048u);
  EXPECT_EQ(queue.split, SplitMode::off);
  const auto start = counts();
  for (int i = 0; i < 3; ++i) post();
  post_all();
  EXPECT_EQ(refill(8), 3u);
  for (const Frame& f : {tcp4_frame(1460), udp4_frame(18), tcp4_frame(0)}) {
    Skb* skb = arrive(f);
    ASSERT_NE(skb, nullptr);
    EXPECT_EQ(all_bytes(*skb), f);
    EXPECT_EQ(deliver(skb), Progress::done);
    const auto used = guest->used();
    ASSERT_EQ(used.size(), 1u);
    EXPECT_EQ(used[0].len, f.size() + 12);
    EXPECT_EQ(guest->bytes(used[0].token, 12, static_cast<std::uint32_t>(f.size())), f);
    EXPECT_EQ(guest->header(used[0].token).num_buffers, 1);
    EXPECT_EQ(take_frames(), 1u);
  }
  auto end = start;
  end[static_cast<int>(Owner::guest)] += 3;
  EXPECT_EQ(counts(), end);
  EXPECT_EQ(own.pinned_bytes(), 0u);
  EXPECT_EQ(path->stats().delivered_packets, 3u);
  expect_no_violation();
}

TEST_F(GuestHeadTest, DroppedPacketsBufferIsPostedAgain) {
  bind("guest-head");
  post();
  post_all();
  refill(1);
  Skb* skb = arrive(tcp4_frame(100));
  EXPECT_EQ(refill(1), 0u);                       // a shortage
  frames.dropped(skb->frames, Drop::tap_full, now());
  in_step([&](Step& s) { path->release(s, skb); });
  EXPECT_EQ(refill(1), 1u);
  EXPECT_EQ(own.count(Owner::posted), 1u);
  EXPECT_TRUE(guest->used().empty());
  expect_no_violation();
}

TEST_F(GuestHeadTest, ALostBufferIsNoDelivery) {
  bind("guest-head");
  post();
  post_all();
  refill(1);
  fault.kind = Fault::leak_buffer;
  Skb* skb = arrive(tcp4_frame(100));
  EXPECT_EQ(skb->head.token, kNoToken);
  EXPECT_EQ(deliver(skb), Progress::done);
  EXPECT_EQ(path->stats().delivered_packets, 0u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::stack)], 1u);
  EXPECT_EQ(own.count(Owner::skb), 1u);           // the books know
}

TEST_F(GuestHeadTest, ABlockedDmaPostsTheBufferAgain) {
  bind("guest-head");
  post();
  post_all();
  refill(1);
  RxWriteback w;
  w.done = w.end_of_packet = true;
  for (const bool touched : {false, true}) {
    if (touched) write(slots[head % 64][0], Frame(10).data(), 10);
    in_step([&](Step& s) { EXPECT_EQ(path->receive(s, head % 64, w, kNoFrame), nullptr); });
    ++head;
    EXPECT_EQ(refill(1), 1u);
  }
  EXPECT_EQ(own.count(Owner::posted), 1u);
  expect_no_violation();
}

}  // namespace
}  // namespace gd::test
