// Transmit rings.
#include "tests/nic/nic_bench.h"

using namespace gd;
using namespace gd::test;

namespace tx_test {

struct TestTx {
  NicBench& b;
  TxQueueConfig c;
  Hpa data;
  std::uint32_t tail = 0;
  TestTx(NicBench& bench, std::uint32_t size = 16, std::uint32_t vector = 3) : b(bench) {
    c.ring = b.phys.alloc_contiguous(size * 16, 4096);
    c.size = size;
    c.vector = vector;
    data = b.phys.alloc_contiguous(size * 4096ULL, 4096);
    b.nic.configure_tx(0, c);
  }
  // `at`: offset of the bytes in the slot's page.
  void put(const std::uint8_t* bytes, std::size_t n, std::uint64_t flags, std::uint32_t at = 0) {
    std::memcpy(b.phys.at(data + tail * 4096 + at), bytes, n);
    b.phys.store(c.ring + tail * 16, data + tail * 4096 + at);
    b.phys.store(c.ring + tail * 16 + 8, n | flags);
    tail = (tail + 1) % c.size;
  }
  void put(const Frame& f, std::uint64_t flags = TxDescriptor::kEop) { put(f.data(), f.size(), flags); }
  void ring() { b.write_register(reg::tx_tail(0), tail); }
  bool done(std::uint32_t i) const { return b.phys.load<std::uint64_t>(c.ring + i * 16 + 8) & TxDescriptor::kDone; }
};

TEST(NicTx, OneFrameWithTimes) {
  NicBench b("bench");
  TestTx t(b);
  const Frame f = tcp4_frame(200);
  b.at(0, [&] { t.put(f, TxDescriptor::kEop | TxDescriptor::kReport), t.ring(); });
  const Time read = NicBench::kMmio + NicBench::kRead, out = read + NicBench::kRead + NicParams{}.tx_latency;
  b.at(out + NicBench::kWrite - 1, [&] { EXPECT_FALSE(t.done(0)); });
  b.at(out + NicBench::kWrite, [&] { EXPECT_TRUE(t.done(0)); });
  b.run(10 * kUs);
  ASSERT_EQ(b.sent.size(), 1u);
  EXPECT_EQ(b.sent[0].at, out);
  EXPECT_EQ(b.sent[0].bytes, f);
  ASSERT_EQ(b.messages.size(), 1u);
  EXPECT_EQ(b.messages[0].value, 3u);
  EXPECT_EQ(b.messages[0].issued, out + NicBench::kWrite);
  EXPECT_EQ(b.nic.stats().tx_frames, 1u);
}

TEST(NicTx, GathersDescriptorsAndReportsOnlyWhereAsked) {
  NicBench b("bench");
  TestTx t(b);
  const Frame f = tcp4_frame(1000), g = tcp4_frame(10);
  b.at(0, [&] {
    t.put(g);
    t.put(f.data(), 54, 0);
    t.put(f.data() + 54, f.size() - 54, TxDescriptor::kEop, 4000);   // crosses a page border
    t.ring();
  });
  b.run(20 * kUs);
  ASSERT_EQ(b.sent.size(), 2u);
  EXPECT_EQ(b.sent[0].bytes, g);
  EXPECT_EQ(b.sent[1].bytes, f);
  EXPECT_FALSE(t.done(0) || t.done(1) || t.done(2));
  EXPECT_TRUE(b.messages.empty());
}

TEST(NicTx, WaitsForTheWireAndKeepsTheOrder) {
  NicBench b("bench");
  b.wire_per_frame = 5 * kUs;
  TestTx t(b);
  b.at(0, [&] {
    for (unsigned i = 0; i < 4; ++i) t.put(tcp4_frame(100 + i));
    t.ring();
  });
  b.run(50 * kUs);
  ASSERT_EQ(b.sent.size(), 4u);
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(b.sent[i].bytes.size(), 154u + i);
    if (i > 0) {
      EXPECT_EQ(b.sent[i].at - b.sent[i - 1].at, 5 * kUs);
    }
  }
}

TEST(NicTx, ASmallFifoAndWrapAroundLoseNothing) {
  NicParams p = NicBench::quiet();
  p.tx_fifo = 4096;
  p.max_outstanding_reads = 1;
  NicBench b("bench", p);
  TestTx t(b, 8);
  for (unsigned round = 0; round < 6; ++round)
    b.at(round * 20 * kUs, [&, round] {
      for (unsigned i = 0; i < 7; ++i) t.put(tcp4_frame(64 + 7 * round + i), TxDescriptor::kEop | TxDescriptor::kReport);
      t.ring();
    });
  b.run(200 * kUs);
  ASSERT_EQ(b.sent.size(), 42u);
  for (unsigned i = 0; i < 42; ++i) EXPECT_EQ(b.sent[i].bytes.size(), 118u + i);
}

TEST(NicTx, AnUnreadableBufferIsDiscarded) {
  NicBench b("bench");
  TestTx t(b);
  b.blocked_from = t.data;
  b.blocked_to = t.data + 4096;
  b.at(0, [&] { t.put(tcp4_frame(100), TxDescriptor::kEop | TxDescriptor::kReport), t.put(tcp4_frame(101)), t.ring(); });
  b.run(20 * kUs);
  ASSERT_EQ(b.sent.size(), 1u);
  EXPECT_EQ(b.sent[0].bytes.size(), 155u);
  EXPECT_TRUE(t.done(0));
  EXPECT_EQ(b.nic.stats().tx_errors, 1u);
}

}  // namespace tx_test
