// A receive ring, with times.
#include "models/packet/headers.h"
#include "tests/nic/nic_bench.h"

using namespace gd;
using namespace gd::test;

namespace rx_test {

constexpr Time kLatency = NicParams{}.rx_latency;

RxQueueConfig ring(std::uint32_t size = 64) {
  RxQueueConfig c;
  c.size = size;
  return c;
}

TEST(NicRx, OneFramePayloadThenDescriptorThenInterrupt) {
  NicBench b("bench");
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(1000);
  FrameRef ref = kNoFrame;
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { ref = b.arrive(f); });
  const Time issue = 2 * kUs, visible = issue + NicBench::kWrite + kLatency;
  b.at(visible - 1, [&] {
    EXPECT_FALSE(r.done(0).done);
    EXPECT_EQ(b.nic.take_frame(0, 0), kNoFrame);
    EXPECT_EQ(r.bytes(r.packet(0), f.size()), f);
    EXPECT_TRUE(b.messages.empty());
    EXPECT_EQ(b.nic.fifo_level(), f.size());
  });
  b.at(visible, [&] {
    EXPECT_TRUE(r.done(0).done);
    EXPECT_EQ(b.nic.fifo_level(), 0u);
    EXPECT_EQ(b.nic.held(), 1u);
    EXPECT_EQ(b.nic.take_frame(0, 0), ref);
    EXPECT_EQ(b.nic.take_frame(0, 0), kNoFrame);
    EXPECT_EQ(b.nic.held(), 0u);
  });
  b.run(10 * kUs);
  const RxWriteback w = r.done(0);
  EXPECT_TRUE(w.end_of_packet && w.ip_checked && w.l4_checked);
  EXPECT_FALSE(w.ip_error || w.l4_error || w.split || w.vlan_present);
  EXPECT_EQ(w.packet_length, f.size());
  const auto data = b.accesses(r.packet(0), 2048, true), back = b.accesses(r.c.ring, 16, true);
  ASSERT_EQ(data.size(), 1u);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(data[0].issued, issue);
  EXPECT_EQ(back[0].issued, issue);
  ASSERT_EQ(b.messages.size(), 1u);
  EXPECT_EQ(b.messages[0].issued, visible);
  EXPECT_EQ(b.messages[0].value, 0u);
  EXPECT_EQ(b.frames[ref].at[static_cast<int>(Stage::nic)], 2 * kUs);
  EXPECT_EQ(b.frames[ref].at[static_cast<int>(Stage::dma)], visible);
  EXPECT_EQ(b.ownership.violations(), 0u);
}

TEST(NicRx, HeaderSplitWritesBothBuffers) {
  NicBench b("bench");
  RxQueueConfig c = ring();
  c.split = SplitMode::split;
  c.header_buffer = 128;
  TestRing r(b, 0, c);
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(1000), ack = tcp4_frame(0);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(f), b.arrive(ack); });
  b.run(10 * kUs);
  const RxWriteback w = r.done(0), a = r.done(1);
  EXPECT_TRUE(w.split);
  EXPECT_EQ(w.header_length, 54u);
  EXPECT_EQ(w.packet_length, 1000u);
  Frame got = r.bytes(r.header(0), 54);
  append(got, r.bytes(r.packet(0), 1000));
  EXPECT_EQ(got, f);
  EXPECT_TRUE(a.split);
  EXPECT_EQ(a.packet_length, 0u);
  EXPECT_EQ(b.accesses(r.packet(1), 2048, true).size(), 0u);
  EXPECT_EQ(b.nic.stats().split, 2u);
  EXPECT_EQ(b.nic.stats().pure_acks, 1u);
}

