// The forwarding poller on a scripted card: what it writes, where frames end without a buffer or a descriptor, whose the
// buffers are, and what its core is charged between frames.
#include "models/host/forwarder.h"

#include "tests/host/host_bench.h"

namespace gd::test {
namespace forwarder_test {

struct ForwarderTest : HostBench {
  ForwarderTest() : expected(sent), departures(frames, expected) {
    for (const char* n : {"forward.poll", "forward.rx", "forward.rewrite", "forward.tx", "forward.free", "mempool.get", "mempool.put", "mempool.bulk"})
      costs.define(n, 10'000, 0, "");
  }
  // Rings of 64; `objects` of the pool.
  void open(std::uint32_t objects, std::uint32_t cache = 16, std::uint32_t tx_ring = 64) {
    MempoolParams m;
    m.objects = objects;
    pool = std::make_unique<Mempool>(m, phys, own, *iommu_);
    ForwarderParams p;
    p.ring_size = env.ring_size;
    p.tx_ring_size = tx_ring;
    p.cache = cache;
    poller = std::make_unique<Forwarder>(0, p, nic, mmio, phys, *iommu_, frames, fault, *pool, costs);
    core().attach(*poller);
    poller->start();
    wait();
  }
  // Frames become visible to the poller all at once.
  void arrive(const std::vector<Frame>& all) {
    for (const Frame& f : all) ASSERT_TRUE(receive(f));
    script.at(now() + kNs, [this](Time t) { nic.rx.watcher->ring_written(t); });
    wait(20 * kUs);
  }
  // The card sends what it was given, in ring order, and reports.
  std::uint32_t transmit() {
    std::uint32_t n = 0;
    for (; nic.given.count(sending); sending = (sending + 1) % nic.tx.size, ++n) {
      const Hpa at = nic.tx.ring + sending * TxDescriptor::kSize;
      const auto a = phys.load<std::uint64_t>(at), b = phys.load<std::uint64_t>(at + 8);
      departures.departed(nic.given[sending], phys.at(a), b & 0xffff, true, now());
      if (b & TxDescriptor::kReport) phys.store(at + 8, b | TxDescriptor::kDone);
      nic.given.erase(sending);
    }
    return n;
  }
  std::vector<Frame> some(unsigned n) {
    std::vector<Frame> all;
    for (unsigned i = 0; i < n; ++i) all.push_back(udp4_frame(100 + 20 * i));
    return all;
  }
  Sent expected;
  Departures departures;
  std::unique_ptr<Mempool> pool;
  std::unique_ptr<Forwarder> poller;
  std::uint32_t sending = 0;
};

TEST_F(ForwarderTest, FramesGoOutWithTheAddressesSwapped) {
  open(256);
  EXPECT_EQ(nic.tail, 63u);
  EXPECT_FALSE(nic.armed);
  arrive(some(40));
  EXPECT_EQ(poller->stats().frames, 40u);
  EXPECT_EQ(poller->stats().bursts, 2u);                   // 32 and 8
  EXPECT_EQ(nic.count(reg::tx_tail(0)), 2u);               // a doorbell a burst
  EXPECT_EQ(own.count(Owner::posted), 63u);
  EXPECT_EQ(transmit(), 40u);
  EXPECT_EQ(frames.all().delivered, 40u);
  EXPECT_EQ(departures.check().errors(), 0u) << departures.check().messages()[0];
  EXPECT_EQ(poller->unreclaimed(), 40u);                   // nothing has made it look
  arrive(some(1));
  EXPECT_EQ(poller->unreclaimed(), 1u);
  EXPECT_EQ(own.count(Owner::skb), 1u);
  transmit();
  EXPECT_EQ(frames.live(), 0u);
  expect_no_violation();
}

TEST_F(ForwarderTest, ExhaustedPoolKeepsTheFramesBufferInTheRing) {
  open(63 + 10, 4);
  arrive(some(30));
  EXPECT_EQ(poller->stats().forwarded, 10u);
  EXPECT_EQ(poller->stats().no_buffer, 20u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::mempool)], 20u);
  EXPECT_EQ(own.count(Owner::posted), 63u);
  EXPECT_EQ(poller->stats().min_free, 0u);
  EXPECT_EQ(transmit(), 10u);
  arrive(some(10));                                        // reclaimed at the next round
  EXPECT_EQ(poller->stats().forwarded, 20u);
  EXPECT_EQ(poller->stats().no_buffer, 20u);
  transmit();
  EXPECT_EQ(frames.live(), 0u);
  EXPECT_EQ(departures.check().errors(), 0u);
  expect_no_violation();
}

TEST_F(ForwarderTest, FullTransmitRingDrops) {
  open(256, 16, 16);
  arrive(some(40));
  EXPECT_EQ(poller->stats().forwarded, 15u);               // one descriptor stays empty
  EXPECT_EQ(poller->stats().tx_full, 25u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::tx_full)], 25u);
  EXPECT_EQ(transmit(), 15u);
  arrive(some(5));
  EXPECT_EQ(poller->stats().forwarded, 20u);
  transmit();
  EXPECT_EQ(frames.live(), 0u);
  expect_no_violation();
}

