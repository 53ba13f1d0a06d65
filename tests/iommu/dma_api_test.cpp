// Map, unmap, invalidate, flush: what they cost and whom, and what a device can reach when.
#include "tests/iommu/iommu_bench.h"

using namespace gd;

namespace {

TEST(DmaApi, StrictChargesTheCallingCoreAndInvalidates) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  const Hpa hpa = b.phys.alloc_contiguous(4 * kPage, kPage);
  Iova iova = 0;
  b.run([&](Step& s) { iova = b.iommu->map(s, hpa + 100, 2 * kPage); }, 100 * kUs);   // touches three pages
  EXPECT_NE(iova, hpa + 100);
  EXPECT_EQ(iova % kPage, 100u);
  EXPECT_EQ(b.cell("dma.map").mc, IommuBench::kDma);
  EXPECT_GE(b.cell("iommu.map").mc, IommuBench::kMap + 3 * IommuBench::kMapPage);
  EXPECT_LE(b.cell("iommu.map").mc, IommuBench::kMap + 3 * IommuBench::kMapPage + 200'000) << "and the entry's cache line";
  b.bytes[0] = 0x77;
  b.write(iova, 64);
  EXPECT_FALSE(b.blocked());
  EXPECT_EQ(b.t.info().hpa, hpa + 100);
  EXPECT_EQ(b.phys.load<std::uint8_t>(hpa + 100), 0x77);
  b.run([&](Step& s) { b.iommu->unmap(s, iova, 2 * kPage); }, 200 * kUs);
  EXPECT_EQ(b.cell("iommu.invalidate").mc, IommuBench::kInvalidate);
  EXPECT_GE(b.cell("iommu.unmap").mc, IommuBench::kUnmap + 3 * IommuBench::kUnmapPage);
  EXPECT_EQ(b.cell("iommu.flush").calls, 0u);
  b.write(iova, 64);
  EXPECT_TRUE(b.blocked()) << "reachable after a strict unmap";
  EXPECT_EQ(b.iommu->safe_to_unpin(200 * kUs), 200 * kUs);
  const auto& s = b.iommu->stats();
  EXPECT_EQ(s.maps, 1u);
  EXPECT_EQ(s.unmaps, 1u);
  EXPECT_EQ(s.invalidations, 1u);
  EXPECT_EQ(s.flushes, 0u);
  EXPECT_EQ(s.stale_dma, 0u);
  EXPECT_EQ(s.faults, 1u);
  EXPECT_EQ(b.ledger.total_mc(b.script.row()), b.core->busy_mc()) << "charged elsewhere";
}

TEST(DmaApi, EntriesWrittenByTheCpuAreReadFromTheCache) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  Iova warm = 0;
  b.run([&](Step& s) { warm = b.iommu->map(s, hpa, kPage); }, 100 * kUs);
  // Three upper levels from DRAM, the entry itself from the cache.
  EXPECT_EQ(b.write(warm) - b.agenda.now(), (100 + 3 * 60 + 10 + 10) * kNs);
}

TEST(DmaApi, OffCostsOnlyTheCall) {
  IommuBench b("bench", IommuBench::params(IommuMode::off));
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  b.run([&](Step& s) {
    EXPECT_EQ(b.iommu->map(s, hpa, 64), hpa);
    b.iommu->unmap(s, hpa, 64);
  }, 100 * kUs);
  EXPECT_EQ(b.ledger.total_mc(b.script.row()), 2 * IommuBench::kDma);
  EXPECT_EQ(b.iommu->stats().maps, 0u);
  EXPECT_EQ(b.iommu->safe_to_unpin(5), 5);
}

TEST(DmaApi, LazyFlushesWithTheBatch) {
  IommuBench b("bench", IommuBench::params(IommuMode::lazy));
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  std::vector<Iova> seen;
  auto once = [&](Step& s) {
    const Iova i = b.iommu->map(s, hpa, kPage);
    seen.push_back(i);
    b.iommu->unmap(s, i, kPage);
  };
  b.run([&](Step& s) { for (int i = 0; i < 249; ++i) once(s); }, kMs);
  EXPECT_EQ(b.iommu->stats().flushes, 0u);
  EXPECT_EQ(b.cell("iommu.flush").calls, 0u);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end()) << "an address was used again before the flush";
  b.run(once, 2 * kMs);
  EXPECT_EQ(b.iommu->stats().flushes, 1u);
  EXPECT_EQ(b.iommu->stats().invalidations, 1u);
  EXPECT_EQ(b.cell("iommu.flush").calls, 1u);
  EXPECT_EQ(b.cell("iommu.flush").mc, IommuBench::kFlush + 250 * IommuBench::kFlushOne);
  EXPECT_EQ(b.cell("iommu.invalidate").calls, 0u);
  seen.clear();
  b.run(once, 3 * kMs);
  EXPECT_LE(seen[0], 250 * kPage) << "addresses come back with the flush";
}

