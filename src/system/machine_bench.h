// traffic.kind dma-bench: the measuring device on link, IOMMU and memory. No host software, no guests, no strategy.
#pragma once
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include "models/base/costs.h"
#include "models/iommu/iommu.h"
#include "models/memory/memory.h"
#include "models/memory/ownership.h"
#include "models/nic/dma_bench.h"
#include "models/pcie/pcie.h"
#include "src/system/observers.h"
#include "src/system/windows.h"

namespace gd::system {

DmaBenchParams dma_bench_params(const scenario::Scenario& s);

class BenchMachine {
 public:
  // Throws UserError when the scenario cannot be built.
  BenchMachine(const scenario::Scenario& s, const RunOptions& options);

  Topology topology() const;
  Snapshot snapshot(Time at);

  const scenario::Scenario& scenario;
  FaultPlan fault;
  ObserverFan observers;
  CostBook costs;
  PhysMem phys;
  Ownership ownership;
  Agenda agenda;
  MemorySystem memory;
  Iommu iommu;
  Pcie pcie;

 private:
  // Interrupts, registers and a core that nobody uses: TLM wants every socket bound.
  struct Idle : sc_core::sc_module {
    explicit Idle(sc_core::sc_module_name n) : sc_module(n) {}
    tlm_utils::simple_target_socket<Idle> interrupts{"interrupts"}, registers{"registers"};
    tlm_utils::simple_initiator_socket<Idle> core{"core"};
  };
  Idle idle_;
  Bytes aligned_;                          // the window in whole pages of the IOMMU

 public:
  Hpa window, thrash = kNoAddress;         // host addresses; thrash only with a cold cache
  Bytes thrash_bytes;
  DmaBench device;
};

// Drives a run: a CPU prepares the cache (writes the window, or other memory of twice the cache), then the device runs
// through warm-up and window, and what is under way ends.
class BenchWindows : public Actor {
 public:
  BenchWindows(BenchMachine& m, const RunOptions& options);
  void act(Time now) override;
  const Snapshot& begin() const { return begin_; }
  const Snapshot& end() const { return end_; }
  const DmaBenchStats& device_begin() const { return device_begin_; }
  const DmaBenchStats& device_end() const { return device_end_; }
  bool measured() const { return have_end_; }
  Time finished_at() const { return finished_; }

 private:
  bool prepare(Time now);
  BenchMachine& m_;
  const RunOptions& options_;
  Bytes prepared_ = 0;
  Time from_ = kNever, to_ = kNever, drain_, progress_step_, next_progress_ = 0, finished_ = 0;
  Snapshot begin_, end_;
  DmaBenchStats device_begin_, device_end_;
  bool running_ = false, have_begin_ = false, have_end_ = false;
};

// The whole run, as run() of system.h.
RunResult run_bench(const scenario::Scenario& s, const scenario::StrategyChoice& choice, const RunOptions& options);

}  // namespace gd::system
