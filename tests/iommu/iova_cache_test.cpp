// Bus addresses by per-core magazines, a depot and an allocator from above: tables of takes and returns, and the DMA API on it.
#include <set>

#include "models/iommu/iova_cache.h"
#include "tests/iommu/iommu_bench.h"

using namespace gd;

namespace iova_cache_test {

constexpr std::uint32_t kTop = IovaCaches::kLow, kMagazine = IovaCaches::kMagazine;
constexpr std::uint32_t kMsi = kMsiBase / kPage, kMsiEnd = (kMsiBase + kMsiSize) / kPage;

TEST(IovaCaches, NewRunsComeFromTheTopDownwardsAligned) {
  struct Row { unsigned order; std::uint32_t run; };
  IovaCaches c;
  for (const Row& r : {Row{0, kTop - 1}, Row{0, kTop - 2}, Row{2, kTop - 8}, Row{0, kTop - 9}, Row{9, kTop - 1024}, Row{9, kTop - 1536}})
    EXPECT_EQ(c.take(0, r.order), r.run) << r.order;
}

TEST(IovaCaches, TheMessageRangeAndTheFirstPageAreLeftOutAndWhatIsAbove4GiBFollows) {
  IovaCaches c;
  std::set<std::uint32_t> seen;
  const unsigned order = 8;
  bool high = false;
  for (int i = 0; i < (1 << 20 >> 8) + 8; ++i) {
    const std::uint32_t run = c.take(0, order);
    ASSERT_TRUE(seen.insert(run).second);
    ASSERT_EQ(run % 256, 0u);
    ASSERT_GT(run, 0u);
    ASSERT_TRUE(run + 256 <= kMsi || run >= kMsiEnd) << run;
    high = high || run >= kTop;
    ASSERT_EQ(high, run >= kTop) << "below 4 GiB again";
  }
  EXPECT_TRUE(high);
}

// Runs that touch the message range's borders are given, those that overlap it by a page are not.
TEST(IovaCaches, RunsReachTheBordersOfTheMessageRange) {
  for (const unsigned order : {0u, 4u, 8u}) {
    const std::uint32_t pages = 1u << order;
    IovaCaches c;
    IovaAllocator upwards;
    std::set<std::uint32_t> down, up;
    for (std::uint32_t run = kTop; run > kMsi - 4 * pages;) down.insert(run = c.take(0, order));
    for (std::uint32_t run = 0; run < kMsiEnd + 4 * pages;) {
      run = upwards.take(order);
      if (run > kMsi - 4 * pages) up.insert(run);
    }
    for (const auto* seen : {&down, &up})
      for (std::uint32_t first : {kMsi - 2 * pages, kMsi - pages, kMsiEnd, kMsiEnd + pages}) EXPECT_TRUE(seen->count(first)) << order << " " << first;
  }
}

// The gaps before an alignment serve shorter runs, up to the message range.
TEST(Iova, GapsServeShorterRuns) {
  IovaAllocator a;
  struct Row { unsigned order; std::uint32_t run; };
  for (const Row& r : {Row{0, 1}, Row{3, 8}, Row{1, 2}, Row{2, 4}, Row{0, 16}, Row{0, 17}}) EXPECT_EQ(a.take(r.order), r.run) << r.order;
}

TEST(IovaCaches, ACoreTakesWhatItFreedLast) {
  IovaCaches c;
  const auto x = c.take(0, 0), y = c.take(0, 0);
  c.give_back(0, x, 0);
  c.give_back(1, y, 0);
  EXPECT_EQ(c.take(0, 0), x);
  EXPECT_EQ(c.take(0, 0), kTop - 3) << "another core's magazine is out of reach";
  EXPECT_EQ(c.take(1, 1), kTop - 6) << "another length's too";
  EXPECT_EQ(c.take(1, 0), y);
}

// Two magazines stay with the core, a third goes to the depot, from which the other core takes it whole.
TEST(IovaCaches, FullMagazinesGoThroughTheDepot) {
  IovaCaches c;
  std::vector<std::uint32_t> runs;
  for (unsigned i = 0; i < 2 * kMagazine + 1; ++i) runs.push_back(c.take(0, 0));
  for (unsigned i = 0; i < 2 * kMagazine; ++i) c.give_back(0, runs[i], 0);
  const std::uint32_t fresh = c.take(1, 0);
  EXPECT_EQ(fresh, runs.back() - 1) << "the depot is empty as yet";
  c.give_back(0, runs.back(), 0);
  // What was loaded when both were full: the second magazine.
  for (unsigned i = 0; i < kMagazine; ++i) ASSERT_EQ(c.take(1, 0), runs[2 * kMagazine - 1 - i]) << i;
  EXPECT_EQ(c.take(1, 0), fresh - 1) << "the depot held one";
  EXPECT_EQ(c.take(0, 0), runs.back());
  EXPECT_EQ(c.take(0, 0), runs[kMagazine - 1]) << "then the magazine of before";
}

TEST(IovaCaches, AFullDepotGivesBackToTheAllocatorTheHighestFirst) {
  IovaCaches c;
  std::vector<std::uint32_t> runs;
  const unsigned n = (2 + IovaCaches::kDepot) * kMagazine;
  for (unsigned i = 0; i < n + 1; ++i) runs.push_back(c.take(0, 5));
  for (unsigned i = 0; i < n; ++i) c.give_back(0, runs[i], 5);
  c.give_back(0, runs[n], 5);                      // the magazine that was loaded has no place
  const std::set<std::uint32_t> given(runs.begin(), runs.end());
  for (unsigned i = 0; i < IovaCaches::kDepot * kMagazine; ++i) ASSERT_TRUE(given.count(c.take(1, 5))) << "of the depot, " << i;
  for (unsigned i = 0; i < kMagazine; ++i) ASSERT_EQ(c.take(1, 5), runs[n - kMagazine + i]) << "of the allocator, " << i;
  EXPECT_LT(c.take(1, 5), runs.back()) << "a new one: the first core keeps a magazine and a run";
}

TEST(IovaCaches, LongRunsAreNotCached) {
  IovaCaches c;
  const auto a = c.take(0, 6), b = c.take(0, 6);
  c.give_back(0, b, 6);
  c.give_back(0, a, 6);
  EXPECT_EQ(c.take(1, 6), a) << "the highest, for whichever core";
  EXPECT_EQ(c.take(0, 6), b);
}

// Strict: the core takes the address that it has just unmapped, and the walk finds the new page.
TEST(IovaCaches, StrictAddressesAreUsedAgainAtOnce) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.iova_cache = IovaCache::per_core;
  IommuBench b("bench", p);
  const Hpa hpa = b.phys.alloc_contiguous(2 * kPage, kPage);
  Iova first = 0, second = 0;
  b.run([&](Step& s) { first = b.iommu->map(s, hpa, kPage); }, kMs);
  b.write(first);
  b.run([&](Step& s) {
    b.iommu->unmap(s, first, kPage);
    second = b.iommu->map(s, hpa + kPage, kPage);
  }, 2 * kMs);
  EXPECT_EQ(first, Iova{kTop - 1} * kPage);
  EXPECT_EQ(second, first);
  b.write(second);
  EXPECT_FALSE(b.blocked());
  EXPECT_EQ(b.t.info().hpa, hpa + kPage) << "not the page of before";
  EXPECT_EQ(b.iommu->stats().misses, 2u);
}

TEST(IovaCaches, LazyAddressesComeBackWithTheFlush) {
  IommuParams p = IommuBench::params(IommuMode::lazy);
  p.iova_cache = IovaCache::per_core;
  p.lazy_batch = 2;
  IommuBench b("bench", p);
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  std::vector<Iova> seen;
  b.run([&](Step& s) {
    for (int i = 0; i < 3; ++i) {
      seen.push_back(b.iommu->map(s, hpa, kPage));
      b.iommu->unmap(s, seen.back(), kPage);
    }
  }, kMs);
  EXPECT_EQ(b.iommu->stats().flushes, 1u);
  EXPECT_EQ(seen, (std::vector<Iova>{Iova{kTop - 1} * kPage, Iova{kTop - 2} * kPage, Iova{kTop - 2} * kPage}));
}

}  // namespace iova_cache_test
