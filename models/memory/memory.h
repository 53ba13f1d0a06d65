// The memory system: private caches, last-level cache with DDIO, DRAM of two sockets, and the TLM target behind the IOMMU.
//
// Modelled: a set-associative, physically indexed LLC (hash per page, a range walks neighbouring sets; seeded
// pseudo-random replacement); device writes hit in any way and allocate only in the DDIO ways; device reads do not
// allocate; CPU loads, stores and copies see the same state; write-back of dirty victims; a private cache for each core as
// a recency of what it touched (recent.h): lines in it cost its latency and no visit of the LLC; the time at which a fill is
// ready: whoever else touches the line before waits; DRAM as channels with a byte budget (carried debt), a loaded-latency
// curve and refresh. Memory of the other socket: its own channels behind an interconnect with a rate and a latency; a
// device writes it without DDIO and is answered by its home (memory and snoop in parallel), cached here or not. Cores of the
// other socket, with a last-level cache of their own (sockets.cpp): a line is looked for in the core's own cache, then in the
// other socket's, then in its home's memory; a load leaves a clean copy behind, a store none; a line of the core's own
// memory that the other socket holds costs a look at the directory, which lies in memory (Skylake and later). Copies have a prefetcher
// that runs ahead of them (streamer.h).
// Not modelled: levels of the private cache (one latency; the cost book's cycles stand for hits in the first), its effect on
// what the LLC keeps (victims of a non-inclusive LLC, back-invalidation of an inclusive one), prefetchers of other accesses than
// copies, coherence traffic beyond that, row buffers.
#pragma once
#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/units.h"
#include "models/memory/phys.h"
#include "models/memory/recent.h"
#include "models/ports/target_socket.h"

namespace gd {

class LastLevelCache;
class Dram;

struct MemoryParams {
  Bytes llc_size = 12 * 1024 * 1024;
  unsigned llc_ways = 16;              // at most 16
  unsigned ddio_ways = 2;              // 0: device writes go to DRAM and invalidate
  Time llc_hit = 16 * kNs;             // load-to-use of a dependent CPU access that hits
  Time llc_device = 20 * kNs;          // LLC access on behalf of the root complex
  Bytes private_size = 0;              // of a core's own cache; 0: none
  Time private_hit = 4 * kNs;          // load-to-use of a line in it
  unsigned stream_parallelism = 8;     // outstanding line fills of one core in a copy (line fill buffers)
  unsigned prefetch_distance = 0;      // lines that a prefetcher runs ahead of a copy; 0: none
  unsigned dram_channels = 3;
  std::uint64_t dram_channel_rate = 10'670'000'000;   // bytes/s
  Time dram_idle = 82 * kNs;           // idle latency beyond the LLC lookup
  Time dram_window = 1 * kUs;          // utilisation window
  unsigned dram_ranks = 2;             // of each channel
  Time dram_refresh_interval = 0;      // tREFI; 0: no refresh
  Time dram_refresh_time = 160 * kNs;  // tRFC
  Time remote_latency = 53 * kNs;      // of an access to the other socket's memory, beyond a local one's
  std::uint64_t remote_rate = 12'800'000'000;   // bytes/s of the interconnect, towards this socket or from it
  Time remote_cache = 83 * kNs;        // of a line in the other socket's cache, beyond a hit in the own one
  bool directory = false;              // the home asks its directory, in memory, before it asks the other socket
  unsigned far_cores_from = ~0u;       // cores of this number and above sit on the other socket
  // Added latency (ps) by utilisation in steps of 1/8 of the peak rate: index 0 = idle ... 8 = saturated.
  Time dram_loaded[9] = {0, 2 * kNs, 4 * kNs, 7 * kNs, 10 * kNs, 15 * kNs, 24 * kNs, 42 * kNs, 60 * kNs};
};

struct MemoryStats {
  std::uint64_t cpu_hits = 0, cpu_misses = 0;           // lines loaded, stored or copied by cores, that went to the LLC
  std::uint64_t private_hits = 0;                       // the same, that did not
  std::uint64_t remote_hits = 0;                        // lines that came from the other socket's cache, or were taken from it
  std::uint64_t guest_misses = 0;                       // lines missed by guest contexts
  std::uint64_t ddio_hits = 0, ddio_allocs = 0;         // lines written by devices: update on hit, allocate on miss
  std::uint64_t ddio_bypassed = 0;                      // lines written by devices straight to DRAM (ddio_ways 0, or remote)
  std::uint64_t device_read_hits = 0, device_read_misses = 0;   // lines read by devices
  std::uint64_t fill_waits = 0;                         // accesses that waited for somebody else's fill
  std::uint64_t lookups = 0;                            // lines of the LLC visited in all
  std::uint64_t dram_read_bytes = 0, dram_write_bytes = 0;      // whole lines, both nodes; writes include dirty victims
};

// How a CPU touches memory.
enum class Touch : std::uint8_t {
  load,          // dependent: each missing line costs its full latency
  store,         // write-allocate; latency hidden by the store buffer: half of a load's
  stream_load,   // copy source, checksum: misses overlap (stream_parallelism)
  stream_store   // copy destination
};

class MemorySystem : public sc_core::sc_module {
  void b_transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);

 public:
  MemorySystem(sc_core::sc_module_name name, Agenda& agenda, PhysMem& phys, const MemoryParams& params, std::uint64_t seed);
  ~MemorySystem() override;

