// A receive queue that is stopped, drained and begun again, with times.
#include "tests/nic/nic_bench.h"

namespace gd::test {
namespace nic_stop_test {

constexpr Time kLatency = NicParams{}.rx_latency;

RxQueueConfig small_ring() {
  RxQueueConfig c;
  c.size = 64;
  return c;
}

TEST(NicStop, WhatIsUnderWayIsReportedAndTheRestIsDropped) {
  NicBench b("bench");
  TestRing r(b, 0, small_ring());
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(1000);
  const Time last = 5 * kUs, stop = last + 200 * kNs, visible = last + NicBench::kWrite + kLatency;
  b.at(0, [&] { r.post(16); });
  b.at(last, [&] { b.arrive(f); });
  b.at(stop - NicBench::kMmio, [&] { b.write_register(reg::rx_enable(0), 0); });
  b.at(stop + 1, [&] {
    EXPECT_FALSE(b.nic.rx_drained(0));
    EXPECT_EQ(b.nic.available(0), 0u);
    b.arrive(f);                                  // for a stopped queue
    EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::no_descriptor)], 1u);
  });
  b.at(visible - 1, [&] { EXPECT_FALSE(b.nic.rx_drained(0)); });
  b.at(visible, [&] {
    EXPECT_TRUE(r.done(0).done);
    EXPECT_TRUE(b.nic.rx_drained(0));
    EXPECT_EQ(b.nic.rx_head(0), 1u);
    EXPECT_EQ(r.reap(), 1u);
  });
  b.run(20 * kUs);
  EXPECT_EQ(b.nic.held(), 0u);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
  EXPECT_EQ(b.frames.live(), 0u);
  EXPECT_EQ(b.ownership.violations(), 0u);
}

// Frames that wait for descriptors when the queue stops are dropped then; descriptors that the card had fetched are forgotten.
TEST(NicStop, BeginsAgainWithAnEmptyRing) {
  NicBench b("bench");
  TestRing r(b, 0, small_ring());
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(500);
  b.at(1 * kUs, [&] { b.arrive(f), b.arrive(f); });   // no descriptors: they wait in the FIFO
  b.at(2 * kUs, [&] {
    EXPECT_GT(b.nic.fifo_level(), 0u);
    b.write_register(reg::rx_enable(0), 0);
  });
  b.at(3 * kUs, [&] {
    EXPECT_EQ(b.nic.fifo_level(), 0u);
    EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::no_descriptor)], 2u);
    EXPECT_TRUE(b.nic.rx_drained(0));
    r.post(8);                                    // while it stands still: refused
  });
  b.at(4 * kUs, [&] {
    EXPECT_EQ(b.nic.available(0), 0u);
    EXPECT_EQ(b.nic.stats().bad_doorbells, 1u);
    b.write_register(reg::rx_enable(0), 1);
  });
  b.at(5 * kUs, [&] {
    EXPECT_FALSE(b.nic.rx_drained(0));
    b.write_register(reg::rx_tail(0), 8);
  });
  b.at(8 * kUs, [&] {
    EXPECT_EQ(b.nic.available(0), 8u);
    b.arrive(f);
  });
  b.run(20 * kUs);
  EXPECT_EQ(r.reap(), 1u);
  EXPECT_EQ(b.frames.live(), 0u);
}

// A driver that does not wait for the answer is not served: what is under way would meet a ring that it does not belong to.
TEST(NicStop, IsNotBegunBeforeItHasStopped) {
  NicBench b("bench");
  TestRing r(b, 0, small_ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(16); });
  b.at(5 * kUs, [&] {
    b.arrive(tcp4_frame(1000));
    b.write_register(reg::rx_enable(0), 0);
    b.write_register(reg::rx_enable(0), 1);
  });
  b.run(20 * kUs);
  EXPECT_EQ(b.nic.stats().bad_doorbells, 1u);
  EXPECT_TRUE(b.nic.rx_drained(0));
  EXPECT_EQ(r.reap(), 1u);
}

}  // namespace nic_stop_test
}  // namespace gd::test
