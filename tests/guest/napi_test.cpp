// NAPI of both generations: weight, completion, what comes while it completes; and what the guest does with checksums and hashes.
#include "tests/guest/guest_fixture.h"

namespace gd::test {
namespace napi_test {

constexpr auto kOld = GuestDriverRules::linux_2_6_35;
constexpr auto kNew = GuestDriverRules::linux_6;

class Napi : public GuestBench, public ::testing::WithParamInterface<GuestDriverRules> {
 protected:
  bool old() const { return GetParam() == kOld; }
};
INSTANTIATE_TEST_SUITE_P(All, Napi, ::testing::Values(kOld, kNew));

// 130 packets: two rounds of 128 and 2, or three of 64, 64 and 2.
TEST_P(Napi, ARoundHasTheGenerationsWeight) {
  params.virtio.driver = GetParam();
  params.virtio.queue_size = 256;
  build();
  for (unsigned i = 0; i < 130; ++i) send(frame(100));
  run(5 * kMs);
  EXPECT_EQ(frames.all().delivered, 130u);
  EXPECT_EQ(stats().interrupts, 1u);
  EXPECT_EQ(stats().polls, old() ? 2u : 3u);
}

// A full budget is followed by a round that finds nothing.
TEST_P(Napi, AFullBudgetIsAskedAgain) {
  params.virtio.driver = GetParam();
  params.virtio.queue_size = 256;
  build();
  for (unsigned i = 0; i < (old() ? 128u : 64u); ++i) send(frame(100));
  run(5 * kMs);
  EXPECT_EQ(stats().polls, 2u);
}

// A second packet at every moment of the first one's poll: never lost. 2.6.35 receives what comes while the poll completes in
// place, so that no round is without an interrupt of its own; 6.x starts another round.
TEST_P(Napi, NothingIsLostWhileAPollCompletes) {
  params.virtio.driver = GetParam();
  build();
  run();
  unsigned in_gap = 0;
  for (Time gap = 0; gap < 6 * kUs; gap += 50 * kNs) {
    const GuestStats before = stats();
    const unsigned told = signals;
    send(frame(100));
    run(gap + kNs);
    send(frame(100));
    run(200 * kUs);
    const std::uint64_t polls = stats().polls - before.polls, interrupts = stats().interrupts - before.interrupts;
    ASSERT_EQ(stats().packets - before.packets, 2u) << gap;
    ASSERT_LE(interrupts, signals - told) << gap;
    in_gap += polls > interrupts;
  }
  EXPECT_EQ(in_gap > 0, !old());
  EXPECT_EQ(frames.live(), 0u);
}

// An interrupt that finds the poll running makes 6.x poll once more (NAPI's MISSED); 2.6.35 forgets it.
TEST_P(Napi, AnInterruptDuringAPoll) {
  params.virtio.driver = GetParam();
  build();
  for (unsigned i = 0; i < 20; ++i) send(frame(1000));
  run(3 * kUs);
  ASSERT_LT(stats().packets, 20u);
  guest->interrupts().interrupt(0, kernel.now());
  run();
  EXPECT_EQ(stats().packets, 20u);
  EXPECT_EQ(stats().interrupts, 2u);
  EXPECT_EQ(stats().polls, old() ? 1u : 2u);
}

struct Sums {
  const char* name;
  GuestDriverRules rules;
  bool negotiated;
  std::uint8_t flags;
  bool summed;                       // in software
};
class Checksums : public GuestBench, public ::testing::WithParamInterface<Sums> {};

// DATA_VALID is unknown to 2.6.35; no flag counts without GUEST_CSUM.
TEST_P(Checksums, AreDoneInSoftwareUnlessVouchedFor) {
  params.virtio.driver = GetParam().rules;
  params.virtio.checksum = GetParam().negotiated;
  build();
  Packet p = packet(frame(1000));
  p.header.flags = GetParam().flags;
  p.header.csum_start = 34, p.header.csum_offset = udp::kCheck;
  send(p);
  run();
  EXPECT_EQ(frames.all().delivered, 1u);
  EXPECT_EQ(stats().checksummed, GetParam().summed ? 1008u : 0u);
}
INSTANTIATE_TEST_SUITE_P(All, Checksums,
                         ::testing::Values(Sums{"none6", kNew, true, 0, true}, Sums{"valid6", kNew, true, VirtioNetHdr::kDataValid, false},
                                           Sums{"needs6", kNew, true, VirtioNetHdr::kNeedsCsum, false},
                                           Sums{"valid6unasked", kNew, false, VirtioNetHdr::kDataValid, true},
                                           Sums{"needs6unasked", kNew, false, VirtioNetHdr::kNeedsCsum, true},
                                           Sums{"valid2635", kOld, true, VirtioNetHdr::kDataValid, true},
                                           Sums{"needs2635", kOld, true, VirtioNetHdr::kNeedsCsum, false}),
                         [](const auto& i) { return i.param.name; });

// Nine flows: without a hash they share a bucket of 8 and one is evicted unmerged; with hashes that differ in their low
// bits they do not.
class HashReport : public GuestBench, public ::testing::WithParamInterface<bool> {};
TEST_P(HashReport, SpreadsFlowsOverGrosBuckets) {
  params.gro.enabled = true;
  params.virtio.hash_report = GetParam();
  flow.protocol = ipproto::kTcp;
  build();
  EXPECT_EQ(guest->rx().header_length, GetParam() ? 20u : 12u);
  for (unsigned segment = 0; segment < 2; ++segment)
    for (std::uint16_t i = 0; i < 9; ++i) {
      flow.src_port = static_cast<std::uint16_t>(1000 + i);
      Packet p = packet(frame(1000, 1 + segment * 1000));
      p.header.hash_value = i;
      p.header.hash_report = 2;
      send(p);
    }
  run();
  EXPECT_EQ(frames.all().delivered, 18u);
  EXPECT_EQ(stats().gro_merged, GetParam() ? 9u : 0u);
}
INSTANTIATE_TEST_SUITE_P(All, HashReport, ::testing::Bool());

// Header of 10, 12 and 20 bytes: the frame arrives whole in each.
struct HeaderLength {
  GuestRxMode mode;
  bool version_1, hash;
  unsigned length;
};
class HeaderLengths : public GuestBench, public ::testing::WithParamInterface<HeaderLength> {};
TEST_P(HeaderLengths, FollowTheFeatures) {
  params.virtio.rx_mode = GetParam().mode;
  params.virtio.version_1 = GetParam().version_1;
  params.virtio.hash_report = GetParam().hash;
  build();
  EXPECT_EQ(guest->rx().header_length, GetParam().length);
  for (unsigned i = 0; i < 100; ++i) send(frame((i * 97) % 1473));
  run(10 * kMs);
  EXPECT_EQ(frames.all().delivered, 100u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}
INSTANTIATE_TEST_SUITE_P(All, HeaderLengths,
                         ::testing::Values(HeaderLength{GuestRxMode::small, false, false, 10}, HeaderLength{GuestRxMode::big, false, false, 10},
                                           HeaderLength{GuestRxMode::mergeable, false, false, 12}, HeaderLength{GuestRxMode::small, true, false, 12},
                                           HeaderLength{GuestRxMode::small, true, true, 20}, HeaderLength{GuestRxMode::big, true, true, 20},
                                           HeaderLength{GuestRxMode::mergeable, true, true, 20}));

}  // namespace napi_test
}  // namespace gd::test
