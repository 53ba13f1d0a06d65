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

// A PAUSE frame occupies the wire for 67.2 ns at 10 Gb/s; half of 1, 2 or 3 quanta is 25.6, 51.2 or 76.8 ns. Renewed when the
// one before has left, and a frame that waits for the wire has it then.
struct Short {
  std::uint16_t quanta;
  Time every;
};
void PrintTo(const Short& s, std::ostream* out) { *out << s.quanta; }
class NicPauseShort : public ::testing::TestWithParam<Short> {};
INSTANTIATE_TEST_SUITE_P(, NicPauseShort, ::testing::Values(Short{1, 67'201}, Short{2, 67'201}, Short{3, 76'800}));
TEST_P(NicPauseShort, NeverTwoAtOnce) {
  NicBench b("bench", marks(1500, 0, GetParam().quanta));
  b.wire_per_frame = 67'200;
  b.nic.steer(0, 0, 0, 1);
  TestRing ring(b, 0, {});
  for (unsigned i = 0; i < 2; ++i) b.at((1 + i) * kUs, [&] { b.arrive(test::tcp4_frame(kPayload)); });
  b.run(2 * kUs + 100 * GetParam().every + 1);
  ASSERT_EQ(b.sent.size(), 101u);
  for (std::size_t i = 0; i <= 100; ++i) ASSERT_EQ(b.sent[i].at, 2 * kUs + static_cast<Time>(i) * GetParam().every);
}

// The wire is taken for 30 us when the FIFO passes the marks, several times: one PAUSE frame waits, and what was asked last follows.
struct Behind {
  unsigned rounds;    // FIFO filled and emptied before the wire is free, in turn
  std::vector<std::uint16_t> quanta;
};
void PrintTo(const Behind& b, std::ostream* out) { *out << b.rounds; }
class NicPauseBehind : public ::testing::TestWithParam<Behind> {};
INSTANTIATE_TEST_SUITE_P(, NicPauseBehind, ::testing::Values(Behind{1, {500}}, Behind{2, {500, 0}}, Behind{3, {500, 500}}, Behind{4, {500, 0}}));
TEST_P(NicPauseBehind, OneWaitsAndTheLatestFollows) {
  NicBench b("bench", marks(1500, 1000, 500));
  b.nic.steer(0, 0, 0, 1);
  TestRing ring(b, 0, {});
  b.wire_free = 32 * kUs;
  for (unsigned i = 0; i < GetParam().rounds; ++i) {
    const Time t = (1 + 5 * i) * kUs;
    if (i % 2) b.at(t, [&] { ring.post(2); });
    else b.at(t, [&] { for (int k = 0; k < 2; ++k) b.arrive(test::tcp4_frame(kPayload)); });
  }
  b.at(31 * kUs, [&] { EXPECT_EQ(b.sent.size(), 1u); });
  b.run(33 * kUs);
  EXPECT_EQ(quanta_of(b.sent), GetParam().quanta);
  EXPECT_EQ(b.nic.stats().pauses + b.nic.stats().resumes, b.sent.size());
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
