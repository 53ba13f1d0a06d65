// Fault recording: a limited number of records, one event until they are read, the rest lost; and faults that are provoked.
#include "tests/iommu/iommu_bench.h"

using namespace gd;

namespace iommu_faults_test {

struct Sink : IommuFaultSink {
  void faulted(Time at) override { events.push_back(at); }
  std::vector<Time> events;
};

IommuParams two_records() {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.fault_records = 2;
  return p;
}

constexpr Iova kNowhere = 0x5000'0000;

TEST(IommuFaults, OneEventUntilTheRecordsAreRead) {
  IommuBench b("bench", two_records());
  Sink sink;
  b.iommu->report_faults(&sink);
  const Time first = b.write(kNowhere, 64, 500 * kNs);
  EXPECT_TRUE(b.blocked());
  ASSERT_EQ(sink.events.size(), 1u);
  EXPECT_EQ(sink.events[0], first);                            // when the walk has ended without a page
  b.write(kNowhere + 4096);
  b.write(kNowhere + 8192);
  b.write(kNowhere + 12288);
  EXPECT_EQ(sink.events.size(), 1u);
  EXPECT_EQ(b.iommu->stats().faults, 4u);
  EXPECT_EQ(b.iommu->stats().faults_unrecorded, 2u);
  EXPECT_EQ(b.iommu->take_fault_records(), 2u);
  EXPECT_EQ(b.iommu->take_fault_records(), 0u);
  b.write(kNowhere);
  EXPECT_EQ(sink.events.size(), 2u);
  EXPECT_EQ(b.iommu->stats().fault_interrupts, 2u);
  EXPECT_EQ(b.iommu->stats().faults_unrecorded, 2u);
}

TEST(IommuFaults, WithoutAHandlerTheRecordsFill) {
  IommuBench b("bench", two_records());
  for (int i = 0; i < 5; ++i) b.write(kNowhere);
  EXPECT_EQ(b.iommu->stats().faults, 5u);
  EXPECT_EQ(b.iommu->stats().faults_unrecorded, 3u);
  EXPECT_EQ(b.iommu->stats().fault_interrupts, 0u);
}

TEST(IommuFaults, InjectedOnesStrikeDataWritesByShare) {
  IommuParams p = IommuBench::params(IommuMode::strict);
  p.injected_faults = 250'000;
  IommuBench b("bench", p);
  const Hpa hpa = b.phys.alloc_contiguous(kPage, kPage);
  const Iova a = b.iommu->map_static(hpa, kPage);
  unsigned blocked = 0;
  for (int i = 0; i < 4'000; ++i) {
    b.write(a, 64);
    blocked += b.blocked();
    b.dma(tlm::TLM_READ_COMMAND, a, 64);
    ASSERT_FALSE(b.blocked());
    b.dma(tlm::TLM_WRITE_COMMAND, a, 64, 0, 0, true);          // a report
    ASSERT_FALSE(b.blocked());
  }
  EXPECT_NEAR(blocked, 1000, 120);
  EXPECT_EQ(b.iommu->stats().faults, blocked);
}

TEST(IommuFaults, ImpossibleParametersAreRefused) {
  IommuParams p = two_records();
  p.fault_records = 0;
  EXPECT_THROW(IommuBench("bench", p), UserError);
}

}  // namespace iommu_faults_test
