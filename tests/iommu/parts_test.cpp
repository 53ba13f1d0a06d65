// The pure parts: translation cache, walkers, bus-address allocator, page tables.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "models/base/error.h"
#include "models/iommu/iova.h"
#include "models/iommu/page_table.h"
#include "models/iommu/translation_cache.h"
#include "models/iommu/walkers.h"

using namespace gd;

namespace parts_test {

// Against a plain map: what the cache holds is what was put in, never more than its capacity.
TEST(TranslationCache, HoldsWhatWasPutIn) {
  for (const unsigned capacity : {1u, 3u, 64u, 100u}) {
    TranslationCache c(capacity, 1, "test");
    std::map<std::uint64_t, Hpa> put;
    Rng rng(capacity, "test-ops");
    for (int i = 0; i < 50'000; ++i) {
      const std::uint64_t key = rng.below(capacity * 3) << rng.below(2) * 40 | 1;
      switch (rng.below(4)) {
        case 0:
          c.remove(key);
          ASSERT_EQ(c.find(key), nullptr);
          break;
        case 1:
          if (rng.below(100) == 0) {
            c.remove_if([](std::uint64_t k) { return k % 5 == 0; });
            ASSERT_FALSE(key % 5 == 0 && c.find(key));
          }
          break;
        default:
          if (auto* e = c.find(key)) {
            ASSERT_EQ(e->target, put[key]);
          } else {
            c.insert(key).target = put[key] = rng.u64();
            ASSERT_NE(c.find(key), nullptr);
          }
      }
      ASSERT_LE(c.size(), capacity);
    }
    std::size_t found = 0;
    for (const auto& [key, target] : put)
      if (const auto* e = c.find(key)) {
        ++found;
        ASSERT_EQ(e->target, target);
      }
    EXPECT_EQ(found, c.size()) << "entries that nobody can find";
  }
}

TEST(TranslationCache, KeepsAllUntilFullThenReplacesOne) {
  TranslationCache c(8, 1, "test");
  for (std::uint64_t k = 1; k <= 8; ++k) c.insert(k);
  for (std::uint64_t k = 1; k <= 8; ++k) EXPECT_NE(c.find(k), nullptr);
  c.insert(9);
  int gone = 0;
  for (std::uint64_t k = 1; k <= 8; ++k) gone += c.find(k) == nullptr;
  EXPECT_EQ(gone, 1);
}

// Against a list: they come into the cache in the order of their times, and what is removed before does not.
TEST(TranslationFills, SettleInOrder) {
  TranslationCache one(1, 1, "test"), many(8, 1, "test");
  TranslationFills a, b;
  for (TranslationFills* f : {&a, &b})
    for (const auto& [key, ready] : {std::pair{1u, 300u}, {2u, 100u}, {3u, 200u}, {4u, 200u}, {5u, 400u}}) f->add(key, key * kPage, ready);
  a.settle(99, one);
  EXPECT_EQ(one.size(), 0u);
  a.settle(300, one);
  ASSERT_NE(one.find(1), nullptr) << "the last to come";
  EXPECT_EQ(one.find(1)->target, kPage);
  EXPECT_EQ(one.find(1)->ready, 300);
  EXPECT_EQ(a.find(1), nullptr);
  ASSERT_NE(a.find(5), nullptr);
  b.find(3)->stale = true;
  b.remove(2);
  b.remove_if([](std::uint64_t k) { return k == 5; });
  b.settle(1000, many);
  EXPECT_EQ(many.size(), 3u);
  EXPECT_TRUE(many.find(3)->stale);
  for (std::uint64_t k : {2u, 5u}) EXPECT_EQ(many.find(k), nullptr) << k;
}

TEST(Walkers, Table) {
  Walkers w(2);
  struct Row { Time arrival, service, start; };
  const Row rows[] = {{0, 100, 0}, {0, 100, 0}, {0, 100, 100}, {50, 100, 100},
                      {1000, 100, 1000},                     // announced for later:
                      {200, 100, 200}, {200, 900, 200},      // does not delay what comes before it
                      {300, 800, 1100}};                     // fits no gap of the first walker, second is busy to 1100
  for (const Row& r : rows) EXPECT_EQ(w.reserve(0, r.arrival, r.service), r.start) << r.arrival << " " << r.service;
  EXPECT_EQ(w.reserve(5000, 5000, 10), 5000);
}

TEST(Iova, RunsAreAlignedDisjointAndOutsideTheMessageRange) {
  IovaAllocator a;
  std::vector<bool> taken(1'300'000, false);
  Rng rng(3, "iova-test");
  std::uint64_t highest = 0;
  while (highest < kMsiBase / kPage + 2000) {
    const std::uint64_t pages = rng.below(3) ? 1 + rng.below(40) : 1 + rng.below(600);
    const unsigned order = IovaAllocator::order(pages);
    ASSERT_GE(1ULL << order, pages);
    ASSERT_LT(1ULL << order, pages * 2);
    const std::uint32_t run = a.take(order);
    ASSERT_EQ(run % (1u << order), 0u);
    ASSERT_GT(run, 0u);
    for (std::uint64_t p = run; p < run + (1ULL << order); ++p) {
      ASSERT_FALSE(taken[p]) << "page " << p << " given twice";
      ASSERT_FALSE(p >= kMsiBase / kPage && p < (kMsiBase + kMsiSize) / kPage) << "page " << p << " of the message range";
      taken[p] = true;
    }
    highest = std::max<std::uint64_t>(highest, run);
  }
}

TEST(Iova, LatestReturnedIsUsedFirst) {
  IovaAllocator a;
  const auto x = a.take(0), y = a.take(0);
  a.give_back(x, 0);
  a.give_back(y, 0);
  EXPECT_EQ(a.take(0), y);
  EXPECT_EQ(a.take(0), x);
}

TEST(IoPageTable, MapWalkUnmap) {
  PhysMem phys(64 << 20, 1);
  IoPageTable t(phys, 4);
  const Iova iova = 0x12'3456'7000;
  EXPECT_EQ(t.walk(iova).mapped, false);
  EXPECT_EQ(t.walk(iova).reached, 4u) << "the root's entry is empty";
  const Hpa entry = t.map(iova, 0x5000, 1);
  const auto w = t.walk(iova | 0xabc);
  EXPECT_TRUE(w.mapped);
  EXPECT_EQ(w.page, 0x5000u);
  EXPECT_EQ(w.reached, 1u);
  EXPECT_EQ(w.entry[1], entry);
  EXPECT_EQ(phys.load<std::uint64_t>(entry), 0x5003u) << "read and write, in memory";
  EXPECT_FALSE(t.walk(iova + kPage).mapped);
  EXPECT_THROW(t.map(iova, 0x6000, 1), InvariantError);
  EXPECT_EQ(t.unmap(iova), entry);
  EXPECT_FALSE(t.walk(iova).mapped);
  EXPECT_THROW(t.unmap(iova), InvariantError);
  EXPECT_EQ(t.table_bytes(), 4 * kPage);
}

TEST(IoPageTable, LargePagesEndTheWalkEarlier) {
  PhysMem phys(64 << 20, 1);
  IoPageTable t(phys, 5);
  t.map(0x4000'0000, 0x20'0000, 2);
  t.map(0x8000'0000, 0x4000'0000, 3);
  EXPECT_EQ(t.walk(0x4000'0000 + 0x1'2345).reached, 2u);
  EXPECT_EQ(t.walk(0x4000'0000 + 0x1'2345).page, 0x20'0000u);
  EXPECT_EQ(t.walk(0x8000'0000 + 0x1234'5678).reached, 3u);
  EXPECT_THROW(t.map(0x4000'1000, 0, 1), InvariantError);
}

}  // namespace parts_test
