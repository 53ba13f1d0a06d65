// vhost-copy over rings of every format: what VIRTIO 1.2 demands of the receive side of a network device (sections
// 5.1.6.3.2 and 5.1.6.4.1), and that nothing is lost where a guest gives too little or nonsense.
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace vhost_rings_test {
using feature::bit;

constexpr std::uint64_t kPlain = bit(feature::kVersion1);
constexpr std::uint64_t kMergeable = kPlain | bit(feature::kMergeRxBuffers);

struct VhostRings : PathBench, ::testing::WithParamInterface<std::uint64_t> {
  // A ring of 60 descriptors where it may have any number.
  void begin(std::uint64_t features) {
    bind("vhost-copy", feature::has(GetParam(), feature::kPacked) ? 60 : 64, features | GetParam());
    refill(40);
  }
  Frame received(const std::vector<DriverRing::Used>& used) {
    Frame f;
    for (std::size_t i = 0; i < used.size(); ++i) {
      const std::uint32_t skip = i == 0 ? guest->rx_.header_length : 0;
      append(f, guest->bytes(used[i].token, skip, used[i].len - skip));
    }
    return f;
  }
};
// A packet of three buffers, of which the first two are wholly written.
struct VhostEntries : PathBench {
  void three_buffers(std::uint64_t features, std::uint64_t entries) {
    env.in_order = feature::has(features, feature::kInOrder);
    bind("vhost-copy", 64, features);
    refill(40);
    for (int i = 0; i < 3; ++i) guest->post(500);
    EXPECT_EQ(deliver(arrive(tcp4_frame(1100))), Progress::done);
    EXPECT_EQ(guest->used().size(), 3u);
    EXPECT_EQ(path->stats().used_entries, 3u);
    EXPECT_EQ(spent("vhost.used").calls, entries);
    expect_no_violation();
  }
};
TEST_F(VhostEntries, EachBufferHasOne) { three_buffers(kMergeable, 3); }
TEST_F(VhostEntries, InOrderOnlyThoseThatAreWrittenCost) { three_buffers(kMergeable | bit(feature::kInOrder), 1); }

class Spec_5_1_6_3_2 : public VhostRings {};
class Spec_5_1_6_4_1 : public VhostRings {};

TEST_P(Spec_5_1_6_3_2, OneBufferAndNumBuffersOneWithoutMergeableOnes) {
  begin(kPlain);
  guest->post(1000);
  guest->post(2048);
  const Frame large = tcp4_frame(1400), small = udp4_frame(400);
  EXPECT_EQ(deliver(arrive(large)), Progress::done);    // two would hold it, one may be used: discarded
  EXPECT_TRUE(guest->used().empty());
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::oversize)], 1u);
  EXPECT_EQ(deliver(arrive(small)), Progress::done);
  EXPECT_EQ(deliver(arrive(large)), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 2u);
  for (const auto& u : used) EXPECT_EQ(guest->header(u.token).num_buffers, 1);
  EXPECT_EQ(received({used[0]}), small);
  EXPECT_EQ(received({used[1]}), large);
  expect_no_violation();
}

TEST_P(Spec_5_1_6_4_1, AllBuffersButTheLastAreFilledAndCounted) {
  begin(kMergeable);
  for (int round = 0; round < 40; ++round) {            // goes round the ring more than once
    const Frame f = tcp4_frame(100 + 37 * static_cast<std::size_t>(round));
    std::vector<std::uint32_t> sizes;
    for (std::size_t room = 0; room < f.size() + 12; room += sizes.back()) sizes.push_back(200 + 100 * static_cast<unsigned>(round % 5));
    for (const std::uint32_t n : sizes) guest->post(n);
    EXPECT_EQ(deliver(arrive(f)), Progress::done);
    refill(1);
    const auto used = guest->used();
    ASSERT_EQ(used.size(), sizes.size()) << round;
    for (std::size_t i = 0; i + 1 < used.size(); ++i) EXPECT_EQ(used[i].len, sizes[i]) << round;
    EXPECT_EQ(guest->header(used[0].token).num_buffers, sizes.size());
    EXPECT_EQ(received(used), f);
    take_frames();
  }
  EXPECT_EQ(guest->driver.outstanding(), 0u);
  expect_no_violation();
}