TEST(NicRx, VlanIsStrippedIntoTheDescriptor) {
  NicBench b("bench");
  TestRing r(b, 1, ring());
  b.nic.steer(0, 7, 1, 1);
  Frame f = ip4_packet(ethernet(0x0800, {0x81000000u | 0x2007u}), {}, tcp_segment(1, 2, 0x10, {}, payload(200)));
  seal(f, 18, 38, false, 6);
  Frame plain = f;
  plain.erase(plain.begin() + 12, plain.begin() + 16);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { EXPECT_NE(b.arrive(f, 58), kNoFrame); });
  b.at(5 * kUs, [&] { EXPECT_EQ(b.frames[b.nic.take_frame(1, 0)].vlan, 0x2007); });
  b.run(10 * kUs);
  const RxWriteback w = r.done(0);
  EXPECT_TRUE(w.vlan_present);
  EXPECT_EQ(w.vlan, 0x2007);
  EXPECT_EQ(w.packet_length, plain.size());
  EXPECT_EQ(r.bytes(r.packet(0), plain.size()), plain);
}

TEST(NicRx, WrongChecksumIsReportedNotDropped) {
  NicBench b("bench");
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  Frame f = tcp4_frame(300);
  f[200] ^= 1;
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(f); });
  b.run(5 * kUs);
  EXPECT_TRUE(r.done(0).done && r.done(0).l4_error);
  EXPECT_FALSE(r.done(0).ip_error);
  EXPECT_EQ(b.nic.stats().bad_checksums, 1u);
}

TEST(NicRx, WrongChecksumIsDroppedWhenAsked) {
  NicParams p = NicBench::quiet();
  p.drop_bad_checksum = true;
  NicBench b("bench", p);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  Frame bad = tcp4_frame(300), good = tcp4_frame(300);
  bad[200] ^= 1;
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] {
    b.arrive(bad);
    b.arrive(good);
  });
  b.run(5 * kUs);
  EXPECT_EQ(b.frames.all().drops[static_cast<int>(Drop::bad_checksum)], 1u);
  EXPECT_EQ(r.bytes(r.packet(0), good.size()), good);
  EXPECT_FALSE(r.done(1).done);
}

TEST(NicRx, DropsByReason) {
  NicParams p = NicBench::quiet();
  p.fifo = 4096;
  NicBench b("bench", p);
  TestRing full(b, 0, ring()), empty(b, 1, ring());
  b.nic.steer(0xaa0000000001, 0, 0, 1);
  b.nic.steer(0xaa0000000009, 0, 1, 1);
  const Frame mine = tcp4_frame(1446);   // 1500 bytes: two fit, a third does not
  Frame other = mine, nobody = mine;
  other[5] = 9;
  nobody[5] = 3;
  auto drops = [&](Drop d) { return b.nic.stats().drops[static_cast<int>(d)]; };
  b.at(0, [&] { full.post(8); });
  b.at(5 * kUs, [&] {
    b.arrive(nobody);
    b.arrive(tcp4_frame(1500));
    EXPECT_EQ(drops(Drop::filtered), 1u);
    EXPECT_EQ(drops(Drop::oversize), 1u);
    b.arrive(other);
    b.arrive(other);
    EXPECT_EQ(b.nic.held(), 2u);
    b.arrive(other);
    EXPECT_EQ(drops(Drop::no_descriptor), 1u);
    b.arrive(mine);   // its ring has descriptors, the FIFO has no room
    EXPECT_EQ(drops(Drop::nic_fifo), 1u);
    b.arrive(tcp4_frame(1000));
    EXPECT_EQ(drops(Drop::nic_fifo), 1u);   // this one still fits
  });
  b.at(10 * kUs, [&] {
    EXPECT_TRUE(full.done(0).done);          // not blocked by the queue without descriptors
    empty.post(8);
  });
  b.run(20 * kUs);
  EXPECT_TRUE(empty.done(0).done && empty.done(1).done);
  EXPECT_EQ(b.nic.stats().fifo_peak, 3000u + 1054u);
  EXPECT_EQ(b.nic.held(), 3u);
  EXPECT_EQ(b.frames.live(), 3u);
}

TEST(NicRx, DropEnableDropsAtOnce) {
  NicParams p = NicBench::quiet();
  p.drop_when_no_descriptor = true;
  NicBench b("bench", p);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(2); });
  b.at(5 * kUs, [&] { for (int i = 0; i < 4; ++i) b.arrive(tcp4_frame(100)); });
  b.run(20 * kUs);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::no_descriptor)], 2u);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
}

