// The host's own receive buffers: what their pages and mappings cost, the first time and later.
#include "models/buffers/host_pages.h"
#include "tests/buffers/path_bench.h"

namespace gd::test {
namespace host_pages_test {

struct HostPagesTest : PathBench {
  HostPagesTest() : PathBench(IommuMode::strict) {}
  void SetUp() override { in_step([](Step&) {}); }   // the ledger is sealed
  PathContext c = context();
};

struct Paid {
  std::uint64_t alloc, recycle, free, maps, unmaps;
  bool operator==(const Paid&) const = default;
};
void PrintTo(const Paid& p, std::ostream* out) {
  *out << p.alloc << " " << p.recycle << " " << p.free << " " << p.maps << " " << p.unmaps;
}

// Two rounds of `n` buffers, posted, taken and freed. Recycled, a page is allocated and mapped once; else in each round once for all the
// buffers in it.
TEST_F(HostPagesTest, RoundsOfBuffers) {
  struct Row {
    Bytes size;
    bool recycle;
    unsigned n;
    Paid first, both;
  };
  for (const Row& r : {Row{2048, true, 4, {2, 8, 0, 2, 0}, {2, 16, 0, 2, 0}}, {2048, false, 4, {2, 0, 2, 4, 4}, {4, 0, 4, 8, 8}},
                       {4096, false, 3, {3, 0, 3, 3, 3}, {6, 0, 6, 6, 6}}, {1024, false, 5, {2, 0, 1, 5, 5}, {3, 0, 2, 10, 10}},
                       {8192, false, 2, {2, 0, 2, 2, 2}, {4, 0, 4, 4, 4}}, {1536, true, 3, {2, 6, 0, 2, 0}, {2, 12, 0, 2, 0}}}) {
    SCOPED_TRACE(::testing::Message() << r.size << (r.recycle ? " recycled" : ""));
    HostPages pages(c, r.size, r.recycle);
    const auto paid = [&] {
      return Paid{spent("page.alloc").calls, spent("page.recycle").calls, spent("page.free").calls, iommu_->stats().maps, iommu_->stats().unmaps};
    };
    const Paid start = paid();
    for (const Paid& want : {r.first, r.both}) {
      in_step([&](Step& s) {
        std::vector<std::uint32_t> tokens;
        for (unsigned i = 0; i < r.n; ++i) tokens.push_back(pages.post(s));
        for (const std::uint32_t t : tokens) pages.take(s, t, false);
        for (const std::uint32_t t : tokens) pages.free(s, t);
      });
      const Paid now = paid();
      EXPECT_EQ((Paid{now.alloc - start.alloc, now.recycle - start.recycle, now.free - start.free, now.maps - start.maps, now.unmaps - start.unmaps}), want);
    }
    EXPECT_EQ(pages.idle(), pages.total());
  }
  expect_no_violation();
}

// A page for a copy is allocated and freed each time, the first included, and never mapped.
TEST_F(HostPagesTest, PagesForCopies) {
  HostPages pages(c, kPage, false);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    in_step([&](Step& s) {
      const std::uint32_t a = pages.get(s), b = pages.get(s);
      EXPECT_EQ(own.count(Owner::skb), 2u);
      pages.free(s, a);
      pages.free(s, b);
    });
    EXPECT_EQ(spent("page.alloc").calls, 2 * round);
    EXPECT_EQ(spent("page.free").calls, 2 * round);
  }
  EXPECT_EQ(pages.total(), 2u);
  EXPECT_EQ(iommu_->stats().maps, 0u);
  expect_no_violation();
}

}  // namespace host_pages_test
}  // namespace gd::test
