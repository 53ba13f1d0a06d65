#include "src/system/way.h"

#include <gtest/gtest.h>

namespace gd::system {
namespace way_test {

FrameMeta frame(std::uint64_t id, Time latency) {
  FrameMeta f;
  f.id = id, f.length = 100, f.payload_length = 46, f.in_cohort = true, f.fate = Fate::delivered;
  f.at[0] = 1000 * static_cast<Time>(id + 1);
  f.at[2] = f.at[0] + latency / 2;
  f.at[3] = f.at[0] + latency / 4;                // told earlier than the stage before
  f.at[7] = f.at[0] + latency;
  return f;
}

struct Counter : FrameTable::Listener {
  int n = 0;
  void ended(const FrameMeta&, Drop, Time) override { ++n; }
};

TEST(Way, IsThatOfTheFrameOfMedianLatency) {
  WaySampler s;
  Counter counter;
  s.pass_to(&counter);
  EXPECT_TRUE(s.way().steps.empty());
  const Time latencies[] = {900, 100, 500, 700, 300};
  for (std::uint64_t i = 0; i < 5; ++i) s.ended(frame(i, latencies[i]), Drop::count_, 0);
  FrameMeta outside = frame(9, 1);
  outside.in_cohort = false;
  FrameMeta dropped = frame(10, 1);
  dropped.fate = Fate::dropped;
  FrameMeta ack = frame(11, 1);
  ack.payload_length = 0;
  for (const FrameMeta& f : {outside, dropped, ack}) s.ended(f, Drop::count_, 0);
  EXPECT_EQ(counter.n, 8);
  const Way w = s.way();
  EXPECT_EQ(w.frame, 2u);
  EXPECT_EQ(w.bytes, 100u);
  ASSERT_EQ(w.steps.size(), 4u);
  const std::pair<const char*, Time> wanted[] = {{"wire", 0}, {"dma", 250}, {"driver", 250}, {"app", 500}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(w.steps[i].stage, wanted[i].first);
    EXPECT_EQ(w.steps[i].at, wanted[i].second);
  }
}

// However many there are, the sample stays even: the median of rising latencies is in the middle of the run.
TEST(Way, SamplesEvenlyInFixedMemory) {
  for (const std::uint64_t n : {1000u, 1024u, 1025u, 4096u, 100'000u}) {
    WaySampler s;
    for (std::uint64_t i = 0; i < n; ++i) s.ended(frame(i, static_cast<Time>(4 * i + 8)), Drop::count_, 0);
    EXPECT_NEAR(static_cast<double>(s.way().frame), static_cast<double>(n) / 2, 1 + static_cast<double>(n) / 500) << n;
  }
}

}  // namespace way_test
}  // namespace gd::system
