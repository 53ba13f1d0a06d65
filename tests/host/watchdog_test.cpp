// The driver's service timer: interrupts raised in even distances, and queues that stand at a lost report.
#include "models/host/watchdog.h"

#include "tests/host/host_bench.h"

namespace gd::test {
namespace watchdog_test {

struct WatchdogTest : HostBench {
  WatchdogTest() {
    env.gro = false;
    costs.define("driver.watchdog", 10'000, 0, "");
    costs.define("driver.head", 10'000, 0, "");
    up.on_packet = [this](Step& s, Skb* k) {
      frames.dropped(k->frames, Drop::stack, s.now());
      path->release(s, k);
    };
  }
  // Rounds from 130 us on; the driver is ready at 100 us.
  void begin(bool rearm, bool skip) {
    make_driver();
    dog = std::make_unique<RxWatchdog>(agenda, rank::kCore - 1, WatchdogParams{130 * kUs, rearm, skip}, nic, mmio, costs);
    core().attach(*dog);
    dog->watch(*napi);
    start("vhost-copy");
  }
  // The card has reported nothing on its next descriptor, and believes that it has.
  void lose_report() { nic.head = (nic.head + 1) % env.ring_size; }
  // What the card does with a write of the cause register.
  std::size_t raised() const { return nic.count(reg::irq_cause(0)); }
  std::unique_ptr<RxWatchdog> dog;
};

TEST_F(WatchdogTest, RaisesEachQueueEachRound) {
  begin(true, false);
  wait(1000 * kUs);                                        // 130, 260 ... 1040 us
  EXPECT_EQ(raised(), 8u);
  EXPECT_EQ(dog->skipped(), 0u);
}

TEST_F(WatchdogTest, AStuckQueueGoesOnAfterAWholeRound) {
  begin(false, true);
  receive(udp4_frame(300));
  wait(20 * kUs);
  EXPECT_EQ(up.packets.size(), 1u);
  lose_report();
  receive(udp4_frame(300));
  receive(udp4_frame(300));
  wait(100 * kUs);                                         // the round at 130 us sees that a frame was taken since the begin
  EXPECT_EQ(up.packets.size(), 1u);
  EXPECT_EQ(raised(), 0u);
  wait(100 * kUs);                                         // that at 260 us sees the queue stand
  EXPECT_EQ(dog->skipped(), 1u);
  ASSERT_EQ(raised(), 1u);
  napi->irq().interrupt(0, now());
  wait(50 * kUs);
  EXPECT_EQ(napi->stats().skipped, 1u);
  EXPECT_EQ(up.packets.size(), 3u);
  EXPECT_EQ(napi->posted(), 63u);                          // the lost one's buffer is posted again
  EXPECT_EQ(frames.live(), 0u);
  wait(400 * kUs);
  EXPECT_EQ(dog->skipped(), 1u);                           // an idle queue is no stuck one
  expect_no_violation();
}

TEST_F(WatchdogTest, WithoutItTheQueueStandsForEver) {
  begin(true, false);
  lose_report();
  receive(udp4_frame(300));
  wait(2 * kMs);
  napi->irq().interrupt(0, now());
  wait(50 * kUs);
  EXPECT_EQ(up.packets.size(), 0u);
  EXPECT_EQ(napi->stats().skipped, 0u);
}

}  // namespace watchdog_test
}  // namespace gd::test
