// Keys of the host's GRO and of the end of its polls: each one moves what it says.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace gro_keys_test {

using Set = std::vector<std::string>;

ChildResult run_with(Set set, const char* scenario = "host-socket.json") {
  for (const char* s : {"time.warmup=\"1ms\"", "time.measure=\"3ms\"", "traffic.rate=\"2Gbps\""}) set.insert(set.begin(), s);
  const ChildResult r = run_child(scenario, "vhost-copy", set);
  EXPECT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.value("integrity.errors"), 0);
  EXPECT_EQ(r.value("ownership.violations"), 0);
  return r;
}
// Interrupts one by one, so that a poll finds few frames.
const char* const kNoModeration = "nic.interrupt_moderation.delay=\"0ns\"";

TEST(GroKeys, FlushTimeoutJoinsPolls) {
  const ChildResult none = run_with({kNoModeration});
  const ChildResult some = run_with({kNoModeration, "host.gro.flush_timeout=\"50us\""});
  EXPECT_GT(some.value("gro.segments_per_packet"), 1.5 * none.value("gro.segments_per_packet"));
  EXPECT_GT(some.value("latency.p50"), none.value("latency.p50"));
}

TEST(GroKeys, DeferredInterruptsAreFewer) {
  const ChildResult timeout = run_with({kNoModeration, "host.gro.flush_timeout=\"50us\""});
  const ChildResult defer = run_with({kNoModeration, "host.gro.flush_timeout=\"50us\"", "host.gro.defer_hard_irqs=2"});
  EXPECT_LT(defer.value("interrupts.host"), 0.5 * timeout.value("interrupts.host"));
  EXPECT_EQ(run_child("host-socket.json", "vhost-copy", {"host.gro.defer_hard_irqs=2"}).exit_code, 2);
  EXPECT_EQ(run_child("host-socket.json", "vhost-copy", {"host.gro.rules=linux-2.6.35", "host.gro.flush_timeout=\"50us\""}).exit_code, 2);
}

TEST(GroKeys, HzDecidesWhatAFullPollFlushes) {
  const Set few = {"host.napi_budget=4", "nic.interrupt_moderation.delay=\"50us\""};
  Set hz = few;
  hz.push_back("host.hz=1000");
  const ChildResult slow = run_with(few), fast = run_with(hz);
  EXPECT_GT(slow.value("gro.flush.full-poll"), 0);
  EXPECT_EQ(fast.value("gro.flush.full-poll"), 0);
  EXPECT_GT(fast.value("gro.segments_per_packet"), slow.value("gro.segments_per_packet"));
}

TEST(GroKeys, ABatchDelaysThePacketsInIt) {
  const Set udp = {"traffic.protocol=udp", "nic.interrupt_moderation.delay=\"50us\""};
  Set one = udp;
  one.push_back("host.gro.normal_batch=1");
  EXPECT_NE(run_with(udp).value("latency.p50"), run_with(one).value("latency.p50"));
}

TEST(GroKeys, UdpIsMergedForWhoCanTakeIt) {
  const Set udp = {"traffic.protocol=udp", "nic.interrupt_moderation.delay=\"50us\"", "traffic.flows=1"};
  Set merged = udp;
  merged.push_back("host.gro.udp=true");
  EXPECT_EQ(run_with(udp).value("gro.segments_per_packet"), 1);
  EXPECT_GT(run_with(merged).value("gro.segments_per_packet"), 2);
  EXPECT_EQ(run_with(udp, "bulk-1500.json").value("gro.segments_per_packet"), 1);
  const ChildResult guest = run_with(merged, "bulk-1500.json");
  EXPECT_GT(guest.value("gro.segments_per_packet"), 2);
  EXPECT_GT(guest.value("packets.delivered"), 0);
  Set old = merged;                              // this driver negotiates no USO
  old.push_back("guests.0.virtio.driver=linux-2.6.35");
  EXPECT_EQ(run_with(old, "bulk-1500.json").value("gro.segments_per_packet"), 1);
}

}  // namespace gro_keys_test
}  // namespace gd::test
