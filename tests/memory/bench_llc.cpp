// Nanoseconds of the simulating machine per visited cache line, for the ranges that the frame path uses.
#include <chrono>
#include <cstdio>
#include <systemc>
#include <vector>

#include "models/memory/llc.h"
#include "models/memory/memory.h"

namespace {

template <class F>
void time_lines(const char* what, std::uint64_t calls, F call) {
  std::uint64_t lines = 0;
  for (std::uint64_t i = 0; i < calls / 10; ++i) lines += call();
  lines = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < calls; ++i) lines += call();
  const std::chrono::duration<double, std::nano> d = std::chrono::steady_clock::now() - start;
  std::printf("%-52s %6.2f ns/line %8.1f ns/call\n", what, d.count() / static_cast<double>(lines), d.count() / static_cast<double>(calls));
}

}  // namespace

int sc_main(int, char**) {
  using namespace gd;
  constexpr Bytes kMiB = 1024 * 1024;
  PhysMem phys(2048 * kMiB, 1);
  std::vector<Hpa> few, many;
  for (int i = 0; i < 512; ++i) few.push_back(phys.alloc_page());
  for (int i = 0; i < 32768; ++i) many.push_back(phys.alloc_page());
  struct Cache {
    const char* name;
    Bytes size;
    unsigned ways;
  };
  for (const Cache& k : {Cache{"12 MiB 16 ways", 12 * kMiB, 16}, Cache{"24.75 MiB 11 ways", 24 * kMiB + 768 * 1024, 11}}) {
    std::printf("%s\n", k.name);
    LastLevelCache c(k.size, k.ways, 2, 1);
    std::size_t i = 0;
    std::uint64_t missed = 0;   // so that the walks are not dropped
    const auto walked = [&missed](LastLevelCache::Met met, Bytes n) { return missed += met.misses, ceil_div(n, kLine); };
    const auto next = [&i](const std::vector<Hpa>& v) { return v[i++ % v.size()]; };
    time_lines("  device write, 24 lines, 512 pages", 300000, [&] { return walked(c.device_write(next(few), 1500), 1500); });
    time_lines("  device write, 24 lines, 32768 pages (all miss)", 300000, [&] { return walked(c.device_write(next(many), 1500), 1500); });
    time_lines("  cpu load, 24 lines, 512 pages (all hit)", 300000, [&] { return walked(c.cpu(next(few), 1500, false), 1500); });
    time_lines("  cpu load, 24 lines, 32768 pages", 300000, [&] { return walked(c.cpu(next(many), 1500, false), 1500); });
    time_lines("  cpu load, 1 line, 32768 pages", 3000000, [&] { return walked(c.cpu(next(many), 16, false), 16); });
  }
  Agenda agenda("agenda");
  MemorySystem memory("memory", agenda, phys, MemoryParams{}, 1);
  std::size_t i = 0;
  Time t = 0;
  std::printf("memory system, 12 MiB\n");
  const auto lines = [](Bytes n) { return ceil_div(n, kLine); };
  time_lines("  cpu load, 1 line, hit", 3000000, [&] { t += memory.cpu(0, few[i++ % 512], 16, Touch::load, false); return 1; });
  time_lines("  cpu stream, 24 lines, hit", 300000, [&] { t += memory.cpu(0, few[i++ % 512], 1500, Touch::stream_load, false); return lines(1500); });
  time_lines("  device write, 24 lines, hit", 300000, [&] { t += memory.device_write(0, 0, few[i++ % 512], 1500); return lines(1500); });
  Time now = 0;
  time_lines("  device write, 24 lines, miss", 300000, [&] { now += 2 * kUs; t += memory.device_write(now, now, many[i++ % 32768], 1500); return lines(1500); });
  return t == 42;
}