  TargetSocket<&MemorySystem::b_transport> socket;   // DMA, host-physical addresses, extension DmaInfo

  PhysMem& phys() { return phys_; }
  const MemoryParams& params() const { return params_; }
  // A CPU access to [a, a+len) at `at` (not before the present): the stall in ps; changes the cache's state.
  // `guest`: on behalf of a guest context. `core`: its number, below RecentLines::kCores.
  Time cpu(Time at, Hpa a, Bytes len, Touch how, bool guest, unsigned core = 0);
  // The same of a load, or a store, within the line that holds `a`, at the time at(), which is asked for only where it matters.
  // In memory_line.h.
  template <class At>
  Time cpu_line(At at, Hpa a, bool writes, bool guest, unsigned core);
  // Whether the line at `a` is in the private cache of `core` (for a write: changed by it before), which then counts as used.
  bool holds(Hpa a, bool writes, unsigned core) {
    const std::uint32_t region = RecentLines::region_of(a);
    return recent_->holds(recent_->slot(region), region, static_cast<std::uint16_t>(core), RecentLines::mask(a), writes);
  }
  // A device access: the time until the data is globally visible (write) or read (read), from `at`. `now` is the present
  // simulated time, `at` >= now. A write of a full line that misses fetches nothing; one of a part of a line reads DRAM.
  Time device_write(Time now, Time at, Hpa a, Bytes len);
  Time device_read(Time now, Time at, Hpa a, Bytes len);
  const MemoryStats& stats() const { return stats_; }

 private:
  // What a core has met of a range: lines of its own, and others.
  struct Met {
    std::uint64_t own = 0, lines = 0, demanded = 0, misses = 0, write_backs = 0;
    Time wait = 0;   // for somebody else's fill
  };
  void look(Met& met, RecentLines::Entry& e, std::uint32_t region, std::uint32_t want, std::uint32_t lines, Time at, Hpa a, Hpa end, Touch how,
            std::uint16_t who);
  Time price(const Met& met, Time at, Hpa a, Touch how, bool guest, Time& ready);
  [[gnu::noinline]] Time price_called(const Met& met, Time at, Hpa a, Touch how, bool guest, Time& ready);   // where that is seldom
  // cpu(), of a range beyond one region.
  [[gnu::noinline]] Time cpu_of_regions(Time at, Hpa a, Hpa end, Touch how, bool guest, std::uint16_t who);
  [[gnu::noinline]] Time one_line(Time at, Hpa a, bool writes, bool guest, unsigned core);
  // cpu_line(), of a line that lies in no cache.
  [[gnu::noinline]] Time line_missed(RecentLines::Entry& e, bool wrote_back, Time wait, Time at, Hpa a, Touch how, bool guest);
  Time cpu_of_two(Time at, Hpa a, Bytes len, Touch how, bool guest, unsigned core);    // cpu(), when both sockets have cores
  // What the other socket's cores have of [a, a+len) when a device writes it: whether one of them had to give up a line.
  bool taken_from_far(Hpa a, Bytes len);
  // Of the lines [a, a+len) that a device reads, and that this socket's cache does not hold if it is their home: how many lie in
  // the other one's.
  std::uint64_t far_held(Hpa a, Bytes len);
  Time cross(Time at, Bytes bytes, Time* queue);   // latency of a line from one cache to the other
  Time waited(Time stall, Touch how) const;
  // Whether a prefetcher runs ahead of it.
  bool prefetched(Touch how) const {
    return params_.prefetch_distance > 0 && (how == Touch::stream_load || how == Touch::stream_store);
  }
  // waited(), for `own` lines of a private cache and `lines` others that take `beyond`, `demanded` of them asked for by the core.
  Time streamed_for(Time beyond, Time kept, std::uint64_t lines, std::uint64_t demanded, Touch how) const;
  Time waited_for(Time beyond, std::uint64_t own, std::uint64_t lines, std::uint64_t demanded, Touch how) const;
  struct Fetch {
    Time latency = 0;   // of one line, refresh included
    Time refresh = 0;   // of this: met by one line only
    Time queue = 0;     // until the slowest of DRAM and interconnect has served all bytes
  };
  // `lines` >= 1 read from `a` on, `bytes` moved in all, for somebody on the other socket or on this one.
  Fetch fetch(Time now, Time at, Hpa a, std::uint64_t lines, Bytes bytes, bool from_far = false);
  // The queue of a fetch() whose latency nobody waits for: bytes that are written.
  Time queue(Time now, Time at, Hpa a, Bytes bytes);
  // The longest fill of somebody else than `who` that [a, a+len) meets, from `at`.
  Time wait_for_fills(Hpa a, Bytes len, std::uint16_t who, Time at);
  Agenda& agenda_;
  PhysMem& phys_;
  MemoryParams params_;
  Divisor by_parallelism_;
  MemoryStats stats_;
  std::unique_ptr<LastLevelCache> llc_;
  std::unique_ptr<RecentLines> recent_;
  std::unique_ptr<Dram> dram_;
  std::unique_ptr<LastLevelCache> far_llc_;            // null without cores on the other socket
  std::unique_ptr<Dram> remote_dram_, interconnect_;   // null without remote memory; the second without cores there as well
};

}  // namespace gd
