// page-frags: whole frames in guest pages, headers pulled for the host and handed over where they are.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace page_frags_test {

constexpr std::uint64_t kOffsets = kModern | feature::bit(feature::kUsedOffset);

struct PageFragsTest : PathBench {
  RxPath& start(bool offsets, SplitMode mode = SplitMode::off, unsigned buffers = 40) {
    env.split = mode;
    env.used_offset = offsets;
    RxPath& p = bind("page-frags", 64, offsets ? kOffsets : kModern);
    for (unsigned i = 0; i < buffers; ++i) guest->post(static_cast<std::uint32_t>(layout.buffer), kPage);
    post_all();
    refill(30);
    return p;
  }
  // The GRO stage's pull of `n` header bytes.
  void pull(Skb& skb, std::uint32_t n) {
    in_step([&](Step& s) {
      Emptied emptied;
      skbs_.pull(s, skb, n, Cost{0, 0, 0}, emptied);
      for (unsigned i = 0; i < emptied.count; ++i) path->pulled_empty(s, skb, emptied.frags[i]);
    });
  }
  void merge(Skb& into, Skb& from, std::uint32_t header) {
    bool shell = false;
    merge_payload(into, from, header, &shell);
    frames.join(into.frames, from.frames);
    ASSERT_TRUE(shell);
    in_step([&](Step& s) { skbs_.free_shell(s, &from); });
  }
  struct Piece {
    std::uint32_t length, offset;
    bool operator==(const Piece&) const = default;
  };
  // Delivers, checks the virtio header's buffers, and returns the used entries and the bytes behind the virtio header.
  std::vector<Piece> hand_over(Skb* skb, Frame& bytes, unsigned* steps = nullptr) {
    EXPECT_EQ(deliver(skb, steps), Progress::done);
    std::vector<Piece> all;
    bytes.clear();
    for (const auto& u : guest->used()) {
      const Piece p{u.len & 0xffff, env.used_offset ? u.len >> 16 : 0};
      const std::uint32_t header = all.empty() ? 12 : 0;
      if (all.empty()) head_ = guest->header(u.token, p.offset);
      append(bytes, guest->bytes(u.token, p.offset + header, p.length - header));
      all.push_back(p);
    }
    EXPECT_EQ(head_.num_buffers, all.size());
    return all;
  }
  VirtioNetHdr head_;
};

