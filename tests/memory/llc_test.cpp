#include "models/memory/llc.h"

#include <gtest/gtest.h>

#include <vector>

#include "models/base/error.h"
#include "models/base/rng.h"

namespace gd {
namespace llc_test {

constexpr Bytes kMiB = 1024 * 1024;

std::uint64_t lines_in(Hpa a, Bytes len) { return (a + len - 1) / kLine - a / kLine + 1; }

// Page numbers as PhysMem scatters them.
std::vector<Hpa> scattered_pages(unsigned n, std::uint64_t seed) {
  std::vector<Hpa> pages;
  for (Hpa p = 1; p <= n; ++p) pages.push_back(p * 37 * kPage);
  Rng rng(seed, "test");
  for (std::size_t i = pages.size(); i > 1; --i) std::swap(pages[i - 1], pages[rng.below(i)]);
  return pages;
}

TEST(Llc, GeometryNeedNotBeAPowerOfTwo) {
  struct Row {
    Bytes size;
    unsigned ways;
    std::uint32_t sets;
  };
  for (const Row& r : {Row{12 * kMiB, 16, 12288}, Row{24 * kMiB + 768 * 1024, 11, 36864}, Row{15 * kMiB, 15, 16384}, Row{64 * 64, 1, 64}})
    EXPECT_EQ(LastLevelCache(r.size, r.ways, 1, 1).sets(), r.sets) << r.size;
}

TEST(Llc, ImpossibleGeometryIsRefused) {
  EXPECT_THROW(LastLevelCache(kMiB, 0, 0, 1), UserError);
  EXPECT_THROW(LastLevelCache(kMiB, 17, 2, 1), UserError);
  EXPECT_THROW(LastLevelCache(kMiB, 8, 9, 1), UserError);
  EXPECT_THROW(LastLevelCache(4096, 8, 2, 1), UserError);
}

TEST(Llc, RangeWalkCountsMisses) {
  LastLevelCache c(kMiB, 16, 2, 1);
  struct Row {
    Hpa a;
    Bytes len;
    std::uint32_t misses;
  };
  for (const Row& r : {Row{0x10000, 64, 1}, Row{0x10000, 64, 0}, Row{0x1003f, 2, 1}, Row{0x10000, 4096, 62}, Row{0x10fff, 2, 1}, Row{0xffc0, 65, 1}})
    EXPECT_EQ(c.cpu(r.a, r.len, false).misses, r.misses) << std::hex << r.a;
}

TEST(Llc, WrapsFromTheLastSetToTheFirst) {
  LastLevelCache c(64 * 64 * 16, 16, 2, 1);   // 64 sets: every page covers all of them once
  EXPECT_EQ(c.cpu(5 * kPage, kPage, false).misses, 64u);
  for (Hpa a = 5 * kPage; a < 6 * kPage; a += kLine) EXPECT_TRUE(c.holds(a));
}

TEST(Llc, DirtyLinesAreWrittenBackOnceWhenTheyLeave) {
  LastLevelCache c(64 * 64 * 4, 4, 2, 1);
  for (Hpa p = 1; p <= 4; ++p) EXPECT_EQ(c.cpu(p * kPage, kPage, p <= 2).write_backs, 0u);
  EXPECT_TRUE(c.dirty(1 * kPage));
  EXPECT_FALSE(c.dirty(3 * kPage));
  std::uint64_t gone = 0;
  for (Hpa p = 5; p < 200; ++p) gone += c.cpu(p * kPage, kPage, false).write_backs;
  EXPECT_EQ(gone, 128u);
}

TEST(Llc, AStoreHitMakesALineDirty) {
  LastLevelCache c(kMiB, 16, 2, 1);
  c.cpu(kPage, 64, false);
  EXPECT_FALSE(c.dirty(kPage));
  c.cpu(kPage, 8, true);
  EXPECT_TRUE(c.dirty(kPage));
}

// Device writes live in ddio_ways of every set: whatever they write, the other ways' lines stay.
TEST(Llc, DeviceWritesAreConfinedToTheirWays) {
  for (unsigned ddio : {1u, 2u, 4u}) {
    LastLevelCache c(64 * 64 * 8, 8, ddio, 3);
    for (Hpa p = 1; p <= 8; ++p) c.cpu(p * kPage, kPage, false);   // 64 sets, full
    for (Hpa p = 1000; p < 1100; ++p) c.device_write(p * kPage, kPage);
    unsigned left = 0;
    for (Hpa a = kPage; a < 9 * kPage; a += kLine) left += c.holds(a);
    EXPECT_EQ(left, 64 * (8 - ddio));
  }
}

TEST(Llc, DeviceWriteUpdatesAHitInAnyWay) {
  LastLevelCache c(64 * 64 * 8, 8, 1, 3);
  for (Hpa p = 1; p <= 8; ++p) c.cpu(p * kPage, kPage, false);
  for (Hpa p = 1; p <= 8; ++p) EXPECT_EQ(c.device_write(p * kPage, kPage).misses, 0u);
  EXPECT_TRUE(c.dirty(1 * kPage));
}

TEST(Llc, WithoutDdioDeviceWritesInvalidate) {
  LastLevelCache c(kMiB, 16, 0, 1);
  c.cpu(kPage, 128, false);
  EXPECT_EQ(c.device_write(kPage, 192).misses, 1u);
  EXPECT_FALSE(c.holds(kPage));
  EXPECT_FALSE(c.holds(kPage + 64));
  EXPECT_FALSE(c.holds(kPage + 128));
}

TEST(Llc, DeviceReadsDoNotAllocate) {
  LastLevelCache c(kMiB, 16, 2, 1);
  EXPECT_EQ(c.device_read(kPage, 4096).misses, 64u);
  EXPECT_EQ(c.device_read(kPage, 4096).misses, 64u);
  c.cpu(kPage, 2048, false);
  EXPECT_EQ(c.device_read(kPage, 4096).misses, 32u);
}

// Hit rate in percent of a ring of `buffers` pages that a device writes round and round.
unsigned ring_hits(LastLevelCache& c, unsigned buffers, unsigned bytes) {
  const auto pages = scattered_pages(buffers, 7);
  std::uint64_t lines = 0, misses = 0;
  for (unsigned round = 0; round < 24; ++round)
    for (Hpa p : pages) {
      const auto w = c.device_write(p, bytes);
      if (round >= 4) lines += lines_in(p, bytes), misses += w.misses;
    }
  return static_cast<unsigned>((lines - misses) * 100 / lines);
}

// 12 MiB, 2 of 16 ways: 1.5 MiB for devices. Random replacement degrades with the ring's size; there is no cliff as LRU has.
TEST(Llc, DeviceHitRateFallsWithTheRingsSize) {
  struct Row {
    unsigned buffers, low, high;   // pages of 4 KiB; expected hit rate, percent
  };
  for (const Row& r : {Row{64, 92, 100}, Row{384, 45, 85}, Row{768, 15, 50}, Row{4096, 0, 3}}) {
    LastLevelCache c(12 * kMiB, 16, 2, 1);
    const unsigned hits = ring_hits(c, r.buffers, kPage);
    EXPECT_GE(hits, r.low) << r.buffers;
    EXPECT_LE(hits, r.high) << r.buffers;
  }
}

// Hit rates of PCIe writes measured on a Xeon Gold 6140 (24.75 MiB, 11 ways) by Farshin et al., "Reexamining Direct Cache
// Access", USENIX ATC 2020: one core, DPDK layer-2 forwarding, medians of the published samples. Nothing is fitted here;
// the packet buffers of DPDK are 2304 bytes apart.
TEST(Llc, PublishedDdioHitRates) {
  struct Row {
    unsigned frame, descriptors, ways;
    int published, tolerance;   // tenths of a percent
  };
  for (const Row& r : {Row{512, 512, 2, 996, 30}, Row{1024, 512, 2, 982, 30}, Row{1024, 1024, 2, 959, 30}, Row{1024, 2048, 2, 890, 60},
                       Row{1500, 128, 2, 982, 30}, Row{1500, 512, 2, 969, 30}, Row{1500, 1024, 2, 893, 30}, Row{1500, 4096, 2, 399, 30},
                       Row{1024, 4096, 3, 880, 60}, Row{1500, 4096, 4, 870, 30}, Row{1024, 4096, 5, 996, 30}, Row{1500, 4096, 6, 998, 30}}) {
    LastLevelCache c(24 * kMiB + 768 * 1024, 11, r.ways, 1);
    std::uint64_t lines = 0, hits = 0;
    for (int round = 0; round < 16; ++round)
      for (unsigned i = 0; i < r.descriptors; ++i) {
        const Hpa a = (1 << 21) + i * 2304ULL + 128;
        const auto w = c.device_write(a, r.frame);
        c.cpu(a, 64, true);               // the MAC addresses are swapped
        c.device_read(a, r.frame);
        if (round >= 8) lines += lines_in(a, r.frame), hits += lines_in(a, r.frame) - w.misses;
      }
    EXPECT_NEAR(static_cast<int>(hits * 1000 / lines), r.published, r.tolerance) << r.frame << " B, " << r.descriptors << " descriptors, " << r.ways << " ways";
  }
}

// The same with the buffers of a pool that is larger than the ring, as DPDK hands them out: a ring takes a buffer for each
// frame from a last-in first-out cache of the core, to which transmission returns those of frames that were read back
// 64 frames later. The points of scenarios/fidelity/points.d/consumers.json, within their tolerances in percentage points.
TEST(Llc, PublishedDdioHitRatesWithAPool) {
  struct Row {
    unsigned frame, descriptors, ways;
    double published, tolerance;
  };
  for (const Row& r : {Row{1500, 256, 2, 98.26, 10}, Row{1500, 1024, 2, 89.29, 10}, Row{1500, 4096, 2, 39.86, 10},
                       Row{1024, 4096, 3, 87.98, 6}, Row{1024, 4096, 6, 99.95, 6}}) {
    LastLevelCache c(24 * kMiB + 768 * 1024, 11, r.ways, 1);
    const unsigned pool = r.descriptors * 2 + 512;
    std::vector<Hpa> free, ring(r.descriptors), sent;
    for (unsigned i = pool; i > 0; --i) free.push_back((1 << 21) + i * 2304ULL + 128);   // 2 KiB, 128 B head room, 128 B rte_mbuf
    for (Hpa& b : ring) b = free.back(), free.pop_back();
    std::uint64_t lines = 0, hits = 0;
    for (unsigned n = 0; n < 16 * r.descriptors; ++n) {
      Hpa& b = ring[n % r.descriptors];
      const auto w = c.device_write(b, r.frame);
      if (n >= 8 * r.descriptors) lines += lines_in(b, r.frame), hits += lines_in(b, r.frame) - w.misses;
      c.cpu(b - 256, 128, true);           // rte_mbuf
      c.cpu(b, 64, true);                  // the MAC addresses are swapped
      sent.push_back(b);
      b = free.back(), free.pop_back();
      if (sent.size() == 64) {
        for (Hpa s : sent) c.device_read(s, r.frame), free.push_back(s);
        sent.clear();
      }
    }
    EXPECT_NEAR(100.0 * static_cast<double>(hits) / static_cast<double>(lines), r.published, r.tolerance)
        << r.frame << " B, " << r.descriptors << " descriptors, " << r.ways << " ways";
  }
}

TEST(Llc, MoreDdioWaysHitMore) {
  unsigned before = 0;
  for (unsigned ddio : {1u, 2u, 4u, 8u}) {
    LastLevelCache c(12 * kMiB, 16, ddio, 1);
    const unsigned hits = ring_hits(c, 512, kPage);
    EXPECT_GT(hits, before) << ddio;
    before = hits;
  }
}

TEST(Llc, AWorkingSetOfHalfTheCacheMostlyHits) {
  LastLevelCache c(24 * kMiB + 768 * 1024, 11, 2, 1);
  const auto pages = scattered_pages(3168, 3);   // half of it
  std::uint64_t lines = 0, misses = 0;
  for (int round = 0; round < 10; ++round)
    for (Hpa p : pages) {
      const auto w = c.cpu(p, kPage, false);
      if (round >= 5) lines += kPage / kLine, misses += w.misses;
    }
  EXPECT_LT(misses * 100, lines * 8);
}

TEST(Llc, SeedDecidesReplacementAndNothingElseDoes) {
  const auto misses = [](std::uint64_t seed) {
    LastLevelCache c(kMiB, 16, 2, seed);
    std::vector<std::uint32_t> m;
    for (Hpa p : scattered_pages(512, 5)) m.push_back(c.cpu(p, kPage, false).misses);
    for (Hpa p : scattered_pages(512, 5)) m.push_back(c.cpu(p, kPage, false).misses);
    return m;
  };
  EXPECT_EQ(misses(1), misses(1));
  EXPECT_NE(misses(1), misses(2));
}

}  // namespace llc_test
}  // namespace gd