TEST_P(Spec_5_1_6_4_1, ThePacketsBuffersBecomeVisibleTogether) {
  begin(kMergeable);
  for (int i = 0; i < 3; ++i) guest->post(600);
  Skb* skb = arrive(tcp4_frame(1460));
  Progress p = Progress::more;
  for (int i = 0; i < 100 && p == Progress::more; ++i) {
    in_step([&](Step& s) { p = path->deliver(s, skb); });
    EXPECT_TRUE(guest->used().empty());
  }
  publish();
  EXPECT_EQ(guest->used().size(), 3u);
}

TEST_P(Spec_5_1_6_4_1, FlagsAreZeroWithoutGuestCsum) {
  for (const bool csum : {false, true}) {
    head = tail = 0;
    begin(kMergeable | (csum ? bit(feature::kGuestCsum) : 0));
    guest->post(2048);
    EXPECT_EQ(deliver(arrive(tcp4_frame(1000))), Progress::done);
    const auto used = guest->used();
    ASSERT_EQ(used.size(), 1u);
    EXPECT_EQ(guest->header(used[0].token).flags, csum ? VirtioNetHdr::kDataValid : 0);
    EXPECT_EQ(guest->header(used[0].token).gso_type, VirtioNetHdr::kGsoNone);
  }
}

// A merged packet: type, size and header length of what was merged, and its checksum left open.
TEST_P(Spec_5_1_6_4_1, AGsoTypeComesWithNeedsCsumAndSizes) {
  begin(kMergeable | bit(feature::kGuestCsum) | bit(feature::kGuestTso4));
  for (int i = 0; i < 2; ++i) guest->post(1024);
  Skb* skb = arrive(tcp4_frame(1400));
  skb->checksum = Checksum::partial;
  skb->csum_start = 34, skb->csum_offset = 16;
  skb->gso_type = VirtioNetHdr::kGsoTcpV4;
  skb->gso_size = 700, skb->gso_segments = 2;
  skb->header_length = 54;
  EXPECT_EQ(deliver(skb), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 2u);
  const VirtioNetHdr h = guest->header(used[0].token);
  EXPECT_EQ(h.flags, VirtioNetHdr::kNeedsCsum);
  EXPECT_EQ(h.csum_start, 34);
  EXPECT_EQ(h.csum_offset, 16);
  EXPECT_EQ(h.gso_type, VirtioNetHdr::kGsoTcpV4);
  EXPECT_EQ(h.gso_size, 700);
  EXPECT_GE(h.hdr_len, 54);
  EXPECT_EQ(h.num_buffers, 2);
}

// DATA_VALID only for what was verified, NEEDS_CSUM only for what is open; and neither without GUEST_CSUM.
TEST_P(Spec_5_1_6_4_1, FlagsSayWhatIsKnownOfTheChecksum) {
  const std::pair<Checksum, int> states[] = {{Checksum::none, 0}, {Checksum::bad, 0}, {Checksum::unnecessary, VirtioNetHdr::kDataValid},
                                             {Checksum::partial, VirtioNetHdr::kNeedsCsum}};
  for (const bool csum : {false, true}) {
    head = tail = 0;
    begin(kMergeable | (csum ? bit(feature::kGuestCsum) : 0));
    for (const auto& [state, flags] : states) {
      guest->post(2048);
      Skb* skb = arrive(tcp4_frame(1000));
      skb->checksum = state;
      skb->csum_start = 34, skb->csum_offset = 16;
      EXPECT_EQ(deliver(skb), Progress::done);
      const auto used = guest->used();
      ASSERT_EQ(used.size(), 1u);
      const VirtioNetHdr h = guest->header(used[0].token);
      EXPECT_EQ(h.flags, csum ? flags : 0);
      EXPECT_EQ(h.csum_start, csum && state == Checksum::partial ? 34 : 0);
      EXPECT_EQ(h.gso_type, VirtioNetHdr::kGsoNone);
      EXPECT_EQ(h.gso_size, 0);
    }
  }
}

