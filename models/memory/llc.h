// The last-level cache: tags and dirty bits only (the bytes live in PhysMem). Plain C++, no time.
//
// Geometry: a set is one aligned 64-byte line of the simulating machine, up to 16 tags of 32 bits. The number of sets is
// size / 64 / ways and need not be a power of two (a sliced cache is not). A hash of the page number chooses the set of a
// page's first line, its further lines lie in the following sets: one call per range walks neighbouring memory.
//
// Replacement: an empty way of those allowed, else a pseudo-random one. LRU with a modulo index cannot reproduce the
// DDIO hit rates measured by Farshin et al., "Reexamining Direct Cache Access", USENIX ATC 2020.
#pragma once
#include <cstdint>

#include "models/base/units.h"
#include "models/base/zeroed.h"
#include "models/memory/llc_loops.h"

namespace gd {

class LastLevelCache {
 public:
  // `ways` 1..16, `ddio_ways` 0..ways, at least 64 sets; throws UserError otherwise.
  LastLevelCache(Bytes size, unsigned ways, unsigned ddio_ways, std::uint64_t seed);

  using Met = llc::Met;   // what a walk over a range met
  // A CPU access: misses allocate in any way.
  Met cpu(Hpa a, Bytes len, bool dirty);
  // The same of the one line at `a`.
  struct Line {
    bool missed = false, wrote_back = false;
  };
  Line cpu_line(Hpa a, bool dirty);
  // A device's write: hits update in any way, misses allocate in the last `ddio_ways` ways. Without DDIO ways hits are
  // invalidated and nothing is allocated.
  Met device_write(Hpa a, Bytes len);
  // A device's write that goes elsewhere: hits are invalidated, nothing is allocated.
  Met device_invalidate(Hpa a, Bytes len);
  // The other socket's core takes the line at `a`, or (not `all`) has it read: what is left here, if anything, is clean.
  struct Held {
    bool here = false, dirty = false;   // before
  };
  Held give(Hpa a, bool all);
  // A device's read changes nothing.
  Met device_read(Hpa a, Bytes len) const;

  std::uint32_t sets() const { return sets_; }
  unsigned ways() const { return ways_; }
  unsigned ddio_ways() const { return ddio_ways_; }
  bool holds(Hpa a) const;
  bool dirty(Hpa a) const;    // for tests

 private:
  static constexpr unsigned kLinesPerPage = kPage / kLine;
  static constexpr std::uint32_t tag_of(std::uint64_t line) { return static_cast<std::uint32_t>(line) + 1; }
  std::uint32_t first_set(std::uint64_t page) const {
    std::uint64_t h = (page ^ page >> 15) * 0x9fb21c651e98df25ULL;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93ULL;
    return static_cast<std::uint32_t>(static_cast<unsigned __int128>(h ^ h >> 29) * sets_ >> 64);
  }
  std::uint32_t set_number(std::uint64_t line) const {
    const std::uint32_t s = first_set(line / kLinesPerPage) + static_cast<std::uint32_t>(line % kLinesPerPage);
    return s >= sets_ ? s - sets_ : s;
  }
  const llc::Set& set_of(Hpa a) const { return set_[set_number(a / kLine)]; }
  template <class Run>
  Met walk(Hpa a, Bytes len, Run run) const;
  template <class Run>
  Met walk_parts(std::uint64_t line, std::uint32_t lines, Run run) const;

  unsigned ways_, ddio_ways_;
  llc::Ways cpu_ways_{0, 0}, device_ways_{0, 0};   // in which they allocate
  std::uint32_t sets_;
  std::uint64_t random_;
  Zeroed<llc::Set> set_;
};

inline LastLevelCache::Line LastLevelCache::cpu_line(Hpa a, bool dirty) {
  const std::uint64_t line = a / kLine;
  const std::uint32_t tag = tag_of(line), mark = dirty ? llc::kDirty : 0;
  std::uint32_t* const tags = set_[set_number(line)].tag;
  if (const unsigned hit = llc::match(tags, tag)) {
    tags[__builtin_ctz(hit)] |= mark;
    return {};
  }
  const unsigned way = llc::way_for(llc::match(tags, 0), cpu_ways_, random_);
  const Line met{true, (tags[way] & llc::kDirty) != 0};
  tags[way] = tag | mark;
  return met;
}

}  // namespace gd
