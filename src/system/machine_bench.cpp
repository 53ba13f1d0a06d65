#include "src/system/machine_bench.h"

#include <algorithm>

#include "models/base/error.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

namespace {

constexpr Bytes kSpare = 64ull << 20;               // page tables, and what alignment costs
constexpr Bytes kPrepareStep = 4096;                // bytes that the CPU writes at a time
constexpr Time kIdleCheck = 1 * kUs;

Bytes thrash_size(const sc::Scenario& s) {
  return s.traffic.dma.cache == sc::CacheState::cold ? align_up(2 * s.memory.llc.size, kPage) : 0;
}

Bytes bench_arena_size(const sc::Scenario& s) {
  return align_up(2 * (align_up(s.traffic.dma.window, s.iommu.page) + s.iommu.page + thrash_size(s) + kSpare), 2ull << 20);
}

FaultPlan bench_fault_plan(const sc::Scenario& s) {
  FaultPlan p;
  p.frame = s.debug.fault.frame;
  const std::string& kind = s.debug.fault.kind;
  p.kind = kind == "flip-nic" ? Fault::flip_nic : kind == "lose-nic" ? Fault::lose_nic : kind == "leak-buffer" ? Fault::leak_buffer : Fault::none;
  return p;
}

}  // namespace

DmaBenchParams dma_bench_params(const sc::Scenario& s) {
  const sc::DmaBench& d = s.traffic.dma;
  const sc::DmaEngine& e = s.nic.dma_engine;
  DmaBenchParams p;
  p.op = static_cast<BenchOp>(d.op);
  p.transfer = d.transfer;
  p.window = d.window;
  p.offset = d.offset;
  p.random = d.access == sc::Access::random;
  p.command = d.interface == sc::DmaInterface::command;
  p.outstanding = static_cast<unsigned>(d.outstanding);
  p.limit = s.traffic.frames.value_or(0);
  p.seed = s.seed;
  p.engine.write_interval = e.write_interval;
  p.engine.setup = e.setup;
  p.engine.per_tlp = e.per_tlp;
  p.engine.per_chunk = e.per_chunk;
  p.engine.port_per_tlp = e.port_per_tlp;
  p.engine.port_per_chunk = e.port_per_chunk;
  p.engine.outstanding_reads = static_cast<unsigned>(e.outstanding_reads);
  p.engine.write_buffers = static_cast<unsigned>(e.write_buffers);
  p.engine.queue = static_cast<unsigned>(e.queue);
  p.engine.enqueue = e.enqueue_latency;
  p.engine.complete = e.complete_latency;
  p.engine.command_enqueue = e.command_enqueue_latency;
  p.engine.command_complete = e.command_complete_latency;
  return p;
}

BenchMachine::BenchMachine(const sc::Scenario& s, const RunOptions& options)
    : scenario(s), fault(bench_fault_plan(s)), observers(options.observers), costs(cost_book(s)), phys(bench_arena_size(s), kMemorySeed, s.host.memory_node ? bench_arena_size(s) : 0, static_cast<unsigned>(s.host.memory_node)),
      agenda("agenda"), memory("memory", agenda, phys, memory_params(s), kMemorySeed),
      iommu("iommu", agenda, iommu_params(s), memory, costs, kMemorySeed), pcie("pcie", agenda, pcie_params(s)), idle_("idle"),
      aligned_(align_up(s.traffic.dma.window, s.iommu.page)), window(phys.alloc_contiguous(aligned_, s.iommu.page)),
      thrash_bytes(thrash_size(s)),
      device("device", agenda, dma_bench_params(s), phys, ownership, pcie.params(), iommu.map_static(window, aligned_), window, &fault) {
  if (thrash_bytes) thrash = phys.alloc_contiguous(thrash_bytes, kPage);
  agenda.decouple(kQuantum);
  if (s.debug.shuffle) agenda.shuffle(0x5eed);
  device.bus.bind(pcie.from_device);
  pcie.to_root.bind(iommu.from_bus);
  iommu.to_memory.bind(memory.socket);
  pcie.to_interrupts.bind(idle_.interrupts);
  pcie.to_device.bind(idle_.registers);
  idle_.core.bind(pcie.from_cpu);
  if (!observers.empty()) device.observe(&observers, 0);
}

Topology BenchMachine::topology() const {
  Topology t;
  const auto capacity = scenario.traffic.dma.outstanding ? scenario.traffic.dma.outstanding : scenario.nic.dma_engine.queue;
  t.levels.push_back({0, "device", "operations", "operations", static_cast<std::int64_t>(capacity)});
  return t;
}

Snapshot BenchMachine::snapshot(Time at) {
  Snapshot s;
  s.at = at;
  s.memory = memory.stats();
  s.pcie = pcie.stats(at);
  s.up_reserved = pcie.upstream_reserved(at);
  s.down_reserved = pcie.downstream_reserved(at);
  s.iommu = iommu.stats();
  return s;
}

BenchWindows::BenchWindows(BenchMachine& m, const RunOptions& options)
    : Actor(m.agenda, rank::kWindow), m_(m), options_(options), drain_(m.scenario.time.drain),
      progress_step_(std::max<Time>(1, (m.scenario.time.warmup + m.scenario.time.measure) / 50)) {
  wake_at(0);
}

// One step of the CPU; true when the cache is as it shall be.
bool BenchWindows::prepare(Time now) {
  const Hpa base = m_.thrash_bytes ? m_.thrash : m_.window;
  const Bytes all = m_.thrash_bytes ? m_.thrash_bytes : m_.scenario.traffic.dma.window;
  if (prepared_ >= all) return true;
  const Bytes part = std::min(kPrepareStep, all - prepared_);
  const Time stall = m_.memory.cpu(now, base + prepared_, part, Touch::stream_store, false);
  prepared_ += part;
  wake_at(now + std::max<Time>(stall, 1));
  return false;
}

void BenchWindows::act(Time now) {
  if (!running_) {
    if (!prepare(now)) return;
    running_ = true;
    from_ = now + m_.scenario.time.warmup;
    to_ = from_ + m_.scenario.time.measure;
    m_.device.measure(from_, to_);
    m_.device.start();
  }
  if (!have_begin_ && now >= from_) {
    have_begin_ = true;
    begin_ = m_.snapshot(now);
    device_begin_ = m_.device.stats(now);
  }
  if (have_begin_ && !have_end_ && (now >= to_ || m_.device.limit_reached())) {
    have_end_ = true;
    m_.device.stop();
    end_ = m_.snapshot(now);
    device_end_ = m_.device.stats(now);
  }
  if (options_.progress && now >= next_progress_) {
    options_.progress(now, to_ + drain_);
    next_progress_ = now + progress_step_;
  }
  if (have_end_ && (m_.device.quiet(now) || now >= end_.at + drain_)) {
    finished_ = now;
    agenda().stop();
    return;
  }
  Time next = have_end_ ? now + kIdleCheck : have_begin_ ? to_ : from_;
  if (m_.scenario.traffic.frames) next = std::min(next, now + kIdleCheck);   // the last operation may end at any time
  if (options_.progress) next = std::min(next, now + progress_step_);
  wake_at(next);
}

}  // namespace gd::system
