// Asynchronous reads into an application's own pages: what lies where, who has a buffer, what happens when there is none.
#include <gmock/gmock.h>

#include "models/host/user_app.h"
#include "tests/host/host_bench.h"

namespace gd::test {
namespace user_async_test {

constexpr std::uint32_t kBuffers = 128;

struct UserBench : HostBench {
  UserBench() : expected(sent), space(phys, kBuffers * kPage, kPage) {
    env.consumer = Consumer::user_async;
    env.ring_size = 64;
    env.user_buffer = kPage;
    env.buffer_size_per_descriptor = true;
    area.space = &space;
    area.buffers = area.refill_entries = kBuffers;
    area.completion_entries = 64;
    area.refill_tail = phys.alloc_contiguous(kLine, kLine);
    area.completion_tail = phys.alloc_contiguous(kLine, kLine);
    area.completion_head = phys.alloc_contiguous(kLine, kLine);
    area.refill = phys.alloc_contiguous(kBuffers * UserArea::kRefill, kPage);
    area.completions = phys.alloc_contiguous(64 * UserArea::kCompletion, kPage);
    for (Gpa g = 0; g < space.size(); g += kPage) own.belongs(space.translate(g), kPage, 0, true);
  }
  void open(const char* strategy, UserAppParams p = {}) {
    const Strategy& s = *find_strategy(strategy);
    make_driver();
    PathContext c = context();
    pages = std::make_unique<UserPages>(phys, own, *iommu_, costs, area, pinning(s));
    c.user = pages.get();
    EXPECT_EQ(s.refuse(env).value_or(""), "");
    path = s.make_path(c);
    kernel = std::make_unique<UserAsync>(UserAsyncParams{}, *pages, phys, own, frames, expected, costs);
    app = std::make_unique<UserApp>(agenda, 4500, p, *kernel, area, phys, own, costs);
    add_core().attach(*app);
    if (p.kernel_thread) {
      thread = std::make_unique<UserAsyncThread>(*kernel, costs);
      add_core().attach(*thread);
      thread->connect(*app);
      app->connect(*thread);
    }
    kernel->connect(*path, thread ? static_cast<Task&>(*thread) : *app);
    start(strategy, kernel.get());                           // the driver's ring fills when the application has given its buffers
  }
  UserPagesParams pinning(const Strategy& s) const {
    UserPagesParams p = pages_params;
    if (!s.declaration().guest_memory) p.pinning = UserPinning::none;
    return p;
  }
  // Frames of one connection with so many bytes of payload, and time for the application to read them.
  void receive_in_order(std::initializer_list<std::uint32_t> payloads) {
    std::uint32_t seq = 1;
    for (const std::uint32_t n : payloads) receive(tcp4_frame(n, seq)), seq += n;
    wait();
  }
  // copy-header, each frame by itself, for an application that keeps each buffer for 3 ms.
  void open_hoarder() {
    env.gro = false;
    env.split = SplitMode::split;
    UserAppParams p;
    p.behaviour = AppBehaviour::hoarder;
    p.hold = AppHold::fixed;
    p.hold_time = 3 * kMs;
    open("copy-header", p);
  }
  // `n` frames of 100 bytes of payload from `seq` on, 5 us apart; how many the card accepts.
  std::uint32_t offer(unsigned n, std::uint32_t& seq) {
    std::uint32_t accepted = 0;
    for (; n > 0; --n, seq += 100) {
      accepted += receive(tcp4_frame(100, seq));
      wait(5 * kUs);
    }
    return accepted;
  }
  void expect_quiet() {
    EXPECT_EQ(frames.live(), 0u);
    EXPECT_EQ(kernel->held(), 0u);
    EXPECT_EQ(own.count(Owner::skb), 0u);
    EXPECT_EQ(kernel->check().errors(), 0u) << (kernel->check().messages().empty() ? "" : kernel->check().messages()[0]);
    expect_no_violation();
  }
  Sent expected;
  GuestSpace space;
  UserArea area;
  UserPagesParams pages_params;
  std::unique_ptr<UserPages> pages;
  std::unique_ptr<UserAsync> kernel;
  std::unique_ptr<UserApp> app;
  std::unique_ptr<UserAsyncThread> thread;
};

struct Row {
  const char* strategy;
  bool thread;
  Bytes copied;        // of the three frames below: payloads of 1460, 6 and 700 B
};
void PrintTo(const Row& r, std::ostream* out) { *out << r.strategy << (r.thread ? ", thread" : ""); }

class UserAsyncRows : public UserBench, public ::testing::WithParamInterface<Row> {};

TEST_P(UserAsyncRows, EveryByteIsReadWhereItLies) {
  const Row r = GetParam();
  env.gro = false;
  env.split = std::string_view(r.strategy) == "copy-header" ? SplitMode::split : SplitMode::off;
  UserAppParams p;
  p.kernel_thread = r.thread;
  open(r.strategy, p);
  receive_in_order({1460, 6, 700});
  EXPECT_EQ(frames.all().delivered, 3u);
  EXPECT_EQ(app->stats().bytes, 2166u);
  EXPECT_EQ(app->stats().reads, 3u);
  EXPECT_EQ(kernel->stats().copied, r.copied);
  EXPECT_EQ(app->stats().enters > 0, !r.thread);
  EXPECT_EQ(own.pinned_bytes(), std::string_view(r.strategy) == "vhost-copy" ? 0 : kBuffers * kPage);
  expect_quiet();
}

INSTANTIATE_TEST_SUITE_P(All, UserAsyncRows,
                         ::testing::Values(Row{"vhost-copy", false, 2166}, Row{"guest-head", false, 0}, Row{"copy-header", false, 0},
                                           Row{"page-frags", false, 0}, Row{"vhost-copy", true, 2166}, Row{"copy-header", true, 0}));

// A merged packet: one completion for each segment's payload where the card wrote it; one for each 4 KiB where it is copied.
TEST_F(UserBench, CompletionsOfAMergedPacket) {
  env.split = SplitMode::split;
  open("copy-header");
  receive_in_order({1400, 1400, 1400, 1400, 1400, 1400, 1400, 1400});
  EXPECT_EQ(app->stats().bytes, 8 * 1400u);
  EXPECT_EQ(app->stats().reads, 8u);
  EXPECT_LT(kernel->stats().packets, 8u);
  expect_quiet();
}

// A thread's completions of a packet show together, each buffer that was read goes back by itself: steps of any length decide about neither.
class Shown : public UserBench, public ::testing::WithParamInterface<Time> {
 protected:
  // Values that an index takes, looked at every 5 ns.
  std::vector<std::uint32_t> values_of(Hpa index, Time until) {
    std::vector<std::uint32_t> values;
    for (Time t = now(); t < until; t += 5 * kNs)
      script.at(t, [&, index](Time) {
        const auto v = phys.load<std::uint32_t>(index);
        if (values.empty() || values.back() != v) values.push_back(v);
      });
    run(until);
    return values;
  }
};

TEST_P(Shown, ByPacketAndByBuffer) {
  params.step_max = GetParam();
  env.split = SplitMode::split;
  UserAppParams p;
  p.kernel_thread = true;
  open("copy-header", p);
  const auto given = phys.load<std::uint32_t>(area.refill_tail);
  std::uint32_t seq = 1;
  for (int i = 0; i < 4; ++i, seq += 1400) ASSERT_TRUE(receive(tcp4_frame(1400, seq)));
  EXPECT_THAT(values_of(area.completion_tail, now() + 10 * kUs), ::testing::ElementsAre(0, 4));
  for (int i = 0; i < 4; ++i, seq += 1400) ASSERT_TRUE(receive(tcp4_frame(1400, seq)));
  EXPECT_THAT(values_of(area.refill_tail, now() + 10 * kUs), ::testing::ElementsAre(given + 4, given + 5, given + 6, given + 7, given + 8));
  EXPECT_EQ(kernel->stats().packets, 2u);
  expect_quiet();
}

INSTANTIATE_TEST_SUITE_P(All, Shown, ::testing::Values(10 * kNs, kUs));

TEST_F(UserBench, CopiesOfAMergedPacketFillTheirBuffers) {
  open("vhost-copy");
  receive_in_order({1400, 1400, 1400, 1400, 1400, 1400, 1400, 1400});
  EXPECT_EQ(app->stats().bytes, 8 * 1400u);
  EXPECT_LE(app->stats().reads, 4u);
  expect_quiet();
}

// All buffers are kept: the ring runs dry, and goes on when they come back, without an interrupt in between.
TEST_F(UserBench, ARingThatRanDryGoesOn) {
  open_hoarder();
  std::uint32_t seq = 1;
  const std::uint32_t accepted = offer(kBuffers + 8, seq);
  EXPECT_EQ(accepted, kBuffers);
  EXPECT_FALSE(receive(tcp4_frame(100, seq)));
  wait(5 * kMs);
  EXPECT_TRUE(receive(tcp4_frame(100, seq)));
  wait();
  EXPECT_EQ(frames.all().delivered, kBuffers + 1);
  expect_quiet();
}

// The application keeps what it has read: frames go to pages of the host, and are copied when it gives something back.
TEST_F(UserBench, PagesOfTheHostTakeWhatFindsNoBuffer) {
  env.defences.depleted = Depleted::copy;
  env.defences.host_reserve = 16;
  open_hoarder();
  std::uint32_t seq = 1;
  const std::uint32_t accepted = offer(kBuffers + 64, seq);
  EXPECT_GE(accepted, kBuffers + 16);
  EXPECT_LT(accepted, kBuffers + 64);
  const std::uint64_t before = kernel->stats().copied;
  EXPECT_LE(kernel->held(), 16u);
  EXPECT_GT(kernel->held(), 0u);                             // in pages of the host, without a buffer to be copied to
  wait(8 * kMs);
  EXPECT_GT(kernel->stats().copied, before);
  EXPECT_GE(path->stats().copied_no_buffer, 16u);
  EXPECT_GE(path->stats().reserve_pages, 16u);
  EXPECT_GT(path->stats().reserve_empty, 0u);
  EXPECT_EQ(frames.all().delivered, accepted);
  expect_quiet();
}

// What the application's end undoes, and what the next process finds.
TEST_F(UserBench, AProcessThatWasKilledIsFollowedByAnother) {
  env.split = SplitMode::split;
  pages_params.pinning = UserPinning::registers;
  open("copy-header");
  receive_in_order({1400, 700});
  EXPECT_EQ(app->stats().reads, 2u);
  EXPECT_EQ(own.pinned_bytes(), kBuffers * kPage);
  kernel->close();
  receive(tcp4_frame(500, 3000));
  wait();
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::stack)], 1u);
  EXPECT_EQ(kernel->held(), 0u);
  expect_quiet();
}

