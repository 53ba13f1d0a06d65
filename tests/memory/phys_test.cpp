#include "models/memory/phys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "models/base/error.h"
#include "models/ports/dma.h"

namespace gd {
namespace phys_test {

constexpr Bytes kMiB = 1024 * 1024;

TEST(PhysMem, PagesAreScatteredDistinctAndReproducible) {
  PhysMem m(64 * kMiB, 5), again(64 * kMiB, 5), other(64 * kMiB, 6);
  std::set<Hpa> seen;
  unsigned neighbours = 0, differing = 0;
  Hpa last = 0;
  for (int i = 0; i < 1000; ++i) {
    const Hpa p = m.alloc_page();
    EXPECT_EQ(p % kPage, 0u);
    EXPECT_TRUE(m.contains(p, kPage));
    EXPECT_TRUE(seen.insert(p).second);
    EXPECT_EQ(p, again.alloc_page());
    differing += p != other.alloc_page();
    neighbours += p == last + kPage;
    last = p;
  }
  EXPECT_LT(neighbours, 10u);
  EXPECT_GT(differing, 900u);
}

TEST(PhysMem, AFreedPageIsTheNextOneGiven) {
  PhysMem m(4 * kMiB, 1);
  const Hpa p = m.alloc_page();
  m.alloc_page();
  m.free_page(p);
  EXPECT_EQ(m.alloc_page(), p);
  EXPECT_THROW(m.free_page(0), InvariantError);
  EXPECT_THROW(m.free_page(p + 64), InvariantError);
}

// Wherever the simulating machine keeps them.
TEST(PhysMem, EachPageHasBytesOfItsOwn) {
  PhysMem m(8 * kMiB, 3, 4 * kMiB);
  std::vector<Hpa> pages;
  for (unsigned node : {0u, 1u})
    for (Bytes n = (node ? 2 : 4) * kMiB / kPage; n > 0; --n) pages.push_back(m.alloc_page(node));
  const Bytes row = 3 * kPage;
  const Hpa low[] = {m.alloc_contiguous(row, kPage, 0u), m.alloc_contiguous(row, kPage, 1u)};
  const auto mark = [](Hpa page) { return static_cast<std::uint8_t>(page / kPage * 7 + 1); };
  for (Hpa p : pages) std::memset(m.at(p), mark(p), kPage);
  for (Hpa a : low) std::memset(m.at(a), mark(a), row);
  for (Hpa p : pages)
    for (Bytes b = 0; b < kPage; b += 511) ASSERT_EQ(m.load<std::uint8_t>(p + b), mark(p)) << p << " + " << b;
  for (Hpa a : low)
    for (Bytes b = 0; b < row; b += 511) ASSERT_EQ(*m.at(a + b), mark(a)) << a << " + " << b;
  EXPECT_EQ(m.at(m.size()) - m.at(low[0]), static_cast<std::ptrdiff_t>(m.size() - low[0]));   // of no bytes
}

TEST(PhysMem, BytesAcrossPagesThatHappenToBeNeighbours) {
  PhysMem m(4 * kMiB, 9);
  for (Bytes n = 2 * kMiB / kPage; n > 0; --n) m.alloc_page();   // all of them
  std::vector<std::uint8_t> in(2 * kPage + 100), out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  unsigned apart = 0;
  for (Hpa a = 2 * kMiB + 40; a + in.size() <= m.size(); a += 5 * kPage) {
    m.write(a, in.data(), in.size());
    for (std::size_t i = 0; i < in.size(); i += 97) ASSERT_EQ(*m.at(a + i), in[i]) << a << " + " << i;
    out.assign(out.size(), 0);
    m.read(a, out.data(), out.size());
    ASSERT_EQ(out, in) << a;
    apart += m.at(a + kPage) != m.at(a) + kPage;
  }
  EXPECT_GT(apart, 50u);   // otherwise nothing was shown
}

TEST(PhysMem, ExhaustionIsTheUsersMistake) {
  PhysMem m(4 * kMiB, 1);
  EXPECT_THROW(m.alloc_contiguous(4 * kMiB, 64), UserError);
  for (int i = 0; i < 512; ++i) m.alloc_page();
  EXPECT_THROW(m.alloc_page(), UserError);
  EXPECT_THROW(PhysMem(3 * kMiB, 1), UserError);
  EXPECT_THROW(PhysMem(0, 1), UserError);
}

TEST(PhysMem, ContainsIsSafeAgainstOverflow) {
  PhysMem m(4 * kMiB, 1);
  EXPECT_TRUE(m.contains(4 * kMiB, 0));
  EXPECT_TRUE(m.contains(4 * kMiB - 8, 8));
  EXPECT_FALSE(m.contains(4 * kMiB - 8, 9));
  EXPECT_FALSE(m.contains(UINT64_MAX - 3, 8));
}

TEST(PhysMem, ContiguousRangesAreAlignedAndDisjoint) {
  PhysMem m(16 * kMiB, 1);
  const Hpa a = m.alloc_contiguous(100, 64), b = m.alloc_contiguous(2 * kMiB, 2 * kMiB), c = m.alloc_contiguous(1, 4096);
  EXPECT_GT(a, 0u);
  EXPECT_EQ(a % 64, 0u);
  EXPECT_EQ(b % (2 * kMiB), 0u);
  EXPECT_GE(b, a + 100);
  EXPECT_GE(c, b + 2 * kMiB);
}

// A write of a device to the interrupt range never reaches memory, so that none may lie there.
TEST(PhysMem, NoMemoryInTheInterruptRange) {
  PhysMem low(Bytes{12} << 30, 1);   // the range lies in the contiguous half
  Hpa last = 0;
  for (int i = 0; i < 5; ++i) {
    const Hpa a = low.alloc_contiguous(Bytes{1} << 30, 1 << 21);
    EXPECT_TRUE(a + (Bytes{1} << 30) <= kMsiBase || a >= kMsiBase + kMsiSize) << std::hex << a;
    EXPECT_GT(a, last);
    last = a;
  }
}

TEST(PhysMem, EachNodeHasItsOwnPages) {
  PhysMem m(8 * kMiB, 1, 16 * kMiB, 1);
  EXPECT_EQ(m.size(), 24 * kMiB);
  EXPECT_TRUE(m.has_remote());
  EXPECT_FALSE(PhysMem(8 * kMiB, 1).has_remote());
  for (int i = 0; i < 500; ++i) {
    EXPECT_FALSE(m.remote(m.alloc_page(0)));
    EXPECT_TRUE(m.remote(m.alloc_page(1)));
    EXPECT_TRUE(m.remote(m.alloc_page())) << "the host's own node";
  }
  EXPECT_FALSE(m.remote(m.alloc_contiguous(kMiB, kMiB, 0)));
  EXPECT_TRUE(m.remote(m.alloc_contiguous(kMiB, kMiB)));
  const Hpa a = m.alloc_page(0), b = m.alloc_page(1);
  m.free_page(a), m.free_page(b);
  EXPECT_EQ(m.alloc_page(1), b);
  EXPECT_EQ(m.alloc_page(0), a);
  GuestSpace near(m, 2 * kMiB, 2 * kMiB, 0), far(m, 2 * kMiB, kPage, 1);
  EXPECT_FALSE(m.remote(near.translate(0)));
  EXPECT_TRUE(m.remote(far.translate(0)));
  EXPECT_THROW(PhysMem(8 * kMiB, 1).alloc_page(1), InvariantError);
}

class Backing : public ::testing::TestWithParam<Bytes> {};

TEST_P(Backing, TranslationStaysInItsPageAndCopiesCrossPages) {
  const Bytes page = GetParam();
  PhysMem m(64 * kMiB, 3);
  GuestSpace g(m, 8 * kMiB, page);
  std::set<Hpa> frames;
  for (Gpa a = 0; a < g.size(); a += page) {
    Bytes n = 0;
    EXPECT_EQ(g.translate(a) % page, 0u);
    EXPECT_EQ(g.translate(a + 100, &n), g.translate(a) + 100);
    EXPECT_EQ(n, page - 100);
    EXPECT_TRUE(frames.insert(g.translate(a)).second);
  }
  EXPECT_EQ(g.translate(g.size()), kNoAddress);
  EXPECT_TRUE(g.in_one_page(page - 10, 10));
  EXPECT_FALSE(g.in_one_page(page - 10, 11));
  EXPECT_FALSE(g.in_one_page(g.size() - 1, 2));
  EXPECT_FALSE(g.in_one_page(0, 0));

  std::vector<std::uint8_t> in(3 * kPage), out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  g.write(page - 1000, in.data(), in.size());
  g.read(page - 1000, out.data(), out.size());
  EXPECT_EQ(in, out);
  EXPECT_EQ(*m.at(g.translate(page - 1)), in[999]);
  EXPECT_EQ(*m.at(g.translate(page)), in[1000]);
  EXPECT_THROW(g.write(g.size() - 4, in.data(), 5), InvariantError);
}
INSTANTIATE_TEST_SUITE_P(Pages, Backing, ::testing::Values(Bytes{4096}, Bytes{2 * kMiB}));

TEST(GuestSpace, RefusesImpossibleSizes) {
  PhysMem m(16 * kMiB, 3);
  EXPECT_THROW(GuestSpace(m, 3 * kMiB, 2 * kMiB), UserError);
  EXPECT_THROW(GuestSpace(m, 4 * kMiB, 8192), UserError);
  EXPECT_THROW(GuestSpace(m, 64 * kMiB, kPage), UserError);
}

TEST(GuestSpace, AllocatesAlignedAndNeverPageZero) {
  PhysMem m(16 * kMiB, 3);
  GuestSpace g(m, 2 * kMiB, kPage);
  EXPECT_GE(g.alloc(10, 1), kPage);
  EXPECT_EQ(g.alloc(10, 4096) % 4096, 0u);
  EXPECT_THROW(g.alloc(2 * kMiB, 1), UserError);
}

}  // namespace phys_test
}  // namespace gd
