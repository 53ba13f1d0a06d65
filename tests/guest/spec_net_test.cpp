// What VIRTIO 1.2 demands of a network driver's receive side, section by section; "Breach" tests are devices that break
// their side of it. Not here: MTU, MQ, RSS and the control queue, which are not modelled (models/virtio/features.h), and
// RSC_EXT, which is never negotiated.
#include "tests/guest/rx_bench.h"

namespace gd::test {
namespace spec_net_test {
using namespace feature;

constexpr auto kOld = GuestDriverRules::linux_2_6_35;
constexpr auto kNew = GuestDriverRules::linux_6;
constexpr auto kSmall = GuestRxMode::small, kBig = GuestRxMode::big, kMergeable = GuestRxMode::mergeable;
constexpr std::uint32_t kTold = VirtioNetHdr::kDataValid;

struct Driver {
  const char* name;
  GuestDriverRules rules;
  GuestRxMode mode;
};
const Driver kDrivers[] = {{"small2635", kOld, kSmall}, {"big2635", kOld, kBig}, {"mergeable2635", kOld, kMergeable},
                           {"small6", kNew, kSmall},    {"big6", kNew, kBig},    {"mergeable6", kNew, kMergeable}};
std::string named(const ::testing::TestParamInfo<Driver>& i) { return i.param.name; }

// One driver in one receive mode.
struct SpecBench : RxBench, ::testing::WithParamInterface<Driver> {
  SpecBench() {
    params.virtio.driver = GetParam().rules;
    params.virtio.rx_mode = GetParam().mode;
    params.virtio.queue_size = 256;                // 12 big buffers
  }
  // A further packet arrives unharmed: what was wrong has cost itself only.
  void expect_alive() {
    hand_over(200);
    EXPECT_EQ(receive(), GuestRxQueue::Got::packet);
    EXPECT_TRUE(intact(200));
    EXPECT_EQ(ownership.violations(), 0u);
  }
  std::uint64_t agreed() const { return rx->ring().layout().features; }
};

class Spec_5_1_3_1 : public SpecBench {};
class Spec_5_1_6_3_1 : public SpecBench {};
class Spec_5_1_6_4_2 : public SpecBench {};
class Spec_5_1_6_4_4 : public SpecBench {};
INSTANTIATE_TEST_SUITE_P(Drivers, Spec_5_1_3_1, ::testing::ValuesIn(kDrivers), named);
INSTANTIATE_TEST_SUITE_P(Drivers, Spec_5_1_6_3_1, ::testing::ValuesIn(kDrivers), named);
INSTANTIATE_TEST_SUITE_P(Drivers, Spec_5_1_6_4_2, ::testing::ValuesIn(kDrivers), named);
INSTANTIATE_TEST_SUITE_P(Drivers, Spec_5_1_6_4_4, ::testing::ValuesIn(kDrivers), named);

// Whatever is wished for and whatever one or two bits the device lacks: every bit comes with what it requires.
TEST_P(Spec_5_1_3_1, NoBitWithoutWhatItRequires) {
  for (unsigned wish = 0; wish < 256; ++wish)
    for (const unsigned missing : {kMac, kCsum, kGuestCsum, kGuestTso4, kGuestTso6, kGuestEcn, kMergeRxBuffers, kVersion1}) {
      GuestParams::Virtio& v = params.virtio;
      v.checksum = wish & 1, v.tso4 = wish & 2, v.tso6 = wish & 4, v.version_1 = wish & 8;
      v.hash_report = wish & 16, v.packed = wish & 32, v.in_order = wish & 64;
      v.wanted = wish & 128 ? bit(kGuestUfo) | bit(kGuestUso4) | bit(kGuestUso6) : 0;
      v.offered = ~bit(missing);
      const std::uint64_t f = guest_features(params);
      ASSERT_EQ(f & bit(missing), 0u);
      for (const unsigned gso : {kGuestTso4, kGuestTso6, kGuestUfo, kGuestUso4, kGuestUso6}) { ASSERT_TRUE(!has(f, gso) || has(f, kGuestCsum)) << gso; }
      ASSERT_TRUE(!has(f, kGuestEcn) || has(f, kGuestTso4) || has(f, kGuestTso6));
      for (const unsigned modern : {kPacked, kInOrder, kHashReport}) { ASSERT_TRUE(!has(f, modern) || has(f, kVersion1)) << modern; }
      ASSERT_EQ(has(f, kMac), missing != kMac);   // section 5.1.4.2: a driver should take the address that it is offered
    }
}

// Without mergeable buffers a ring buffer holds the largest packet that was agreed on: 65562 bytes, else 1526.
TEST_P(Spec_5_1_6_3_1, ABufferHoldsTheLargestPacket) {
  make();
  if (has(agreed(), kMergeRxBuffers)) GTEST_SKIP() << "a packet may take several buffers";
  EXPECT_GE(take_chain().taken.writable, guest_gso(agreed()) ? 65'562u : 1'526u);
}
TEST_P(Spec_5_1_6_3_1, ABufferHoldsTheLargestPacketWithoutGso) {
  params.virtio.tso4 = params.virtio.tso6 = false;
  make();
  if (has(agreed(), kMergeRxBuffers)) GTEST_SKIP() << "a packet may take several buffers";
  EXPECT_FALSE(guest_gso(agreed()));
  EXPECT_GE(take_chain().taken.writable, 1'526u);
}
TEST_P(Spec_5_1_6_3_1, ABufferHoldsTheLargestUdpPacket) {
  params.virtio.tso4 = params.virtio.tso6 = false;
  params.virtio.wanted = bit(kGuestUfo);
  make();
  if (has(agreed(), kMergeRxBuffers)) GTEST_SKIP() << "a packet may take several buffers";
  EXPECT_GE(take_chain().taken.writable, 65'562u);
}

// Each mergeable buffer is larger than the header, the longest one included, in every layout.
TEST(Spec_5_1_6_3_1_Mergeable, EachBufferHoldsTheHeader) {
  using Kind = GuestRxLayout::Kind;
  const GuestRxLayout layouts[] = {{}, {Kind::header_pages, 0, 0, 0, 0, 128, 4}, {Kind::pages, 2048, 0, 0, 0, 0, 4}, {Kind::room, 2048, 0, 0, 64, 0, 4}};
  for (const auto rules : {kOld, kNew})
    for (const GuestRxLayout& l : layouts) {
      GuestParams p;
      p.virtio.driver = rules;
      p.virtio.hash_report = true;
      p.virtio.wanted = bit(kSplitLayout);
      p.layout = l;
      const std::uint64_t f = guest_features(p);
      const RxLayout r = rx_layout(p, f, 64);
      ASSERT_EQ(r.header, header_length(f));
      for (const std::uint32_t average : {0u, 60u, 65'550u}) EXPECT_GT(r.mode == RxLayout::Mode::mergeable ? r.mergeable_length(average) : r.first_capacity(kPage), r.header);
      if (r.header_buffer) { EXPECT_GT(r.header_buffer, r.header); }
      if (r.chunk) { EXPECT_GT(r.first_capacity(r.chunk), r.header); }
    }
}

TEST_P(Spec_5_1_6_4_2, FlagsThatItDoesNotKnowAreIgnored) {
  make();
  VirtioNetHdr h;
  h.flags = 0xfc | VirtioNetHdr::kDataValid;       // RSC_INFO among them
  h.csum_start = h.csum_offset = 60'000;
  hand_over(300, h);
  ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_EQ(p().flags, GetParam().rules == kNew ? kTold : 0u);
  EXPECT_TRUE(intact(300));
  EXPECT_EQ(context->stats.guest_errors, 0u);
}

TEST_P(Spec_5_1_6_4_2, ChecksumFieldsAreUsedWithNeedsCsumOnly) {
  make();
  for (const unsigned flags : {0u, kTold}) {
    VirtioNetHdr h;
    h.flags = static_cast<std::uint8_t>(flags);
    h.csum_start = h.csum_offset = 60'000;         // nowhere in the packet
    hand_over(300, h);
    ASSERT_EQ(receive(), GuestRxQueue::Got::packet) << flags;
    EXPECT_TRUE(intact(300));
  }
  VirtioNetHdr h;
  h.flags = VirtioNetHdr::kNeedsCsum;
  h.csum_start = h.csum_offset = 60'000;           // and with it they are
  hand_over(300, h);
  EXPECT_EQ(receive(), GuestRxQueue::Got::nothing);
  EXPECT_EQ(context->stats.guest_errors, 1u);
  expect_alive();
}

TEST_P(Spec_5_1_6_4_2, HdrLenIsNotReliedUpon) {
  make();
  std::uint32_t first = 0;
  for (const std::uint16_t hdr_len : {54, 0, 1, 65'535}) {
    VirtioNetHdr h;
    h.hdr_len = hdr_len;
    hand_over(400, h);
    ASSERT_EQ(receive(), GuestRxQueue::Got::packet) << hdr_len;
    EXPECT_TRUE(intact(400)) << hdr_len;
    if (first == 0) first = linear();
    EXPECT_EQ(linear(), first) << hdr_len;
  }
  EXPECT_EQ(context->stats.guest_errors, 0u);
}

// The device must not set the flag without GUEST_CSUM; what it says is not believed, and its fields are not looked at.
TEST_P(Spec_5_1_6_4_2, Breach_NeedsCsumWithoutGuestCsum) {
  params.virtio.checksum = false;
  make();
  ASSERT_FALSE(has(agreed(), kGuestCsum));
  VirtioNetHdr h;
  h.flags = VirtioNetHdr::kNeedsCsum | VirtioNetHdr::kDataValid;
  h.csum_start = h.csum_offset = 60'000;
  hand_over(300, h);
  ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_EQ(p().flags, 0u);
  EXPECT_TRUE(intact(300));
  expect_alive();
}

// As Linux: the type is taken for what it says, if it has a size; nothing but the packet depends on it.
TEST_P(Spec_5_1_6_4_2, Breach_AGsoTypeThatWasNotNegotiated) {
  params.virtio.tso4 = params.virtio.tso6 = false;
  make();
  ASSERT_FALSE(guest_gso(agreed()));
  VirtioNetHdr h;
  h.flags = VirtioNetHdr::kNeedsCsum;
  h.csum_start = 34, h.csum_offset = 16;
  h.gso_type = VirtioNetHdr::kGsoTcpV4;
  h.gso_size = 100;
  hand_over(300, h);
  ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_TRUE(intact(300));
  h.gso_size = 0;
  hand_over(300, h);
  EXPECT_EQ(receive(), GuestRxQueue::Got::nothing);
  EXPECT_EQ(context->stats.guest_errors, 1u);
  expect_alive();
}

// Every type with size 0, and types that do not exist.
TEST_P(Spec_5_1_6_4_2, Breach_GsoTypesWithoutSizeOrMeaning) {
  make();
  unsigned wrong = 0;
  for (unsigned type = 1; type < 256; ++type) {
    const unsigned bare = type & ~unsigned{VirtioNetHdr::kGsoEcn};
    const bool known = bare == VirtioNetHdr::kGsoTcpV4 || bare == VirtioNetHdr::kGsoTcpV6 || bare == VirtioNetHdr::kGsoUdp ||
                       (bare == VirtioNetHdr::kGsoUdpL4 && GetParam().rules == kNew);
    if (bare == VirtioNetHdr::kGsoNone || (bare > 8 && bare < 120)) continue;   // the ends of the range are enough
    VirtioNetHdr h;
    h.gso_type = static_cast<std::uint8_t>(type);
    h.gso_size = known ? 0 : 100;
    hand_over(100, h);
    EXPECT_EQ(receive(), GuestRxQueue::Got::nothing) << type;
    EXPECT_EQ(context->stats.guest_errors, ++wrong) << type;
    in_step([&](Step& s) {
      CpuView v(s, space, context->costs.ring);
      rx->refill(s, v);
    });
  }
  EXPECT_GE(wrong, 20u);
  expect_alive();
}

// More buffers than the device used are claimed, up to the most that the field can say.
TEST_P(Spec_5_1_6_4_2, Breach_NumBuffersBeyondWhatIsUsed) {
  make();
  for (const std::uint16_t claimed : {std::uint16_t{2}, std::uint16_t{65'535}}) {
    const Chain c = take_chain();
    VirtioNetHdr h;
    h.num_buffers = claimed;
    write(c, reinterpret_cast<const std::uint8_t*>(&h), rx->ring().layout().header_length);
    use_chain(c, rx->ring().layout().header_length + 100);
    ring->publish(view);
    // Without mergeable buffers the field says nothing to the driver.
    EXPECT_EQ(receive(), GetParam().mode == kMergeable ? GuestRxQueue::Got::nothing : GuestRxQueue::Got::packet) << claimed;
  }
  EXPECT_EQ(context->stats.guest_errors, GetParam().mode == kMergeable ? 2u : 0u);
  expect_alive();
}

// Fewer than were used: what is left over is taken for a packet's start, and costs itself only.
TEST_P(Spec_5_1_6_4_2, Breach_NumBuffersBelowWhatIsUsed) {
  if (GetParam().mode != kMergeable) GTEST_SKIP() << "one buffer a packet";
  params.virtio.mergeable_buffer = 1024;
  make();
  const Chain a = take_chain(), b = take_chain();
  VirtioNetHdr h;
  h.num_buffers = 1;
  write(a, reinterpret_cast<const std::uint8_t*>(&h), 12);
  h.num_buffers = 0;                               // the rest of a packet, read as a header
  write(b, reinterpret_cast<const std::uint8_t*>(&h), 12);
  use_chain(a, a.taken.writable);
  use_chain(b, 500);
  ring->publish(view);
  EXPECT_EQ(receive(), GuestRxQueue::Got::packet);
  EXPECT_EQ(p().length, a.taken.writable - 12);
  EXPECT_EQ(receive(), GuestRxQueue::Got::nothing);
  EXPECT_EQ(context->stats.guest_errors, 1u);
  expect_alive();
}

// Around the shortest and the longest length that a buffer can have been used with.
TEST_P(Spec_5_1_6_4_2, Breach_LengthsShorterThanAFrameOrLongerThanTheBuffer) {
  make();
  const std::uint32_t header = rx->ring().layout().header_length;
  const VirtioNetHdr h;
  const auto used_with = [&](std::uint32_t length) {
    const Chain c = take_chain();
    write(c, reinterpret_cast<const std::uint8_t*>(&h), header);
    use_chain(c, length == 0 ? c.taken.writable + 1 : length);   // 0: more than there is
    ring->publish(view);
    return receive();
  };
  unsigned wrong = 0;
  for (const std::uint32_t length : {1u, header - 1, header, header + 13, 0u, 0x7fff'ffffu}) {
    EXPECT_EQ(used_with(length), GuestRxQueue::Got::nothing) << length;
    EXPECT_EQ(context->stats.guest_errors, ++wrong) << length;
  }
  EXPECT_EQ(used_with(header + 14), GuestRxQueue::Got::packet);
  EXPECT_EQ(p().length, 14u);
  expect_alive();
}

// The hash counts when the feature was negotiated and the device says that there is one.
TEST_P(Spec_5_1_6_4_4, TheHashIsTakenWithItsReportOnly) {
  params.virtio.hash_report = true;
  make();
  const bool reported = has(agreed(), kHashReport);
  EXPECT_EQ(reported, GetParam().rules == kNew);
  for (const std::uint16_t report : {2, 0}) {
    VirtioNetHdr h;
    h.hash_value = 0x1234'5678;
    h.hash_report = report;
    hand_over(300, h);
    ASSERT_EQ(receive(), GuestRxQueue::Got::packet);
    EXPECT_TRUE(intact(300));
    EXPECT_EQ(p().rx_hash, reported && report ? 0x1234'5678u : 0u) << report;
  }
}

// Neither flag: the driver's own sum decides; DATA_VALID without GUEST_CSUM changes nothing about that.
struct Trust {
  const char* name;
  bool guest_csum;
  std::uint8_t flags;
  bool summed;
};
class Spec_5_1_6_4_2_Checksum : public GuestBench, public ::testing::WithParamInterface<Trust> {};

TEST_P(Spec_5_1_6_4_2_Checksum, IsNotReliedUponUnlessTheDeviceVouches) {
  params.virtio.checksum = GetParam().guest_csum;
  flow.protocol = ipproto::kTcp;
  build();
  Packet good = packet(frame(400, 1));
  good.header.flags = GetParam().flags;
  send(good);
  run();
  EXPECT_EQ(frames.all().delivered, 1u);
  EXPECT_EQ(stats().checksummed > 0, GetParam().summed);
  if (!GetParam().summed) return;
  Packet bad = packet(frame(400, 401));
  bad.header.flags = GetParam().flags;
  bad.bytes[50] ^= 0xff;                           // the TCP checksum
  send(bad);
  run();
  EXPECT_EQ(stats().bad_checksums, 1u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::bad_checksum)], 1u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}
INSTANTIATE_TEST_SUITE_P(All, Spec_5_1_6_4_2_Checksum,
                         ::testing::Values(Trust{"noFlag", true, 0, true}, Trust{"dataValid", true, VirtioNetHdr::kDataValid, false},
                                           Trust{"dataValidWithoutGuestCsum", false, VirtioNetHdr::kDataValid, true},
                                           Trust{"needsCsumWithoutGuestCsum", false, VirtioNetHdr::kNeedsCsum, true},
                                           Trust{"unknownFlag", true, 4, true}),
                         [](const auto& i) { return i.param.name; });

}  // namespace spec_net_test
}  // namespace gd::test
