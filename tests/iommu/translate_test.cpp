// Translation of a device's requests: hits, misses, merging, walkers, capacity, faults.
#include "tests/iommu/iommu_bench.h"

using namespace gd;

namespace translate_test {

constexpr Time kWrite = 10 * kNs;   // a full line into the cache

TEST(IommuTranslate, TimedTable) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.walkers = 2;
  p.hit_latency = 1 * kNs;
  IommuBench b("bench", p);
  const Iova base = b.iommu->map_static(b.phys.alloc_contiguous(8 * kPage, kPage), 8 * kPage);
  struct Row { const char* what; Time issue; int page; Time done; std::uint64_t misses, merged, reads; };
  const Row rows[] = {
      {"walk of four levels", 0, 0, 340, 1, 0, 4},
      {"merges", 100, 0, 340, 1, 1, 4},
      {"waits for the table's address, then one read", 0, 1, 500, 2, 1, 5},
      {"second walker", 0, 2, 500, 3, 1, 6},
      {"both walkers busy", 0, 3, 660, 4, 1, 7},
      {"hit", 1000, 0, 1000, 4, 1, 7},
      {"hit", 660, 3, 660, 4, 1, 7},
      {"one read", 2000, 4, 2160, 5, 1, 8}};
  for (const Row& r : rows) {
    EXPECT_EQ(b.write(base + static_cast<Iova>(r.page) * kPage, 64, r.issue * kNs), r.done * kNs + p.hit_latency + kWrite) << r.what;
    EXPECT_EQ(b.iommu->stats().misses, r.misses) << r.what;
    EXPECT_EQ(b.iommu->stats().merged, r.merged) << r.what;
    EXPECT_EQ(b.iommu->stats().walk_reads, r.reads) << r.what;
  }
  EXPECT_EQ(b.iommu->stats().lookups, 8u);
}

// Doubling a parameter shifts the completion by exactly that.
TEST(IommuTranslate, ParametersShiftCompletions) {
  const IommuParams base = IommuBench::params(IommuMode::strict);
  IommuParams overhead = base, hit = base, levels = base, uncached = base;
  overhead.walk_overhead *= 2;
  hit.hit_latency = 7 * kNs;
  levels.levels = 5, levels.cached_levels = 4;
  uncached.cached_levels = 1;
  struct Row { const char* name; const IommuParams& p; Time first, second; };   // a cold walk; its neighbour later
  const Row rows[] = {{"base", base, 340, 160}, {"overhead", overhead, 440, 260}, {"hit", hit, 347, 167},
                      {"levels", levels, 400, 160}, {"uncached", uncached, 340, 280}};
  std::vector<std::unique_ptr<IommuBench>> benches;
  std::vector<Iova> at;
  for (const Row& r : rows) {
    benches.push_back(std::make_unique<IommuBench>(r.name, r.p));
    at.push_back(benches.back()->iommu->map_static(benches.back()->phys.alloc_contiguous(2 * kPage, kPage), 2 * kPage));
  }
  for (std::size_t i = 0; i < benches.size(); ++i) {
    EXPECT_EQ(benches[i]->write(at[i]), rows[i].first * kNs + kWrite) << rows[i].name;
    EXPECT_EQ(benches[i]->write(at[i] + kPage, 64, kUs) - kUs, rows[i].second * kNs + kWrite) << rows[i].name;
  }
}

// Six walks overlap: 64 B to random pages beyond the IOTLB's reach complete at walkers / walk time.
TEST(IommuTranslate, WalkersBoundTheRate) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  constexpr int kPages = 4096, kRequests = 20'000;
  const Iova base = b.iommu->map_static(b.phys.alloc_contiguous(kPages * kPage, kPage), kPages * kPage);
  Rng rng(1, "pages");
  Time end = 0;
  for (int i = 0; i < kRequests; ++i) end = std::max(end, b.write_in_turn(base + rng.below(kPages) * kPage));
  const auto& s = b.iommu->stats();
  EXPECT_GT(s.misses, s.lookups * 97 / 100);
  const double per_walk = static_cast<double>(end) / static_cast<double>(s.misses) / kNs;
  EXPECT_NEAR(per_walk, 160.0 / 6, 1.0) << "ns";
  EXPECT_NEAR(static_cast<double>(s.walk_reads) / static_cast<double>(s.misses), 1.0, 0.01);
}

