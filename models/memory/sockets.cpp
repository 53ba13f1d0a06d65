// Cores on both sockets: each has a last-level cache, and a line may be in either, or clean in both.
#include <algorithm>

#include "models/memory/dram.h"
#include "models/memory/llc.h"
#include "models/memory/memory_line.h"
#include "models/memory/recent.h"
#include "models/memory/streamer.h"

namespace gd {

Time MemorySystem::cross(Time at, Bytes bytes, Time* queue) {
  const Dram::Grant way = interconnect_->access(agenda_.now(), at, bytes);
  if (queue) *queue = std::max(*queue, way.queue);
  return way.latency - params_.remote_latency + params_.remote_cache;
}

// Line by line: what one socket lacks the other may hold.
Time MemorySystem::cpu_of_two(Time at, Hpa a, Bytes len, Touch how, bool guest, unsigned core) {
  const bool writes = how == Touch::store || how == Touch::stream_store;
  const bool from_far = core >= params_.far_cores_from;
  const auto who = static_cast<std::uint16_t>(core);
  LastLevelCache &own = from_far ? *far_llc_ : *llc_, &others = from_far ? *llc_ : *far_llc_;
  const bool ahead = prefetched(how);
  std::uint64_t kept = 0, lines = 0, demanded = 0, crossed = 0, looked_up = 0, misses = 0, write_backs = 0;
  Time wait = 0, ready_at = 0;
  const Hpa end = a + len;
  for (Hpa p = a, stop; p < end; p = stop) {
    stop = RecentLines::region_end(p, end);
    const std::uint32_t region = RecentLines::region_of(p), want = RecentLines::mask(p, stop);
    const std::uint64_t n = lines_of(p, stop);
    RecentLines::Entry& e = recent_->slot(region);
    if (recent_->holds(e, region, who, want, writes)) {
      kept += n;
      continue;
    }
    wait = std::max(wait, RecentLines::pending(e, region, who, want, at));
    for (Hpa line = p / kLine * kLine; line < stop; line += kLine) {
      const LastLevelCache::Line l = own.cpu_line(line, writes);
      write_backs += l.wrote_back;
      if (!l.missed && !writes) continue;
      const LastLevelCache::Held there = others.give(line, writes);
      if (there.here) {
        ++crossed;
        looked_up += params_.directory && phys_.remote(line) == from_far;
        write_backs += there.dirty && !writes;   // the home gets what both now share
      } else {
        misses += l.missed;
      }
    }
    if (ahead) demanded += lines_on_demand(*recent_, e, p, who, static_cast<std::uint32_t>(n));
    recent_->touch(e, region, who, want, static_cast<std::uint32_t>(n), writes);
    lines += n;
  }
  stats_.private_hits += kept;
  stats_.lookups += lines;
  stats_.cpu_hits += lines - misses;
  stats_.remote_hits += crossed;
  stats_.fill_waits += wait > 0;
  Time beyond = static_cast<Time>(lines) * params_.llc_hit, queue = 0;
  if (crossed) beyond += static_cast<Time>(crossed) * cross(at, crossed * kLine, &queue);
  if (const std::uint64_t read = misses + looked_up; read || write_backs) {
    stats_.cpu_misses += misses;
    if (guest) stats_.guest_misses += misses;
    stats_.dram_read_bytes += read * kLine;
    stats_.dram_write_bytes += write_backs * kLine;
    const Bytes bytes = (read + write_backs) * kLine;
    // The directory lies at the core's own socket: its look is no way across.
    const Fetch f = fetch(agenda_.now(), at, a, std::max<std::uint64_t>(read, 1), bytes, misses ? from_far : phys_.remote(a));
    beyond += static_cast<Time>(read) * (f.latency - f.refresh) + (read ? f.refresh : 0);
    queue = std::max(queue, f.queue);
    ready_at = at + params_.llc_hit + f.latency + queue + dram_->transfer((read ? read - 1 : 0) * kLine);
  }
  for (Hpa p = a; misses && p < end; p = (p / RecentLines::kRegion + 1) * RecentLines::kRegion) {
    const std::uint32_t region = RecentLines::region_of(p);
    RecentLines::Entry& e = recent_->slot(region);
    if (e.region == region) e.ready = std::max(e.ready, ready_at);
  }
  return std::max(waited_for(beyond, kept, lines, demanded, how) + queue, wait);
}

bool MemorySystem::taken_from_far(Hpa a, Bytes len) {
  return far_llc_->device_invalidate(a, len).misses < lines_of(a, a + len);
}

std::uint64_t MemorySystem::far_held(Hpa a, Bytes len) {
  std::uint64_t held = 0;
  const bool far = phys_.remote(a);
  for (Hpa line = a / kLine * kLine; line < a + len; line += kLine)
    held += (far || !llc_->holds(line)) && far_llc_->holds(line);
  stats_.lookups += held;
  return held;
}

}  // namespace gd
