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
  t.count("memory.prefetch_distance", AT(memory.prefetch_distance), {0, 64},
          "Lines that the prefetcher of a core runs ahead of a copy, within a page of 4 KiB; 0: none.",
          "20 from Sandy Bridge on (Intel optimization manual, streamer)");
  t.size("memory.private_cache.size", AT(memory.private_cache.size), {0, 64u << 20}, "Cache of each core; 0: none.",
         "Westmere-EP: 256 KB second level (7-cpu.com)");
  t.time("memory.private_cache.hit_latency", AT(memory.private_cache.hit_latency), {0, 1'000'000},
         "A dependent load that hits it.", "Westmere-EP X5650: 10 cycles (7-cpu.com)");
  t.count("memory.dram.channels", AT(memory.dram.channels), {1, 16}, "Memory channels of the socket.", "Westmere-EP");
  t.rate("memory.dram.channel_rate", AT(memory.dram.channel_rate), {1'000'000'000, 1'000'000'000'000}, "Peak of one channel.",
         "DDR3-1333: 8 B x 1333 MT/s = 10.67 GB/s");
  t.time("memory.dram.idle_latency", AT(memory.dram.idle_latency), {0, 10'000'000},
         "Memory latency beyond the cache's when idle.", westmere);
  t.time("memory.dram.window", AT(memory.dram.window), {1'000, 1'000'000'000}, "Time over which utilisation is taken.",
         "assumption");
  t.count("memory.dram.ranks", AT(memory.dram.ranks), {1, 16}, "Ranks of a channel, which are refreshed one after the other.",
          "one DIMM of two ranks on a channel: assumption");
  t.time("memory.dram.refresh_interval", AT(memory.dram.refresh_interval), {0, 1'000'000'000},
         "From one refresh of a rank to the next (tREFI); 0: none.", "JEDEC JESD79-3 and JESD79-4: 7.8 us");
  t.time("memory.dram.refresh_time", AT(memory.dram.refresh_time), {0, 1'000'000'000},
         "For which a refresh closes a rank (tRFC).", "JEDEC JESD79-3: 160 ns for 2 Gb; JESD79-4: 350 ns for 8 Gb");
  t.time("memory.remote.latency", AT(memory.remote.latency), {0, 10'000'000},
         "Latency of the other socket's memory beyond the local one's.",
         "X5650: 40 cycles + 105 ns against + 67 ns (7-cpu.com); pcie-bench on Broadwell: 53 ns");
  t.rate("memory.remote.rate", AT(memory.remote.rate), {1'000'000'000, 10'000'000'000'000}, "Of the interconnect between the sockets.",
         "QPI of 6.4 GT/s, 16 bits each way: 12.8 GB/s");
  t.time("memory.remote.cache_latency", AT(memory.remote.cache_latency), {0, 10'000'000},
         "Latency of a line in the other socket's cache beyond a hit in the own one; for cores on both sockets (host.far_cores).",
         "Intel MLC on two Xeons of the Skylake generation: 108.6 ns for a line that the other socket's core has written");
  t.boolean("memory.remote.directory", AT(memory.remote.directory),
            "The home of a line looks into its directory, in memory, before it asks the other socket's cache.",
            "Skylake and later: MLC shows 170.8 ns where the line's home is the reader's socket, 108.6 ns where it is not; Haswell 107 and 108");
  t.other("memory.dram.loaded_latency", read_loaded_latency(),
          "a list of [share of the peak rate, added time], ascending, from \"0%\" to \"100%\"", "Latency added by load.",
          "shape of Intel MLC's loaded latency on a Xeon Silver 4110");
}

}  // namespace gd::scenario
