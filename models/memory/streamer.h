// The prefetcher that runs ahead of a core's copy: what it saves. Pure.
//
// Modelled: the second-level streamer of Intel's cores from Sandy Bridge on. Two requests to neighbouring lines of a page of 4 KiB show it
// a stream; from then on the stream's lines are asked for `distance` ahead of the core, at most to the page's end, so that as many
// are on their way at once, and the core finds them in its second level. A copy goes on where the last one ended: the stream is known.
// Not modelled: what it brings in beyond the end of a copy, its throttling under load, the limit of 32 streams, the other prefetchers.
// Source: Intel 64 and IA-32 Architectures Optimization Reference Manual, Sandy Bridge, data prefetch to L2 and last-level cache: "run
// up to 20 lines ahead of the load request", requests of loads and stores alike, one stream of each 4 KiB page.
#pragma once
#include <algorithm>
#include <cstdint>

#include "models/base/units.h"
#include "models/memory/recent.h"

namespace gd {

// Lines of a page that a core must have asked for before its streamer goes ahead.
inline constexpr std::uint32_t kStreamStart = 2;

// Of `n` lines from `a` on, all in one region, that core `who` brings in: how many it asks for itself. `e`: the region's entry before.
inline std::uint32_t lines_on_demand(RecentLines& recent, const RecentLines::Entry& e, Hpa a, std::uint16_t who, std::uint32_t n) {
  constexpr std::uint32_t kLines = RecentLines::kRegion / kLine;
  const std::uint32_t region = RecentLines::region_of(a);
  const auto line = static_cast<std::uint32_t>(a / kLine % kLines);
  std::uint32_t before = 0;   // bit 1: the line before, bit 0: the one before that
  if (line > 0) before = static_cast<std::uint32_t>(std::uint64_t{recent.held(e, region, who)} << 2 >> line & 3);
  else if (a % kPage != 0) before = recent.held(recent.slot(region - 1), region - 1, who) >> (kLines - 2);
  const std::uint32_t known = (before & 2) == 0 ? 0 : before == 3 ? 2 : 1;
  return std::min(n, kStreamStart - known);
}

// What a core waits for `lines` >= 1 lines whose fills, one after the other, would take `stall`, when it asks for `demanded` of them itself,
// `parallel` at once, and the streamer, `distance` ahead, for the others, which then cost a hit of `private_hit`. Never more than without.
inline Time streamed(Time stall, std::uint64_t lines, std::uint64_t demanded, Time private_hit, unsigned parallel, unsigned distance) {
  const auto fetched = static_cast<Time>(lines - demanded);
  const Time ahead = stall * fetched / static_cast<Time>(lines);
  const Time by_core = (stall - ahead + fetched * private_hit) / static_cast<Time>(parallel);
  return std::min(stall / static_cast<Time>(parallel), by_core + ahead / static_cast<Time>(std::max(parallel, distance)));
}

}  // namespace gd
