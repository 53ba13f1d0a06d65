// Delivery and publication from softirq: no worker on the way, used entries of one packet together, the ring's index never
// back, the worker woken for buffers only.
#include "models/host/softirq_delivery.h"
#include "tests/host/vhost_bench.h"

namespace gd::test {
namespace softirq_delivery_test {

struct SoftirqDeliveryTest : VhostTest {
  void open_softirq(const char* strategy, std::uint64_t features = kModern, std::uint32_t capacity = 100) {
    env.gro = false;
    env.softirq_publish = true;
    env.used_offset = feature::has(features, feature::kUsedOffset);
    make_driver();
    bind(strategy, 64, features);
    VhostParams p;
    tap = std::make_unique<TapQueue>(1000, phys, skbs_, frames, costs, "tap", TapOffloads::of(features));
    worker = std::make_unique<VhostWorker>(p, *guest, frames, costs);
    delivery = std::make_unique<SoftirqDelivery>(p, capacity, phys, skbs_, frames, costs, TapOffloads::of(features));
    add_core().attach(*worker);
    core().attach(*delivery);
    tap->connect(*worker);
    worker->connect(*path, *tap, nullptr);
    worker->leave_delivery_to(*delivery);
    guest->on_kick(*worker);
    start(strategy, delivery.get());
  }
  std::unique_ptr<SoftirqDelivery> delivery;
};

TEST_F(SoftirqDeliveryTest, PacketsReachTheGuestWhileTheWorkerSleeps) {
  open_softirq("page-frags");
  post(60, 2048);
  wait();
  const std::uint64_t wakeups = worker->stats().wakeups, posted = path->stats().posted;
  for (int i = 0; i < 20; ++i) receive(udp4_frame(400));
  wait();
  EXPECT_EQ(harvest(), 20u);
  EXPECT_EQ(delivery->stats().packets, 20u);
  EXPECT_EQ(worker->stats().wakeups, wakeups);
  EXPECT_EQ(worker->stats().packets, 0u);
  EXPECT_EQ(path->stats().posted, posted);
  EXPECT_FALSE(guest->injected.empty());
  EXPECT_EQ(delivery->held(), 0u);
  EXPECT_EQ(frames.live(), 0u);
  const Ledger::Row row = delivery->row();
  EXPECT_EQ(ledger.cell(row, costs.get("vhost.used").op).calls, 20u);
  EXPECT_GT(ledger.cell(row, costs.get("vhost.signal").op).calls, 0u);
  EXPECT_EQ(ledger.cell(worker->row(), costs.get("vhost.used").op).calls, 0u);
  expect_no_violation();
}

TEST_F(SoftirqDeliveryTest, TheWorkerIsWokenWhenBuffersRunLow) {
  open_softirq("page-frags");
  post(60, 2048);
  wait();
  const std::uint64_t wakeups = worker->stats().wakeups;
  unsigned got = 0;
  for (int i = 0; i < 60; ++i) {
    receive(udp4_frame(400));
    wait(30 * kUs);
    for (const auto& u : guest->used()) {
      got += u.len > 0;
      guest->again(u.token);       // in the ring again, without a kick: nobody asked for one
    }
    take_frames();
  }
  EXPECT_EQ(got, 60u);
  EXPECT_GT(delivery->stats().worker_wakes, 0u);
  EXPECT_GT(worker->stats().wakeups, wakeups);
  EXPECT_LT(worker->stats().wakeups, wakeups + 6);
  EXPECT_GT(path->stats().posted, 60u);
  EXPECT_EQ(frames.live(), 0u);
  expect_no_violation();
}

TEST_F(SoftirqDeliveryTest, AFullListDropsAndReturnsBuffers) {
  open_softirq("page-frags", kModern, 2);
  post(60, 2048);
  wait();
  for (int i = 0; i < 20; ++i) receive(udp4_frame(400));
  wait();
  const auto dropped = frames.all().drops[static_cast<int>(Drop::tap_full)];
  EXPECT_EQ(harvest() + dropped, 20u);
  EXPECT_EQ(frames.live(), 0u);
  EXPECT_EQ(own.count(Owner::skb), 0u);
  expect_no_violation();
}

TEST(SoftirqPublish, WhatCopiesIntoTheGuestIsRefused) {
  BindEnvironment e;
  e.softirq_publish = true;
  for (const char* s : {"guest-head", "page-frags"}) EXPECT_EQ(find_strategy(s)->refuse(e), std::nullopt) << s;
  EXPECT_NE(find_strategy("vhost-copy")->refuse(e), std::nullopt);
  BindEnvironment copies = e;
  copies.host_copies = true;
  copies.host_work = copies.copied_work = "host.rewrite";
  BindEnvironment limit = e;
  limit.at_limit = AtLimit::copy;
  BindEnvironment unfit = e;
  unfit.options.unfit_buffers = UnfitBuffers::copy;
  BindEnvironment apart = e;
  apart.header_apart = true;
  apart.rx_mode = RxMode::small;
  apart.mergeable = false;
  for (BindEnvironment* b : {&copies, &limit, &unfit, &apart}) {
    const auto why = find_strategy("guest-head")->refuse(*b);
    ASSERT_NE(why, std::nullopt);
    EXPECT_NE(why->find("vhost.publish"), std::string::npos) << *why;
    b->softirq_publish = false;
    EXPECT_EQ(find_strategy("guest-head")->refuse(*b), std::nullopt);
  }
}

}  // namespace softirq_delivery_test
}  // namespace gd::test
