#include "models/memory/dram.h"

#include <gtest/gtest.h>

#include "models/base/error.h"
#include "models/base/rng.h"

namespace gd {
namespace dram_test {

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

// charge() takes what access() takes and waits as long, whichever of them comes first to a window.
TEST(Dram, AChargeIsAnAccessWithoutItsLatency) {
  Dram priced(params(10'670'000'123)), mixed(params(10'670'000'123));
  Rng rng(3, "test");
  Time now = 0, waited = 0;
  for (int i = 0; i < 20000; ++i) {
    now += static_cast<Time>(rng.below(600 * kNs));
    const Time at = now + static_cast<Time>(rng.below(3 * kUs));
    const Bytes bytes = 64 * (1 + rng.below(rng.below(50) == 0 ? 1000 : 60));
    const Dram::Grant g = priced.access(now, at, bytes);
    waited += g.queue;
    if (rng.below(2)) {
      ASSERT_EQ(mixed.charge(now, at, bytes), g.queue) << i;
    } else {
      const Dram::Grant m = mixed.access(now, at, bytes);
      ASSERT_EQ(m.queue, g.queue) << i;
      ASSERT_EQ(m.latency, g.latency) << i;
    }
  }
  EXPECT_GT(waited, 0);
}

// Two ranks, closed for 300 ns in 4 us: the first from 0, the second from 2 us on.
TEST(Dram, RefreshMakesAnAccessWait) {
  DramParams p = params(32'000'000'000);
  p.ranks = 2, p.refresh_interval = 4 * kUs, p.refresh_time = 300 * kNs;
  const Dram d(p);
  // Which of the two neighbouring lines lies in rank 0 is the hash's business.
  const Hpa zero = d.refresh(0, 0x10000, 1) > 0 ? 0x10000 : 0x10040, one = zero ^ 0x40;
  struct Row {
    Time at;
    Hpa a;
    std::uint64_t lines;
    Time wait;
  };
  for (const Row& r : {Row{0, zero, 1, 300'000}, Row{0, one, 1, 0}, Row{299'999, zero, 1, 1}, Row{300'000, zero, 1, 0},
                       Row{2 * kUs, one, 1, 300'000}, Row{2 * kUs, zero, 1, 0}, Row{2 * kUs, zero, 2, 300'000},
                       Row{4'100'000, zero, 1, 200'000}, Row{2'100'000, zero, 24, 200'000}, Row{1'900'000, zero, 24, 0}})
    EXPECT_EQ(d.refresh(r.at, r.a, r.lines), r.wait) << r.at << " " << r.lines;
}

// The share of accesses that wait is tRFC/tREFI, whatever the ranks; half of tRFC is the mean wait.
TEST(Dram, RefreshClosesEachRankForItsShare) {
  for (unsigned ranks : {1u, 2u, 6u, 12u, 40u}) {
    DramParams p = params(32'000'000'000);
    p.ranks = ranks, p.refresh_interval = 7'800 * kNs, p.refresh_time = 350 * kNs;
    const Dram d(p);
    std::uint64_t waits = 0, all = 0;
    Time sum = 0, longest = 0;
    for (Time t = 0; t < 10 * kMs; t += 10'007) {
      const Time w = d.refresh(t, static_cast<Hpa>(t) * 64, 1);
      waits += w > 0, ++all, sum += w, longest = std::max(longest, w);
    }
    EXPECT_NEAR(static_cast<double>(waits) / static_cast<double>(all), 350.0 / 7800, 0.002) << ranks;
    EXPECT_NEAR(static_cast<double>(sum) / static_cast<double>(waits), 175'000, 4'000) << ranks;
    EXPECT_LE(longest, 350 * kNs);
    EXPECT_GT(longest, 345 * kNs);
  }
}

TEST(Dram, NonsenseIsRefused) {
  EXPECT_THROW(Dram(params(0)), UserError);
  DramParams p = params(1000);
  EXPECT_THROW(Dram{p}, UserError);
  p.window = 0;
  EXPECT_THROW(Dram{p}, UserError);
  p = params(32'000'000'000);
  p.ranks = 0;
  EXPECT_THROW(Dram{p}, UserError);
  p.ranks = 2, p.refresh_interval = 100, p.refresh_time = 100;
  EXPECT_THROW(Dram{p}, UserError);
}

}  // namespace dram_test
}  // namespace gd
