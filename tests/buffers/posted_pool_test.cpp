// Posted buffers over time: a pool's idle pages, pages that are exchanged, two kinds of buffers under one quota.
#include "tests/buffers/posted_bench.h"

namespace gd::test {
namespace posted_pool_test {

// A pool lets go of the pages that no buffer has used since a time; what the device may still reach waits for the flush.
template <class Bench>
void pages_age(Bench& b) {
  b.make(PinPolicy::pool);
  const Bytes base = b.own.pinned_bytes();
  for (int i = 0; i < 4; ++i) b.guest->post(2048, kPage);
  std::uint32_t t[4];
  for (std::uint32_t& k : t) ASSERT_TRUE(b.take(&k));
  Time left[3] = {};
  for (int i = 0; i < 3; ++i) {
    b.in_step([&](Step& s) { b.all->map(s, t[i]); });
    b.in_step([&](Step& s) {
      b.all->unmap(s, t[i]);
      b.all->give(s, t[i], 100, Owner::posted);
      left[i] = s.now();
    });
  }
  EXPECT_EQ(b.all->later_ends(b.now()), kNever);
  const std::uint64_t unmaps = b.iommu_->stats().unmaps;
  struct Row {
    Time before;
    Bytes pages;          // that stay
  };
  for (const Row& r : {Row{left[0] - kUs, 4}, {left[1], 2}, {left[1], 2}, {kNever, 1}}) {
    bool more = true;
    b.in_step([&](Step& s) { more = b.all->release_idle(s, r.before); });
    EXPECT_FALSE(more);
    if (const Time ends = b.all->later_ends(b.now()); ends != kNever) {
      EXPECT_GT(b.own.pinned_bytes() - base, r.pages * kPage);   // within the device's reach
      EXPECT_EQ(b.iommu_->params().mode, IommuMode::lazy);
      b.run(ends + kUs);
      b.in_step([&](Step& s) { while (b.all->later_ends(s.now()) != kNever) b.all->release_unmapped(s); });
    }
    EXPECT_EQ(b.own.pinned_bytes() - base, r.pages * kPage);
    EXPECT_EQ(b.all->pinned(), r.pages * kPage);
  }
  EXPECT_EQ(b.stats.unpins, 3u);
  EXPECT_EQ(b.iommu_->stats().unmaps - unmaps, 3u);
  // The page is mapped anew when a buffer comes back to it.
  b.in_step([&](Step& s) { b.side->publish(s); });
  b.guest->used();
  b.guest->again(0);
  const std::uint64_t maps = b.iommu_->stats().maps;
  ASSERT_TRUE(b.take(&t[0]));
  EXPECT_EQ(b.iommu_->stats().maps, maps + 1);
  b.use(t[0]);
  b.use(t[3]);
  EXPECT_EQ(b.all->outstanding(), 0u);
  b.expect_no_violation();
}
TEST_F(PostedStrict, APoolsPagesAge) { pages_age(*this); }
TEST_F(PostedLazy, APoolsPagesAgeAndWaitForTheFlush) { pages_age(*this); }

// Of mappings that are the buffer's own, and of a guest that is pinned as a whole, nothing is idle.
TEST_F(PostedStrict, OnlyAPoolHasIdlePages) {
  for (const PinPolicy pin : {PinPolicy::per_buffer, PinPolicy::whole_guest}) {
    make(pin);
    guest->post(2048, kPage);
    std::uint32_t t = 0;
    ASSERT_TRUE(take(&t));
    use(t);
    const Bytes pinned = own.pinned_bytes();
    in_step([&](Step& s) { EXPECT_FALSE(all->release_idle(s, kNever)); });
    EXPECT_EQ(own.pinned_bytes(), pinned);
  }
}

// A buffer of which a page does not fit under the limit leaves none of its pages in use.
TEST_F(PostedStrict, WhatALimitCutsShortIsIdle) {
  env.iommu_translates = false;
  make(PinPolicy::pool, kPage, 2 << 20);
  guest->post(2048, kPage, 3000);
  std::uint32_t t = 99;
  EXPECT_FALSE(take(&t));
  EXPECT_FALSE(take(&t));
  EXPECT_EQ(stats.memlock_stalls, 2u);
  EXPECT_EQ(all->pinned(), kPage);
  in_step([&](Step& s) { EXPECT_FALSE(all->release_idle(s, s.now())); });
  EXPECT_EQ(all->pinned(), 0u);
  EXPECT_EQ(own.pinned_bytes(), 0u);
  expect_no_violation();
}

// The guest puts other memory behind a page that the pool keeps: the device gets the new one, and the old stays pinned.
TEST_F(PostedStrict, AnExchangedPageIsMappedAnew) {
  for (const bool in_use : {false, true}) {
    SCOPED_TRACE(in_use);
    make(PinPolicy::pool);
    const Bytes base = own.pinned_bytes();
    const std::uint32_t n = guest->post(2048, kPage);
    const Gpa gpa = guest->posted[n].gpa;
    std::uint32_t t = 99;
    ASSERT_TRUE(take(&t));
    if (!in_use) use(t);
    const Hpa fresh = phys.alloc_page();
    guest->memory.remap(gpa, fresh);
    const Segment half{gpa + 2048, 2048, true};
    own.move(own.add(fresh + 2048, 2048, Owner::guest, Ownership::Home::guest), Owner::guest, Owner::posted, 0, "guest posts");
    guest->driver.add(guest->view, &half, 1, 50);
    guest->driver.publish(guest->view);
    const std::uint64_t maps = iommu_->stats().maps;
    std::uint32_t second = 99;
    ASSERT_TRUE(take(&second));
    EXPECT_EQ((*all)[second].hpa, fresh + 2048);
    EXPECT_EQ(iommu_->stats().maps, maps + 1);
    EXPECT_EQ(own.pinned_bytes() - base, 2 * kPage);
    if (in_use) use(t);
    use(second);
    in_step([&](Step& s) { EXPECT_FALSE(all->release_idle(s, s.now())); });
    EXPECT_EQ(own.pinned_bytes() - base, kPage);   // the old one
    expect_no_violation();
  }
}

// Two kinds of buffers under one quota: each has its share, at least one buffer; what is beyond goes back where the other kind has run
// low, and else waits in the ring.
struct Shares {
  std::uint32_t quota, part, whole, headers, pages;
};
void PrintTo(const Shares& r, std::ostream* out) { *out << r.quota << ", " << r.part << "/" << r.whole; }
// How many buffers can be taken.
std::uint32_t take_all(PostedBench& b) {
  std::uint32_t taken = 0;
  for (std::uint32_t t = 0; b.take(&t);) ++taken;
  return taken;
}
struct TwoKinds : PostedBench, ::testing::WithParamInterface<Shares> {};

TEST_P(TwoKinds, ShareAQuota) {
  const Shares& r = GetParam();
  env.defences.buffer_quota = r.quota;
  for (const bool pages : {false, true})
    for (const bool low : {true, false}) {
      SCOPED_TRACE(::testing::Message() << (pages ? "pages" : "headers") << (low ? ", alone" : ""));
      const std::uint32_t mine = pages ? r.pages : r.headers, others = low ? 0 : ((pages ? r.headers : r.pages) + 1) / 2;
      make(PinPolicy::per_buffer);
      all->two_kinds(r.part, r.whole);
      stats = {};
      for (std::uint32_t i = 0; i < others; ++i) guest->post(pages ? 256 : kPage);
      for (int i = 0; i < 12; ++i) guest->post(pages ? kPage : 256);
      EXPECT_EQ(take_all(*this), mine + others);
      EXPECT_EQ(stats.returned_unused, low ? 12 - mine : 0u);
      EXPECT_EQ(stats.buffer_quota_stalls, low ? 0u : 1u);
    }
}
INSTANTIATE_TEST_SUITE_P(Quotas, TwoKinds,
                         ::testing::Values(Shares{8, 1, 2, 4, 4}, Shares{8, 1, 4, 2, 6}, Shares{8, 1, 16, 1, 7}, Shares{8, 15, 16, 7, 1}, Shares{4, 7, 8, 3, 1},
                                           Shares{2, 1, 2, 1, 1}, Shares{9, 1, 2, 4, 5}));

// While a packet is handed over, what a kind may not have waits, too.
TEST_F(PostedTest, NothingOfAKindGoesBackWithinAPacket) {

  env.defences.buffer_quota = 8;
  make(PinPolicy::per_buffer);
  all->two_kinds(1, 2);
  for (int i = 0; i < 6; ++i) guest->post(256);
  all->within_packet(true);
  EXPECT_EQ(take_all(*this), 4u);
  EXPECT_EQ(stats.returned_unused, 0u);
  EXPECT_EQ(stats.buffer_quota_stalls, 1u);
  all->within_packet(false);
  EXPECT_EQ(take_all(*this), 0u);
  EXPECT_EQ(stats.returned_unused, 2u);
  expect_no_violation();
}

}  // namespace posted_pool_test
}  // namespace gd::test