TEST(DmaApi, LazyFlushesAfterTheTimeout) {
  IommuBench b("bench", IommuBench::params(IommuMode::lazy));
  const Hpa hpa = b.phys.alloc_contiguous(2 * kPage, kPage);
  Iova iova = 0;
  Time unmapped = 0;
  b.run([&](Step& s) { iova = b.iommu->map(s, hpa, kPage); }, kMs);
  b.write(iova);
  b.run([&](Step& s) { b.iommu->unmap(s, iova, kPage), unmapped = s.now(); }, 2 * kMs);
  const Time deadline = b.iommu->safe_to_unpin(unmapped);
  EXPECT_EQ(deadline, unmapped + 10 * kMs);
  EXPECT_EQ(b.iommu->safe_to_unpin(unmapped + kMs), deadline) << "the next flush covers later unmaps too";
  // Until the flush the IOTLB still lets the device in.
  b.write(iova, 64, deadline - 1 - b.agenda.now());
  EXPECT_FALSE(b.blocked());
  EXPECT_EQ(b.iommu->stats().stale_dma, 1u);
  b.write(iova, 64, deadline - b.agenda.now());
  EXPECT_TRUE(b.blocked()) << "reachable after the timer's flush";
  EXPECT_EQ(b.iommu->stats().stale_dma, 1u);
  EXPECT_EQ(b.iommu->stats().flushes, 1u);
  EXPECT_EQ(b.cell("iommu.flush").calls, 0u) << "no core has run since";
  EXPECT_EQ(b.iommu->safe_to_unpin(unmapped), deadline);
  b.run([&](Step& s) { b.iommu->map(s, hpa + kPage, kPage); }, 20 * kMs);
  EXPECT_EQ(b.cell("iommu.flush").mc, IommuBench::kFlush + IommuBench::kFlushOne);
}

TEST(DmaApi, LazyPageThatNoDeviceTouchedIsGoneAtOnce) {
  IommuBench b("bench", IommuBench::params(IommuMode::lazy));
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  Iova iova = 0;
  b.run([&](Step& s) { iova = b.iommu->map(s, hpa, kPage), b.iommu->unmap(s, iova, kPage); }, kMs);
  b.write(iova);
  EXPECT_TRUE(b.blocked());
}

TEST(DmaApi, LazyIsCheaperThanStrict) {
  IommuBench strict("strict", IommuBench::params(IommuMode::strict)), lazy("lazy", IommuBench::params(IommuMode::lazy));
  auto work = [](IommuBench& b) {
    const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
    b.run([&b, hpa](Step& s) { for (int i = 0; i < 500; ++i) b.iommu->unmap(s, b.iommu->map(s, hpa, kPage), kPage); }, b.kernel_now() + 10 * kMs);
    return b.ledger.total_mc(b.script.row());
  };
  const auto a = work(strict), c = work(lazy);
  EXPECT_LT(c + 450 * IommuBench::kInvalidate, a);
  EXPECT_EQ(lazy.iommu->stats().flushes, 2u);
  EXPECT_EQ(strict.iommu->stats().invalidations, 500u);
}

TEST(DmaApi, WrongUnmapsAreBrokenInvariants) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  b.run([&](Step& s) {
    EXPECT_THROW(b.iommu->unmap(s, 0x5000, kPage), InvariantError);
    const Iova i = b.iommu->map(s, hpa, kPage);
    b.iommu->unmap(s, i, kPage);
    EXPECT_THROW(b.iommu->unmap(s, i, kPage), InvariantError);
  }, kMs);
}

TEST(DmaApi, LargePagesKeepPoolsMapped) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.page = 2 << 20;
  IommuBench b("bench", p);
  const Hpa pool = b.phys.alloc_contiguous(4 << 20, 2 << 20), other = b.phys.alloc_contiguous(kPage, 2 << 20);
  const Iova base = b.iommu->map_static(pool, 4 << 20);
  EXPECT_EQ(b.iommu->map_static(pool + 8192, 100), base + 8192) << "mapped once";
  b.run([&](Step& s) {
    const Iova inside = b.iommu->map(s, pool + (2 << 20) - 100, 200);   // crosses the large pages
    EXPECT_EQ(inside, base + (2 << 20) - 100);
    b.iommu->unmap(s, inside, 200);
    EXPECT_EQ(b.iommu->stats().maps, 0u);
    EXPECT_EQ(b.ledger.total_mc(b.script.row()), 2 * IommuBench::kDma);
    const Iova outside = b.iommu->map(s, other, 200);
    EXPECT_EQ(b.iommu->stats().maps, 1u);
    b.iommu->unmap(s, outside, 200);
  }, kMs);
  // One entry serves 2 MiB, and its walk is a level shorter.
  EXPECT_EQ(b.write(base, 64, kMs) - b.agenda.now() - kMs, (100 + 3 * 60 + 10) * kNs);
  for (Iova o = 0; o < (2 << 20); o += 8 * kPage) b.write(base + o, 64, 2 * kMs);
  EXPECT_EQ(b.iommu->stats().misses, 1u);
}

}  // namespace
