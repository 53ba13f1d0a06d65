// guest-head: the frame lies in the guest's buffer from the NIC's write on.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace guest_head_test {

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

// Form A: heads stay in guest memory and are chained, never stolen; further buffers begin after their headers.
TEST_F(GuestHeadTest, MergedSegmentsAreTheFragList) {
  env.used_offset = true;
  bind("guest-head", 64, kModern | feature::bit(feature::kUsedOffset));
  EXPECT_TRUE(path->merges());
  for (int i = 0; i < 20; ++i) post();
  post_all();
  refill(20);
  for (const bool old : {false, true}) {
    SCOPED_TRACE(old);
    Skb* all = arrive(tcp4_frame(700));
    Frame expected = tcp4_frame(700);
    if (old) in_step([&](Step& s) { all = skbs_.lift_head(s, *all, all->head.addr, 54, Cost{}); });
    *phys.at(all->head.addr + 17) ^= 0x55;        // completion writes the headers where they lie
    expected[17] ^= 0x55;
    for (std::uint32_t i = 1; i < 5; ++i) {
      const Frame f = tcp4_frame(700, 700 * i);
      Skb* k = arrive(f);
      bool shell = true;
      merge_payload(*all, *k, 54, &shell, old);
      EXPECT_FALSE(shell);
      frames.join(all->frames, k->frames);
      append(expected, slice(f, 54));
    }
    EXPECT_EQ(deliver(all), Progress::done);
    const auto used = guest->used();
    ASSERT_EQ(used.size(), 5u);
    EXPECT_EQ(guest->header(used[0].token).num_buffers, 5);
    EXPECT_EQ(used[0].len, 754u + 12);
    Frame got = guest->bytes(used[0].token, 12, 754);
    for (std::size_t i = 1; i < 5; ++i) {
      EXPECT_EQ(used[i].len, 700u | 66u << 16);
      append(got, guest->bytes(used[i].token, 66, 700));
    }
    EXPECT_EQ(got, expected);
    EXPECT_EQ(take_frames(), 5u);
  }
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST_F(GuestHeadTest, WithoutOffsetsNothingIsMerged) {
  bind("guest-head");
  EXPECT_FALSE(path->merges());
}

struct InfoRow {
  Hazard hazard;
  bool shadow;
  std::uint64_t escapes, violations;
  const char* says;
};
void PrintTo(const InfoRow& r, std::ostream* out) { *out << (r.hazard == Hazard::none ? "honest" : hazard_name(r.hazard)) << (r.shadow ? ", shadow" : ", guest's"); }

struct GuestHeadInfo : GuestHeadTest, ::testing::WithParamInterface<InfoRow> {};

TEST_P(GuestHeadInfo, ShadowOrTheGuestsOwn) {
  const InfoRow r = GetParam();
  env.options.hazard = r.hazard;
  env.options.shadow_shared_info = r.shadow;
  bind("guest-head");
  for (int i = 0; i < 2; ++i) {
    const Gpa gpa = guest->memory.alloc(layout.buffer, kPage);
    const BufferId id = own.add(guest->memory.translate(gpa), layout.buffer, Owner::guest, Ownership::Home::guest);
    guest->posted.push_back({gpa + layout.headroom, static_cast<std::uint32_t>(layout.buffer - layout.headroom - layout.tailroom), id});
    guest->again(static_cast<std::uint32_t>(i));
  }
  post_all();
  refill(2);
  EXPECT_EQ(deliver(arrive(tcp4_frame(r.hazard == Hazard::short_buffer ? 100 : 1400))), Progress::done);
  EXPECT_EQ(path->stats().escapes, r.escapes);
  EXPECT_EQ(own.violations(), r.violations);
  if (r.violations) {
    EXPECT_NE(own.messages()[0].find(r.says), std::string::npos) << own.messages()[0];
  }
  EXPECT_EQ(spent("shinfo.shadow").calls > 0, r.hazard == Hazard::none && r.shadow);
}

INSTANTIATE_TEST_SUITE_P(All, GuestHeadInfo,
                         ::testing::Values(InfoRow{Hazard::none, true, 0, 0, ""}, InfoRow{Hazard::none, false, 0, 0, ""},
                                           InfoRow{Hazard::shinfo_trusted, true, 1, 1, "was changed after the frame had come"},
                                           InfoRow{Hazard::layout_mismatch, true, 0, 1, "beyond the end of the guest's buffer"}));

TEST_F(GuestHeadTest, HazardShortBuffer) {
  env.options.hazard = Hazard::short_buffer;
  bind("guest-head");
  EXPECT_EQ(layout.buffer, 1024u);
  guest->post(640);
  post_all();
  refill(1);
  arrive(tcp4_frame(1400));
  ASSERT_EQ(own.violations(), 1u);
  EXPECT_NE(own.messages()[0].find("beyond the buffer's end"), std::string::npos) << own.messages()[0];
}

TEST_F(GuestHeadTest, HazardForgottenDestructor) {
  env.options.hazard = Hazard::forgotten_destructor;
  bind("guest-head");
  post();
  post_all();
  refill(1);
  Skb* skb = arrive(tcp4_frame(100));
  frames.dropped(skb->frames, Drop::tap_full, now());
  in_step([&](Step& s) { path->release(s, skb); });
  EXPECT_EQ(own.count(Owner::skb), 1u);
  own.expect(Owner::skb, 0, now(), "end");
  EXPECT_NE(own.messages()[0].find("guest buffer received"), std::string::npos) << own.messages()[0];
}

// VIRTIO_F_IN_ORDER: a buffer waits for older ones, and the time is counted.
TEST_F(GuestHeadTest, InOrderUseServesTheContiguousPrefix) {
  env.in_order = env.used_offset = true;
  env.options.in_order = InOrder::prefix;
  bind("guest-head", 64, kModern | feature::bit(feature::kUsedOffset) | feature::bit(feature::kInOrder));
  EXPECT_FALSE(path->merges());
  for (int i = 0; i < 2; ++i) post();
  post_all();
  refill(2);
  Skb *a = arrive(tcp4_frame(700)), *b = arrive(tcp4_frame(700, 700));
  EXPECT_EQ(deliver(b), Progress::done);
  EXPECT_TRUE(guest->used().empty());             // a's buffer is older
  EXPECT_EQ(deliver(a), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 2u);
  EXPECT_EQ(used[0].token, 0u);
  EXPECT_EQ(used[1].token, 1u);
  EXPECT_GE(path->stats().hol_sum, 100 * kUs);    // a step is 100 us after the last
  EXPECT_EQ(path->stats().hol_buffers, 2u);
  EXPECT_EQ(take_frames(), 2u);
  expect_no_violation();
}

// Small mode of 2.6.35: the virtio header has a descriptor of its own, the frame begins at the buffer's start.
TEST_F(GuestHeadTest, TheHeaderInADescriptorOfItsOwn) {
  env.rx_mode = RxMode::small;
  env.header_apart = true;
  bind("guest-head", 64, feature::bit(feature::kCsum) | feature::bit(feature::kGuestCsum));
  const Gpa page = guest->memory.alloc(kPage, kPage);
  const BufferId id = own.add(guest->memory.translate(page), kPage, Owner::posted, Ownership::Home::guest);
  const Segment s[2] = {{page, 10, true}, {page + 64, 2048 + 64, true}};
  guest->driver.add(guest->view, s, 2, 5);
  guest->driver.publish(guest->view);
  post_all();
  ASSERT_EQ(refill(1), 1u);
  const Frame f = tcp4_frame(1460);
  EXPECT_EQ(deliver(arrive(f)), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].len, 10 + f.size());
  Frame got(f.size());
  guest->memory.read(page + 64, got.data(), got.size());
  EXPECT_EQ(got, f);
  VirtioNetHdr h;
  h.flags = 0xff;
  guest->memory.read(page, &h, 10);
  EXPECT_EQ(h.gso_type, VirtioNetHdr::kGsoNone);
  EXPECT_NE(h.flags, 0xff);
  EXPECT_EQ(own.owner(id), Owner::guest);
  take_frames();
  expect_no_violation();
}

TEST_F(GuestHeadTest, DestructorPlaces) {
  const char* const names[] = {"destructor.skb", "destructor.shared_info", "destructor.page_hash"};
  for (int place = 0; place < 3; ++place) {
    env.options.destructor = static_cast<Destructor>(place);
    head = tail = 0;
    bind("guest-head");
    post();
    post_all();
    refill(1);
    deliver(arrive(tcp4_frame(100)));
    take_frames();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(spent(names[i]).calls, i <= place ? 1u : 0u) << names[i];
  }
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

}  // namespace guest_head_test
}  // namespace gd::test