TEST_F(ForwarderTest, TheLastBufferFreedIsTheNextPosted) {
  open(256);
  arrive(some(1));
  const std::uint32_t slot = 0;
  const auto sent_from = phys.load<std::uint64_t>(nic.tx.ring + slot * 16);
  transmit();
  arrive(some(1));                                         // reclaims, then needs a fresh buffer
  const std::uint32_t last = (nic.tail + 63) % 64;
  EXPECT_EQ(phys.load<std::uint64_t>(nic.rx.ring + last * 16), sent_from);
}

TEST_F(ForwarderTest, BetweenFramesTheCoreIsFull) {
  open(256);
  core().settle_spin(now());
  const Time busy = core().busy_time(), from = now();
  wait(500 * kUs);
  core().settle_spin(now());
  EXPECT_EQ(core().busy_time() - busy, now() - from);
  EXPECT_EQ(core().busy_mc(), charged());
}

TEST_F(ForwarderTest, StepsAreCutInsideABurst) {
  params.step_max = 100 * kNs;                             // some three frames
  add_core();
  MempoolParams m;
  m.objects = 256;
  pool = std::make_unique<Mempool>(m, phys, own, *iommu_);
  ForwarderParams p;
  p.ring_size = p.tx_ring_size = 64;
  poller = std::make_unique<Forwarder>(0, p, nic, mmio, phys, *iommu_, frames, fault, *pool, costs);
  core(1).attach(*poller);
  poller->start();
  wait();
  arrive(some(32));
  EXPECT_EQ(transmit(), 32u);
  EXPECT_EQ(departures.check().errors(), 0u);
  EXPECT_EQ(nic.count(reg::tx_tail(0)), poller->stats().bursts);
  expect_no_violation();
}

TEST_F(ForwarderTest, WhatLeavesIsCompared) {
  struct Row {
    const char* what;
    std::function<void(Frame&)> change;    // of the frame as it must leave
    bool wrong;
  };
  const Row rows[] = {{"as it must", [](Frame&) {}, false},
                      {"an address", [](Frame& f) { f[3] ^= 1; }, true},
                      {"not swapped", [](Frame& f) { std::swap_ranges(f.begin(), f.begin() + 6, f.begin() + 6); }, true},
                      {"a payload byte", [](Frame& f) { f.back() ^= 1; }, true},
                      {"too long", [](Frame& f) { f.push_back(0); }, true}};
  std::uint64_t errors = 0;
  for (const Row& r : rows) {
    Frame f = udp4_frame(300);
    f[0] = 2;                                              // source and destination differ
    const FrameRef ref = wire(f);
    std::swap_ranges(f.begin(), f.begin() + 6, f.begin() + 6);
    r.change(f);
    departures.departed(ref, f.data(), static_cast<std::uint32_t>(f.size()), true, now());
    EXPECT_EQ(departures.check().errors() > errors, r.wrong) << r.what;
    errors = departures.check().errors();
  }
  departures.departed(wire(udp4_frame(300)), nullptr, 0, false, now());
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::tx_error)], 1u);
}

struct PoolTest : ForwarderTest {};

TEST_F(PoolTest, CacheIsAStackBeforeAQueue) {
  const std::uint64_t before = own.count(Owner::host);     // the bench's skbs
  MempoolParams m;
  m.objects = 64;
  pool = std::make_unique<Mempool>(m, phys, own, *iommu_);
  MempoolCache cache(*pool, 8, costs);
  in_step([&](Step& s) {
    std::uint32_t a = 0, b = 0;
    ASSERT_TRUE(cache.get(s, a));
    EXPECT_EQ(pool->in_ring(), 56u);                       // eight came at once
    EXPECT_EQ(cache.held(), 7u);
    ASSERT_TRUE(cache.get(s, b));
    cache.put(s, a);
    cache.put(s, b);
    std::uint32_t c = 0;
    ASSERT_TRUE(cache.get(s, c));
    EXPECT_EQ(c, b);
    std::vector<std::uint32_t> all = {c};
    for (std::uint32_t x = 0; cache.get(s, x);) all.push_back(x);
    EXPECT_EQ(all.size(), 64u);                            // every object once
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
    EXPECT_EQ(pool->in_ring() + cache.held(), 0u);
    for (std::uint32_t x : all) {
      cache.put(s, x);
      EXPECT_LE(cache.held(), 12u);                        // one and a half times its size
    }
    EXPECT_EQ(pool->in_ring() + cache.held(), 64u);
  });
  EXPECT_EQ(own.count(Owner::host), before + 64);
  expect_no_violation();
  in_step([&](Step& s) { cache.put(s, 5); });              // freed twice
  EXPECT_EQ(own.violations(), 1u);
}

TEST_F(PoolTest, ObjectsDoNotOverlapAndKeepTheirHeadroom) {
  for (Bytes headroom : {Bytes{0}, Bytes{128}, Bytes{192}}) {
    MempoolParams m;
    m.objects = 64;
    m.headroom = headroom;
    const Mempool p(m, phys, own, *iommu_);
    for (std::uint32_t i = 0; i < 64; ++i) {
      EXPECT_EQ(p.data(i) - p.mbuf(i), Mempool::kMbuf + headroom);
      EXPECT_EQ(p.mbuf(i) % kLine, 0u);
      if (i > 0) {
        EXPECT_GE(p.mbuf(i), p.data(i - 1) + m.data_room + Mempool::kHeader);
      }
    }
  }
  expect_no_violation();
}

}  // namespace forwarder_test
}  // namespace gd::test
