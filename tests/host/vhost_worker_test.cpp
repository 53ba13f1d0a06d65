// The tap queue and the vhost worker: publication, rounds, sleeping, starvation, transmission.
#include "tests/host/vhost_bench.h"

namespace gd::test {
namespace vhost_worker_test {

TEST_F(VhostTest, PacketsPassAndTheWorkerSleeps) {
  open();
  post(30);
  for (int i = 0; i < 20; ++i) receive(udp4_frame(100));
  wait();
  EXPECT_EQ(harvest(), 20u);
  EXPECT_EQ(worker->stats().packets, 20u);
  EXPECT_EQ(frames.live(), 0u);
  EXPECT_EQ(worker->held() + tap->held(), 0u);
  EXPECT_FALSE(guest->injected.empty());
  const std::uint64_t activations = agenda.activations();
  wait(5 * kMs);
  EXPECT_LE(agenda.activations(), activations + 1);        // asleep
  expect_no_violation();
}

TEST_F(VhostTest, TapFullDropsAndBuffersReturn) {
  open("vhost-copy", 5);
  for (int i = 0; i < 20; ++i) receive(udp4_frame(600));   // the guest has posted nothing
  wait();
  EXPECT_EQ(tap->peak(), 5u);
  EXPECT_GE(frames.all().drops[static_cast<int>(Drop::tap_full)], 14u);
  EXPECT_EQ(tap->held() + worker->held(), frames.live());
  EXPECT_EQ(own.count(Owner::skb), frames.live());
  EXPECT_EQ(napi->posted(), 63u);
  expect_no_violation();
}

TEST_F(VhostTest, StarvationWaitsForTheKickAndLosesNothing) {
  open();
  post(3);
  for (int i = 0; i < 10; ++i) receive(udp4_frame(100));
  wait();
  EXPECT_EQ(harvest(), 3u);
  EXPECT_EQ(frames.live(), 7u);
  const std::uint64_t activations = agenda.activations(), wakeups = worker->stats().wakeups;
  wait(5 * kMs);
  EXPECT_LE(agenda.activations(), activations + 1);        // no loop
  for (int i = 0; i < 5; ++i) receive(udp4_frame(100));
  wait();
  EXPECT_EQ(worker->stats().wakeups, wakeups);             // packets do not wake a starved worker
  for (int i = 0; i < 12; ++i) {                           // one buffer a time: a kick each
    post(1);
    wait();
    EXPECT_EQ(harvest(), 1u) << i;
  }
  EXPECT_EQ(frames.live(), 0u);
  receive(udp4_frame(100));                                // and packets wake it again
  post(1);
  wait();
  EXPECT_EQ(harvest(), 1u);
  expect_no_violation();
}

TEST_F(VhostTest, APacketThatNeedsMoreThanTheGuestHasDoesNotSpin) {
  open();
  post(2, 512);
  receive(tcp4_frame(1460));
  wait();
  EXPECT_EQ(harvest(), 0u);
  const std::uint64_t activations = agenda.activations();
  wait(5 * kMs);
  EXPECT_LE(agenda.activations(), activations + 1);
  const unsigned before = kicks;
  post(1, 512);
  EXPECT_EQ(kicks, before + 1);                            // the next buffer is asked for
  wait();
  EXPECT_EQ(harvest(), 3u);
  EXPECT_EQ(frames.live(), 0u);
}

TEST_F(VhostTest, KickRacesLoseNothing) {
  open();
  unsigned got = 0;
  for (int i = 0; i < 150; ++i) {                          // posts and arrivals at all offsets within the worker's steps
    receive(udp4_frame(100));
    if (i % 3 == 0) post(1);
    run(now() + (137 + 61 * i % 700) * kNs);
    got += harvest();
    if (nic.head == nic.tail) wait();
  }
  post(150);
  wait();
  got += harvest();
  EXPECT_EQ(got, frames.all().offered);
  EXPECT_EQ(frames.live(), 0u);
  expect_no_violation();
}

TEST_F(VhostTest, PublishesAfterMoreThanTheBatch) {
  VhostParams p;
  p.batch = 4;
  open("vhost-copy", 1000, p);
  // All packets wait before the worker finds buffers: it works through them at once.
  for (int i = 0; i < 14; ++i) receive(udp4_frame(100));
  wait();
  EXPECT_EQ(worker->stats().starved, 1u);
  std::vector<std::uint16_t> published;
  for (int i = 0; i < 20; ++i) guest->post(2048);
  kick_if_wanted();
  for (int i = 0; i < 4000; ++i) {
    run(now() + 5 * kNs);
    std::uint16_t idx = 0;
    guest->view.read(vring::used_idx(guest->rx_), &idx, 2);
    if (published.empty() || published.back() != idx) published.push_back(idx);
  }
  EXPECT_EQ(published, (std::vector<std::uint16_t>{0, 5, 10, 14}));
}

TEST_F(VhostTest, WeightEndsARound) {
  VhostParams p;
  p.weight_packets = 10;
  open("vhost-copy", 1000, p);
  for (int i = 0; i < 35; ++i) receive(udp4_frame(100));
  wait();
  const std::uint64_t before = worker->stats().rounds;
  post(40);
  wait();
  EXPECT_EQ(harvest(), 35u);
  EXPECT_EQ(worker->stats().rounds - before, 4u);          // 10, 10, 10, 5
}

TEST_F(VhostTest, ZeroCopyWorkerPostsAndTheDriverIsFed) {
  open("guest-head", 1000, {}, 64);
  EXPECT_EQ(napi->posted(), 0u);
  guest->driver.kick_needed(guest->view);
  for (int i = 0; i < 10; ++i) guest->post(2060);
  worker->kick(0, now());
  wait();
  EXPECT_EQ(napi->posted(), 10u);
  for (int burst = 0; burst < 5; ++burst) {
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(receive(udp4_frame(200)));
    wait();
    EXPECT_EQ(harvest(true), 8u);
    kick_if_wanted();
    wait();
  }
  EXPECT_EQ(frames.live(), 0u);
  const std::uint64_t activations = agenda.activations();
  wait(5 * kMs);
  EXPECT_LE(agenda.activations(), activations + 1);
  expect_no_violation();
}

TEST_F(VhostTest, TransmitsAndWaitsWhenTheRingIsFull) {
  open();
  const auto slot = [&](unsigned i) { return phys.load<std::uint64_t>(nic.tx.ring + i * 16); };
  for (unsigned i = 0; i < 10; ++i) send(tcp4_frame(i));
  wait(20 * kUs);
  EXPECT_EQ(worker->stats().tx_frames, 7u);                // a ring of 8
  for (unsigned i = 0; i < 7; ++i) {
    const Frame f = tcp4_frame(i);
    EXPECT_EQ(phys.load<std::uint64_t>(nic.tx.ring + i * 16 + 8) & 0xffff, f.size());
    EXPECT_EQ(Frame(phys.at(slot(i)), phys.at(slot(i)) + f.size()), f);
  }
  for (unsigned i = 0; i < 7; ++i)
    phys.store(nic.tx.ring + i * 16 + 8, phys.load<std::uint64_t>(nic.tx.ring + i * 16 + 8) | TxDescriptor::kDone);
  wait();
  EXPECT_EQ(worker->stats().tx_frames, 10u);
  EXPECT_GT(worker->tx_signals(), 0u);
  unsigned reclaimed = 0;
  for (DriverRing::Used u; guest->tx_driver.get_used(guest->view, u);) ++reclaimed;
  EXPECT_EQ(reclaimed, 10u);
  const std::uint64_t activations = agenda.activations();
  wait(5 * kMs);
  EXPECT_LE(agenda.activations(), activations + 1);
  send(tcp4_frame(3));                                     // the sleeping worker is kicked again
  wait();
  EXPECT_EQ(worker->stats().tx_frames, 11u);
}

// What is no frame behind a header, in bytes that the guest may read alone, is counted and comes back. vhost: "Unexpected descriptor format
// for TX".
TEST_F(VhostTest, BadTransmitChainsAreCountedAndReturned) {
  open();
  const std::uint32_t header = guest->tx_.header_length;
  const auto slot = static_cast<std::uint32_t>(TxDriver::kSlot);
  struct Row {
    const char* what;
    std::vector<std::pair<std::uint32_t, bool>> parts;   // bytes, device-writable
    std::uint32_t sent;                                  // bytes; 0: refused
  };
  std::uint64_t errors = 0, frames_sent = 0;
  for (const Row& r : {Row{"nothing to read", {{64, true}}, 0}, {"a header alone", {{header, false}}, 0}, {"less", {{header - 1, false}}, 0}, {"a byte", {{header + 1, false}}, 1},
                       {"a driver's buffer", {{header + slot, false}}, slot}, {"and a byte", {{header + slot + 1, false}}, 0},
                       {"in pieces", {{header - 4, false}, {100, false}, {50, false}}, 146}, {"writable bytes behind", {{header + 100, false}, {64, true}}, 0}}) {
    SCOPED_TRACE(r.what);
    std::vector<Segment> chain;
    for (const auto& [n, writable] : r.parts) chain.push_back({guest->memory.alloc(n, kPage), n, writable});
    ASSERT_NE(guest->tx_driver.add(guest->view, chain.data(), static_cast<unsigned>(chain.size()), 0), DriverRing::kFull);
    guest->tx_driver.publish(guest->view);
    script.at(now() + kNs, [this](Time t) { worker->kick(1, t); });
    wait();
    ++(r.sent ? frames_sent : errors);
    EXPECT_EQ(worker->stats().tx_errors, errors);
    EXPECT_EQ(worker->stats().tx_frames, frames_sent);
    DriverRing::Used u;
    EXPECT_TRUE(guest->tx_driver.get_used(guest->view, u));
    EXPECT_FALSE(guest->tx_driver.get_used(guest->view, u));
  }
  EXPECT_EQ(spent("vhost.tx_copy").bytes, 1u + slot + 146);
}

}  // namespace vhost_worker_test
}  // namespace gd::test