TEST(NicRx, DescriptorsWrapAndArePrefetchedInBatches) {
  NicBench b("bench");
  TestRing r(b, 0, ring(16));
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(15); });
  for (int i = 0; i < 100; ++i)
    b.at((2 + i) * kUs, [&] {
      b.arrive(tcp4_frame(64));
      if (const std::uint32_t n = r.reap()) r.post(n);
    });
  b.at(200 * kUs, [&] { r.reap(); });
  b.run(300 * kUs);
  ASSERT_EQ(r.taken.size(), 100u);
  EXPECT_EQ(b.frames.all().delivered, 100u);
  EXPECT_EQ(b.nic.held(), 0u);
  EXPECT_GE(b.nic.stats().descriptors_fetched, 100u);
  EXPECT_LE(b.nic.stats().descriptors_fetched, 115u);   // never past the tail: 15 posted, then as many as were reaped
  EXPECT_LE(b.nic.stats().fetch_reads, 100u / 7 + 4);   // HTHRESH gathers eight, a wrap cuts
  for (const auto& s : b.accesses(r.c.ring, 256, false)) EXPECT_LE(s.address + s.length, r.c.ring + 256);
  EXPECT_EQ(b.ownership.violations(), 0u);
}

TEST(NicRx, WithoutPrefetchTheFrameWaitsForItsDescriptor) {
  NicParams p = NicBench::quiet();
  p.prefetch_threshold = 0;
  p.fetch_batch = 1;
  NicBench b("bench", p);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(100)); });
  b.run(10 * kUs);
  const auto reads = b.accesses(r.c.ring, 1024, false);
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].issued, 2 * kUs);
  EXPECT_EQ(reads[0].length, 16u);
  EXPECT_EQ(b.accesses(r.packet(0), 2048, true)[0].issued, 2 * kUs + NicBench::kRead);   // the parser's latency is over
}

TEST(NicRx, JumboScattersOverDescriptors) {
  NicParams p = NicBench::quiet();
  p.mtu = 9000;
  NicBench b("bench", p);
  RxQueueConfig c = ring();
  c.split = SplitMode::split;
  c.header_buffer = 128;
  TestRing r(b, 0, c);
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(8900);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(f); });
  b.at(5 * kUs, [&] {
    EXPECT_EQ(b.nic.take_frame(0, 0), kNoFrame);   // the frame is at its last descriptor
    EXPECT_NE(b.nic.take_frame(0, 4), kNoFrame);
  });
  b.run(10 * kUs);
  Frame got = r.bytes(r.header(0), 54);
  for (std::uint32_t i = 0; i < 5; ++i) {
    const RxWriteback w = r.done(i);
    EXPECT_TRUE(w.done);
    EXPECT_EQ(w.end_of_packet, i == 4);
    EXPECT_EQ(w.header_length, i == 0 ? 54u : 0u);
    EXPECT_EQ(w.split, i == 0);                    // only the first descriptor's header buffer is used
    EXPECT_EQ(w.packet_length, i < 4 ? 2048u : 8900u - 4 * 2048u);
    append(got, r.bytes(r.packet(i), w.packet_length));
  }
  EXPECT_EQ(got, f);
  EXPECT_EQ(b.nic.stats().multi_descriptor, 1u);
  EXPECT_EQ(b.accesses(r.c.ring, 1024, true).size(), 1u);   // neighbouring descriptors are one write-back
}

