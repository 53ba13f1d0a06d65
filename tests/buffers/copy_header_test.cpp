// copy-header: headers through the host, payload in guest pages.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace copy_header_test {

struct CopyHeaderTest : PathBench {
  RxPath& start(SplitMode mode, unsigned headers, unsigned pages) {
    env.split = mode;
    env.used_offset = env.options.unsplit == Unsplit::offset;
    RxPath& p = bind("copy-header", 128, kModern | (env.used_offset ? feature::bit(feature::kUsedOffset) : 0));
    for (unsigned i = 0; i < headers; ++i) guest->post(static_cast<std::uint32_t>(layout.header_buffer));
    for (unsigned i = 0; i < pages; ++i) guest->post(kPage, kPage);
    post_all();
    return p;
  }
  // Delivers, and checks bytes, lengths and header against `packet`: the header buffer holds `header` bytes of it.
  void expect_delivered(Skb* skb, const Frame& packet, std::size_t header, std::size_t pages, unsigned* steps = nullptr) {
    EXPECT_EQ(deliver(skb, steps), Progress::done);
    const auto used = guest->used();
    ASSERT_EQ(used.size(), 1 + pages);
    EXPECT_EQ(used[0].len, 12 + header);
    EXPECT_LT(guest->posted[used[0].token].length, kPage);
    Frame f = guest->bytes(used[0].token, 12, used[0].len - 12);
    for (std::size_t i = 1; i < used.size(); ++i) {
      EXPECT_EQ(guest->posted[used[i].token].length, kPage);
      const std::uint32_t offset = env.used_offset ? used[i].len >> 16 : 0;   // else payload at offset 0 of its page
      EXPECT_EQ(offset > 0, env.used_offset);
      append(f, guest->bytes(used[i].token, offset, used[i].len & 0xffff));
    }
    EXPECT_EQ(f, packet);
    EXPECT_EQ(guest->header(used[0].token).num_buffers, 1 + pages);
  }
};

TEST_F(CopyHeaderTest, FramesOfEachKind) {
  struct Row {
    const char* what;
    SplitMode mode;
    Frame frame;
    std::size_t header, pages;
    std::uint64_t unsplit;
    Unsplit how;
  };
  Frame ext(160, 0);                  // IPv6 destination options: longer headers than the NIC's header buffer takes
  ext[0] = 6, ext[1] = 19;
  const Frame long_header = tcp6_frame(600, 60, ext);
  const std::vector<Row> rows = {
      {"split", SplitMode::split, tcp4_frame(1460), 54, 1, 0, Unsplit::move},
      {"pure ACK", SplitMode::split, tcp4_frame(0), 54, 0, 0, Unsplit::move},
      {"scattered", SplitMode::split, tcp4_frame(5000), 54, 3, 0, Unsplit::move},
      {"HBO, moved", SplitMode::split, long_header, 234, 1, 1, Unsplit::move},
      {"undecodable", SplitMode::split, Frame(300, 5), 14, 1, 1, Unsplit::move},
      {"HBO, offset", SplitMode::split, long_header, 234, 1, 1, Unsplit::offset},
      {"HBO, copied", SplitMode::split, long_header, 234, 1, 1, Unsplit::copy},
      {"always, small UDP", SplitMode::always, udp4_frame(40), 82, 0, 0, Unsplit::move},
      {"always, small TCP", SplitMode::always, tcp4_frame(40), 54, 1, 1, Unsplit::move},
      {"always, large", SplitMode::always, tcp4_frame(1460), 54, 1, 0, Unsplit::move},
      {"always, undecodable", SplitMode::always, Frame(300, 5), 128, 1, 0, Unsplit::move},
      {"always, HBO", SplitMode::always, long_header, 128, 1, 0, Unsplit::move},
  };
  for (const Row& r : rows) {
    SCOPED_TRACE(r.what);
    if (r.mode != queue.split || !path || env.options.unsplit != r.how) {
      env.options.unsplit = r.how;
      head = tail = 0;
      start(r.mode, 30, 40);
      refill(16);
    }
    const std::uint64_t before = path->stats().copied_unsplit;
    const std::uint64_t pages_before = own.count(Owner::posted);
    Skb* skb = arrive(r.frame);
    ASSERT_NE(skb, nullptr);
    EXPECT_EQ(all_bytes(*skb), r.frame);
    EXPECT_EQ(path->stats().copied_unsplit, before + r.unsplit);
    expect_delivered(skb, r.frame, r.header, r.pages);
    EXPECT_EQ(own.count(Owner::skb), 0u);
    refill(1);
    EXPECT_LE(own.count(Owner::posted), pages_before);
    EXPECT_EQ(take_frames(), 1u);
    expect_no_violation();
  }
  EXPECT_EQ(frames.live(), 0u);
}

