// Metrics from the counters of a window and the books of the frames: integers in, exact ratios out.
#pragma once
#include "models/base/histogram.h"
#include "src/system/windows.h"

namespace gd::system {

// Fills metrics, ledger and distributions of `out`.
void compute_metrics(const Machine& m, const Snapshot& begin, const Snapshot& end, RunResult& out);

class Sheet;
// The metrics pcie.*, llc.*, dram.* and iommu.* of a window; `payload`: bytes by which DRAM traffic is divided.
void bus_and_memory(Sheet& sheet, const Snapshot& begin, const Snapshot& end, std::uint64_t payload);
// The ledger's lines of what has no core: bytes on the link and of DRAM inside a window, in the ledger's order.
void device_lines(const Snapshot& begin, const Snapshot& end, std::vector<LedgerLine>& lines);
// Of one guest or application under `prefix`: its part of the cohort and of the window. `reasons`: also reasons without a drop.
void of_group(Sheet& sheet, const std::string& prefix, const FrameTable::Group& group, std::uint64_t window, bool reasons);
// The consumer user-async, over all applications; of each, as guest.<name>.*, where there are several.
void of_applications(Sheet& sheet, const Machine& m, const Snapshot& begin, const Snapshot& end);
// Jain's index of `n` shares, in bytes: 1 when all are equal, 1/n when one has everything.
void fairness(Sheet& sheet, const std::vector<std::uint64_t>& shares);
// A histogram of picoseconds as a distribution in ns; nothing for an empty one.
void distribution(const std::string& name, const Histogram& h, RunResult& out);

}  // namespace gd::system
