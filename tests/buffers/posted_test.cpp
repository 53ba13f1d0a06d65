// The guest's buffers between its ring and the NIC: pins, mappings, the memlock limit, what is returned unused.
#include "tests/buffers/posted_bench.h"

namespace gd::test {
namespace posted_test {

TEST_F(PostedStrict, PinPolicies) {
  struct Row {
    PinPolicy pin;
    Bytes at_start, taken, after;
    std::uint64_t maps;       // of two uses of one page
  };
  for (const Row& r : {Row{PinPolicy::per_buffer, 0, kPage, 0, 2}, {PinPolicy::pool, 0, kPage, kPage, 1},
                       {PinPolicy::whole_guest, 1 << 20, 1 << 20, 1 << 20, 0}}) {
    const Bytes base = own.pinned_bytes();
    const std::uint64_t maps = iommu_->stats().maps;
    make(r.pin);
    EXPECT_EQ(own.pinned_bytes() - base, r.at_start);
    const std::uint32_t n = guest->post(2048, kPage);
    for (int i = 0; i < 2; ++i) {
      std::uint32_t token = 99;
      ASSERT_TRUE(take(&token));
      EXPECT_EQ(own.pinned_bytes() - base, r.taken);
      use(token);
      EXPECT_EQ(own.pinned_bytes() - base, r.after);
      in_step([&](Step& s) { side->publish(s); });
      ASSERT_EQ(guest->used().size(), 1u);
      guest->again(n);
    }
    EXPECT_EQ(iommu_->stats().maps - maps, r.maps);
    expect_no_violation();
  }
}

TEST_F(PostedTest, UnusableBuffersGoBackWithLengthZero) {
  make(PinPolicy::per_buffer);
  const std::uint32_t shorty = guest->post(60);
  const std::uint32_t crossing = guest->post(2048, kPage, 3000);
  const Segment readable{guest->memory.alloc(64, 64), 64, false};
  guest->driver.add(guest->view, &readable, 1, 77);
  guest->driver.publish(guest->view);
  const std::uint32_t good = guest->post(64);
  std::uint32_t token = 0;
  ASSERT_TRUE(take(&token));
  EXPECT_EQ((*all)[token].gpa, guest->posted[good].gpa);
  EXPECT_FALSE(take(&token));
  in_step([&](Step& s) { side->publish(s); });
  const auto used = guest->used();
  ASSERT_EQ(used.size(), 3u);
  for (const auto& u : used) EXPECT_EQ(u.len, 0u);
  EXPECT_EQ(used[0].token, shorty);
  EXPECT_EQ(used[1].token, crossing);
  EXPECT_EQ(own.owner(guest->posted[shorty].id), Owner::guest);
  EXPECT_EQ(own.owner(guest->posted[crossing].id), Owner::guest);
  EXPECT_EQ(stats.returned_unused, 2u);
  expect_no_violation();
}

// A chain where one descriptor was agreed, or one where chains were, is not the design's layout; on a packed ring two descriptors
// are a legal list whatever a split ring's `next` said.
TEST_F(PostedTest, OtherDescriptorsThanAgreedGoBackUnused) {
  for (const bool apart : {false, true}) {
    SCOPED_TRACE(apart);
    env.header_apart = apart;
    make(PinPolicy::per_buffer);
    stats = {};
    guest->post(2048, kPage);
    const Gpa header = guest->memory.alloc(64, 64);
    const Segment two[2] = {{header, 64, true}, {guest->memory.alloc(kPage, kPage), 2048, true}};
    guest->driver.add(guest->view, two, 2, 77);
    guest->driver.publish(guest->view);
    std::uint32_t token = 99;
    ASSERT_TRUE(take(&token));
    EXPECT_EQ((*all)[token].header_gpa, apart ? header : guest->posted[0].gpa);
    EXPECT_FALSE(take(&token));
    EXPECT_EQ(stats.returned_unused, 1u);
    in_step([&](Step& s) { side->publish(s); });
    const auto used = guest->used();
    ASSERT_EQ(used.size(), 1u);
    EXPECT_EQ(used[0].token, apart ? 0u : 77u);
    EXPECT_EQ(used[0].len, 0u);
  }
  expect_no_violation();
}

// Across a page boundary, contiguous in host memory: one address, two pins; a pool behind a translating IOMMU maps apart.
TEST_F(PostedStrict, BuffersAcrossPages) {
  struct Row {
    PinPolicy pin;
    bool translates;
    Bytes kept;                // pinned after use
  };
  for (const Row& r : {Row{PinPolicy::per_buffer, true, 0}, {PinPolicy::pool, false, 2 * kPage}}) {
    const Bytes base = own.pinned_bytes();
    env.iommu_translates = r.translates;
    make(r.pin, UINT64_MAX, 2 << 20);
    guest->post(2048, kPage, 3000);
    std::uint32_t token = 99;
    ASSERT_TRUE(take(&token));
    EXPECT_EQ(own.pinned_bytes() - base, 2 * kPage);
    use(token);
    EXPECT_EQ(own.pinned_bytes() - base, r.kept);
  }
  env.iommu_translates = true;
  guest->post(2048, kPage, 3000);
  std::uint32_t none = 99;
  EXPECT_FALSE(take(&none));
  EXPECT_EQ(stats.returned_unused, 1u);
  // At the limit nothing stays pinned of a buffer that does not fit.
  const Bytes base = own.pinned_bytes();
  env.iommu_translates = true;
  make(PinPolicy::per_buffer, kPage, 2 << 20);
  guest->post(2048, kPage, 3000);
  std::uint32_t token = 99;
  EXPECT_FALSE(take(&token));
  EXPECT_EQ(own.pinned_bytes() - base, 0u);
  EXPECT_EQ(stats.memlock_stalls, 1u);
  expect_no_violation();
}

struct ScatteredPages : PostedStrict {
  // Posts `length` bytes that begin `before` bytes before a page's end; both pieces are registered.
  Gpa across(std::uint32_t before, std::uint32_t length) {
    const Gpa gpa = guest->memory.alloc(4 * kPage, kPage) + kPage - before;
    for (const auto& [at, n] : {std::pair{gpa, before}, {gpa + before, length - before}}) {
      const BufferId b = own.add(guest->memory.translate(at), std::min<Bytes>(n, kPage), Owner::guest, Ownership::Home::guest);
      own.move(b, Owner::guest, Owner::posted, 0, "guest posts");
    }
    const Segment g{gpa, length, true};
    EXPECT_NE(guest->driver.add(guest->view, &g, 1, 7), DriverRing::kFull);
    guest->driver.publish(guest->view);
    return gpa;
  }
  // Where a device's write at `a` goes; kNoAddress: blocked.
  Hpa reached(Iova a) {
    std::uint64_t data = 0;
    DmaTransaction t;
    sc_core::sc_time delay;
    bus.device->b_transport(t.prepare(tlm::TLM_WRITE_COMMAND, a, &data, sizeof data, true), delay);
    return t.info().fault ? kNoAddress : t.info().hpa;
  }
};

TEST_F(ScatteredPages, AreNeighboursForTheDevice) {
  env.iommu_translates = true;
  make(PinPolicy::per_buffer);
  all->take_scattered(140);
  const Bytes base = own.pinned_bytes();
  const std::uint64_t maps = iommu_->stats().maps, unmaps = iommu_->stats().unmaps;
  const Gpa gpa = across(140, 2048);
  const Hpa first = guest->memory.translate(gpa), second = guest->memory.translate(gpa + 140);
  ASSERT_NE(first + 140, second);
  std::uint32_t token = 99;
  ASSERT_TRUE(take(&token));
  EXPECT_EQ((*all)[token].split, 140u);
  EXPECT_EQ(own.pinned_bytes() - base, 2 * kPage);
  Iova iova = 0;
  in_step([&](Step& s) { iova = all->map(s, token); });
  EXPECT_EQ(iommu_->stats().maps - maps, 1u);
  EXPECT_EQ(reached(iova), first);
  EXPECT_EQ(reached(iova + 140), second);
  own.device_write(first, 100, now(), "nic");    // a short frame: the second page is not written
  in_step([&](Step& s) {
    all->unmap(s, token);
    all->move(token, Owner::in_flight, Owner::skb, s.now(), "received");
  });
  EXPECT_EQ(iommu_->stats().unmaps - unmaps, 1u);
  EXPECT_EQ(reached(iova), kNoAddress);
  EXPECT_EQ(reached(iova + 140), kNoAddress);
  EXPECT_EQ(own.count(Owner::skb), 2u);
  in_step([&](Step& s) { all->give(s, token, 100, Owner::skb); });
  EXPECT_EQ(own.pinned_bytes() - base, 0u);
  EXPECT_EQ(own.count(Owner::guest), 2u);
  expect_no_violation();
}

struct ScatteredRow {
  std::uint32_t before, length;
  bool translates;
  PinPolicy pin;
  Bytes least;
  bool copied;
};
struct ScatteredOthers : ScatteredPages, ::testing::WithParamInterface<ScatteredRow> {};

TEST_P(ScatteredOthers, GoBackOrAreTheCpus) {
  const ScatteredRow& r = GetParam();
  env.iommu_translates = r.translates;
  for (const UnfitBuffers unfit : {UnfitBuffers::refuse, UnfitBuffers::copy}) {
    env.options.unfit_buffers = unfit;
    make(r.pin);
    if (r.least) all->take_scattered(r.least);
    const std::uint64_t guests = own.count(Owner::guest);
    across(r.before, r.length);
    std::uint32_t token = 99;
    const bool taken = unfit == UnfitBuffers::copy && r.copied;
    ASSERT_EQ(take(&token), taken) << r.before << " " << r.length;
    if (taken) {
      EXPECT_TRUE((*all)[token].cpu_only);
      in_step([&](Step& s) { all->give(s, token, 100, Owner::posted); });
    }
    EXPECT_EQ(own.count(Owner::guest) - guests, 2u);
  }
  expect_no_violation();
}

// Too little before the border, three pages, bus addresses that are the host's, pages that a pool maps apart, a design that
// takes none: back to the guest, both pieces. With unfit_buffers `copy` they are the CPU's, three pages excepted.
INSTANTIATE_TEST_SUITE_P(Rows, ScatteredOthers,
                         ::testing::Values(ScatteredRow{139, 2048, true, PinPolicy::per_buffer, 140, true},
                                           ScatteredRow{200, 5000, true, PinPolicy::per_buffer, 140, false},
                                           ScatteredRow{200, 2048, false, PinPolicy::per_buffer, 140, true},
                                           ScatteredRow{200, 2048, true, PinPolicy::pool, 140, true},
                                           ScatteredRow{200, 2048, true, PinPolicy::per_buffer, 0, true}));

// Without read_once the device gets what the descriptor says when its own is filled: by the pool's mapping of that page, or by one of
// its own that ends with it.
TEST_F(ScatteredPages, ADescriptorThatChangedIsFollowed) {
  struct Row {
    PinPolicy pin;
    bool known;               // the pool maps the other page
  };
  env.defences.read_once = false;
  env.iommu_translates = true;
  for (const Row& r : {Row{PinPolicy::per_buffer, false}, {PinPolicy::pool, true}, {PinPolicy::pool, false}}) {
    SCOPED_TRACE(::testing::Message() << static_cast<int>(r.pin) << r.known);
    make(r.pin);
    guest->post(2048, kPage);
    guest->post(1024, kPage);
    std::uint32_t token = 99, other = 99;
    ASSERT_TRUE(take(&token));
    ASSERT_TRUE(take(&other));
    const Gpa moved = r.known ? guest->posted[1].gpa + 2048 : guest->memory.alloc(kPage, kPage) + 64;
    const std::uint32_t length = 1000;
    const Gpa at = (*all)[token].desc;
    guest->memory.write(at, &moved, sizeof moved);
    guest->memory.write(at + sizeof moved, &length, sizeof length);
    Iova iova = 0;
    in_step([&](Step& s) { iova = all->map(s, token); });
    const Hpa there = guest->memory.translate(moved);
    EXPECT_EQ((*all)[token].hpa, there);
    EXPECT_EQ((*all)[token].header, there);
    EXPECT_EQ((*all)[token].header_gpa, moved);
    EXPECT_EQ((*all)[token].length, length);
    EXPECT_EQ(reached(iova), there);
    for (int twice = 0; twice < 2; ++twice) in_step([&](Step& s) { all->unmap(s, token); });
    EXPECT_EQ(reached(iova), r.known ? there : kNoAddress);
  }
}

TEST_F(PostedTest, AHeadPostedTwiceIsRefused) {
  make(PinPolicy::per_buffer);
  guest->post(2048, kPage);
  std::uint32_t token = 0;
  ASSERT_TRUE(take(&token));
  // The guest offers the same head again, as its driver never would.
  const std::uint16_t head16 = static_cast<std::uint16_t>(token), idx = 2;
  guest->view.write(vring::avail_slot(guest->rx_, 1), &head16, 2);
  guest->view.write(vring::avail_idx(guest->rx_), &idx, 2);
  std::uint32_t second = 0;
  EXPECT_FALSE(take(&second));
  EXPECT_EQ(stats.returned_unused, 1u);
  use(token);
  EXPECT_EQ(own.pinned_bytes(), 0u);
  expect_no_violation();
}

TEST_F(PostedTest, MemlockStallsAndEndsWithTheNextReturn) {
  make(PinPolicy::per_buffer, 2 * kPage);
  own.pin(phys.alloc_page(), 0);                  // another guest's: not ours to count
  for (int i = 0; i < 2; ++i) guest->post(1024, 1024);   // both in pages that hold several
  guest->post(2048, kPage);
  guest->post(2048, kPage);
  std::uint32_t t[4];
  EXPECT_TRUE(take(&t[0]));
  EXPECT_TRUE(take(&t[1]));
  EXPECT_TRUE(take(&t[2]));                       // three buffers, two distinct pages
  EXPECT_FALSE(take(&t[3]));
  EXPECT_FALSE(take(&t[3]));
  EXPECT_EQ(stats.memlock_stalls, 2u);
  bool again = true;
  in_step([&](Step& s) { side->ask_for_kick(s); });
  in_step([&](Step& s) { again = side->recheck(s); });
  EXPECT_FALSE(again);                            // what is known does not wake a stalled worker
  EXPECT_EQ(all->stall_ends(now()), kNever);      // nothing waits for a flush
  use(t[2]);
  EXPECT_TRUE(take(&t[3]));
  expect_no_violation();
}

TEST_F(PostedStrict, APoolAtItsLimitGivesUpPagesThatAreNotPosted) {
  make(PinPolicy::pool, 2 * kPage);
  for (int i = 0; i < 4; ++i) guest->post(2048, kPage);
  std::uint32_t t[4];
  EXPECT_TRUE(take(&t[0]));
  EXPECT_TRUE(take(&t[1]));
  EXPECT_FALSE(take(&t[2]));                      // both pages are in use
  use(t[0]);
  EXPECT_TRUE(take(&t[2]));                       // in the place of the first
  EXPECT_FALSE(take(&t[3]));
  EXPECT_EQ(own.pinned_bytes(), 2 * kPage);
  EXPECT_EQ(stats.unpins, 1u);
  EXPECT_EQ(stats.memlock_stalls, 2u);
  expect_no_violation();
}

TEST_F(PostedLazy, UnpinningWaitsForTheFlush) {
  make(PinPolicy::per_buffer, kPage);
  guest->post(2048, kPage);
  guest->post(2048, kPage);
  std::uint32_t a = 0, b = 0;
  ASSERT_TRUE(take(&a));
  use(a);
  const Time unmapped = now();
  EXPECT_EQ(own.pinned_bytes(), kPage);           // the NIC can still write it
  EXPECT_FALSE(take(&b));
  const Time ends = all->stall_ends(now());
  EXPECT_GT(ends, unmapped);
  EXPECT_LE(ends, unmapped + 2 * kMs);
  run(ends + kUs);
  EXPECT_TRUE(take(&b));
  EXPECT_EQ(stats.unpins, 1u);
  EXPECT_EQ(own.pinned_bytes(), kPage);
  expect_no_violation();
}

TEST_F(PostedLazy, ABufferThatNeverReachedTheDeviceIsUnpinnedAtOnce) {
  make(PinPolicy::per_buffer);
  guest->post(2048, kPage);
  std::uint32_t a = 0;
  ASSERT_TRUE(take(&a));
  in_step([&](Step& s) { all->give(s, a, 10, Owner::posted); });
  EXPECT_EQ(own.pinned_bytes(), 0u);
  expect_no_violation();
}

struct StalledPath : PathBench {
  StalledPath() : PathBench(IommuMode::lazy, 2 * kMs) {}
};

TEST_F(StalledPath, TheWorkerIsWokenWhenTheFlushIsDue) {
  env.memlock_limit = kPage;
  bind("guest-head");
  Log woken;
  Scripted worker("vhost", Priority::thread, woken);
  core().attach(worker);
  path->serve(worker);
  guest->post(2060, kPage);
  guest->post(2060, kPage);
  post_all();
  ASSERT_EQ(refill(2), 1u);
  RxWriteback w;                                  // given back without a frame, then used for one
  w.done = w.end_of_packet = true;
  w.packet_length = 60;
  own.device_write(guest->memory.translate(guest->posted[0].gpa) + 12, 60, now(), "nic");
  const FrameRef f = wire(udp4_frame(18));
  Skb* skb = nullptr;
  in_step([&](Step& s) { skb = path->receive(s, 0, w, f); });
  EXPECT_EQ(deliver(skb), Progress::done);
  post_all();
  EXPECT_EQ(path->stats().posted, 1u);            // stalled
  in_step([&](Step& s) { path->ask_for_kick(s, false); });
  EXPECT_TRUE(woken.empty());
  run(now() + 3 * kMs);
  EXPECT_EQ(woken.size(), 1u);                    // once, not in a loop
  post_all();
  EXPECT_EQ(path->stats().posted, 2u);
  expect_no_violation();
}

TEST_F(PostedTest, PublishThenSettle) {
  make(PinPolicy::per_buffer);
  guest->post(2048, kPage);
  std::uint32_t a = 0;
  ASSERT_TRUE(take(&a));
  in_step([&](Step& s) { all->give(s, a, 10, Owner::posted); });
  EXPECT_TRUE(guest->used().empty());             // pushed, not published
  in_step([&](Step& s) {
    side->publish(s);
    EXPECT_TRUE(side->unsettled());
  });
  EXPECT_EQ(guest->used().size(), 1u);
  EXPECT_TRUE(guest->injected.empty());
  in_step([&](Step& s) { side->settle(s); });
  EXPECT_FALSE(side->unsettled());
  ASSERT_EQ(guest->injected.size(), 1u);
  EXPECT_EQ(guest->injected[0].first, 0u);
  in_step([&](Step& s) { side->settle(s); });
  EXPECT_EQ(guest->injected.size(), 1u);
}

// The driver, on another core, finds a buffer from the moment at which it was queued; those that came back before the others.
TEST_F(PostedTest, ABufferIsTheDriversFromItsTimeOn) {
  make(PinPolicy::per_buffer);
  all->queue(1, 100);
  all->queue(2, 200);
  all->queue_front(3, 150);
  EXPECT_EQ(all->next(50), kNoToken);
  EXPECT_EQ(all->last_at(), 200);
  EXPECT_EQ(all->next(100), 1u);
  EXPECT_EQ(all->next(120), kNoToken);
  EXPECT_EQ(all->queued(), 2u);
  EXPECT_EQ(all->next(160), 3u);
  EXPECT_EQ(all->next(199), kNoToken);
  EXPECT_EQ(all->last_at(), 200);
  all->queue_front(4, 300);
  EXPECT_EQ(all->next(), 4u) << "who queues them takes what is on its way";
  EXPECT_EQ(all->next(200), 2u);
  EXPECT_TRUE(all->empty());
}

// The signaller wakes the thread of a halted vCPU, once for an interrupt.
TEST_F(PostedTest, ASignalToASleepingGuestIsAWakeUp) {
  const auto wakeups = [&] { return ledger.cell(doer.row(), costs.get("sched.wakeup").op).calls; };
  make(PinPolicy::per_buffer);
  const auto signal = [&] {
    guest->post(2048, kPage);
    std::uint32_t a = 0;
    ASSERT_TRUE(take(&a));
    in_step([&](Step& s) { all->give(s, a, 10, Owner::posted); });
    in_step([&](Step& s) { side->publish(s); });
    in_step([&](Step& s) { side->settle(s); });
  };
  signal();
  EXPECT_EQ(guest->injected.size(), 1u);
  EXPECT_EQ(wakeups(), 0u);
  guest->used();
  guest->sleeps = true;
  signal();
  EXPECT_EQ(guest->injected.size(), 2u);
  EXPECT_EQ(wakeups(), 1u);
}

}  // namespace posted_test
}  // namespace gd::test
