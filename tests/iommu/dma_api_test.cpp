// Map, unmap, invalidate, flush: what they cost and whom, and what a device can reach when.
#include "tests/iommu/iommu_bench.h"

using namespace gd;

namespace dma_api_test {

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

// The deadline is that of the oldest unmap in the queue, whatever comes after it, and whoever sees first that it has passed.
TEST(DmaApi, TheOldestUnmapDecidesWhenToFlush) {
  IommuBench b("bench", IommuBench::params(IommuMode::lazy));
  const Hpa hpa = b.phys.alloc_contiguous(2 * kPage, kPage);
  Iova x = 0, y = 0;
  Time first = 0;
  b.run([&](Step& s) { x = b.iommu->map(s, hpa, kPage), y = b.iommu->map(s, hpa + kPage, kPage); }, kMs);
  b.run([&](Step& s) { b.iommu->unmap(s, x, kPage), first = s.now(); }, 2 * kMs);
  b.run([&](Step& s) { b.iommu->unmap(s, y, kPage); }, 7 * kMs);
  EXPECT_EQ(b.iommu->safe_to_unpin(first), first + 10 * kMs);
  b.write(x, 64, first + 11 * kMs - b.agenda.now());
  EXPECT_EQ(b.iommu->stats().flushes, 1u);
  EXPECT_EQ(b.iommu->safe_to_unpin(first), first + 10 * kMs) << "the timer's time, not that of the request that saw it";
}

// Who flushes waits for the command: the unmap that fills the batch, or the core that runs next after the timer.
TEST(DmaApi, LazyFlushesAreWaitedFor) {
  IommuParams p = IommuBench::params(IommuMode::lazy);
  p.invalidation_latency = 5 * kUs;
  IommuParams at_once = p;
  at_once.lazy_batch = 1;
  IommuBench batch("batch", at_once), timer("timer", p);
  for (IommuBench* bench : {&batch, &timer}) {
    IommuBench& b = *bench;
    const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
    b.run([&](Step& s) { b.iommu->unmap(s, b.iommu->map(s, hpa, kPage), kPage); }, b.kernel_now() + kMs);
    if (bench == &timer) {
      EXPECT_EQ(b.cell("iommu.invalidation_wait").mc, 0u);
      b.run([](Step&) {}, b.kernel_now() + 15 * kMs);
      b.run([&](Step& s) { b.iommu->map(s, hpa, kPage); }, b.kernel_now() + 5 * kMs);
    }
    EXPECT_EQ(b.cell("iommu.flush").calls, 1u);
    EXPECT_NEAR(static_cast<double>(b.cell("iommu.invalidation_wait").mc) / 2.67, 5.0 * kUs, 10'000);
  }
}

TEST(DmaApi, ScatteredPagesAreOneRange) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  const Hpa hpa = b.phys.alloc_contiguous(4 * kPage, kPage);
  const Hpa pages[] = {hpa + 2 * kPage, hpa};
  Iova iova = 0;
  b.run([&](Step& s) { iova = b.iommu->map_pages(s, pages, 2); }, 100 * kUs);
  EXPECT_EQ(b.cell("dma.map").mc, IommuBench::kDma);
  EXPECT_EQ(b.iommu->stats().maps, 1u);
  EXPECT_GE(b.cell("iommu.map").mc, IommuBench::kMap + 2 * IommuBench::kMapPage);
  b.write(iova, 64);
  EXPECT_EQ(b.t.info().hpa, hpa + 2 * kPage);
  b.write(iova + kPage, 64);
  EXPECT_EQ(b.t.info().hpa, hpa);
}

// The CPU writes entries, and stores each of their lines once: eight entries a line.
TEST(DmaApi, EntriesAreStoredLineByLine) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict), 1, 2);   // another core unmaps: it has none of the lines
  const Hpa hpa = b.phys.alloc_contiguous(32 * kPage, kPage);
  std::vector<Hpa> pages;
  for (Hpa p = hpa; p < hpa + 32 * kPage; p += kPage) pages.push_back(p);
  const auto touched = [&] { return b.memory.stats().cpu_hits + b.memory.stats().cpu_misses + b.memory.stats().private_hits; };
  struct Row {
    std::uint64_t pages, lines;   // a run is aligned to its length, to the next power of two
  };
  for (const Row& r : {Row{1, 1}, {1, 1}, {3, 1}, {8, 1}, {9, 2}, {17, 3}, {20, 3}, {32, 4}})
    for (const bool scattered : {false, true}) {
      SCOPED_TRACE(std::to_string(r.pages) + (scattered ? " scattered" : ""));
      Iova i = 0;
      b.run([&](Step& s) {
        const std::uint64_t before = touched();
        i = scattered ? b.iommu->map_pages(s, pages.data(), r.pages) : b.iommu->map(s, hpa, r.pages * kPage);
        EXPECT_EQ(touched() - before, r.lines);
      }, b.kernel_now() + kMs);
      b.more_scripts[0]->body = [&](Step& s) {
        const std::uint64_t before = touched();
        b.iommu->unmap(s, i, r.pages * kPage);
        EXPECT_EQ(touched() - before, r.lines);
      };
      b.run([&](Step& s) { b.more_scripts[0]->wake(s.now()); }, b.kernel_now() + kMs);
      b.run([&](Step& s) { b.iommu->map(s, hpa, kPage); }, b.kernel_now() + kMs);   // the next run begins within a line
    }
}

