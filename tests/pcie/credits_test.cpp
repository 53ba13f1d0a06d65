// Credits, tags and DLLPs: the pool by itself, then what the link makes of them.
#include <memory>
#include <string>

#include "models/base/rng.h"
#include "tests/pcie/link_bench.h"

using namespace gd;

namespace credits_test {

TEST(Credits, Timed) {
  Credits c({4, 0, 0});
  struct Row { Time at; std::uint64_t n; Time granted, until; };   // granted: the last of n TLPs, which go one by one
  const Row rows[] = {{0, 2, 0, 100}, {0, 2, 0, 50},
                      {10, 1, 50, 200},    // the second come back first
                      {60, 1, 60, 70},     // of the same two
                      {60, 3, 100, 300},   // 1 at 70, 2 at 100
                      {0, 4, 300, 400},
                      {500, 4, 500, 600}};
  for (const Row& r : rows) {
    Time got = 0;
    for (std::uint64_t i = 0; i < r.n; ++i) {
      Units one{1, 5, 7};   // the others are unbounded
      got = std::max(got, c.take_one(r.at, one));
    }
    EXPECT_EQ(got, r.granted) << r.at;
    c.give_back(r.until, 0, r.n, {r.n, 5 * r.n, 7 * r.n});
  }
}

// Four TLPs of 10 units come back 25 ps after one another; one of more units than there are waits for all.
TEST(Credits, ComeBackOneByOne) {
  Credits c({0, 0, 43});
  ASSERT_TRUE(c.fits(0, {4, 0, 43}));
  c.take({4, 0, 43});
  c.give_back(200, 100, 4, {4, 0, 43});
  EXPECT_FALSE(c.fits(199, {1, 0, 11}));
  struct Row { Time at; std::uint64_t data; Time granted; };
  for (const Row& r : {Row{0, 10, 125}, Row{130, 10, 150}, Row{180, 10, 180}}) {
    Units u{1, 0, r.data};
    EXPECT_EQ(c.take_one(r.at, u), r.granted);
    c.give_back(1000, 0, 1, u);
  }
  EXPECT_TRUE(c.fits(200, {1, 0, 13}));
  EXPECT_FALSE(c.fits(200, {1, 0, 14}));
  Units much{1, 0, 99};
  EXPECT_EQ(c.take_one(300, much), 1000);
  EXPECT_EQ(much.data, 43u);
}

// Against a plain count of what is held, requests in the order of time.
TEST(Credits, NeverMoreThanThereAreAndNoLaterThanNeeded) {
  Rng rng(3, "credits-test");
  const std::uint64_t capacity = 16;
  Credits c({0, 0, capacity});
  struct Held { Time from, until; std::uint64_t n; };
  std::vector<Held> all;
  Time at = 0;
  for (int i = 0; i < 2000; ++i) {
    at += static_cast<Time>(rng.below(20));
    Units u{1, 0, 1 + rng.below(6)};
    const std::uint64_t n = u.data;
    const Time asked = at, got = c.take_one(at, u);
    ASSERT_GE(got, at);
    at = got;
    auto held = [&](Time t) {
      std::uint64_t sum = 0;
      for (const Held& h : all) sum += h.until > t ? h.n : 0;
      return sum;
    };
    ASSERT_LE(held(got) + n, capacity);
    if (got > asked) { ASSERT_GT(held(got - 1) + n, capacity); }
    const Time until = got + 1 + static_cast<Time>(rng.below(200));
    c.give_back(until, 0, 1, u);
    all.push_back({got, until, n});
    if (all.size() > 64) all.erase(all.begin());
  }
}

PcieParams round_link() {   // a byte takes 1 ns
  PcieParams p;
  p.generation = 1, p.lanes = 4, p.dllp_ppm = 0, p.ack_tlps = p.fc_tlps = 0;
  return p;
}

constexpr Time kRead64 = (24 + 80 + 60 + 60 + 84 + 80) * kNs;

TEST(PcieCredits, TagsBoundReadsUntilTheirLastByte) {
  PcieParams p = round_link();
  p.tags = 2;
  LinkBench b("bench", p);
  const Time first = b.read(0, 64), second = b.read(0, 64);
  EXPECT_EQ(first, kRead64);
  EXPECT_EQ(second, first + 84 * kNs);
  EXPECT_EQ(b.read(0, 64), first + kRead64);
  // Two requests: the one has its tag at `second`, the other when the third read is back, before the link could bring its data.
  EXPECT_EQ(b.read(0, 1024), second + kRead64 - (24 + 84) * kNs + (48 + 1104) * kNs);
  EXPECT_EQ(b.pcie.stats().read_wait, first + second);
}

TEST(PcieCredits, NonPostedCreditsComeBackWhenMemoryHasAnswered) {
  PcieParams p = round_link();
  p.nonposted_headers = 1;
  LinkBench b("bench", p);
  b.memory_latency = 300 * kNs;
  b.read(0, 64);
  // Request 24, link, root, memory, link back; then the same way.
  EXPECT_EQ(b.read(0, 64), (24 + 80 + 60 + 300 + 80) * kNs + kRead64 + 300 * kNs);
}

TEST(PcieCredits, RoomForCompletionsBoundsReads) {
  PcieParams headers = round_link(), data = round_link();
  headers.completion_headers = 2;
  data.completion_buffer = 512;
  LinkBench a("headers", headers), b("data", data);
  for (LinkBench* l : {&a, &b}) {
    const Time first = l->read(0, 512);
    EXPECT_EQ(l->read(0, 512), 2 * first);
  }
}

TEST(PcieCredits, PostedHeadersBoundSmallWrites) {
  PcieParams p = round_link();
  p.posted_headers = 4;
  LinkBench b("bench", p);
  b.memory_latency = 10 * kUs;
  Time done[6], left[6];
  for (int i = 0; i < 6; ++i) done[i] = b.write(static_cast<std::uint64_t>(i) * 64, 16), left[i] = b.t.info().link_free;
  EXPECT_EQ(left[3], 4 * 40 * kNs);
  EXPECT_EQ(left[4], done[0] + p.link_latency + 40 * kNs);
  EXPECT_EQ(b.pcie.stats().posted_wait, done[0] + p.link_latency - left[3]);
}

// Interrupt messages are posted writes: they wait for the same credits.
TEST(PcieCredits, MessagesContend) {
  PcieParams p = round_link();
  p.posted_headers = 1;
  LinkBench b("bench", p);
  b.memory_latency = 5 * kUs;
  const Time done = b.write(0, 64);
  EXPECT_EQ(b.write(kMsiBase, 4), done + p.link_latency + (28 + 80 + 60) * kNs);
}

TEST(PcieDllps, LoadTheOtherDirection) {
  PcieParams p = round_link();
  p.ack_tlps = 1, p.fc_tlps = 2, p.posted_headers = 1000, p.posted_buffer = 1 << 20;
  LinkBench b("bench", p);
  for (int i = 0; i < 10; ++i) b.write(static_cast<std::uint64_t>(i) * 256, 256);   // 10 acknowledgements, 5 updates
  EXPECT_EQ(b.pcie.stats().downstream_bytes, 15u * 8);
  EXPECT_EQ(b.pcie.stats().upstream_bytes, 10u * 280);
  // They found idle time: a store of a core that comes later has the way for itself.
  EXPECT_EQ(b.mmio(tlm::TLM_WRITE_COMMAND, 0, 10 * kUs), 10 * kUs + (100 + 28 + 80) * kNs);
  // Back to back with nothing idle between, they take their bytes.
  const Time one = b.mmio(tlm::TLM_WRITE_COMMAND, 0, 20 * kUs);
  b.write(0, 256, 20 * kUs);
  b.write(0, 256, 20 * kUs);
  EXPECT_EQ(b.mmio(tlm::TLM_WRITE_COMMAND, 0, 20 * kUs), one + (28 + 24) * kNs);
}

// Reads and writes in turn: with DLLPs each way carries less, and never more than without.
TEST(PcieDllps, MixedBandwidth) {
  auto mixed = [](LinkBench& b) {
    Time last = 0;
    for (int i = 0; i < 2000; ++i) {
      b.write(static_cast<std::uint64_t>(i % 16) * kPage, 1536);
      last = std::max(last, b.t.info().link_free);
      last = std::max(last, b.read(static_cast<std::uint64_t>(i % 16) * kPage, 1536));
    }
    return 1536.0 * 8 * 2000 / (static_cast<double>(last) / 1000);
  };
  PcieParams p;
  p.posted_headers = p.nonposted_headers = p.tags = 4096, p.posted_buffer = 1 << 20;
  LinkBench with("with", p);
  p.ack_tlps = p.fc_tlps = 0;
  LinkBench without("without", p);
  const double a = mixed(with), b = mixed(without);
  EXPECT_NEAR(b, 52.1, 0.6);
  EXPECT_NEAR(a, 49.3, 0.8);
}

// More tags, credits, room, lanes: no row is slower than the one before, and the first is slower than the last.
TEST(PcieCredits, MoreNeverHurts) {
  struct Row { const char* name; void (*set)(PcieParams&, unsigned); bool reads; };
  const Row rows[] = {{"tags", [](PcieParams& p, unsigned n) { p.tags = n; }, true},
                      {"nonposted", [](PcieParams& p, unsigned n) { p.nonposted_headers = n; }, true},
                      {"room", [](PcieParams& p, unsigned n) { p.completion_headers = n; }, true},
                      {"data", [](PcieParams& p, unsigned n) { p.completion_buffer = n * 256; }, true},
                      {"posted", [](PcieParams& p, unsigned n) { p.posted_headers = n; }, false},
                      {"buffer", [](PcieParams& p, unsigned n) { p.posted_buffer = n * 256; }, false},
                      {"lanes", [](PcieParams& p, unsigned n) { p.lanes = n; }, false}};
  int number = 0;
  std::vector<std::unique_ptr<LinkBench>> benches;
  for (const Row& r : rows)
    for (unsigned n : {1u, 2u, 4u, 8u, 16u}) {
      PcieParams p;
      r.set(p, n);
      benches.push_back(std::make_unique<LinkBench>(("b" + std::to_string(number++)).c_str(), p));
    }
  std::size_t at = 0;
  for (const Row& r : rows) {
    Time before = kNever, first = 0;
    for (int i = 0; i < 5; ++i) {
      LinkBench& b = *benches[at++];
      b.memory_latency = 200 * kNs;
      Time last = 0;
      for (int k = 0; k < 200; ++k) last = std::max(last, r.reads ? b.read(static_cast<std::uint64_t>(k) * 256, 256) : b.write(static_cast<std::uint64_t>(k) * 256, 256));
      EXPECT_LE(last, before) << r.name;
      if (i == 0) first = last;
      before = last;
    }
    EXPECT_LT(before, first) << r.name;
  }
}

// Whatever the size of objects: no more than the pool holds in a round trip, close to that where the link has room, and no
// less with more of it.
struct Pool {
  const char* name;
  void (*set)(PcieParams&, unsigned);
  bool reads;
  Bytes unit;     // bytes that one of it lets through in a round trip at most
  bool by_data;   // what is short of that takes less of the pool
};
constexpr Pool kPools[] = {{"tags", [](PcieParams& p, unsigned n) { p.tags = n; }, true, 512, false},
                           {"nonposted", [](PcieParams& p, unsigned n) { p.nonposted_headers = n; }, true, 512, false},
                           {"room", [](PcieParams& p, unsigned n) { p.completion_headers = 2 * n; }, true, 512, true},
                           {"data", [](PcieParams& p, unsigned n) { p.completion_buffer = n * 512; }, true, 512, true},
                           {"headers", [](PcieParams& p, unsigned n) { p.posted_headers = n; }, false, 256, false},
                           {"buffer", [](PcieParams& p, unsigned n) { p.posted_buffer = n * 256; }, false, 256, true}};
constexpr unsigned kHeld[] = {1, 2, 3, 7, 8, 12, 13, 16, 25, 32, 64, 128};
constexpr Bytes kSizes[] = {256, 512, 1024, 1500, 3200, 3264, 4096, 6656, 16384, 65536};

TEST(PcieCredits, BoundBandwidthByTheRoundTripWhateverTheSize) {
  std::vector<std::unique_ptr<LinkBench>> benches;
  int number = 0;
  for (const Pool& pool : kPools)
    for (Bytes n [[maybe_unused]] : kSizes)
      for (unsigned held : kHeld) {
        PcieParams p;
        p.tags = p.nonposted_headers = p.posted_headers = 4096, p.posted_buffer = 1 << 20;
        p.ack_tlps = p.fc_tlps = 0;
        p.link_latency = 300 * kNs;
        pool.set(p, held);
        benches.push_back(std::make_unique<LinkBench>(("c" + std::to_string(number++)).c_str(), p));
      }
  std::size_t at = 0;
  for (const Pool& pool : kPools)
    for (Bytes n : kSizes) {
      double before = 0;
      for (unsigned held : kHeld) {
        LinkBench& b = *benches[at++];
        b.memory_latency = 200 * kNs;
        const PcieParams& p = b.pcie.params();
        const Bytes total = 4 << 20;
        Time last = 0;
        for (Bytes done = 0; done < total; done += n) {
          const std::uint64_t address = done / n % 8 * 65536;
          if (pool.reads) last = std::max(last, b.read(address, n));
          else b.write(address, n), last = b.t.info().link_free;
        }
        const double gbps = static_cast<double>(ceil_div(total, n) * n) * 8000 / static_cast<double>(last);
        // A TLP is held for the two ways of the link, the root complex and memory, and its own bytes; a tag and room for
        // completions until the data are there.
        const bool request = pool.set == kPools[1].set;   // held until memory has answered
        const Time trip = 2 * p.link_latency + p.root_latency * (pool.reads && !request ? 2 : 1) + b.memory_latency;
        const RateClock rate(link_rate(p));
        const Bytes unit = std::min(n, pool.unit);
        const Time own = rate.peek((pool.reads ? 24 + (request ? 0 : unit + unit / 256 * 20) : unit + 24) * 8);
        const TlpCount tlps = pool.reads ? read_requests(p, 0, n) : write_tlps(p, 0, n);
        const double link = static_cast<double>(link_rate(p)) / 1e9 * static_cast<double>(n) /
                            static_cast<double>(pool.reads ? completions(p, 0, n).bytes : tlps.bytes);
        const double each = std::min(static_cast<double>(n) / static_cast<double>(tlps.tlps), static_cast<double>(pool.unit));
        const auto bound = [&](double bytes) { return std::min(link, bytes * held * 8000 / static_cast<double>(trip + own)); };
        EXPECT_LE(gbps, bound(pool.by_data ? static_cast<double>(pool.unit) : each) * 1.01)
            << pool.name << ' ' << held << ", " << n << " B";
        EXPECT_GE(gbps, bound(each) * 0.94) << pool.name << ' ' << held << ", " << n << " B";
        EXPECT_GE(gbps, before * 0.999) << pool.name << ' ' << held << ", " << n << " B";
        before = gbps;
      }
    }
}

}  // namespace credits_test
