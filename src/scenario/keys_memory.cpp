#include "src/scenario/reader.h"
#include "src/scenario/table.h"

namespace gd::scenario {

void memory_keys(Table& t) {
  const char* westmere = "Westmere-EP X5650 (7-cpu.com): 12 MB, 16 ways, 40-46 cycles, RAM 40 cycles + 67 ns";
  t.size("memory.llc.size", AT(memory.llc.size), {64 * 1024, 1u << 30}, "Last-level cache of the socket.", westmere);
  t.count("memory.llc.ways", AT(memory.llc.ways), {1, 16}, "Ways of the last-level cache.", westmere);
  t.time("memory.llc.hit_latency", AT(memory.llc.hit_latency), {0, 1'000'000}, "A dependent load that hits.", westmere);
  t.time("memory.llc.device_latency", AT(memory.llc.device_latency), {0, 1'000'000}, "An access on behalf of a device.",
         "assumption: a core's plus the way to the root complex");
  t.count("memory.ddio_ways", AT(memory.ddio_ways), {0, 16}, "Ways in which device writes may allocate; 0: they go to memory.",
          "2 of 11 on Skylake, 2 of 20 on Haswell (ddio-bench, ATC 2020)");
  t.count("memory.stream_parallelism", AT(memory.stream_parallelism), {1, 64}, "Line fills under way at once in a copy.",
          "10 line fill buffers, less two");
  t.count("memory.dram.channels", AT(memory.dram.channels), {1, 16}, "Memory channels of the socket.", "Westmere-EP");
  t.rate("memory.dram.channel_rate", AT(memory.dram.channel_rate), {1'000'000'000, 1'000'000'000'000}, "Peak of one channel.",
         "DDR3-1333: 8 B x 1333 MT/s = 10.67 GB/s");
  t.time("memory.dram.idle_latency", AT(memory.dram.idle_latency), {0, 10'000'000},
         "Memory latency beyond the cache's when idle.", westmere);
  t.time("memory.dram.window", AT(memory.dram.window), {1'000, 1'000'000'000}, "Time over which utilisation is taken.",
         "assumption");
  t.other("memory.dram.loaded_latency", read_loaded_latency(),
          "a list of [share of the peak rate, added time], ascending, from \"0%\" to \"100%\"", "Latency added by load.",
          "shape of Intel MLC's loaded latency on a Xeon Silver 4110");
}

}  // namespace gd::scenario