// A flush takes the host's entries of the walk caches along, as the domain's invalidation does; an unmap before it does not, and
// guests keep theirs.
TEST(DmaApi, LazyFlushDropsTheWalkCaches) {
  IommuParams p = IommuBench::params(IommuMode::lazy);
  p.lazy_batch = 2;
  IommuBench b("bench", p);
  GuestSpace guest(b.phys, 8 << 20, kPage);
  const Iova window = b.iommu->map_guest(guest, 3);
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  Iova page[4] = {};
  b.run([&](Step& s) { for (Iova& i : page) i = b.iommu->map(s, hpa, kPage); }, kMs);
  const auto reads = [&](Iova a, std::uint16_t domain = 0) {
    const std::uint64_t before = b.iommu->stats().walk_reads;
    b.write(a, 64, 0, domain);
    EXPECT_FALSE(b.blocked());
    return b.iommu->stats().walk_reads - before;
  };
  EXPECT_EQ(reads(page[0]), 4u);
  EXPECT_EQ(reads(window, 3), 4u);
  b.run([&](Step& s) { b.iommu->unmap(s, page[0], kPage); }, 2 * kMs);
  EXPECT_EQ(reads(page[2]), 1u) << "not flushed yet";
  b.run([&](Step& s) { b.iommu->unmap(s, page[1], kPage); }, 3 * kMs);
  EXPECT_EQ(b.iommu->stats().flushes, 1u);
  EXPECT_EQ(reads(page[3]), 4u);
  EXPECT_EQ(reads(window + kPage, 3), 1u);
}

// The unmap that fills the batch was in it: its page is out of reach at once, like those before.
TEST(DmaApi, WhatAFullBatchFlushedIsSafe) {
  IommuParams p = IommuBench::params(IommuMode::lazy);
  p.lazy_batch = 2;
  IommuBench b("bench", p);
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  Time first = 0, second = 0, third = 0;
  const auto once = [&](Step& s) {
    b.iommu->unmap(s, b.iommu->map(s, hpa, kPage), kPage);
    return s.now();
  };
  b.run([&](Step& s) { first = once(s); }, kMs);
  EXPECT_EQ(b.iommu->safe_to_unpin(first), first + p.lazy_timeout);
  b.run([&](Step& s) { second = once(s); }, 2 * kMs);
  EXPECT_EQ(b.iommu->safe_to_unpin(first), second);
  EXPECT_EQ(b.iommu->safe_to_unpin(second), second);
  EXPECT_EQ(b.iommu->safe_to_unpin(second + 1), second + 1 + p.lazy_timeout);
  b.run([&](Step& s) { third = once(s); }, 3 * kMs);
  EXPECT_EQ(b.iommu->safe_to_unpin(third), third + p.lazy_timeout);
}

