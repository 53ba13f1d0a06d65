// No stage is free, and two users of one link, core or channel slow each other.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace contention_test {

double value(const char* metric, const std::vector<std::string>& set, const char* strategy = "vhost-copy") {
  const ChildResult r = run_child("bulk-1500.json", strategy, set);
  EXPECT_EQ(r.exit_code, 0) << r.error;
  return r.value(metric);
}

TEST(Contention, WorkOnOneCoreTakesAwayThroughput) {
  const double apart = value("throughput.goodput", {"traffic.rate=9Gbps", kOftenInterrupted});
  const double together = value("throughput.goodput", {"traffic.rate=9Gbps", kOftenInterrupted, "host.affinity={\"interrupt\":0,\"vhost\":0,\"vcpu\":[0]}"});
  EXPECT_LT(together, 0.8 * apart);
}

TEST(Contention, ANarrowBusDelaysFrames) {
  const std::vector<std::string> slow = {"traffic.rate=7Gbps", "pcie.generation=1", "pcie.lanes=4"};
  EXPECT_GT(value("pcie.utilisation", slow), 70);
  EXPECT_GT(value("latency.stage.dma.p50", slow), 1.2 * value("latency.stage.dma.p50", {"traffic.rate=7Gbps"}));
}

TEST(Contention, OneSlowMemoryChannelSlowsCopies) {
  const std::vector<std::string> slow = {"traffic.rate=4Gbps", "memory.dram.channels=1", "memory.dram.channel_rate=16Gbps", "memory.llc.size=1MiB"};
  EXPECT_GT(value("cpu.cycles_per_packet", slow), 1.1 * value("cpu.cycles_per_packet", {"traffic.rate=4Gbps", "memory.llc.size=1MiB"}));
}

TEST(Contention, AnIommuThatTranslatesCosts) {
  const double off = value("host.cycles_per_packet", {"traffic.rate=3Gbps", "host.page_recycle=false"});
  const double strict = value("host.cycles_per_packet", {"traffic.rate=3Gbps", "host.page_recycle=false", "iommu.mode=strict"});
  EXPECT_GT(strict, off + 4000);   // one map, unmap and invalidation a frame: about 4,900 cycles
}

}  // namespace contention_test
}  // namespace gd::test