// Entries that name no buffer, or one inside another, are counted, and nothing is written there.
TEST_F(UserBench, WrongRefillEntriesAreIgnored) {
  env.split = SplitMode::split;
  UserAppParams p;
  p.behaviour = AppBehaviour::ring_liar;
  p.share = 500'000;
  open("copy-header", p);
  for (unsigned i = 0; i < 40; ++i) receive(tcp4_frame(500, 1 + i * 500)), wait(5 * kUs);
  wait();
  EXPECT_GT(app->stats().lies, 20u);
  EXPECT_EQ(path->stats().guest_errors, app->stats().lies);
  EXPECT_EQ(own.escapes(), 0u);
  expect_quiet();
}

// An application that reads nothing: packets wait in the socket until it is full.
TEST_F(UserBench, AnIdleApplicationFillsItsSocketAlone) {
  UserAppParams p;
  p.behaviour = AppBehaviour::idle;
  open("vhost-copy", p);
  for (unsigned i = 0; i < 50; ++i) receive(tcp4_frame(500, 1 + i * 500)), wait(5 * kUs);
  wait();
  EXPECT_EQ(kernel->held(), 50u);
  EXPECT_EQ(app->stats().reads, 0u);
  EXPECT_EQ(kernel->stats().completions, 0u);
}

}  // namespace user_async_test
}  // namespace gd::test