TEST_P(Spec_5_1_6_4_1, HeaderLengthFollowsHashReport) {
  begin(kMergeable | bit(feature::kHashReport));
  guest->post(2048);
  const Frame f = tcp4_frame(1000);
  EXPECT_EQ(deliver(arrive(f)), Progress::done);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].len, f.size() + 20);
  EXPECT_EQ(guest->bytes(used[0].token, 20, static_cast<std::uint32_t>(f.size())), f);
  EXPECT_EQ(guest->header(used[0].token).hash_report, 0);   // none was calculated
}

TEST_P(VhostRings, TooFewBuffersTakeNothingAndAskForTheNext) {
  begin(kMergeable);
  const Frame f = tcp4_frame(1460);
  Skb* skb = arrive(f);
  in_step([&](Step& s) { path->attend(s); });
  guest->post(500);
  guest->post(500);
  EXPECT_EQ(deliver(skb), Progress::no_buffers);
  EXPECT_TRUE(guest->used().empty());
  guest->driver.kick_needed(guest->view);
  bool again = true;
  in_step([&](Step& s) { path->ask_for_kick(s, true); });
  in_step([&](Step& s) { again = path->recheck(s); });
  if (feature::has(GetParam(), feature::kEventIdx)) { EXPECT_FALSE(again); }
  guest->post(1000);
  EXPECT_TRUE(again || guest->driver.kick_needed(guest->view));
  EXPECT_EQ(deliver(skb), Progress::done);
  const auto used = guest->used();
  EXPECT_EQ(used.size(), 3u);
  EXPECT_EQ(received(used), f);
  expect_no_violation();
}

TEST_P(VhostRings, UnusableChainsAreGivenBackAndNothingIsLost) {
  begin(kMergeable);
  const Frame f = tcp4_frame(1460);
  Skb* skb = arrive(f);
  const std::uint32_t first = guest->post(800);
  const Segment readable{guest->memory.alloc(64, 64), 64, false};
  guest->driver.add(guest->view, &readable, 1, 99);
  guest->driver.publish(guest->view);
  EXPECT_EQ(deliver(skb), Progress::no_buffers);
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 2u);
  for (const auto& u : used) EXPECT_EQ(u.len, 0u);
  if (feature::has(GetParam(), feature::kInOrder)) { EXPECT_EQ(used[0].token, first); }
  guest->again(first);
  guest->post(800);
  EXPECT_EQ(deliver(skb), Progress::done);
  EXPECT_EQ(received(guest->used()), f);
  expect_no_violation();
}

constexpr std::uint64_t kEvents = bit(feature::kEventIdx), kOrder = bit(feature::kInOrder), kPacked = bit(feature::kPacked);
const auto kFormats = ::testing::Values(std::uint64_t{0}, kEvents, kOrder, kOrder | kEvents, kPacked, kPacked | kEvents, kPacked | kOrder,
                                        kPacked | kOrder | kEvents);
std::string format(const ::testing::TestParamInfo<std::uint64_t>& i) {
  return std::string(i.param & kPacked ? "packed" : "split") + (i.param & kOrder ? "_in_order" : "") + (i.param & kEvents ? "_events" : "");
}
INSTANTIATE_TEST_SUITE_P(Rings, VhostRings, kFormats, format);
INSTANTIATE_TEST_SUITE_P(Rings, Spec_5_1_6_3_2, kFormats, format);
INSTANTIATE_TEST_SUITE_P(Rings, Spec_5_1_6_4_1, kFormats, format);

}  // namespace vhost_rings_test
}  // namespace gd::test
