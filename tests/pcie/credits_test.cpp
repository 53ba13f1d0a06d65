// Credits, tags and DLLPs: the pool by itself, then what the link makes of them.
#include <memory>
#include <string>

#include "models/base/rng.h"
#include "tests/pcie/link_bench.h"

using namespace gd;

namespace credits_test {

TEST(Credits, Timed) {
  Credits c(4);
  struct Row { Time at; std::uint64_t n; Time granted, until; };
  const Row rows[] = {{0, 2, 0, 100}, {0, 2, 0, 50},
                      {10, 1, 50, 200},    // the second comes back first
                      {60, 1, 60, 70},     // of the same two
                      {60, 3, 100, 300},   // 1 at 70, 2 at 100
                      {0, 9, 300, 400},    // more than there are: all
                      {500, 4, 500, 600}};
  for (const Row& r : rows) {
    EXPECT_EQ(c.take(r.at, r.n), r.granted) << r.at;
    c.give_back(r.until, r.n);
  }
  Credits unbounded(0);
  EXPECT_EQ(unbounded.take(7, 1'000'000), 7);
}

// Against a plain count of what is held, requests in the order of time.
TEST(Credits, NeverMoreThanThereAreAndNoLaterThanNeeded) {
  Rng rng(3, "credits-test");
  const std::uint64_t capacity = 16;
  Credits c(capacity);
  struct Held { Time from, until; std::uint64_t n; };
  std::vector<Held> all;
  Time at = 0;
  for (int i = 0; i < 2000; ++i) {
    at += static_cast<Time>(rng.below(20));
    const std::uint64_t n = 1 + rng.below(6);
    const Time asked = at, got = c.take(at, n);
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
    c.give_back(until, n);
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
  EXPECT_EQ(b.read(0, 64), first + kRead64);
  EXPECT_EQ(b.read(0, 1024), std::max(second, first + kRead64) + kRead64 - (24 + 84) * kNs + (48 + 1024 + 80) * kNs) << "two requests take both";
  EXPECT_GT(b.pcie.stats().read_wait, 0);
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

}  // namespace credits_test