// in-first-buffer: header right-aligned before the payload at the room's end, told by hdr_len.
TEST_F(CopyHeaderTest, HeaderInTheFirstBuffersRoom) {
  constexpr std::uint64_t kBits = kModern | feature::bit(feature::kUsedOffset) | feature::bit(feature::kSplitLayout);
  Frame ext(160, 0);
  ext[0] = 6, ext[1] = 19;
  const Frame long_header = tcp6_frame(600, 60, ext);       // 234 B: the NIC leaves it unsplit
  struct Row {
    const char* what;
    Frame frame;
    Unsplit how;
    std::uint32_t offset, length, header;                   // of the used entry; hdr_len
  };
  const auto all = static_cast<std::uint32_t>(long_header.size());
  for (const Row& r : {Row{"split", tcp4_frame(1000), Unsplit::move, 0, 256 + 1000, 54}, {"pure ACK", tcp4_frame(0), Unsplit::move, 0, 256, 54},
                       {"moved", long_header, Unsplit::move, 0, 256 + 600, 234}, {"copied", long_header, Unsplit::copy, 0, 256 + 600, 234},
                       {"offset", long_header, Unsplit::offset, 256 - 12, 12 + all, 234}}) {
    SCOPED_TRACE(r.what);
    env.split = SplitMode::split;
    env.used_offset = env.split_layout = true;
    env.options.placement = Placement::in_first_buffer;
    env.options.unsplit = r.how;
    head = tail = 0;
    bind("copy-header", 64, kBits);
    for (int i = 0; i < 8; ++i) guest->post(kPage, kPage);
    post_all();
    refill(4);
    EXPECT_EQ(deliver(arrive(r.frame)), Progress::done);
    const auto used = guest->used();
    ASSERT_EQ(used.size(), 1u);
    EXPECT_EQ(used[0].len, r.length | r.offset << 16);
    const VirtioNetHdr h = guest->header(used[0].token, r.offset);
    EXPECT_EQ(h.hdr_len, r.header);
    EXPECT_EQ(h.num_buffers, 1);
    const std::uint32_t at = r.offset ? r.offset + 12 : 256 - r.header;
    EXPECT_EQ(guest->bytes(used[0].token, at, static_cast<std::uint32_t>(r.frame.size())), r.frame);
    take_frames();
    EXPECT_EQ(own.count(Owner::in_flight), 0u);
    expect_no_violation();
  }
}

TEST_F(CopyHeaderTest, MergedFrameWithTheHeaderInTheRoom) {
  env.split = SplitMode::split;
  env.used_offset = env.split_layout = true;
  env.options.placement = Placement::in_first_buffer;
  bind("copy-header", 64, kModern | feature::bit(feature::kUsedOffset) | feature::bit(feature::kSplitLayout));
  EXPECT_TRUE(path->merges());
  for (int i = 0; i < 8; ++i) guest->post(kPage, kPage);
  post_all();
  refill(8);
  Skb* all = arrive(tcp4_frame(900));
  Frame expected = tcp4_frame(900);
  for (std::uint32_t i = 1; i < 3; ++i) {
    const Frame f = tcp4_frame(900, 900 * i);
    Skb* k = arrive(f);
    bool shell = false;
    merge_payload(*all, *k, 54, &shell);
    frames.join(all->frames, k->frames);
    in_step([&](Step& s) { skbs_.free_shell(s, k); });
    append(expected, slice(f, 54));
  }
  EXPECT_EQ(deliver(all), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 3u);
  EXPECT_EQ(used[0].len, 256u + 900);
  EXPECT_EQ(guest->header(used[0].token).num_buffers, 3);
  Frame got = guest->bytes(used[0].token, 256 - 54, 954);
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(used[i].len, 900u | 256u << 16);
    append(got, guest->bytes(used[i].token, 256, 900));
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(take_frames(), 3u);
  expect_no_violation();
}

// Big mode: a header buffer and pages in one chain; the used length runs on from the chain's start.
TEST_F(CopyHeaderTest, HeaderAtTheStartOfAChain) {
  constexpr std::uint64_t kBig = (kModern & ~feature::bit(feature::kMergeRxBuffers)) | feature::bit(feature::kSplitLayout);
  env.split = SplitMode::split;
  env.split_layout = true;
  env.rx_mode = RxMode::big;
  bind("copy-header", 64, kBig);
  EXPECT_FALSE(path->merges());
  const Gpa header = guest->memory.alloc(layout.header_buffer, kLine), pages = guest->memory.alloc(3 * kPage, kPage);
  std::vector<Segment> chain = {{header, static_cast<std::uint32_t>(layout.header_buffer), true}};
  std::vector<BufferId> ids = {own.add(guest->memory.translate(header), layout.header_buffer, Owner::posted, Ownership::Home::guest)};
  for (Bytes i = 0; i < 3; ++i) {
    chain.push_back({pages + i * kPage, kPage, true});
    ids.push_back(own.add(guest->memory.translate(pages + i * kPage), kPage, Owner::posted, Ownership::Home::guest));
  }
  for (const Frame& f : {tcp4_frame(1000), tcp4_frame(0)}) {
    for (BufferId b : ids)
      if (own.owner(b) == Owner::guest) own.move(b, Owner::guest, Owner::posted, now(), "again");
    guest->driver.add(guest->view, chain.data(), static_cast<unsigned>(chain.size()), 7);
    guest->driver.publish(guest->view);
    post_all();
    ASSERT_EQ(refill(1), 1u);
    EXPECT_EQ(deliver(arrive(f)), Progress::done);
    const auto used = guest->used();
    ASSERT_EQ(used.size(), 1u);
    EXPECT_EQ(used[0].len, layout.header_buffer + f.size() - 54);
    VirtioNetHdr h;
    guest->memory.read(header, &h, 12);
    EXPECT_EQ(h.hdr_len, 54);
    Frame got(f.size());
    guest->memory.read(header + 12, got.data(), 54);
    if (f.size() > 54) guest->memory.read(pages, got.data() + 54, f.size() - 54);
    EXPECT_EQ(got, f);
    take_frames();
    for (BufferId b : ids) EXPECT_EQ(own.owner(b), Owner::guest);
  }
  expect_no_violation();
}

