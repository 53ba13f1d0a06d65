// vhost of 2.6.35, busy polling, and the decisions of both generations as tables.
#include "tests/host/vhost_bench.h"

namespace gd::test {
namespace vhost_modes_test {

TEST(VhostRulesTable, PublishRoundAndListen) {
  VhostParams now, old;
  old.rules = VhostRules::linux_2_6_35;
  struct Row {
    std::uint32_t pending;
    bool now, old;
  };
  for (const Row& r : {Row{0, false, false}, Row{1, false, true}, Row{64, false, true}, Row{65, true, true}}) {
    EXPECT_EQ(vhost::publish_now(now, r.pending), r.now) << r.pending;
    EXPECT_EQ(vhost::publish_now(old, r.pending), r.old) << r.pending;
  }
  struct Round {
    std::uint32_t packets;
    Bytes bytes;
    bool now, old;
  };
  for (const Round& r : {Round{255, 524'287, false, false}, Round{256, 0, true, false}, Round{1, 524'288, true, true}, Round{5000, 100, true, false}}) {
    EXPECT_EQ(vhost::round_over(now, r.packets, r.bytes), r.now) << r.packets << " " << r.bytes;
    EXPECT_EQ(vhost::round_over(old, r.packets, r.bytes), r.old) << r.packets << " " << r.bytes;
  }
  EXPECT_EQ(vhost::batch(now), 64u);
  EXPECT_EQ(vhost::batch(old), 1u);
  VhostParams raw = now, old_raw = old;
  raw.rx_ring = old_raw.rx_ring = false;                     // a packet socket
  EXPECT_EQ(vhost::batch(raw), 1u);
  EXPECT_TRUE(vhost::batch_costs(now) && vhost::batch_costs(old) && vhost::batch_costs(old_raw));
  EXPECT_FALSE(vhost::batch_costs(raw));
  EXPECT_FALSE(vhost::publish_now(raw, 64));
  EXPECT_TRUE(vhost::listens(now, false) && vhost::listens(old, false) && vhost::listens(old, true));
  EXPECT_FALSE(vhost::listens(now, true));
}

constexpr std::uint64_t kLegacy = feature::bit(feature::kCsum) | feature::bit(feature::kGuestCsum);

VhostParams of_2_6_35() {
  VhostParams p;
  p.rules = VhostRules::linux_2_6_35;
  return p;
}

using OldVhostTest = VhostTest;

TEST_F(OldVhostTest, EachPacketIsPublishedAndSignalledByItself) {
  open("vhost-copy", 1000, of_2_6_35(), 256, kLegacy);
  for (int i = 0; i < 12; ++i) receive(udp4_frame(100));     // they wait for buffers
  wait();
  EXPECT_EQ(worker->stats().packets, 0u);
  for (int i = 0; i < 20; ++i) guest->post(2048);
  kick_if_wanted();
  std::vector<std::uint16_t> published;
  for (int i = 0; i < 8000; ++i) {
    run(now() + 5 * kNs);
    std::uint16_t idx = 0;
    guest->view.read(vring::used_idx(guest->rx_), &idx, 2);
    if (published.empty() || published.back() != idx) published.push_back(idx);
  }
  EXPECT_EQ(published, (std::vector<std::uint16_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(harvest(), 12u);
  EXPECT_EQ(guest->header(0).num_buffers, 1);
  // Nobody has set NO_INTERRUPT: a decision for each packet, though injections that are close join.
  EXPECT_EQ(ledger.cell(worker->row(), costs.get("vhost.signal").op).calls, 12u);
  expect_no_violation();
}

TEST_F(OldVhostTest, TheSocketIsFoundEmptyWithABufferInHand) {
  open("vhost-copy", 1000, of_2_6_35(), 256, kLegacy);
  post(30);
  for (int i = 0; i < 3; ++i) {                              // one at a time: an empty look after each
    receive(udp4_frame(100));
    wait();
  }
  EXPECT_EQ(harvest(), 3u);
  EXPECT_EQ(ledger.cell(worker->row(), costs.get("vhost.head").op).calls, 6u);
  EXPECT_EQ(worker->stats().wakeups, ledger.cell(worker->row(), costs.get("vhost.work").op).calls);
}

TEST_F(OldVhostTest, PacketsWakeAWorkerWithoutBuffers) {
  open("vhost-copy", 1000, of_2_6_35(), 256, kLegacy);
  receive(udp4_frame(100));
  wait();
  const std::uint64_t wakeups = worker->stats().wakeups;
  for (int i = 0; i < 4; ++i) {
    receive(udp4_frame(100));
    wait();
  }
  EXPECT_EQ(worker->stats().wakeups, wakeups + 4);           // Linux 6: none, see StarvationWaitsForTheKickAndLosesNothing
  post(10);
  wait();
  EXPECT_EQ(harvest(), 5u);
}

TEST_F(OldVhostTest, OnlyBytesEndARound) {
  VhostParams p = of_2_6_35();
  p.weight_packets = 4;
  p.weight_bytes = 10 * 1042;
  open("vhost-copy", 1000, p, 256, kLegacy);
  for (int i = 0; i < 35; ++i) receive(udp4_frame(1000));
  wait();
  const std::uint64_t before = worker->stats().rounds;
  post(40);
  wait();
  EXPECT_EQ(harvest(), 35u);
  EXPECT_EQ(worker->stats().rounds - before, 4u);            // 10, 10, 10, 5
}

struct PollTest : VhostTest {
  // Cycles of the spin, in time.
  Time spun() {
    worker_core->settle_spin(now());
    return static_cast<Time>(ledger.cell(worker->row(), costs.account("vhost.spin")).mc);   // 1 GHz: a milli-cycle is a ps
  }
  void open_polling(Time t) {
    VhostParams p;
    p.busy_poll = t;
    open("vhost-copy", 1000, p);
  }
};

TEST_F(PollTest, SpinsToTheTimeoutAndSleeps) {
  open_polling(50 * kUs);
  post(30);
  receive(udp4_frame(100));
  wait(20 * kUs);
  EXPECT_EQ(harvest(), 1u);                                  // published before the spin
  const std::uint64_t polls = worker->stats().polls;
  EXPECT_GE(polls, 1u);
  wait(300 * kUs);
  EXPECT_EQ(worker->stats().polls, polls);                   // one spin for one idleness
  const Time whole = spun();
  EXPECT_GE(whole, 50 * kUs);
  EXPECT_LE(whole, static_cast<Time>(polls) * (50 * kUs + 2 * kUs));
  const std::uint64_t activations = agenda.activations();
  wait(5 * kMs);
  EXPECT_LE(agenda.activations(), activations + 1);          // asleep
  EXPECT_EQ(spun(), whole);
  EXPECT_EQ(worker_core->busy_mc(), ledger.total_mc(worker->row()) + ledger.total_mc(ledger.row(worker_core->name(), "sched")));
}

TEST_F(PollTest, ASpinCostsNoEvents) {
  open_polling(2 * kMs);
  post(30);
  receive(udp4_frame(100));
  wait(20 * kUs);
  const std::uint64_t activations = agenda.activations();
  wait(1 * kMs);
  EXPECT_LE(agenda.activations(), activations + 1);
  EXPECT_GE(spun(), 1 * kMs);
}

TEST_F(PollTest, DataEndsTheSpinWithoutAWakeUp) {
  open_polling(500 * kUs);
  post(60);
  receive(udp4_frame(100));
  wait(20 * kUs);
  const std::uint64_t wakeups = worker->stats().wakeups, ended = worker->stats().polls_ended_by_work;
  const std::uint64_t paid = ledger.cell(napi->row(), costs.get("sched.wakeup").op).calls;
  for (int i = 0; i < 10; ++i) {
    receive(udp4_frame(100));
    wait(50 * kUs);
  }
  EXPECT_EQ(harvest(), 11u);
  EXPECT_EQ(worker->stats().wakeups, wakeups);
  EXPECT_EQ(worker->stats().polls_ended_by_work, ended + 10);
  EXPECT_EQ(ledger.cell(napi->row(), costs.get("sched.wakeup").op).calls, paid);
  EXPECT_GE(spun(), 400 * kUs);
}

TEST_F(PollTest, AKickEndsTheSpin) {
  open_polling(500 * kUs);
  post(30);
  receive(udp4_frame(100));
  wait(20 * kUs);
  send(tcp4_frame(1));
  wait(20 * kUs);
  EXPECT_EQ(worker->stats().tx_frames, 1u);
  EXPECT_GE(worker->stats().polls_ended_by_work, 1u);
}

TEST_F(PollTest, AnotherThreadEndsTheSpin) {
  Doer other("other", Priority::thread);
  neighbour = &other;
  open_polling(5 * kMs);
  post(30);
  receive(udp4_frame(100));
  wait(20 * kUs);
  const Cost ten{costs.get("app.read").op, 10'000'000, 0};   // 10 us
  other.f = [&](Step& s) { s.charge(ten); };
  script.at(now() + kNs, [&](Time t) { other.wake(t); });
  wait(100 * kUs);
  const Time before = spun();
  wait(200 * kUs);
  EXPECT_EQ(spun(), before);                                 // asleep, long before the timeout
  receive(udp4_frame(100));
  wait();
  EXPECT_EQ(harvest(), 2u);
}

}  // namespace vhost_modes_test
}  // namespace gd::test
