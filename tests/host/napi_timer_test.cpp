// The end of polls and what becomes of GRO's entries: gro_flush_timeout, napi_defer_hard_irqs, a used-up budget, and the
// batch in which packets go up.
#include "tests/host/host_bench.h"

namespace gd::test {
namespace napi_timer_test {

struct NapiTimerTest : HostBench {
  void begin(NapiParams p, GroRules rules = GroRules::linux_6, std::uint32_t ticks = 250) {
    make_driver(p);
    timer = std::make_unique<NapiTimer>(agenda, 4700, *napi, costs);
    core().attach(*timer);
    napi->connect(*timer);
    hz = ticks;
    start("vhost-copy", nullptr, p, rules);
  }
  // `count` segments of flow `port`, from segment `first` on.
  void burst(unsigned first, unsigned count, unsigned port = 1500) {
    for (unsigned i = first; i < first + count; ++i) {
      Ip4 o;
      o.id = 7 + i;
      Frame body = tcp_segment(100 + i * 1000, 200, 0x10, {}, payload(1000));
      set16(body, 0, port);
      Frame f = ip4_packet(ethernet(0x0800), o, body);
      seal(f, 14, 34, false, 6);
      ASSERT_TRUE(receive(f));
    }
  }
  std::vector<unsigned> packets() const {
    std::vector<unsigned> v;
    for (const Skb* k : up.packets) v.push_back(k->frames.count);
    return v;
  }
  std::uint64_t flushed(GroReason r) const { return gro->stats().flushes[static_cast<int>(r)]; }
  std::unique_ptr<NapiTimer> timer;
};
using Counts = std::vector<unsigned>;

TEST_F(NapiTimerTest, WithoutATimeoutAPollFlushesAll) {
  begin({});
  burst(0, 3);
  wait();
  EXPECT_EQ(packets(), Counts{3});
  EXPECT_EQ(napi->stats().timer_polls, 0u);
  EXPECT_EQ(nic.count(reg::irq_enable(0)), 2u);
}

TEST_F(NapiTimerTest, TheTimeoutJoinsBurstsAndFlushesWhenNothingCame) {
  NapiParams p;
  p.gro_flush_timeout = 50 * kUs;
  begin(p);
  burst(0, 3);
  wait(30 * kUs);
  EXPECT_TRUE(up.packets.empty());
  EXPECT_EQ(gro->held_frames(), 3u);
  EXPECT_EQ(nic.count(reg::irq_enable(0)), 2u);      // the interrupt is armed all the same
  burst(3, 2);                                       // comes by interrupt, before the timer; the timer starts anew
  wait(40 * kUs);
  EXPECT_TRUE(up.packets.empty());
  EXPECT_EQ(napi->stats().timer_polls, 0u);
  wait(60 * kUs);
  EXPECT_EQ(packets(), Counts{5});
  EXPECT_EQ(napi->stats().timer_polls, 1u);          // its poll found nothing: all left
  EXPECT_EQ(flushed(GroReason::complete), 1u);
  EXPECT_EQ(gro->held_frames(), 0u);
  EXPECT_GT(cycles("irq", "napi.timer"), 0u);
  wait(500 * kUs);
  EXPECT_EQ(napi->stats().timer_polls, 1u);          // and the timer is not armed again
}

TEST_F(NapiTimerTest, ATickBoundsTheWait) {
  NapiParams p;
  p.gro_flush_timeout = 900 * kUs;
  begin(p);
  // Bursts that come before the timer expires keep the entry alive until its tick (4 ms) is over.
  unsigned next = 0;
  while (up.packets.empty() && now() < 20 * kMs) {
    burst(next++, 1);
    wait(500 * kUs);
  }
  ASSERT_EQ(up.packets.size(), 1u);
  EXPECT_GE(up.packets[0]->frames.count, 4u);
  EXPECT_LE(up.packets[0]->frames.count, 9u);
  EXPECT_EQ(flushed(GroReason::timeout), 1u);
}

TEST_F(NapiTimerTest, DeferredInterruptsArePolledByTimer) {
  NapiParams p;
  p.gro_flush_timeout = 50 * kUs;
  p.defer_hard_irqs = 2;
  begin(p);
  EXPECT_EQ(nic.count(reg::irq_enable(0)), 1u);
  burst(0, 3);
  wait(20 * kUs);
  EXPECT_EQ(napi->stats().interrupts, 1u);
  EXPECT_FALSE(nic.armed);
  burst(3, 2);                                       // no interrupt: the timer's poll finds it
  wait(50 * kUs);
  EXPECT_EQ(napi->stats().interrupts, 1u);
  EXPECT_EQ(napi->stats().timer_polls, 1u);
  EXPECT_EQ(gro->held_frames(), 5u);
  wait(60 * kUs);                                    // first idle poll: one deferral is left, entries are old ones only
  EXPECT_EQ(napi->stats().timer_polls, 2u);
  EXPECT_FALSE(nic.armed);
  wait(60 * kUs);                                    // second: none is left
  EXPECT_EQ(napi->stats().timer_polls, 3u);
  EXPECT_TRUE(nic.armed);
  EXPECT_EQ(packets(), Counts{5});
  wait(200 * kUs);
  EXPECT_EQ(napi->stats().timer_polls, 3u);
}

TEST_F(NapiTimerTest, ABudgetUsedUp) {
  NapiParams p;
  p.budget = 4;
  begin(p);
  burst(0, 10);
  wait();
  EXPECT_EQ(packets(), (Counts{4, 4, 2}));
  EXPECT_EQ(flushed(GroReason::full_poll), 2u);
}

TEST_F(NapiTimerTest, ABudgetUsedUpAtHz1000KeepsYoungEntries) {
  NapiParams p;
  p.budget = 4;
  begin(p, GroRules::linux_6, 1000);
  burst(0, 10);
  wait();
  EXPECT_EQ(packets(), Counts{10});
}

TEST_F(NapiTimerTest, ABudgetUsedUpFlushesNothingIn2635) {
  NapiParams p;
  p.budget = 4;
  begin(p, GroRules::linux_2_6_35, 250);
  burst(0, 10);
  wait();
  EXPECT_EQ(packets(), Counts{10});
}

TEST_F(NapiTimerTest, PacketsGoUpInBatches) {
  for (const std::uint32_t batch : {1u, 8u}) {
    GroParams g = gro_params(true, GroRules::linux_6);
    g.normal_batch = batch;
    bind("vhost-copy");
    GroStage stage(g, phys, skbs_, frames, costs);
    up.packets.clear();
    for (unsigned i = 0; i < 11; ++i) {
      in_step([&](Step& s) {
        Skb* k = skbs_.alloc(s);
        const Frame f = udp4_frame(50);
        std::memcpy(phys.at(k->slab_addr), f.data(), f.size());
        k->head = {k->slab_addr, static_cast<std::uint32_t>(f.size()), kNoToken};
        k->length = k->head.length;
        k->path = path.get();
        frames.append(k->frames, wire(f));
        stage.receive(s, k, *path, up);
      });
      const std::size_t expected = batch == 1 ? i + 1 : (i + 1) / 8 * 8;
      EXPECT_EQ(up.packets.size(), expected);
      EXPECT_EQ(stage.held_frames(), i + 1 - expected);
    }
    in_step([&](Step& s) { EXPECT_TRUE(stage.end_poll(s, *path, up, PollEnd::complete)); });
    EXPECT_EQ(up.packets.size(), 11u);
    EXPECT_EQ(stage.held_frames(), 0u);
    for (unsigned i = 1; i < 11; ++i) EXPECT_LT(frames[up.packets[i - 1]->frames.first].id, frames[up.packets[i]->frames.first].id);
    in_step([&](Step& s) {
      for (Skb* k : up.packets) {
        frames.dropped(k->frames, Drop::stack, s.now());
        path->release(s, k);
      }
    });
  }
}

}  // namespace napi_timer_test
}  // namespace gd::test
