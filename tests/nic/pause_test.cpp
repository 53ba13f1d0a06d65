// PAUSE frames of the card: when its FIFO passes the marks, and their renewal.
#include "models/base/error.h"
#include "models/packet/mac_control.h"
#include "tests/nic/nic_bench.h"

namespace gd {
namespace pause_test {

using test::NicBench;
using test::TestRing;

constexpr std::uint32_t kFrame = 1000, kPayload = kFrame - 54;

NicParams marks(Bytes high, Bytes low, std::uint16_t quanta) {
  NicParams p = NicBench::quiet();
  p.pause_high = high;
  p.pause_low = low;
  p.pause_quanta = quanta;
  return p;
}

std::vector<std::uint16_t> quanta_of(const std::vector<NicBench::Sent>& sent) {
  std::vector<std::uint16_t> q;
  for (const auto& s : sent) {
    const auto n = pause_quanta(s.bytes.data(), static_cast<std::uint32_t>(s.bytes.size()));
    EXPECT_TRUE(n.has_value());
    q.push_back(n.value_or(1));
  }
  return q;
}

// Six frames of 1000 B without descriptors: the fourth passes 3500 B. With descriptors at 20 us the FIFO empties.
TEST(NicPause, StopsAboveTheHighMarkAndGoesOnAtTheLow) {
  NicBench b("bench", marks(3500, 1000, 0xffff));
  b.nic.steer(0, 0, 0, 1);
  TestRing ring(b, 0, {});
  for (unsigned i = 0; i < 6; ++i) b.at((1 + i) * kUs, [&] { b.arrive(test::tcp4_frame(kPayload)); });
  b.at(20 * kUs, [&] { ring.post(8); });
  b.at(19 * kUs, [&] {
    EXPECT_EQ(quanta_of(b.sent), std::vector<std::uint16_t>{0xffff});
    EXPECT_EQ(b.sent[0].at, 4 * kUs);
    EXPECT_EQ(b.nic.fifo_level(), 6 * kFrame);
  });
  b.run(40 * kUs);
  EXPECT_EQ(quanta_of(b.sent), (std::vector<std::uint16_t>{0xffff, 0}));
  EXPECT_GT(b.sent.at(1).at, 20 * kUs);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
  EXPECT_EQ(b.nic.stats().pauses, 1u);
  EXPECT_EQ(b.nic.stats().resumes, 1u);
}

// 100 quanta at 10 Gb/s are 5.12 us: renewed each 2.56 us as long as the FIFO is above the low mark.
TEST(NicPause, RenewedAtHalfItsTime) {
  NicBench b("bench", marks(1500, 0, 100));
  b.nic.steer(0, 0, 0, 1);
  TestRing ring(b, 0, {});
  for (unsigned i = 0; i < 2; ++i) b.at((1 + i) * kUs, [&] { b.arrive(test::tcp4_frame(kPayload)); });
  b.run(2 * kUs + 3 * 2'560 * kNs + 1);
  ASSERT_EQ(b.sent.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(b.sent[i].at, 2 * kUs + static_cast<Time>(i) * 2'560 * kNs);
}

TEST(NicPause, NoneWithoutAMark) {
  NicBench b("bench");
  b.nic.steer(0, 0, 0, 1);
  TestRing ring(b, 0, {});
  for (unsigned i = 0; i < 40; ++i) b.at((1 + i) * kUs, [&] { b.arrive(test::tcp4_frame(kPayload)); });
  b.run(60 * kUs);
  EXPECT_TRUE(b.sent.empty());
}

class NicPauseRefused : public ::testing::TestWithParam<NicParams> {};
INSTANTIATE_TEST_SUITE_P(, NicPauseRefused, ::testing::Values(marks(1 << 20, 0, 1), marks(4000, 4000, 1), marks(4000, 0, 0)));
TEST_P(NicPauseRefused, MarksOutOfRange) { EXPECT_THROW(NicBench("bench", GetParam()), UserError); }

}  // namespace pause_test
}  // namespace gd