TEST_F(PageFragsTest, TheFirstBufferStartsAtTheFrame) {
  start(false);
  EXPECT_EQ(queue.split, SplitMode::off);
  EXPECT_EQ(queue.packet_buffer, 2048u);
  EXPECT_TRUE(path->napi_frags());
  for (const Frame& f : {tcp4_frame(1460), udp4_frame(18), tcp4_frame(0)}) {
    Skb* skb = arrive(f);
    ASSERT_NE(skb, nullptr);
    EXPECT_EQ(skb->head.length, 0u);
    EXPECT_EQ(all_bytes(*skb), f);
    pull(*skb, std::min<std::uint32_t>(54, static_cast<std::uint32_t>(f.size())));
    Frame got;
    EXPECT_EQ(hand_over(skb, got), (std::vector<Piece>{{static_cast<std::uint32_t>(f.size()) + 12, 0}}));
    EXPECT_EQ(got, f);
    EXPECT_EQ(take_frames(), 1u);
  }
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_F(PageFragsTest, WithASplittingNicHeadersAndPayloadHaveAPageEach) {
  start(true, SplitMode::split);
  EXPECT_EQ(queue.split, SplitMode::split);
  const Frame f = tcp4_frame(1000);
  Skb* skb = arrive(f);
  ASSERT_EQ(skb->nr_frags, 2u);
  pull(*skb, 54);
  EXPECT_EQ(skb->nr_frags, 1u);                    // the header page has left the packet and waits for the hand-over
  Frame got;
  EXPECT_EQ(hand_over(skb, got), (std::vector<Piece>{{54 + 12, 0}, {1000, 12}}));
  EXPECT_EQ(got, f);
  // Not split: the payload page alone; the header page is the driver's again.
  const std::uint64_t posted = own.count(Owner::posted);
  const Frame u = Frame(300, 5);
  skb = arrive(u);
  EXPECT_EQ(skb->nr_frags, 1u);
  EXPECT_EQ(own.count(Owner::posted), posted - 1);
  EXPECT_EQ(hand_over(skb, got), (std::vector<Piece>{{312, 0}}));
  EXPECT_EQ(got, u);
  take_frames();
  expect_no_violation();
}

TEST_F(PageFragsTest, MergedSegmentsCarryOffsetsBehindTheirHeaders) {
  for (const SplitMode mode : {SplitMode::off, SplitMode::split}) {
    SCOPED_TRACE(static_cast<int>(mode));
    head = tail = 0;
    start(true, mode);
    Skb* all = arrive(tcp4_frame(700, 0));
    pull(*all, 54);
    Frame expected = tcp4_frame(700, 0);
    for (std::uint32_t i = 1; i < 4; ++i) {
      const Frame f = tcp4_frame(700, 700 * i);
      merge(*all, *arrive(f), 54);
      append(expected, slice(f, 54));
    }
    const std::uint64_t posted = own.count(Owner::posted);
    Frame got;
    const auto used = hand_over(all, got);
    EXPECT_EQ(got, expected);
    if (mode == SplitMode::off) {
      EXPECT_EQ(used, (std::vector<Piece>{{12 + 754, 0}, {700, 66}, {700, 66}, {700, 66}}));
      EXPECT_EQ(own.count(Owner::posted), posted);
    } else {
      EXPECT_EQ(used, (std::vector<Piece>{{12 + 54, 0}, {700, 12}, {700, 12}, {700, 12}, {700, 12}}));
      EXPECT_EQ(own.count(Owner::posted), posted + 3);   // the merged segments' header pages
    }
    EXPECT_EQ(take_frames(), 4u);
    EXPECT_EQ(own.count(Owner::skb), 0u);
    expect_no_violation();
  }
}

TEST_F(PageFragsTest, OnlyWhatTheHostChangedIsWrittenBack) {
  start(true);
  const Frame f = tcp4_frame(700);
  Skb* skb = arrive(f);
  pull(*skb, 54);
  Frame wanted = f;
  for (std::size_t at : {16, 17, 24, 50}) wanted[at] ^= 0x55, *phys.at(skb->head.addr + at) ^= 0x55;
  const Ledger::Cell before = spent("page_frags.write_back");
  Frame got;
  hand_over(skb, got);
  EXPECT_EQ(got, wanted);
  const Ledger::Cell after = spent("page_frags.write_back");
  EXPECT_EQ(after.calls - before.calls, 3u);       // runs 16-17, 24, 50
  EXPECT_EQ(after.bytes - before.bytes, 4u);
  expect_no_violation();
}

TEST_F(PageFragsTest, WithoutOffsetsLargeFramesAreMovedOrRefused) {
  env.mtu = 9000;
  for (const LargeFrames how : {LargeFrames::copy, LargeFrames::refuse}) {
    env.options.large_frames = how;
    head = tail = 0;
    start(false);
    EXPECT_EQ(queue.packet_buffer, 3072u);           // 1 KiB steps behind the room
    const Frame f = tcp4_frame(7000);
    Skb* skb = arrive(f);
    pull(*skb, 54);
    Frame got;
    if (how == LargeFrames::copy) {
      EXPECT_EQ(hand_over(skb, got), (std::vector<Piece>{{12 + 3072, 0}, {3072, 0}, {static_cast<std::uint32_t>(f.size()) - 6144, 0}}));
      EXPECT_EQ(got, f);
      EXPECT_EQ(path->stats().copied_large, 1u);
      take_frames();
    } else {
      EXPECT_EQ(deliver(skb), Progress::done);
      EXPECT_TRUE(guest->used().empty());
      EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::unsplittable)], 1u);
      EXPECT_EQ(own.count(Owner::skb), 0u);
    }
    EXPECT_FALSE(path->merges());
    expect_no_violation();
  }
}

TEST_F(PageFragsTest, DroppedPacketsGiveBackKeptPagesToo) {
  start(true, SplitMode::split);
  const std::uint64_t posted = own.count(Owner::posted);
  Skb* skb = arrive(tcp4_frame(500));
  pull(*skb, 54);
  frames.dropped(skb->frames, Drop::tap_full, now());
  in_step([&](Step& s) { path->release(s, skb); });
  EXPECT_EQ(own.count(Owner::posted), posted);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_F(PageFragsTest, HazardPutPulledPage) {
  env.options.hazard = Hazard::put_pulled_page;
  start(true, SplitMode::split);
  Skb* skb = arrive(tcp4_frame(500));
  pull(*skb, 54);
  ASSERT_EQ(own.violations(), 1u);
  EXPECT_NE(own.messages()[0].find("a guest's buffer is freed to the host"), std::string::npos) << own.messages()[0];
}

TEST_F(PageFragsTest, HazardRoomInEveryPage) {
  env.mtu = 9000;
  env.options.hazard = Hazard::room_in_every_page;
  start(false);
  const Frame f = tcp4_frame(7000);
  Frame got;
  hand_over(arrive(f), got);
  EXPECT_EQ(got.size(), f.size());
  EXPECT_EQ(slice(got, 0, 3072), slice(f, 0, 3072));
  EXPECT_NE(got, f);
}

TEST_F(PageFragsTest, HazardShortBuffer) {
  env.mtu = 9000;
  env.options.buffer = 2048;
  env.options.hazard = Hazard::short_buffer;
  start(true);
  EXPECT_EQ(queue.packet_buffer, 3072u);
  arrive(tcp4_frame(4000));
  ASSERT_GE(own.violations(), 1u);
  EXPECT_NE(own.messages()[0].find("beyond the buffer's end"), std::string::npos) << own.messages()[0];
}

}  // namespace page_frags_test
}  // namespace gd::test
