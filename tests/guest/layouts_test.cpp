// Every buffer layout: the application gets what was sent, buffers go round, nothing is lost.
#include "tests/guest/guest_fixture.h"

namespace gd::test {
namespace layouts_test {

struct Layout {
  const char* name;
  GuestDriverRules rules;
  GuestRxMode mode;
  GuestRxLayout layout;
  bool merges;                    // takes packets larger than one buffer
  unsigned descriptors;           // of a ring buffer
  std::uint32_t linear_of_1000;   // bytes copied by driver and stack for a frame with 1000 B of UDP payload
  std::uint64_t wanted = 0;       // further features
  Bytes backing = 2 << 20;        // host pages behind the guest's memory
};

constexpr auto kOld = GuestDriverRules::linux_2_6_35;
constexpr auto kNew = GuestDriverRules::linux_6;
using Kind = GuestRxLayout::Kind;
const GuestRxLayout kHead{Kind::head, 2048, 64, 320, 0, 0, 4};
const GuestRxLayout kHeaderPages{Kind::header_pages, 0, 0, 0, 0, 256, 4};
const GuestRxLayout kPages2K{Kind::pages, 2048, 0, 0, 0, 0, 4}, kPages4K{Kind::pages, 4096, 0, 0, 0, 0, 4};
const GuestRxLayout kRoom{Kind::room, 4096, 0, 0, 128, 0, 4}, kRoom2K{Kind::room, 2048, 0, 0, 256, 0, 4};
constexpr std::uint64_t kSplit = feature::bit(feature::kSplitLayout);

const Layout kLayouts[] = {
    {"small6", kNew, GuestRxMode::small, {}, false, 1, 0},
    {"small6Scattered", kNew, GuestRxMode::small, {}, false, 1, 0, 0, kPage},
    {"small6HashScattered", kNew, GuestRxMode::small, {}, false, 1, 0, feature::bit(feature::kHashReport), kPage},
    {"small2635", kOld, GuestRxMode::small, {}, false, 2, 0},
    {"big6", kNew, GuestRxMode::big, {}, true, 19, 0},
    {"big2635", kOld, GuestRxMode::big, {}, true, 20, 190},
    {"mergeable6", kNew, GuestRxMode::mergeable, {}, true, 1, 0},
    {"mergeable2635", kOld, GuestRxMode::mergeable, {}, true, 1, 190},
    {"head", kNew, GuestRxMode::small, kHead, false, 1, 0},
    {"head2635", kOld, GuestRxMode::small, kHead, false, 2, 0},
    {"head2635Mergeable", kOld, GuestRxMode::mergeable, kHead, true, 1, 0},
    {"headerPages", kNew, GuestRxMode::mergeable, kHeaderPages, true, 1, 42},
    {"headerChain6", kNew, GuestRxMode::big, kHeaderPages, true, 18, 42, kSplit},
    {"headerChain2635", kOld, GuestRxMode::big, kHeaderPages, true, 19, 42, kSplit},
    {"pages2K", kNew, GuestRxMode::mergeable, kPages2K, true, 1, 0},
    {"pages4K", kNew, GuestRxMode::mergeable, kPages4K, true, 1, 0},
    {"pages4K2635", kOld, GuestRxMode::mergeable, kPages4K, true, 1, 190},
    {"room", kNew, GuestRxMode::mergeable, kRoom, true, 1, 0, kSplit},
    {"room2K", kNew, GuestRxMode::mergeable, kRoom2K, true, 1, 0, kSplit},
    {"room2635", kOld, GuestRxMode::mergeable, kRoom, true, 1, 190, kSplit},
};

class Layouts : public ::testing::WithParamInterface<Layout>, public GuestBench {
 protected:
  Layouts() : GuestBench(GetParam().backing) {}
  void SetUp() override {
    params.virtio.driver = GetParam().rules;
    params.virtio.rx_mode = GetParam().mode;
    params.layout = GetParam().layout;
    params.virtio.wanted = GetParam().wanted;
    build();
  }
};

TEST_P(Layouts, FramesOfAllSizesArriveUnharmed) {
  constexpr unsigned kFrames = 400;
  for (unsigned i = 0; i < kFrames; ++i) send(frame((i * 97) % 1473));
  run(20 * kMs);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(frames.all().delivered, kFrames);
  EXPECT_EQ(stats().packets, kFrames);
  EXPECT_EQ(stats().integrity_errors, 0u) << guest->integrity_messages()[0];
  EXPECT_EQ(stats().guest_errors, 0u);
  EXPECT_GT(stats().refills, 300u / GetParam().descriptors);
  EXPECT_EQ(stats().user_copied, frames.all().payload_delivered);
  expect_quiet();
}

TEST_P(Layouts, TheDriverCopiesWhatItsGenerationCopies) {
  send(frame(1000));
  run();
  EXPECT_EQ(stats().linear_copied, GetParam().linear_of_1000);
  EXPECT_EQ(frames.all().delivered, 1u);
  expect_quiet();
}

TEST_P(Layouts, MergedPacketsArriveUnharmed) {
  if (!GetParam().merges) GTEST_SKIP() << "one buffer holds one frame";
  flow.protocol = ipproto::kTcp;
  std::uint32_t seq = 1;
  for (unsigned i = 0; i < 20; ++i) {
    std::vector<FrameRef> list;
    for (unsigned k = 0; k < 2 + i; ++k) {
      list.push_back(frame(1448, seq, k + 1 == 2 + i ? tcp::kAckFlag | tcp::kPsh : tcp::kAckFlag));
      seq += 1448;
    }
    Packet p = merged(list);
    p.bytes[47] |= tcp::kPsh;   // the merged header takes it over
    send(p);
  }
  const std::uint64_t all = frames.all().offered;
  run(20 * kMs);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(frames.all().delivered, all);
  EXPECT_EQ(stats().packets, 20u);
  EXPECT_EQ(stats().frames, all);
  EXPECT_EQ(stats().integrity_errors, 0u) << guest->integrity_messages()[0];
  EXPECT_EQ(stats().guest_errors, 0u);
  expect_quiet();
}

TEST_P(Layouts, OwnershipIsCheckedWhenABufferComesBack) {
  keep_ownership = true;
  send(frame(100));
  run();
  EXPECT_GE(ownership.violations(), 1u);
  EXPECT_EQ(frames.all().delivered, 1u);
}

// The pages of a chain that a frame does not reach come back with the used entry, given back by the device or not.
TEST_P(Layouts, UnwrittenBuffersComeBackWithTheirChain) {
  if (GetParam().descriptors < 3) GTEST_SKIP() << "no chain of several buffers";
  Packet p = packet(frame(100));
  std::vector<Segment> s;
  DeviceRing::Taken t;
  ASSERT_TRUE(take(s, t));
  ring->untake(1);
  keep_ownership = true;
  const Gpa last = s.back().gpa;
  const BufferId first = ownership.find(space.translate(s[0].gpa)), second = ownership.find(space.translate(s[1].gpa));
  send(p);
  ownership.move(first, Owner::posted, Owner::guest, 0, "device");
  if (second != first && p.header_bytes < p.bytes.size() && ownership.owner(second) == Owner::posted) ownership.move(second, Owner::posted, Owner::guest, 0, "device");
  run();
  EXPECT_EQ(ownership.violations(), 0u);
  EXPECT_EQ(ownership.owner(ownership.find(space.translate(last))), Owner::guest);
  EXPECT_EQ(frames.all().delivered, 1u);
}

INSTANTIATE_TEST_SUITE_P(All, Layouts, ::testing::ValuesIn(kLayouts), [](const auto& i) { return i.param.name; });

// Ring formats and what goes with them, mode by mode.
struct RingCase {
  const char* name;
  GuestRxMode mode;
  bool packed, in_order, indirect, event_idx;
};
class Rings : public GuestBench, public ::testing::WithParamInterface<RingCase> {};
TEST_P(Rings, FramesArriveUnharmed) {
  params.virtio.rx_mode = GetParam().mode;
  params.virtio.packed = GetParam().packed;
  params.virtio.in_order = GetParam().in_order;
  params.virtio.indirect = GetParam().indirect;
  params.virtio.event_idx = GetParam().event_idx;
  build();
  EXPECT_EQ(feature::has(guest->rx().features, feature::kPacked), GetParam().packed);
  EXPECT_EQ(feature::has(guest->rx().features, feature::kInOrder), GetParam().in_order);
  EXPECT_EQ(guest->rx().table_entries, GetParam().indirect && GetParam().mode == GuestRxMode::big ? 19u : 0u);
  for (unsigned i = 0; i < 400; ++i) send(frame((i * 97) % 1473));
  run(20 * kMs);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(frames.all().delivered, 400u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  EXPECT_EQ(stats().guest_errors, 0u);
  expect_quiet();
}
INSTANTIATE_TEST_SUITE_P(All, Rings,
                         ::testing::Values(RingCase{"packedMergeable", GuestRxMode::mergeable, true, false, false, true},
                                           RingCase{"packedMergeableFlags", GuestRxMode::mergeable, true, false, false, false},
                                           RingCase{"packedBig", GuestRxMode::big, true, false, false, true},
                                           RingCase{"packedBigIndirect", GuestRxMode::big, true, false, true, true},
                                           RingCase{"packedSmallInOrder", GuestRxMode::small, true, true, false, true},
                                           RingCase{"splitBigIndirect", GuestRxMode::big, false, false, true, true},
                                           RingCase{"splitInOrder", GuestRxMode::mergeable, false, true, false, true},
                                           RingCase{"splitBigIndirectInOrder", GuestRxMode::big, false, true, true, false}),
                         [](const auto& i) { return i.param.name; });

// Small mode's heads cross pages, as the page-frag region does that they are cut from: one descriptor over two host pages.
TEST_P(Layouts, HeadsCrossHostPages) {
  if (GetParam().backing != kPage) GTEST_SKIP() << "contiguous host memory";
  std::vector<Segment> s;
  DeviceRing::Taken t;
  unsigned across = 0, n = 0;
  for (; take(s, t); ++n) {
    ASSERT_EQ(s.size(), 1u);
    if (space.in_one_page(s[0].gpa, s[0].len)) continue;
    ++across;
    EXPECT_NE(ownership.find(space.translate(s[0].gpa)), ownership.find(space.translate(s[0].gpa + s[0].len - 1)));
  }
  EXPECT_EQ(n, guest->rx().size);
  EXPECT_GT(across, n / 3);
}

// head in small mode of 2.6.35: the virtio header's descriptor, and the frame's from the headroom's end to the tailroom.
TEST_F(GuestBench, TheHeaderOfAHeadHasADescriptorOfItsOwn) {
  params.virtio.driver = kOld;
  params.virtio.rx_mode = GuestRxMode::small;
  params.layout = kHead;
  build();
  std::vector<Segment> s;
  DeviceRing::Taken t;
  ASSERT_TRUE(take(s, t));
  ASSERT_EQ(s.size(), 2u);
  EXPECT_EQ(s[0].len, 10u);
  EXPECT_EQ(s[1].gpa, s[0].gpa + 64);
  EXPECT_EQ(s[1].len, 2048u - 64 - 320);
  ring->untake(1);
}

TEST_F(GuestBench, LayoutsThatCannotBeAreRefused) {
  const Guest::Environment e{kernel, space, ownership, frames, costs, sent, nullptr};
  std::uint32_t rank = 1;
  // head of two pages; all of 8 are headers; no part of a page; larger than a page; no room; room as long as the buffer
  for (const GuestRxLayout& l : {GuestRxLayout{Kind::head, 8192, 64, 320, 0, 0, 4}, GuestRxLayout{Kind::header_pages, 0, 0, 0, 0, 256, 8},
                                 GuestRxLayout{Kind::pages, 3000, 0, 0, 0, 0, 4}, GuestRxLayout{Kind::pages, 8192, 0, 0, 0, 0, 4},
                                 GuestRxLayout{Kind::room, 2048, 0, 0, 0, 0, 4}, GuestRxLayout{Kind::room, 2048, 0, 0, 2048, 0, 4}}) {
    params.layout = l;
    params.virtio.wanted = kSplit;
    EXPECT_THROW(Guest(params, e, rank++), UserError) << rank;
  }
  // 2.6.35 small mode: the virtio header's place is before the frame.
  params.virtio.wanted = 0;
  params.virtio.driver = kOld;
  params.virtio.rx_mode = GuestRxMode::small;
  params.layout = GuestRxLayout{Kind::head, 2048, 8, 320, 0, 0, 4};
  EXPECT_THROW(Guest(params, e, rank++), UserError);
  params.layout.headroom = 16;
  EXPECT_NO_THROW(Guest(params, e, rank++));
  params.virtio.driver = kNew;
  params.virtio.rx_mode = GuestRxMode::mergeable;
  // Without the feature that tells of the hole; whole pages without mergeable buffers.
  params.virtio.wanted = 0;
  params.layout = kRoom;
  EXPECT_THROW(Guest(params, e, rank++), UserError);
  params.virtio.rx_mode = GuestRxMode::big;
  params.layout = kHeaderPages;
  EXPECT_THROW(Guest(params, e, rank++), UserError);
  params.layout = kPages4K;
  EXPECT_THROW(Guest(params, e, rank++), UserError);
  params.virtio.rx_mode = GuestRxMode::mergeable;
  params.layout = {};
  params.virtio.queue_size = 100;
  EXPECT_THROW(Guest(params, e, rank++), UserError);
  params.virtio.queue_size = 16;
  params.virtio.rx_mode = GuestRxMode::big;   // 19 descriptors
  EXPECT_THROW(Guest(params, e, rank++), UserError);
}

TEST_F(GuestBench, MergeableBuffersFollowTheAverageLength) {
  params.tcp.closed = false;
  flow.protocol = ipproto::kTcp;
  build();
  std::vector<Segment> s;
  DeviceRing::Taken t;
  ASSERT_TRUE(take(s, t));
  EXPECT_EQ(s[0].len, 1536u);   // 12 + 1518 in whole lines
  ring->untake(1);
  std::uint32_t seq = 1;
  for (unsigned i = 0; i < 40; ++i) {
    std::vector<FrameRef> list;
    for (unsigned k = 0; k < 12; ++k, seq += 1448) list.push_back(frame(1448, seq));
    send(merged(list));
  }
  run(20 * kMs);
  ASSERT_TRUE(take(s, t));
  EXPECT_EQ(s[0].len, 4096u);
  ring->untake(1);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

}  // namespace layouts_test
}  // namespace gd::test