// The FIFO holds two jumbos, the first of which needs five descriptors: without them the third finds a starved queue, not a slow card.
TEST(NicRx, AQueueWithTooFewDescriptorsForItsFrameIsStarved) {
  NicParams p = NicBench::quiet();
  p.mtu = 9000;
  p.fifo = 20'000;
  p.max_outstanding_bytes = 1;                     // one frame under way
  NicBench b("bench", p);
  std::vector<std::unique_ptr<TestRing>> rings;
  for (std::uint32_t q = 0; q < 4; ++q) rings.push_back(std::make_unique<TestRing>(b, q, ring()));
  struct Row {
    unsigned posted;
    Drop why;
  };
  std::uint32_t queue = 0;
  for (const Row row : {Row{0, Drop::no_descriptor}, {1, Drop::no_descriptor}, {4, Drop::no_descriptor}, {10, Drop::nic_fifo}}) {
    const Time t = (10 + 20 * queue) * kUs;
    b.at(t, [&b, &r = *rings[queue], row, queue] {
      b.nic.steer(0, 0, queue, 1);
      if (row.posted) r.post(row.posted);
    });
    b.at(t + 5 * kUs, [&b, row] {
      std::uint64_t before[static_cast<int>(Drop::count_)];
      std::copy(std::begin(b.nic.stats().drops), std::end(b.nic.stats().drops), before);
      for (int i = 0; i < 4; ++i) b.arrive(tcp4_frame(8900));
      EXPECT_GT(b.nic.stats().drops[static_cast<int>(row.why)], before[static_cast<int>(row.why)]) << row.posted;
      const Drop other = row.why == Drop::nic_fifo ? Drop::no_descriptor : Drop::nic_fifo;
      EXPECT_EQ(b.nic.stats().drops[static_cast<int>(other)], before[static_cast<int>(other)]) << row.posted;
    });
    b.at(t + 15 * kUs, [&r = *rings[queue], row] { if (row.posted < 10) r.post(10 - row.posted); });   // the FIFO empties for the next row
    ++queue;
  }
  b.run(100 * kUs);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
}

TEST(NicRx, WithoutScatterAJumboIsDropped) {
  NicParams p = NicBench::quiet();
  p.mtu = 9000;
  p.scatter = false;
  NicBench b("bench", p);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(8900)), b.arrive(tcp4_frame(100)); });
  b.run(10 * kUs);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::oversize)], 1u);
  EXPECT_TRUE(r.done(0).done);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
}

TEST(NicRx, WritebackBatchOfACacheLineAndItsTimeout) {
  NicParams p = NicBench::quiet();
  p.writeback_batch = 4;
  p.writeback_timeout = 3 * kUs;
  NicBench b("bench", p);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] { for (int i = 0; i < 6; ++i) b.arrive(tcp4_frame(100)); });
  const Time data = 2 * kUs + kLatency + NicBench::kWrite;
  b.at(data, [&] { EXPECT_EQ(b.nic.fifo_level(), 0u); });   // FIFO bytes come back with the payload
  b.run(20 * kUs);
  const auto back = b.accesses(r.c.ring, 1024, true);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0].issued, data);
  EXPECT_EQ(back[0].length, 64u);
  EXPECT_EQ(back[1].issued, data + p.writeback_timeout);
  EXPECT_EQ(back[1].length, 32u);
  EXPECT_EQ(r.reap(), 6u);
  EXPECT_EQ(b.nic.held(), 0u);
}

TEST(NicRx, OutstandingWritesHoldFramesInTheFifo) {
  NicParams p = NicBench::quiet();
  p.max_outstanding_writes = 4;   // two frames: payload and write-back each
  NicBench b("bench", p);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { for (int i = 0; i < 4; ++i) b.arrive(tcp4_frame(1000)); });
  b.run(10 * kUs);
  const Time second = 2 * kUs + kLatency + NicBench::kWrite;
  EXPECT_EQ(b.accesses(r.packet(1), 2048, true)[0].issued, 2 * kUs);
  EXPECT_EQ(b.accesses(r.packet(2), 2048, true)[0].issued, second);
  EXPECT_EQ(b.accesses(r.packet(3), 2048, true)[0].issued, second);
}

