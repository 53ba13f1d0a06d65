#include "models/memory/dram.h"

#include <gtest/gtest.h>

#include "models/base/error.h"

namespace gd {
namespace {

DramParams params(std::uint64_t rate) {
  DramParams p;
  p.rate = rate;
  p.idle = 80 * kNs;
  p.window = 1 * kUs;
  for (int i = 0; i < 9; ++i) p.loaded[i] = i * 8 * kNs;
  return p;
}

TEST(Dram, LatencyFollowsTheLoadedCurve) {
  struct Row {
    Bytes used;      // of 32000 a window
    Time latency;    // of the next access
  };
  for (const Row& r : {Row{64, 80'128}, Row{4000, 88'000}, Row{6000, 92'000}, Row{16000, 112'000}, Row{31936, 143'872}}) {
    Dram d(params(32'000'000'000));
    d.access(0, 0, r.used);
    EXPECT_EQ(d.access(0, 10, 64).latency, r.latency) << r.used;
  }
}

TEST(Dram, LoadOfTheWindowBeforeStillCounts) {
  Dram d(params(32'000'000'000));
  d.access(0, 0, 16000);
  EXPECT_EQ(d.access(kUs, kUs, 64).latency, 112 * kNs);
  EXPECT_LT(d.access(3 * kUs, 3 * kUs, 64).latency, 81 * kNs);
}

TEST(Dram, ExcessIsCarriedAsDebt) {
  Dram d(params(32'000'000'000));
  struct Row {
    Time at;
    Bytes bytes;
    Time queue;
  };
  for (const Row& r : {Row{0, 32000, 0},            // exactly what the window has
                       Row{0, 16000, 1'500'000},    // half of the next window
                       Row{500'000, 16000, 1'500'000},
                       Row{1'000'000, 3200, 1'100'000},
                       Row{5'000'000, 64, 0}})
    EXPECT_EQ(d.access(0, r.at, r.bytes).queue, r.queue) << r.at;
}

// A request that is annotated far ahead must not delay one that comes earlier.
TEST(Dram, OrderOfCallsInventsNoQueueing) {
  Dram d(params(32'000'000'000));
  d.access(0, 20 * kUs, 32000);
  EXPECT_EQ(d.access(0, 1 * kUs, 32000).queue, 0);
  EXPECT_EQ(d.access(0, 20 * kUs, 64).queue, kUs + 2 * kNs);
}

// A user that always asks again when it is served gets the rate exactly, also where a window's budget is no integer.
TEST(Dram, BandwidthIsCappedExactly) {
  for (std::uint64_t rate : {32'010'000'000ULL, 10'670'000'123ULL, 999'999'937ULL}) {
    Dram d(params(rate));
    Time t = 0;
    Bytes sum = 0;
    while (t < 10 * kMs) {
      t += d.access(t, t, 4096).queue;
      sum += 4096;
    }
    const Bytes most = static_cast<Bytes>(static_cast<unsigned __int128>(t + kUs) * rate / kSec);
    EXPECT_LE(sum, most);
    EXPECT_GE(sum + 2 * 4096 + 2 * rate / 1'000'000, most);
  }
}

TEST(Dram, ALongBacklogKeepsTheCap) {
  Dram d(params(1'000'000'000));   // 1000 bytes a window
  for (int i = 0; i < 1000; ++i) d.access(0, 0, 1000);
  EXPECT_EQ(d.access(0, 0, 500).queue, 1000 * kUs + 500 * kNs);
  for (Time t = 0; t < 1000 * kUs; t += kUs) EXPECT_LE(d.used(t), 1000u);
  EXPECT_EQ(d.access(1001 * kUs, 1001 * kUs, 500).queue, 0);
}

TEST(Dram, NonsenseIsRefused) {
  EXPECT_THROW(Dram(params(0)), UserError);
  DramParams p = params(1000);
  EXPECT_THROW(Dram{p}, UserError);
  p.window = 0;
  EXPECT_THROW(Dram{p}, UserError);
}

}  // namespace
}  // namespace gd
