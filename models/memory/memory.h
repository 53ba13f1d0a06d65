// The memory system: last-level cache with DDIO, DRAM channels, and the TLM target behind the IOMMU.
//
// Modelled: a set-associative, physically indexed, inclusive-of-nothing LLC (hash per page, a range walks neighbouring
// sets; seeded pseudo-random replacement); device writes hit in any way and allocate only in the DDIO ways; device
// reads do not allocate; CPU loads, stores and copies see the same state; write-back of dirty victims; DRAM as channels
// with a byte budget (carried debt) and a loaded-latency curve. Not modelled: private caches (the cost book's cycles
// stand for hits in them), prefetchers, coherence traffic between sockets, row buffers, and the time at which a fill is
// ready: a second access to a line whose fill is still under way counts as a hit.
#pragma once
#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/units.h"
#include "models/memory/phys.h"

namespace gd {

class LastLevelCache;
class Dram;

struct MemoryParams {
  Bytes llc_size = 12 * 1024 * 1024;
  unsigned llc_ways = 16;              // at most 16
  unsigned ddio_ways = 2;              // 0: device writes go to DRAM and invalidate
  Time llc_hit = 16 * kNs;             // load-to-use of a dependent CPU access that hits
  Time llc_device = 20 * kNs;          // LLC access on behalf of the root complex
  unsigned stream_parallelism = 8;     // outstanding line fills of one core in a copy (line fill buffers)
  unsigned dram_channels = 3;
  std::uint64_t dram_channel_rate = 10'670'000'000;   // bytes/s
  Time dram_idle = 82 * kNs;           // idle latency beyond the LLC lookup
  Time dram_window = 1 * kUs;          // utilisation window
  // Added latency (ps) by utilisation in steps of 1/8 of the peak rate: index 0 = idle ... 8 = saturated.
  Time dram_loaded[9] = {0, 2 * kNs, 4 * kNs, 7 * kNs, 10 * kNs, 15 * kNs, 24 * kNs, 42 * kNs, 60 * kNs};
};

struct MemoryStats {
  std::uint64_t cpu_hits = 0, cpu_misses = 0;           // lines loaded, stored or copied by cores
  std::uint64_t guest_misses = 0;                       // lines missed by guest contexts
  std::uint64_t ddio_hits = 0, ddio_allocs = 0;         // lines written by devices: update on hit, allocate on miss
  std::uint64_t ddio_bypassed = 0;                      // lines written by devices straight to DRAM (ddio_ways 0)
  std::uint64_t device_read_hits = 0, device_read_misses = 0;   // lines read by devices
  std::uint64_t lookups = 0;                            // cache lines visited in all
  std::uint64_t dram_read_bytes = 0, dram_write_bytes = 0;      // whole lines; writes include dirty victims
};

// How a CPU touches memory.
enum class Touch : std::uint8_t {
  load,          // dependent: each missing line costs its full latency
  store,         // write-allocate; latency hidden by the store buffer: half of a load's
  stream_load,   // copy source, checksum: misses overlap (stream_parallelism)
  stream_store   // copy destination
};

class MemorySystem : public sc_core::sc_module {
 public:
  MemorySystem(sc_core::sc_module_name name, Agenda& agenda, PhysMem& phys, const MemoryParams& params, std::uint64_t seed);
  ~MemorySystem() override;

  tlm_utils::simple_target_socket<MemorySystem> socket;   // DMA, host-physical addresses, extension DmaInfo

  PhysMem& phys() { return phys_; }
  const MemoryParams& params() const { return params_; }
  // A CPU access to [a, a+len) at `at` (not before the present): the stall in ps; changes the cache's state.
  // `guest`: on behalf of a guest context.
  Time cpu(Time at, Hpa a, Bytes len, Touch how, bool guest);
  // A device access: the time until the data is globally visible (write) or read (read), from `at`. `now` is the present
  // simulated time, `at` >= now. A write of a full line that misses fetches nothing; one of a part of a line reads DRAM.
  Time device_write(Time now, Time at, Hpa a, Bytes len);
  Time device_read(Time now, Time at, Hpa a, Bytes len);
  const MemoryStats& stats() const { return stats_; }

 private:
  void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);
  Agenda& agenda_;
  PhysMem& phys_;
  MemoryParams params_;
  MemoryStats stats_;
  std::unique_ptr<LastLevelCache> llc_;
  std::unique_ptr<Dram> dram_;
};

}  // namespace gd
