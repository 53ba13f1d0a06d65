// What the driver posts, and the skb that it makes of it: mode by mode, generation by generation.
#include "tests/guest/rx_bench.h"

namespace gd::test {
namespace rx_geometry_test {

constexpr auto kOld = GuestDriverRules::linux_2_6_35;
constexpr auto kNew = GuestDriverRules::linux_6;
constexpr auto kSmall = GuestRxMode::small, kBig = GuestRxMode::big, kMergeable = GuestRxMode::mergeable;

// A descriptor by the place of its first byte in its page and its length.
struct Piece {
  std::uint32_t at, length;
  bool operator==(const Piece&) const = default;
};
std::ostream& operator<<(std::ostream& o, const Piece& p) { return o << p.length << "@" << p.at; }

struct Posted {
  const char* name;
  GuestDriverRules rules;
  GuestRxMode mode;
  std::uint32_t mtu;
  bool tso, version_1;
  unsigned outstanding;              // ring buffers in a ring of 256, or of 64 tables
  std::vector<Piece> first;          // descriptors of the first ring buffer, the last one repeated
  unsigned descriptors;
  unsigned header;
  bool indirect = false;
};

class PostedBuffers : public RxBench, public ::testing::WithParamInterface<Posted> {};

TEST_P(PostedBuffers, HaveTheGenerationsLayout) {
  const Posted& x = GetParam();
  params.virtio.queue_size = x.indirect && x.mode == kBig ? 64 : 256;
  params.virtio.driver = x.rules;
  params.virtio.rx_mode = x.mode;
  params.virtio.tso4 = params.virtio.tso6 = x.tso;
  params.virtio.version_1 = x.version_1;
  params.virtio.indirect = x.indirect;
  params.mtu = x.mtu;
  make();
  EXPECT_EQ(rx->ring().layout().header_length, x.header);
  EXPECT_EQ(rx->ring().outstanding(), x.outstanding);
  const Chain c = take_chain();
  std::vector<Piece> expected = x.first, got;
  while (expected.size() < x.descriptors) expected.push_back(expected.back());
  for (const Segment& s : c.segments) {
    EXPECT_TRUE(s.write);
    got.push_back({static_cast<std::uint32_t>(s.gpa % kPage), s.len});
  }
  EXPECT_EQ(got, expected);
  std::uint32_t room = 0;
  for (const Piece& q : expected) room += q.length;
  EXPECT_EQ(rx->layout().capacity((*buffers)[0].size), room);
}

INSTANTIATE_TEST_SUITE_P(All, PostedBuffers,
                         ::testing::Values(Posted{"small2635", kOld, kSmall, 1500, false, true, 128, {{0, 10}, {66, 1518}}, 2, 10},
                                           Posted{"small2635ofAnyMtu", kOld, kSmall, 9000, false, true, 128, {{0, 10}, {66, 1518}}, 2, 10},
                                           Posted{"small6", kNew, kSmall, 1500, false, true, 256, {{64, 1530}}, 1, 12},
                                           Posted{"small6legacy", kNew, kSmall, 1500, false, false, 256, {{64, 1528}}, 1, 10},
                                           Posted{"big2635", kOld, kBig, 1500, true, true, 12, {{0, 10}, {16, 4080}, {0, 4096}}, 20, 10},
                                           Posted{"big6", kNew, kBig, 1500, true, true, 13, {{0, 12}, {32, 4064}, {0, 4096}}, 19, 12},
                                           // A table each: as many buffers as the ring has entries.
                                           Posted{"small2635indirect", kOld, kSmall, 1500, false, true, 256, {{0, 10}, {66, 1518}}, 2, 10, true},
                                           Posted{"big2635indirect", kOld, kBig, 1500, true, true, 64, {{0, 10}, {16, 4080}, {0, 4096}}, 20, 10, true},
                                           Posted{"big6indirect", kNew, kBig, 1500, true, true, 64, {{0, 12}, {32, 4064}, {0, 4096}}, 19, 12, true},
                                           Posted{"big6legacy", kNew, kBig, 1500, true, false, 13, {{0, 10}, {32, 4064}, {0, 4096}}, 19, 10},
                                           Posted{"big6jumbo", kNew, kBig, 9000, false, true, 51, {{0, 12}, {32, 4064}, {0, 4096}}, 5, 12},
                                           Posted{"mergeable2635", kOld, kMergeable, 1500, true, true, 256, {{0, 4096}}, 1, 12},
                                           Posted{"mergeable6", kNew, kMergeable, 1500, true, true, 256, {{0, 1536}}, 1, 12},
                                           Posted{"mergeable6legacy", kNew, kMergeable, 1500, true, false, 256, {{0, 1536}}, 1, 12}),
                         [](const auto& i) { return i.param.name; });

struct Shape {
  GuestDriverRules rules;
  GuestRxMode mode;
  std::uint32_t length;
  std::uint32_t linear, frags;
  unsigned pooled;                   // pages back with the driver
  std::uint32_t truesize;
  std::uint32_t mtu = 1500;
  unsigned ip_align = 2;
};

class SkbShape : public RxBench, public ::testing::WithParamInterface<Shape> {};

TEST_P(SkbShape, IsTheGenerations) {
  const Shape& x = GetParam();
  params.virtio.queue_size = 256;
  params.virtio.driver = x.rules;
  params.virtio.rx_mode = x.mode;
  params.virtio.tso4 = params.virtio.tso6 = x.mtu == 1500;
  params.virtio.ip_align = x.ip_align;
  params.mtu = x.mtu;
  make();
  hand_over(x.length);
  ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_TRUE(intact(x.length));
  EXPECT_EQ(linear(), x.linear);
  EXPECT_EQ(p().frags, x.frags);
  EXPECT_EQ(p().members, 0u);
  EXPECT_EQ(rx->pooled(), x.pooled);
  EXPECT_EQ(p().truesize, x.truesize);
  EXPECT_EQ(context->stats.guest_errors, 0u);
}

// 2.6.35: struct 240, head 256. 6.x: struct 256, head of its own 512, a buffer counts whole.
INSTANTIATE_TEST_SUITE_P(
    Small, SkbShape,
    ::testing::Values(Shape{kOld, kSmall, 60, 60, 0, 0, 1840}, Shape{kOld, kSmall, 1518, 1518, 0, 0, 1840}, Shape{kNew, kSmall, 60, 60, 0, 0, 256 + 1920},
                      Shape{kNew, kSmall, 1518, 1518, 0, 0, 256 + 1920}));
INSTANTIATE_TEST_SUITE_P(
    Big, SkbShape,
    ::testing::Values(Shape{kOld, kBig, 60, 60, 0, 19, 496}, Shape{kOld, kBig, 190, 190, 0, 19, 496}, Shape{kOld, kBig, 191, 190, 1, 18, 497},
                      Shape{kOld, kBig, 128, 128, 0, 19, 432, 1500, 0}, Shape{kOld, kBig, 129, 128, 1, 18, 433, 1500, 0},
                      Shape{kOld, kBig, 1514, 190, 1, 18, 496 + 1324}, Shape{kOld, kBig, 4080, 190, 1, 18, 496 + 3890},
                      Shape{kOld, kBig, 4081, 190, 2, 17, 496 + 3891}, Shape{kOld, kBig, 65549, 190, 17, 2, 496 + 65359},
                      Shape{kNew, kBig, 60, 60, 0, 18, 768}, Shape{kNew, kBig, 128, 128, 0, 18, 768}, Shape{kNew, kBig, 129, 129, 0, 17, 256 + 4096},
                      Shape{kNew, kBig, 1514, 1514, 0, 17, 256 + 4096}, Shape{kNew, kBig, 3744, 3744, 0, 17, 256 + 4096},
                      Shape{kNew, kBig, 3745, 14, 1, 17, 768 + 4096}, Shape{kNew, kBig, 4064, 14, 1, 17, 768 + 4096},
                      Shape{kNew, kBig, 4065, 14, 2, 16, 768 + 2 * 4096}, Shape{kNew, kBig, 65549, 14, 17, 1, 768 + 17 * 4096},
                      Shape{kNew, kBig, 9014, 14, 3, 1, 768 + 3 * 4096, 9000}));
INSTANTIATE_TEST_SUITE_P(
    Mergeable, SkbShape,
    ::testing::Values(Shape{kOld, kMergeable, 60, 60, 0, 1, 496}, Shape{kOld, kMergeable, 190, 190, 0, 1, 496}, Shape{kOld, kMergeable, 1514, 190, 1, 0, 496 + 1324},
                      Shape{kOld, kMergeable, 4084, 190, 1, 0, 496 + 3894}, Shape{kOld, kMergeable, 4085, 190, 2, 0, 496 + 3895},
                      Shape{kOld, kMergeable, 65549, 190, 17, 0, 496 + 65359}, Shape{kOld, kMergeable, 73716, 190, 18, 0, 496 + 73526},
                      Shape{kNew, kMergeable, 60, 60, 0, 0, 768}, Shape{kNew, kMergeable, 1204, 1204, 0, 0, 256 + 1536},
                      Shape{kNew, kMergeable, 1205, 14, 1, 0, 768 + 1536}, Shape{kNew, kMergeable, 1524, 14, 1, 0, 768 + 1536},
                      // Consecutive pieces of a region are one fragment; the last of a region has its hole.
                      Shape{kNew, kMergeable, 1525, 14, 1, 0, 768 + 2 * 1536}, Shape{kNew, kMergeable, 65549, 14, 3, 0, 768 + 2 * 32768 + 1536}));

TEST_F(RxBench, MoreThan17FragmentsGoToAFragListMember) {
  make();
  ASSERT_EQ(hand_over(30 * 1536 - 12, {}, true), 30u);   // no two buffers are neighbours
  ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_TRUE(intact(30 * 1536 - 12));
  EXPECT_EQ(linear(), 14u);
  EXPECT_EQ(p().members, 1u);
  EXPECT_EQ(p().frags, 13u);
  EXPECT_EQ(p().truesize, 768 + 576 + 30 * 1536u + 512u);   // one of the buffers has a region's hole
}

// 2.6.35: the 19th buffer is not fetched; it stays, and is taken for a packet's start.
TEST_F(RxBench, TooManyFragmentsAreALengthErrorAndTheRestIsMisread) {
  params.virtio.driver = kOld;
  make();
  ASSERT_EQ(hand_over(73717), 19u);
  EXPECT_EQ(receive(), GuestRxQueue::Got::nothing);
  EXPECT_EQ(context->stats.guest_errors, 1u);
  EXPECT_EQ(rx->ring().outstanding(), 64u - 18);
  EXPECT_EQ(receive(), GuestRxQueue::Got::nothing);   // one byte is no packet
  EXPECT_EQ(context->stats.guest_errors, 2u);
  hand_over(100);
  EXPECT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_TRUE(intact(100));
}

class EitherDriver : public RxBench, public ::testing::WithParamInterface<GuestDriverRules> {
 protected:
  bool old() const { return GetParam() == kOld; }
};

// 6.x: a wrong length in the middle costs the packet, and its other buffers are drained; 2.6.35 clips and goes on.
TEST_P(EitherDriver, AFurtherBufferThatIsTooLong) {
  params.virtio.driver = GetParam();
  params.virtio.mergeable_buffer = 4096;
  make();
  Chain c[3];
  for (Chain& x : c) x = take_chain();
  VirtioNetHdr h;
  h.num_buffers = 3;
  write(c[0], reinterpret_cast<const std::uint8_t*>(&h), 12);
  use_chain(c[0], 4096);
  use_chain(c[1], 4097);
  use_chain(c[2], 100);
  ring->publish(view);
  EXPECT_EQ(receive(), old() ? GuestRxQueue::Got::packet : GuestRxQueue::Got::nothing);
  EXPECT_EQ(context->stats.guest_errors, old() ? 0u : 1u);
  EXPECT_EQ(rx->ring().outstanding(), 64u - 3);
  if (old()) {
    EXPECT_EQ(p().length, 4084u + 4096 + 100);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EitherDriver, ::testing::Values(kOld, kNew));

// Pages go back last in first out, chains as a whole.
TEST_P(EitherDriver, ThePagePoolIsLastInFirstOut) {
  params.virtio.driver = GetParam();
  params.virtio.rx_mode = kBig;
  params.virtio.queue_size = 32;   // one big buffer
  make();
  const Chain c = take_chain();
  ring->untake(1);
  hand_over(5000);                 // two pages go up
  ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
  ASSERT_EQ(rx->pooled(), old() ? 17u : 16u);
  in_step([&](Step& s) {
    CpuView v(s, space, context->costs.ring);
    EXPECT_FALSE(rx->refill(s, v));
  });
  EXPECT_EQ(rx->pooled(), 0u);
  const Chain d = take_chain();
  // The chain is built from its end: the pool's first page becomes the last descriptor.
  const std::size_t last = c.segments.size() - 1;
  EXPECT_EQ(d.segments[last].gpa, c.segments[3].gpa);
  EXPECT_EQ(d.segments[3].gpa, c.segments[last].gpa);
  EXPECT_NE(d.segments[0].gpa, c.segments[0].gpa);
}

// A header that makes no sense costs the packet and nothing else.
struct Header {
  const char* name;
  GuestDriverRules rules;
  VirtioNetHdr header;
  bool good;
};
VirtioNetHdr with_csum(std::uint16_t start, std::uint16_t offset) {
  VirtioNetHdr h;
  h.flags = VirtioNetHdr::kNeedsCsum;
  h.csum_start = start, h.csum_offset = offset;
  return h;
}
VirtioNetHdr with_gso(std::uint8_t type, std::uint16_t size) {
  VirtioNetHdr h = with_csum(34, 16);
  h.gso_type = type, h.gso_size = size;
  return h;
}

class Headers : public RxBench, public ::testing::WithParamInterface<Header> {};

TEST_P(Headers, AreChecked) {
  params.virtio.driver = GetParam().rules;
  params.virtio.mergeable_buffer = 4096;
  make();
  hand_over(300, GetParam().header);
  EXPECT_EQ(receive(), GetParam().good ? GuestRxQueue::Got::packet : GuestRxQueue::Got::nothing);
  EXPECT_EQ(context->stats.guest_errors, GetParam().good ? 0u : 1u);
  hand_over(200);
  EXPECT_EQ(receive(), GuestRxQueue::Got::packet);
}

// 300 B: 2.6.35 has 190 of them linear and looks no further; 6.x pulls what it needs.
INSTANTIATE_TEST_SUITE_P(All, Headers,
                         ::testing::Values(Header{"sum2635", kOld, with_csum(34, 16), true}, Header{"sumAtTheLinearEnd2635", kOld, with_csum(172, 16), true},
                                           Header{"sumBeyondTheLinearPart2635", kOld, with_csum(173, 16), false},
                                           Header{"sumAtTheEnd6", kNew, with_csum(282, 16), true}, Header{"sumBeyondTheEnd6", kNew, with_csum(283, 16), false},
                                           Header{"tcp4", kNew, with_gso(1, 100), true}, Header{"tcp6", kOld, with_gso(4, 100), true},
                                           Header{"ecn", kOld, with_gso(0x81, 100), true}, Header{"udp", kOld, with_gso(3, 100), true},
                                           Header{"noSize", kNew, with_gso(1, 0), false}, Header{"noSize2635", kOld, with_gso(1, 0), false},
                                           Header{"udpL4", kNew, with_gso(5, 100), true}, Header{"udpL4of2635", kOld, with_gso(5, 100), false},
                                           Header{"unknown", kNew, with_gso(2, 100), false}),
                         [](const auto& i) { return i.param.name; });

TEST_F(RxBench, HeadersAreMadeLinearForACompletedChecksum) {
  make();
  hand_over(1400, with_gso(VirtioNetHdr::kGsoTcpV4, 1000));
  ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_EQ(linear(), 54u);        // csum_start 34 and a TCP header of 20
  EXPECT_TRUE(intact(1400));
}

// What the guest's driver takes of a device that offers everything, and of one that lacks some of it.
TEST(GuestFeatures, FollowDriverModeAndOffer) {
  using namespace feature;
  const auto of = [](GuestDriverRules rules, GuestRxMode mode, std::function<void(GuestParams::Virtio&)> set = {}) {
    GuestParams p;
    p.virtio.driver = rules;
    p.virtio.rx_mode = mode;
    p.virtio.hash_report = true;
    if (set) set(p.virtio);
    return guest_features(p);
  };
  const std::uint64_t modern = bit(kVersion1) | bit(kEventIdx) | bit(kHashReport), sums = bit(kMac) | bit(kCsum) | bit(kGuestCsum);
  const std::uint64_t tso = bit(kGuestTso4) | bit(kGuestTso6) | bit(kGuestEcn);
  EXPECT_EQ(of(kNew, kMergeable), modern | sums | tso | bit(kMergeRxBuffers));
  EXPECT_EQ(of(kNew, kBig), modern | sums | tso);
  EXPECT_EQ(of(kNew, kSmall), modern | sums);
  EXPECT_EQ(of(kOld, kMergeable), sums | tso | bit(kMergeRxBuffers));
  EXPECT_EQ(of(kOld, kBig), sums | tso);
  EXPECT_EQ(of(kOld, kSmall), sums);
  EXPECT_EQ(of(kNew, kBig, [](auto& v) { v.tso6 = false; }), modern | sums | bit(kGuestTso4) | bit(kGuestEcn));
  EXPECT_EQ(of(kNew, kBig, [](auto& v) { v.checksum = false; }), modern | bit(kMac));
  EXPECT_EQ(of(kNew, kSmall, [](auto& v) { v.version_1 = v.event_idx = v.hash_report = false; }), sums);
  EXPECT_EQ(of(kNew, kSmall, [](auto& v) { v.indirect = true; }), modern | sums | bit(kIndirect));
  EXPECT_EQ(of(kNew, kMergeable, [](auto& v) { v.offered = ~bit(kMergeRxBuffers); }), modern | sums | tso);
  EXPECT_EQ(header_length(of(kNew, kMergeable)), 20u);
}

}  // namespace rx_geometry_test
}  // namespace gd::test