TEST_F(CopyHeaderTest, APureAckLeavesItsPageWithTheNic) {
  start(SplitMode::split, 4, 1);
  EXPECT_EQ(refill(4), 1u);
  for (int i = 0; i < 3; ++i) {
    Skb* skb = arrive(tcp4_frame(0));
    EXPECT_EQ(refill(1), 1u);                     // the same page again, before the packet is even delivered
    expect_delivered(skb, tcp4_frame(0), 54, 0);
  }
  EXPECT_EQ(path->stats().posted, 5u);
  expect_no_violation();
}

TEST_F(CopyHeaderTest, MergedFrameOfTwentySegments) {
  start(SplitMode::split, 10, 30);
  refill(30);
  Frame expected;
  Skb* all = nullptr;
  for (std::uint32_t i = 0; i < 20; ++i) {
    const Frame f = tcp4_frame(1000, 100 + i * 1000);
    Skb* k = arrive(f);
    append(expected, i ? slice(f, 54) : f);
    if (!all) {
      all = k;
      continue;
    }
    bool shell = false;
    merge_payload(*all, *k, 54, &shell);
    frames.join(all->frames, k->frames);
    if (shell) in_step([&](Step& s) { skbs_.free_shell(s, k); });
  }
  EXPECT_NE(all->list, nullptr);                // 17 fragments, then the frag_list
  unsigned steps = 0;
  expect_delivered(all, expected, 54, 20, &steps);
  EXPECT_GT(steps, 1u);                         // no step hands over 21 buffers
  EXPECT_EQ(take_frames(), 20u);
  EXPECT_EQ(path->stats().used_entries, 21u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  EXPECT_EQ(skbs_.in_use(), 10u);               // header buffers of the descriptors still posted
  expect_no_violation();
}

TEST_F(CopyHeaderTest, HeaderShortageWaitsForTheGuest) {
  start(SplitMode::split, 1, 8);
  refill(8);
  const Frame f = tcp4_frame(700);
  Skb *a = arrive(f), *b = arrive(f);
  expect_delivered(a, f, 54, 1);
  EXPECT_EQ(deliver(b), Progress::no_buffers);
  EXPECT_TRUE(guest->used().empty());
  bool wanted = false;
  in_step([&](Step& s) { wanted = path->ask_for_kick(s, true); });
  EXPECT_TRUE(wanted);
  guest->driver.kick_needed(guest->view);
  guest->post(static_cast<std::uint32_t>(layout.header_buffer));
  EXPECT_TRUE(guest->driver.kick_needed(guest->view));
  post_all();
  expect_delivered(b, f, 54, 1);
  take_frames();
  expect_no_violation();
}

TEST_F(CopyHeaderTest, HeaderBuffersShorterThanAgreedGoBack) {
  start(SplitMode::split, 0, 2);
  const std::uint32_t n = guest->post(100);
  post_all();
  publish();
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].token, n);
  EXPECT_EQ(used[0].len, 0u);
  EXPECT_EQ(own.owner(guest->posted[n].id), Owner::guest);
  EXPECT_EQ(path->stats().returned_unused, 1u);
  expect_no_violation();
}

TEST_F(CopyHeaderTest, DroppedPacketsPagesAreTheFirstToBeUsedAgain) {
  start(SplitMode::split, 2, 3);
  refill(3);
  Skb* skb = arrive(tcp4_frame(3000));            // two of the pages
  frames.dropped(skb->frames, Drop::tap_full, now());
  in_step([&](Step& s) { path->release(s, skb); });
  EXPECT_EQ(refill(3), 2u);
  EXPECT_EQ(own.count(Owner::posted), 2u + 3 + 3);   // the guest's, and the skb heads of three descriptors
  EXPECT_TRUE(guest->used().empty());
  expect_no_violation();
}

}  // namespace copy_header_test
}  // namespace gd::test