TEST(IommuTranslate, CapacityOfTheIotlb) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  IommuBench b("bench", p);
  const Iova base = b.iommu->map_static(b.phys.alloc_contiguous(256 * kPage, kPage), 256 * kPage);
  for (int round = 0; round < 10; ++round)
    for (Iova i = 0; i < p.iotlb_entries; ++i) b.write_in_turn(base + i * kPage);
  EXPECT_EQ(b.iommu->stats().misses, p.iotlb_entries) << "what fits is missed once";
  const auto before = b.iommu->stats();
  for (int round = 0; round < 20; ++round)
    for (Iova i = 0; i < 2 * p.iotlb_entries; ++i) b.write_in_turn(base + i * kPage);
  const auto misses = b.iommu->stats().misses - before.misses, lookups = b.iommu->stats().lookups - before.lookups;
  EXPECT_GT(misses, lookups / 2) << "twice the capacity in turn";
  EXPECT_LT(misses, lookups) << "random replacement keeps some, unlike LRU";
}

// A translation under way has no entry yet: what is cached stays until the walk ends, and those who ask meanwhile wait for it, so that
// more pages than entries are within reach while walks wait for a walker.
TEST(IommuTranslate, EntriesAreReplacedWhenWalksEnd) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.iotlb_entries = 1;
  p.walkers = 1;
  IommuBench b("bench", p);
  const Iova base = b.iommu->map_static(b.phys.alloc_contiguous(8 * kPage, kPage), 8 * kPage);
  struct Row { const char* what; Time issue; int page; Time done; std::uint64_t misses, merged; };
  for (const Row& r : {Row{"walk of four levels", 0, 0, 340, 1, 0}, Row{"its neighbour", 1000, 1, 1160, 2, 0},
                       Row{"still cached", 1100, 0, 1100, 2, 0}, Row{"waits for the walker", 1120, 2, 1320, 3, 0},
                       Row{"waits with it", 1150, 2, 1320, 3, 1}, Row{"and with the one before", 1155, 1, 1160, 3, 2},
                       Row{"replaced", 1200, 0, 1480, 4, 2}, Row{"cached until the next has come", 1310, 1, 1310, 4, 2},
                       Row{"the last to come", 2000, 0, 2000, 4, 2}, Row{"replaced", 2000, 2, 2160, 5, 2}}) {
    EXPECT_EQ(b.write(base + static_cast<Iova>(r.page) * kPage, 64, r.issue * kNs), r.done * kNs + kWrite) << r.what;
    EXPECT_EQ(b.iommu->stats().misses, r.misses) << r.what;
    EXPECT_EQ(b.iommu->stats().merged, r.merged) << r.what;
  }
}

// One entry of each level: what leaves a cache is read again, and only that.
TEST(IommuTranslate, WalkCachesAreOfOneLevelEach) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.walk_cache_entries = 1;
  p.iotlb_entries = 1;
  IommuBench b("bench", p);
  constexpr Iova kTable = 512 * kPage;   // 2 MiB: reach of one table
  const Iova base = b.iommu->map_static(b.phys.alloc_contiguous(3 * kTable, kTable), 3 * kTable);
  const Iova first = align_up(base, kTable);
  struct Row { const char* what; Iova a; std::uint64_t reads; };
  std::uint64_t reads = 0;
  Time at = 0;
  for (const Row& r : {Row{"all levels", first, 4}, Row{"its neighbour", first + kPage, 1}, Row{"another table: a lower level is read too", first + kTable, 2},
                       Row{"back: its pointer has left", first, 2}, Row{"its neighbour", first + 2 * kPage, 1}}) {
    b.write(r.a, 64, at += kUs);
    reads += r.reads;
    EXPECT_EQ(b.iommu->stats().walk_reads, reads) << r.what;
  }
}

