#include "models/wire/synthetic.h"

#include <gtest/gtest.h>

#include <map>

#include "models/base/error.h"
#include "models/packet/headers.h"
#include "tests/wire/support.h"

namespace gd {
namespace synthetic_test {

using Params = Synthetic::Params;

// Plans and makes `n` frames; calls f(plan, meta).
template <class F>
void produce(Synthetic& s, FrameTable& t, int n, F f) {
  for (int i = 0; i < n; ++i) {
    Plan p;
    ASSERT_EQ(s.plan(0, p), Next::frame);
    const FrameRef r = s.emit(0);
    f(p, t[r]);
    t.dropped(r, Drop::filtered, 1);
  }
}

TEST(Synthetic, PacedIsExact) {
  struct Row {
    std::uint64_t rate;
    std::uint32_t bytes;
  };
  for (const Row& row : {Row{1'000'000'000, 64}, Row{9'876'543'210, 1518}, Row{7, 64}, Row{3'333'333'333, 9018}}) {
    FrameTable t;
    Params p;
    p.rate = row.rate;
    p.sizes = {{row.bytes, 1}};
    p.start = 123;
    Synthetic s(t, p);
    std::uint64_t k = 0;
    produce(s, t, row.rate == 7 ? 10 : 100000, [&](const Plan& plan, const FrameMeta&) {
      const auto exact = static_cast<Time>(static_cast<unsigned __int128>(k++) * row.bytes * 8 * kSec / row.rate);
      ASSERT_EQ(plan.earliest, exact + 123) << k;
      ASSERT_EQ(plan.length, row.bytes - 4);
    });
  }
}

TEST(Synthetic, PoissonRateAndShape) {
  FrameTable t;
  Params p;
  p.arrivals = Arrivals::poisson;
  p.rate = 5'000'000'000;
  p.sizes = {{64, 1}, {1518, 1}};
  Synthetic s(t, p);
  const Time mean = 791 * 8 * 200;   // (64 + 1518) / 2 bytes at 200 ps a bit
  Time last = 0, end = 0;
  int above = 0;
  const int n = 100000;
  produce(s, t, n, [&](const Plan& plan, const FrameMeta&) {
    above += plan.earliest - last > mean;
    last = end = plan.earliest;
  });
  EXPECT_NEAR(static_cast<double>(end) / n, static_cast<double>(mean), mean * 0.01);
  EXPECT_NEAR(above / double(n), 0.36788, 0.01);   // e^-1 of exponential gaps are above the mean
}

TEST(Synthetic, BurstShape) {
  FrameTable t;
  Params p;
  p.arrivals = Arrivals::burst;
  p.burst_frames = 8;
  p.rate = 1'000'000'000;
  p.sizes = {{64, 1}};
  Synthetic s(t, p);
  int k = 0;
  produce(s, t, 800, [&](const Plan& plan, const FrameMeta&) {
    ASSERT_EQ(plan.earliest, k++ / 8 * Time{8} * 512 * 1000) << k;   // 8 frames of 512 bits at 1 ns a bit
  });
  // A given gap counts from the end of the burst at link rate (preamble and gap included): 8 * 67.2 ns + 5 us.
  p.burst_gap = 5 * kUs;
  Synthetic g(t, p);
  k = 0;
  produce(g, t, 800, [&](const Plan& plan, const FrameMeta&) { ASSERT_EQ(plan.earliest, k++ / 8 * (8 * Time{67200} + 5 * kUs)); });
}

TEST(Synthetic, SizeMixFlowsAndContinuity) {
  FrameTable t;
  Params p;
  FlowPlan flows;
  flows.count = 3;
  p.flows = make_flows(flows);
  p.sizes = {{64, 7}, {594, 4}, {1518, 1}};   // simple IMIX
  p.psh_every = 4;
  Synthetic s(t, p);
  EXPECT_EQ(s.mean_millibytes(), (64 * 7 + 594 * 4 + 1518) * 1000u / 12);
  std::map<std::uint32_t, int> sizes;
  std::uint64_t next[3] = {};
  std::uint32_t index[3] = {};
  int k = 0;
  produce(s, t, 120000, [&](const Plan& plan, const FrameMeta& m) {
    ++sizes[plan.length + 4];
    ASSERT_EQ(m.flow, static_cast<std::uint32_t>(k++ % 3));
    ASSERT_EQ(m.offset, next[m.flow]);
    ASSERT_EQ(m.source_index, index[m.flow]++);
    ASSERT_EQ(m.length, plan.length);
    next[m.flow] += m.payload_length;
    const Parsed f = parse(m.bytes, m.length);
    ASSERT_EQ(f.flags & tcp::kPsh, m.source_index % 4 == 3 ? tcp::kPsh : 0);
    ASSERT_TRUE(test::checksums_good(m.bytes, m.length));
  });
  EXPECT_NEAR(sizes[64], 70000, 700);
  EXPECT_NEAR(sizes[594], 40000, 700);
  EXPECT_NEAR(sizes[1518], 10000, 400);
  EXPECT_EQ(s.stats().frames, 120000u);
}

TEST(Synthetic, RandomFlowsAndSeeds) {
  auto run = [](std::uint64_t seed, bool random) {
    FrameTable t;
    Params p;
    FlowPlan flows;
    flows.count = 16;
    p.flows = make_flows(flows);
    p.random_flows = random;
    p.seed = seed;
    Synthetic s(t, p);
    std::vector<std::uint32_t> seen;
    produce(s, t, 16000, [&](const Plan&, const FrameMeta& m) { seen.push_back(m.flow); });
    return seen;
  };
  const auto a = run(1, true), b = run(1, true), c = run(2, true);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  std::vector<int> per(16);
  for (auto f : a) ++per[f];
  for (int n : per) EXPECT_NEAR(n, 1000, 150);
}

TEST(Synthetic, Refusals) {
  FrameTable t;
  struct Row {
    const char* what;
    void (*set)(Params&);
  };
  const Row rows[] = {
      {"has no flow", [](Params& p) { p.flows.clear(); }},
      {"has no frame size", [](Params& p) { p.sizes.clear(); }},
      {"frame size 63 is too small", [](Params& p) { p.sizes = {{63, 1}}; }},
      {"need 79 bytes", [](Params& p) {
         FlowPlan v6;
         v6.ipv6 = true;
         p.flows = make_flows(v6);
         p.sizes = {{64, 1}};
       }},
      {"weight 0", [](Params& p) { p.sizes = {{64, 0}}; }},
      {"above 65535", [](Params& p) { p.sizes = {{65536, 1}}; }},
      {"at least one frame", [](Params& p) { p.burst_frames = 0; }},
      {"Poisson arrivals need a rate", [](Params& p) { p.arrivals = Arrivals::poisson; }},
      {"bursts need a rate", [](Params& p) { p.arrivals = Arrivals::burst; }},
  };
  for (const Row& row : rows) {
    Params p;
    row.set(p);
    try {
      Synthetic s(t, p);
      ADD_FAILURE() << row.what;
    } catch (const UserError& e) {
      EXPECT_NE(std::string(e.what()).find(row.what), std::string::npos) << e.what();
    }
  }
}

}  // namespace synthetic_test
}  // namespace gd