// What the timer has flushed is charged once, to whoever calls next.
TEST(DmaApi, TheTimersFlushIsChargedToTheNextCall) {
  struct Row {
    const char* what;
    void (*call)(IommuBench&, Step&, Hpa, Iova);
  };
  const Row rows[] = {{"map", [](IommuBench& b, Step& s, Hpa hpa, Iova) { b.iommu->map(s, hpa, kPage); }},
                      {"map_pages", [](IommuBench& b, Step& s, Hpa hpa, Iova) { b.iommu->map_pages(s, &hpa, 1); }},
                      {"unmap", [](IommuBench& b, Step& s, Hpa, Iova kept) { b.iommu->unmap(s, kept, kPage); }}};
  std::vector<std::unique_ptr<IommuBench>> benches;
  for (const Row& r : rows) benches.push_back(std::make_unique<IommuBench>(r.what, IommuBench::params(IommuMode::lazy)));
  for (std::size_t i = 0; i < benches.size(); ++i) {
    SCOPED_TRACE(rows[i].what);
    IommuBench& b = *benches[i];
    const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
    Iova kept = 0;
    b.run([&](Step& s) {
      kept = b.iommu->map(s, hpa, kPage);
      for (int k = 0; k < 3; ++k) b.iommu->unmap(s, b.iommu->map(s, hpa, kPage), kPage);
    }, b.kernel_now() + 20 * kMs);
    EXPECT_EQ(b.cell("iommu.flush").calls, 0u);
    b.run([&](Step& s) { rows[i].call(b, s, hpa, kept); }, b.kernel_now() + kMs);
    EXPECT_EQ(b.cell("iommu.flush").mc, IommuBench::kFlush + 3 * IommuBench::kFlushOne);
    b.run([&](Step& s) { b.iommu->map(s, hpa, kPage); }, b.kernel_now() + kMs);
    EXPECT_EQ(b.cell("iommu.flush").calls, 1u);
  }
}