// The same requests, more of something: never later, never more misses or reads.
TEST(IommuTranslate, MoreNeverHurts) {
  struct Row { const char* what; void (*set)(IommuParams&, unsigned); };
  const Row rows[] = {Row{"walkers", [](IommuParams& p, unsigned n) { p.walkers = n; }},
                       Row{"IOTLB entries", [](IommuParams& p, unsigned n) { p.iotlb_entries = 16 * n; }},
                       Row{"entries of the walk caches", [](IommuParams& p, unsigned n) { p.walk_cache_entries = n; }},
                       Row{"cached levels", [](IommuParams& p, unsigned n) { p.cached_levels = n == 1 ? 0 : n == 2 ? 1 : n == 4 ? 2 : 3; }}};
  constexpr unsigned kSteps[] = {1, 2, 4, 8};
  std::vector<std::unique_ptr<IommuBench>> benches;   // all before the first runs
  for (const Row& r : rows)
    for (unsigned n : kSteps) {
      IommuParams p = IommuBench::params(IommuMode::strict);
      r.set(p, n);
      benches.push_back(std::make_unique<IommuBench>(("bench" + std::to_string(benches.size())).c_str(), p));
    }
  auto next = benches.begin();
  for (const Row& r : rows) {
    Time before = kNever / 2;
    std::uint64_t misses = UINT64_MAX / 2, reads = UINT64_MAX / 2;
    for (unsigned n : kSteps) {
      IommuBench& b = **next++;
      const Iova base = b.iommu->map_static(b.phys.alloc_contiguous(8192 * kPage, kPage), 8192 * kPage);
      Rng rng(7, "pages");
      Time end = 0;
      for (int i = 0; i < 4000; ++i) end = std::max(end, b.write_in_turn(base + rng.below(8192) * kPage));
      EXPECT_LE(end, before + 100 * kNs) << n << " " << r.what;
      EXPECT_LE(b.iommu->stats().misses, misses + 20) << n << " " << r.what;
      EXPECT_LE(b.iommu->stats().walk_reads, reads + 20) << n << " " << r.what;
      before = end, misses = b.iommu->stats().misses, reads = b.iommu->stats().walk_reads;
    }
  }
}

TEST(IommuTranslate, SeedDecidesReplacement) {
  std::uint64_t misses[3];
  std::vector<std::unique_ptr<IommuBench>> benches;
  std::vector<Iova> at;
  const std::uint64_t seeds[] = {1, 1, 2};
  for (int i = 0; i < 3; ++i) {
    benches.push_back(std::make_unique<IommuBench>(("b" + std::to_string(i)).c_str(), IommuBench::params(IommuMode::strict), seeds[i]));
    at.push_back(benches.back()->iommu->map_static(benches.back()->phys.alloc_contiguous(128 * kPage, kPage), 128 * kPage));
  }
  for (int i = 0; i < 3; ++i) {
    for (int round = 0; round < 30; ++round)
      for (Iova k = 0; k < 100; ++k) benches[i]->write_in_turn(at[i] + k * kPage);
    misses[i] = benches[i]->iommu->stats().misses;
  }
  EXPECT_EQ(misses[0], misses[1]);
  EXPECT_NE(misses[0], misses[2]);
}