TEST(NicRx, BlockedWriteReturnsTheBufferEmpty) {
  NicBench b("bench");
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.blocked_from = r.packet(0);
  b.blocked_to = r.packet(1);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(100)), b.arrive(tcp4_frame(100)); });
  b.run(10 * kUs);
  EXPECT_TRUE(r.done(0).done && r.done(0).end_of_packet);
  EXPECT_EQ(r.done(0).packet_length, 0u);
  EXPECT_EQ(b.nic.take_frame(0, 0), kNoFrame);
  EXPECT_NE(b.nic.take_frame(0, 1), kNoFrame);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::iommu_fault)], 1u);
  EXPECT_EQ(b.nic.held(), 0u);
}

TEST(NicRx, BadDoorbellsAreCounted) {
  NicBench b("bench");
  TestRing r(b, 0, ring());
  b.at(0, [&] {
    b.write_register(reg::rx_tail(0), 64);
    b.write_register(reg::rx_tail(3), 1);
    b.write_register(0x9000, 1);
  });
  b.run(kUs);
  EXPECT_EQ(b.nic.stats().bad_doorbells, 3u);
  EXPECT_EQ(b.nic.available(0), 0u);
}

struct Watcher : Observer {
  std::vector<std::uint64_t> seen;
  std::map<std::uint32_t, std::vector<std::int64_t>> levels;
  void wire_frame(const FrameMeta& f, Time) override { seen.push_back(f.id); }
  void level(std::uint32_t id, std::int64_t value, Time) override { levels[id].push_back(value); }
};

TEST(NicRx, ObserverSeesEveryFrameAndTheLevels) {
  Watcher w;
  NicBench b("bench", NicBench::quiet(), {}, &w);
  TestRing r(b, 1, ring());
  b.nic.steer(0xaa0000000001, 0, 1, 1);
  b.nic.set_levels(70, {80, 81});
  Frame nobody = tcp4_frame(100);
  nobody[5] = 3;
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(nobody), b.arrive(tcp4_frame(100)); });
  b.run(5 * kUs);
  EXPECT_EQ(w.seen, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(w.levels[70], (std::vector<std::int64_t>{154, 0}));
  EXPECT_EQ(w.levels[81], (std::vector<std::int64_t>{16, 15}));
  EXPECT_EQ(w.levels.count(80), 0u);
  EXPECT_EQ(b.nic.available(1), 15u);
}

TEST(NicRx, RssSpreadsFlowsAndKeepsTheirOrder) {
  NicBench b("bench");
  std::vector<std::unique_ptr<TestRing>> rings;
  for (std::uint32_t q = 0; q < 4; ++q) rings.push_back(std::make_unique<TestRing>(b, q, ring()));
  b.nic.steer(0, 0, 0, 4);
  b.at(0, [&] { for (auto& r : rings) r->post(60); });
  b.at(5 * kUs, [&] {
    for (unsigned i = 0; i < 64; ++i) {
      Frame f = tcp4_frame(100, i);
      set16(f, 34, 2000 + i % 16);
      seal(f, 14, 34, false, 6);
      b.arrive(f);
    }
  });
  b.run(20 * kUs);
  unsigned total = 0, used = 0;
  for (auto& r : rings) {
    std::map<unsigned, std::uint32_t> last;   // sequence number by port
    const std::uint32_t n = r->reap();
    total += n;
    used += n > 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      const Frame f = r->bytes(r->packet(i), 154);
      const unsigned port = f[34] << 8 | f[35];
      const std::uint32_t seq = f[41];
      EXPECT_TRUE(!last.count(port) || last[port] < seq);
      last[port] = seq;
    }
  }
  EXPECT_EQ(total, 64u);
  EXPECT_GE(used, 3u);
}

TEST(NicRx, OneActivationAFrame) {
  NicBench b("bench");
  TestRing r(b, 0, ring(512));
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(511); });
  std::uint64_t before = 0;
  b.at(4 * kUs, [&] { before = b.nic.activations(); });
  const Frame f = tcp4_frame(1446);
  for (int i = 0; i < 400; ++i) b.at(5 * kUs + i * 1230 * kNs, [&] { b.arrive(f); });
  b.run(kMs);
  EXPECT_LE(b.nic.activations() - before, 400u + 400u / 8 + 2);
}

}  // namespace rx_test
