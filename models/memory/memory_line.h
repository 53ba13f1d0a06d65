// A core's access to one line, compiled into those who make it often: most that a frame's software does to memory are single lines.
#pragma once
#include "models/memory/llc.h"
#include "models/memory/memory.h"

namespace gd {

// What a core waits of a stall: a store half of it, of a stream's lines that many are fetched at once.
inline Time MemorySystem::waited(Time stall, Touch how) const {
  switch (how) {
    case Touch::load: break;
    case Touch::store: return stall / 2;
    case Touch::stream_load:
    case Touch::stream_store: return static_cast<Time>(by_parallelism_.of(static_cast<std::uint64_t>(stall)));
  }
  return stall;
}

inline Time MemorySystem::waited_for(Time beyond, std::uint64_t own, std::uint64_t lines, std::uint64_t demanded, Touch how) const {
  const Time kept = static_cast<Time>(own) * params_.private_hit;
  if (lines != 0 && prefetched(how)) return streamed_for(beyond, kept, lines, demanded, how);
  return waited(kept + beyond, how);
}

template <class At>
inline Time MemorySystem::cpu_line(At at, Hpa a, bool writes, bool guest, unsigned core) {
  const Touch how = writes ? Touch::store : Touch::load;
  if (far_llc_) [[unlikely]] return cpu_of_two(at(), a, 1, how, guest, core);
  const std::uint32_t region = RecentLines::region_of(a);
  RecentLines::Entry& e = recent_->slot(region);
  Time wait;
  Time hit = params_.private_hit;
  if (recent_->take_line(e, region, static_cast<std::uint16_t>(core), RecentLines::mask(a), writes, at, wait)) {
    ++stats_.private_hits;
  } else {
    const LastLevelCache::Line line = llc_->cpu_line(a, writes);
    if (line.missed) [[unlikely]] return line_missed(e, line.wrote_back, wait, at(), a, how, guest);
    ++stats_.lookups;
    ++stats_.cpu_hits;
    hit = params_.llc_hit;
    if (wait != 0) [[unlikely]] ++stats_.fill_waits;
  }
  return std::max(waited(hit, how), wait);   // no wait: 0
}

}  // namespace gd