TEST(IommuTranslate, UnmappedIsBlocked) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  const Hpa page = b.phys.alloc_contiguous(kPage, kPage);
  b.phys.store<std::uint64_t>(page + kPage - 64, 0x1122334455667788);
  const Iova base = b.iommu->map_static(page, kPage);
  std::fill(b.bytes.begin(), b.bytes.end(), 0xee);
  // Plainly unmapped; the host-physical address itself; a range that begins mapped and ends unmapped; the end of the bus.
  const struct { Iova a; Bytes n; } rows[] = {{0x7000, 64}, {page, 64}, {base + kPage - 64, 128}, {UINT64_MAX - 63, 64}};
  std::uint64_t faults = 0;
  for (const auto& r : rows) {
    b.write(r.a, r.n);
    EXPECT_EQ(b.t.info().fault, true) << std::hex << r.a;
    EXPECT_EQ(b.iommu->stats().faults, ++faults);
  }
  EXPECT_EQ(b.phys.load<std::uint64_t>(page + kPage - 64), 0x1122334455667788u) << "bytes of a blocked request moved";
  EXPECT_EQ(b.iommu->stats().stale_dma, 0u);
}

TEST(IommuTranslate, OffAndPassthroughAreIdentity) {
  IommuBench off("off", IommuBench::params(IommuMode::off)), through("through", IommuBench::params(IommuMode::passthrough));
  for (IommuBench* b : {&off, &through}) {
    const Hpa page = b->phys.alloc_contiguous(kPage, kPage);
    EXPECT_EQ(b->iommu->map_static(page + 8, 100), page + 8);
    b->bytes[0] = 0x5a;
    EXPECT_EQ(b->write(page, 64), kWrite);
    EXPECT_EQ(b->phys.load<std::uint8_t>(page), 0x5a);
    EXPECT_EQ(b->t.info().hpa, page);
    EXPECT_EQ(b->iommu->stats().lookups, 0u);
    b->write(Iova{1} << 39, 64);
    EXPECT_TRUE(b->blocked()) << "outside memory";
  }
}

// Who only wants the time moves the bytes himself, where the first one lies.
TEST(IommuTranslate, TimingOnlyMovesNothing) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  const Hpa page = b.phys.alloc_contiguous(kPage, kPage);
  const Iova base = b.iommu->map_static(page, kPage);
  b.bytes[0] = 0x5a;
  EXPECT_EQ(b.dma(tlm::TLM_WRITE_COMMAND, base + 64, 64, 0, 0, true), 340 * kNs + kWrite);
  EXPECT_EQ(b.phys.load<std::uint8_t>(page + 64), 0);
  EXPECT_EQ(b.t.info().hpa, page + 64);
}

TEST(IommuTranslate, ImpossibleParametersAreRefused) {
  Agenda agenda("agenda");
  PhysMem phys(4 << 20, 1);
  MemorySystem memory("memory", agenda, phys, MemoryParams{}, 1);
  CostBook costs;
  struct Row { const char* word; void (*spoil)(IommuParams&); };
  const Row rows[] = {{"iommu.page: 8192", [](IommuParams& p) { p.page = 8192; }},
                      {"iommu.iotlb_entries: 0", [](IommuParams& p) { p.iotlb_entries = 0; }},
                      {"iommu.walkers: 0", [](IommuParams& p) { p.walkers = 0; }},
                      {"iommu.levels: 3", [](IommuParams& p) { p.levels = 3; }},
                      {"iommu.cached_levels: 4", [](IommuParams& p) { p.cached_levels = 4; }},
                      {"iommu.walk_cache_entries: 0", [](IommuParams& p) { p.walk_cache_entries = 0; }},
                      {"iommu.faults.injected: 1000001", [](IommuParams& p) { p.injected_faults = 1'000'001; }},
                      {"iommu.lazy_batch: 0", [](IommuParams& p) { p.lazy_batch = 0; }},
                      {"dma.map", [](IommuParams&) {}}};   // the cost book is empty
  for (const Row& r : rows) {
    IommuParams p;
    r.spoil(p);
    try {
      Iommu i("refused", agenda, p, memory, costs, 1);
      ADD_FAILURE() << "accepted: " << r.word;
    } catch (const UserError& e) {
      EXPECT_NE(std::string(e.what()).find(r.word), std::string::npos) << e.what();
    }
  }
}

}  // namespace translate_test
