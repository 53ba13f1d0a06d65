// dma-bench as a whole run.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace dma_bench_test {

ChildResult bench(std::vector<std::string> set) {
  set.push_back("time.measure=100us");
  return run_child("dma-bench.json", "none", set);
}

TEST(DmaBenchRun, ReproducesItselfAndTheOrderOfAnInstantDoesNotMatter) {
  const ChildResult a = bench({}), b = bench({}), shuffled = bench({"debug.shuffle=true"}), other = bench({"seed=2"});
  ASSERT_EQ(a.exit_code, 0) << a.error;
  EXPECT_EQ(a.everything, b.everything);
  EXPECT_EQ(a.everything, shuffled.everything);
  EXPECT_EQ(other.exit_code, 0) << other.error;
}

TEST(DmaBenchRun, HasNoPacketsAndNoHost) {
  const ChildResult r = bench({"traffic.op=write-read"});
  ASSERT_EQ(r.exit_code, 0) << r.error;
  for (const auto& [name, text] : r.metrics)
    for (const char* prefix : {"packets.", "host.", "guest.", "cpu.", "throughput.", "latency.", "copy.", "gro."}) EXPECT_NE(name.rfind(prefix, 0), 0u) << name;
  EXPECT_GT(r.value("dma.read_bandwidth"), 0);
  EXPECT_GT(r.value("dma.write_bandwidth"), 0);
  EXPECT_EQ(r.value("integrity.errors"), 0);
  EXPECT_EQ(r.value("ownership.violations"), 0);
}

TEST(DmaBenchRun, OneMechanismAtATimeMovesWhatItShould) {
  const std::string one = "traffic.outstanding=1";
  const double warm = bench({one}).value("dma.latency.p50");
  const ChildResult cold = bench({one, "traffic.cache=cold"});
  EXPECT_GT(cold.value("dma.latency.p50"), warm + 15);
  EXPECT_GT(cold.value("dram.read_bytes"), 0);
  const ChildResult wide = bench({one, "traffic.window=64MiB", "traffic.cache=cold", "iommu.mode=strict"});
  EXPECT_GT(wide.value("dma.latency.p50"), cold.value("dma.latency.p50") + 50);
  EXPECT_GT(wide.value("iommu.iotlb_miss_rate"), 90);
  const ChildResult huge = bench({one, "traffic.window=64MiB", "traffic.cache=cold", "iommu.mode=strict", "iommu.page=2MiB"});
  EXPECT_NEAR(huge.value("dma.latency.p50"), cold.value("dma.latency.p50"), 5);
  EXPECT_LT(bench({one, "traffic.interface=command"}).value("dma.latency.p50"), warm - 80);
  EXPECT_EQ(bench({"traffic.op=write"}).value("dma.outstanding"), 64);
  EXPECT_EQ(bench({"traffic.frames=1000", "time.warmup=0ns"}).value("dma.operations"), 1000);
}

// What is asked for in the window and passes the link after it is not the window's.
TEST(DmaBenchRun, NoLinkIsBusierThanItsTime) {
  for (const char* op : {"write", "read", "write-read"})
    for (const char* transfer : {"64B", "64KiB", "1MiB"}) {
      const ChildResult r = run_child("dma-bench.json", "none", {std::string("traffic.op=") + op, std::string("traffic.transfer=") + transfer, "traffic.window=1MiB"});
      ASSERT_EQ(r.exit_code, 0) << r.error;
      EXPECT_GT(r.value("pcie.utilisation"), 20) << op << " " << transfer;
      EXPECT_LE(r.value("pcie.utilisation"), 100) << op << " " << transfer;
      const double most = 500e-6 * 8 * 8e9 * 128 / 130 / 8;   // 500 us, 8 lanes of 8 GT/s, 128 bits in 130
      EXPECT_LE(r.value("pcie.upstream_bytes"), most * 1.001) << op << " " << transfer;     // acknowledgements that fit idle time take none
      EXPECT_LE(r.value("pcie.downstream_bytes"), most * 1.001) << op << " " << transfer;
    }
}

TEST(DmaBenchRun, UnalignedTransfersTakeMoreTlps) {
  const ChildResult aligned = bench({"traffic.transfer=256B", "traffic.op=write"}), shifted = bench({"traffic.transfer=256B", "traffic.op=write", "traffic.offset=4000B"});
  EXPECT_EQ(shifted.exit_code, 0) << shifted.error;
  EXPECT_GT(shifted.value("pcie.upstream_bytes") / shifted.value("dma.operations"), aligned.value("pcie.upstream_bytes") / aligned.value("dma.operations") + 20);
}

TEST(DmaBenchRun, PlantedFaultsAreFound) {
  EXPECT_GT(bench({"debug.fault.kind=flip-nic"}).value("integrity.errors"), 0);
  const ChildResult written = bench({"debug.fault.kind=flip-nic", "traffic.op=write", "traffic.window=64MiB"});
  EXPECT_EQ(written.value("integrity.errors"), 1) << written.error;
  EXPECT_EQ(bench({"debug.fault.kind=leak-buffer"}).value("ownership.violations"), 1);
  const ChildResult lost = bench({"debug.fault.kind=lose-nic"});
  EXPECT_EQ(lost.exit_code, 3);
  EXPECT_NE(lost.error.find("conservation"), std::string::npos) << lost.error;
}

TEST(DmaBenchRun, RefusesWhatHasNoPlace) {
  for (const char* set : {"strategies=[\"vhost-copy\"]", "debug.fault.kind=flip-guest", "traffic.transfer=16KiB", "traffic.offset=8000B"}) {
    const ChildResult r = bench({set});
    EXPECT_EQ(r.exit_code, 2) << set;
    EXPECT_FALSE(r.error.empty()) << set;
  }
}

}  // namespace dma_bench_test
}  // namespace gd::test