TEST(DmaApi, StaticRangesLieApart) {
  IommuBench b("bench", IommuBench::params(IommuMode::strict));
  const Hpa hpa = b.phys.alloc_contiguous(8 * kPage, kPage);
  struct Row {
    Bytes at, length;
  };
  Iova end = 0;
  for (const Row& r : {Row{0, kPage}, {kPage + 100, kPage}, {4 * kPage, 1}}) {
    const Iova i = b.iommu->map_static(hpa + r.at, r.length);
    EXPECT_GE(i, end);
    end = i + r.length;
    b.write(i, r.length);
    EXPECT_FALSE(b.blocked());
    EXPECT_EQ(b.t.info().hpa, hpa + r.at);
  }
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

// Linux's strict invalidation takes all of the domain's entries in the walk caches along, whatever the address; the hint that only a leaf
// has changed spares them.
TEST(DmaApi, StrictInvalidationDropsTheWalkCaches) {
  IommuParams hinted = IommuBench::params(IommuMode::strict);
  hinted.invalidation_hint = true;
  IommuBench plain("plain", IommuBench::params(IommuMode::strict)), with_hint("hint", hinted);
  for (IommuBench* bench : {&plain, &with_hint}) {
    IommuBench& b = *bench;
    const bool hint = b.iommu->params().invalidation_hint;
    const Hpa hpa = b.phys.alloc_contiguous(3 * kPage, kPage);
    Iova page[3] = {}, far = 0;
    b.run([&](Step& s) { for (Iova& i : page) i = b.iommu->map(s, hpa, kPage); }, b.kernel_now() + kMs);
    b.run([&](Step& s) { far = b.iommu->map(s, hpa, 1024 * kPage); }, b.kernel_now() + kMs);
    const auto reads = [&b](Iova a) {
      const std::uint64_t before = b.iommu->stats().walk_reads;
      b.write(a);
      EXPECT_FALSE(b.blocked());
      return b.iommu->stats().walk_reads - before;
    };
    EXPECT_EQ(reads(page[0]), 4u);
    EXPECT_EQ(reads(page[1]), 1u);
    EXPECT_EQ(reads(far), 2u) << "another table of the same directory";
    b.run([&](Step& s) { b.iommu->unmap(s, page[0], kPage); }, b.kernel_now() + kMs);
    EXPECT_EQ(reads(page[1]), 0u) << "still in the IOTLB";
    EXPECT_EQ(reads(page[2]), hint ? 1u : 4u);
    EXPECT_EQ(reads(far + kPage), hint ? 1u : 2u) << "a table that the address is not in, under the directory just read again";
  }
}

// Cores that submit at the same time wait for each other, one interval for each that came before; then each for its own
// command's completion. An interval far longer than what else differs between the cores.
TEST(DmaApi, CoresQueueForInvalidation) {
  struct Row { unsigned cores; IommuMode mode; Time interval; unsigned waits; };   // waits: in intervals, of all cores
  const Row rows[] = {Row{1, IommuMode::strict, 20 * kUs, 0}, Row{2, IommuMode::strict, 20 * kUs, 1}, Row{4, IommuMode::strict, 20 * kUs, 6},
                       Row{8, IommuMode::strict, 20 * kUs, 28}, Row{8, IommuMode::strict, 0, 0}, Row{8, IommuMode::lazy, 20 * kUs, 0}};
  std::vector<std::unique_ptr<IommuBench>> benches;   // all before the first runs
  for (const Row& r : rows) {
    IommuParams p = IommuBench::params(r.mode);
    p.invalidation_interval = r.interval;
    p.invalidation_latency = 5 * kUs;
    benches.push_back(std::make_unique<IommuBench>(("bench" + std::to_string(benches.size())).c_str(), p, 1, r.cores));
  }
  for (std::size_t i = 0; i < benches.size(); ++i) {
    IommuBench& b = *benches[i];
    const Row& r = rows[i];
    const IommuParams& p = b.iommu->params();
    const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
    unsigned done = 0;
    const auto body = [&](Step& s) {
      if (done++ < r.cores) b.iommu->unmap(s, b.iommu->map(s, hpa, kPage), kPage);
    };
    for (auto& s : b.more_scripts) s->body = body;
    b.run([&](Step& s) { for (auto& m : b.more_scripts) m->wake(b.agenda.now()); body(s); }, b.kernel_now() + 5 * kMs);
    EXPECT_EQ(done, r.cores);
    EXPECT_NEAR(static_cast<double>(b.iommu->stats().invalidation_wait), static_cast<double>(r.waits * r.interval), 8.0 * 1 * kUs) << r.cores;
    const OpId wait = b.costs.account("iommu.invalidation_wait");
    std::uint64_t mc = b.ledger.cell(b.script.row(), wait).mc;
    for (auto& m : b.more_scripts) mc += b.ledger.cell(m->row(), wait).mc;
    const Time expected = r.mode == IommuMode::strict ? b.iommu->stats().invalidation_wait + r.cores * p.invalidation_latency : 0;
    EXPECT_NEAR(static_cast<double>(mc) / 2.67, static_cast<double>(expected), 10'000) << "charged to the cores that waited";
  }
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
    EXPECT_EQ(b.iommu->map(s, pool, 200), base);
    b.iommu->unmap(s, base, 200);   // its first byte
    EXPECT_EQ(b.iommu->stats().maps, 0u);
    EXPECT_EQ(b.ledger.total_mc(b.script.row()), 4 * IommuBench::kDma);
    const Iova outside = b.iommu->map(s, other, 200);
    EXPECT_EQ(b.iommu->stats().maps, 1u);
    b.iommu->unmap(s, outside, 200);
  }, kMs);
  // One entry serves 2 MiB, and its walk is a level shorter.
  EXPECT_EQ(b.write(base, 64, kMs) - b.agenda.now() - kMs, (100 + 3 * 60 + 10) * kNs);
  for (Iova o = 0; o < (2 << 20); o += 8 * kPage) b.write(base + o, 64, 2 * kMs);
  EXPECT_EQ(b.iommu->stats().misses, 1u);
}

}  // namespace dma_api_test
