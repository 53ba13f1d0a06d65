// Hardware and traffic that refuse, in whole runs of every strategy: the run survives with its books exact (run_child fails on a
// broken invariant), the trouble is counted, and bytes are wrong only where a write of payload was lost.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/system/run_child.h"

namespace gd::test {
namespace device_faults_test {

constexpr const char* kStrategies[] = {"vhost-copy", "guest-head", "copy-header", "page-frags", "passthrough"};

struct Row {
  const char* scenario;
  std::vector<const char*> seen;   // metrics that must not be 0
  bool corrupts = false;
  bool passthrough = true;         // whether the design of the device's ring sees it too
};
void PrintTo(const Row& r, std::ostream* out) { *out << r.scenario; }

const Row kRows[] = {
    {"hw-wire-errors", {"drops.runt", "drops.oversize", "drops.bad-fcs", "drops.bad-checksum"}},
    {"hw-link-flap", {"drops.link-down"}},
    {"hw-link-flap-tcp", {"drops.link-down", "link.tx_lost"}},
    {"hw-iommu-faults", {"iommu.faults", "iommu.faults_unrecorded", "iommu.fault_interrupts", "drops.iommu-fault"}},
    {"hw-lost-data-write", {"nic.lost_data_writes"}, true},
    {"hw-lost-data-write-found", {"nic.lost_data_writes", "drops.bad-checksum"}, true},
    {"hw-lost-writeback", {"nic.lost_writebacks", "drops.dma-lost", "drops.no-descriptor"}, false, false},
    {"hw-lost-writeback-watchdog", {"nic.lost_writebacks", "drops.dma-lost", "driver.skipped_descriptors"}, false, false},
    {"hw-lost-interrupts", {"nic.lost_interrupts"}, false, false},
    {"hw-no-descriptors", {"drops.total"}},
    {"hw-faults-2635", {"nic.lost_writebacks", "iommu.faults"}, false, false},
    {"hw-fifo-full", {"drops.nic-fifo"}},
    {"hw-unsplittable", {"nic.cut.fragment", "nic.cut.tunnel", "nic.cut.unknown_l4", "nic.cut.overflow", "nic.cut.no_payload", "nic.unsplit_bytes.packet_buffer"}, false, false},
    {"hw-unsplittable-always", {"nic.cut.fragment", "nic.cut.header_buffer", "nic.unsplit_bytes.header_buffer"}, false, false}};

std::string file_of(const Row& r) { return std::string("adversity/") + r.scenario + ".json"; }

void are_counted_and_survived(const Row& r, const std::string& strategy) {
  const ChildResult c = run_child(file_of(r), strategy);
  ASSERT_EQ(c.exit_code, 0) << c.error;
  EXPECT_EQ(c.value("ownership.violations"), 0) << (c.messages.empty() ? "" : c.messages.front());
  if (!r.corrupts) {
    EXPECT_EQ(c.value("integrity.errors"), 0) << (c.messages.empty() ? "" : c.messages.front());
  }
  if (strategy != "passthrough" || r.passthrough) {
    EXPECT_GT(c.value("packets.delivered"), 0);
  }
  EXPECT_EQ(c.value("packets.offered"), c.value("packets.delivered") + c.value("packets.dropped") + c.value("packets.in_flight"));
  if (strategy == "passthrough" && !r.passthrough) return;
  const bool cuts = std::string(r.scenario).rfind("hw-unsplittable", 0) == 0;
  if (cuts && strategy == "guest-head") return;   // its queue does not split
  for (const char* m : r.seen) EXPECT_GT(c.value(m), 0) << m;
}

class DeviceFaults : public ::testing::TestWithParam<Row> {};

TEST_P(DeviceFaults, AreCountedAndSurvived) {
  for_each_served(file_of(GetParam()), {}, [](const std::string& s) { are_counted_and_survived(GetParam(), s); });
}

INSTANTIATE_TEST_SUITE_P(All, DeviceFaults, ::testing::ValuesIn(kRows), [](const auto& i) { return test_name(i.param.scenario); });

TEST(DeviceFaultScenarios, EachHasARow) {
  std::size_t files = 0;
  for (const auto& e : std::filesystem::directory_iterator(scenario_path("adversity")))
    files += e.path().extension() == ".json" && e.path().filename().string().rfind("hw-", 0) == 0;
  EXPECT_EQ(files, std::size(kRows));
}

// Wrong checksums: merged with nothing, and every single one is dropped, by the guest or by the card.
TEST(DeviceFaults, EveryWrongChecksumIsDropped) {
  for (const char* strategy : kStrategies) {
    const std::vector<std::string> only = {"traffic.errors={\"bad_l4_checksum\": \"20%\"}"};
    const ChildResult guest = run_child("adversity/hw-wire-errors.json", strategy, only);
    ASSERT_EQ(guest.exit_code, 0) << guest.error;
    const double dropped = guest.value("drops.bad-checksum");
    EXPECT_NEAR(dropped / guest.value("packets.offered"), 0.2, 0.04) << strategy;
    EXPECT_EQ(guest.value("drops.total"), dropped) << strategy;
    std::vector<std::string> by_card = only;
    by_card.push_back("nic.drop_bad_checksum=true");
    const ChildResult card = run_child("adversity/hw-wire-errors.json", strategy, by_card);
    EXPECT_EQ(card.value("drops.bad-checksum"), dropped) << strategy;
    EXPECT_LT(card.value("cpu.cycles_per_packet"), guest.value("cpu.cycles_per_packet")) << strategy;
    EXPECT_EQ(guest.value("integrity.errors") + card.value("integrity.errors"), 0) << strategy;
  }
}

// A lost write is found by the byte check alone when the card has vouched for the frame, and by the guest's sum otherwise.
TEST(DeviceFaults, WhoFindsALostWrite) {
  const ChildResult trusted = run_child("adversity/hw-lost-data-write.json", "vhost-copy");
  EXPECT_GT(trusted.value("integrity.errors"), 0);
  EXPECT_EQ(trusted.value("drops.bad-checksum"), 0);
  const ChildResult summed = run_child("adversity/hw-lost-data-write-found.json", "vhost-copy");
  EXPECT_GT(summed.value("drops.bad-checksum"), 0);
  EXPECT_LT(summed.value("integrity.errors"), trusted.value("integrity.errors"));
}

TEST(DeviceFaults, TheWatchdogBringsALostReportAndALostInterruptBack) {
  const ChildResult stuck = run_child("adversity/hw-lost-writeback.json", "vhost-copy");
  const ChildResult freed = run_child("adversity/hw-lost-writeback-watchdog.json", "vhost-copy");
  EXPECT_GT(freed.value("packets.delivered"), 2 * stuck.value("packets.delivered"));
  const ChildResult raised = run_child("adversity/hw-lost-interrupts.json", "vhost-copy");
  const ChildResult never = run_child("adversity/hw-lost-interrupts.json", "vhost-copy", {"host.watchdog.period=0us"});
  ASSERT_EQ(never.exit_code, 0) << never.error;
  EXPECT_GT(raised.value("packets.delivered"), 2 * never.value("packets.delivered"));
  EXPECT_GT(never.value("packets.in_flight"), 0);
}

TEST(DeviceFaults, MoreRecordsLoseFewerFaults) {
  const ChildResult few = run_child("adversity/hw-iommu-faults.json", "vhost-copy");
  const ChildResult many = run_child("adversity/hw-iommu-faults.json", "vhost-copy", {"iommu.faults.records=64"});
  EXPECT_LT(many.value("iommu.faults_unrecorded"), few.value("iommu.faults_unrecorded"));
  EXPECT_GT(few.value("drops.iommu-fault"), 0);
}

// What is off leaves a run as it was: the same events at the same times.
TEST(DeviceFaults, OffChangesNothing) {
  const ChildResult plain = run_child("quickstart.json", "vhost-copy");
  const ChildResult off = run_child("quickstart.json", "vhost-copy",
                                    {"traffic.errors.runts=0%", "nic.faults.lost_writebacks=0%", "iommu.faults.records=1", "traffic.unsplittable.tunnels=0%"});
  EXPECT_EQ(plain.everything, off.everything);
}

}  // namespace device_faults_test
}  // namespace gd::test
