// Metrics from the counters of a window and the books of the frames: integers in, exact ratios out.
#pragma once
#include "src/system/windows.h"

namespace gd::system {

// Fills metrics, ledger and distributions of `out`.
void compute_metrics(const Machine& m, const Snapshot& begin, const Snapshot& end, RunResult& out);

}  // namespace gd::system
