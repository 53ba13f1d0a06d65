// What was touched a moment ago: the private cache of each core, and line fills under way. Pure.
//
// Memory is divided into regions of 2 KiB; a direct-mapped table keeps, for the regions touched last, which of their 32
// lines a core has touched or changed, when, and until when their fill takes. One entry has one owner, the core that
// touched the region last. A private cache is a recency: what its core touched is in it until the core has brought in as
// many other lines as the cache holds (fully associative, least recently used).
// Not modelled: sets and ways of private caches; lines that two cores share (the last one to touch has them); lines that
// leave a private cache because an inclusive LLC has dropped them; a dirty line that another core or a device must be
// sent (it costs an LLC hit). A collision in the table forgets the older region.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "models/base/units.h"

namespace gd {

// How many lines [a, end) touches; a < end.
constexpr std::uint64_t lines_of(Hpa a, Hpa end) { return (end - 1) / kLine - a / kLine + 1; }

class RecentLines {
 public:
  static constexpr Bytes kRegion = 2048;
  static constexpr unsigned kCores = 64;
  static constexpr std::uint16_t kDevice = UINT16_MAX;   // the owner of a fill that a device has caused
  static constexpr std::uint16_t kNobody = UINT16_MAX - 1;   // owns nothing: waits for everybody's fills

  struct Entry {
    std::uint32_t region = UINT32_MAX;
    std::uint16_t owner = kDevice;
    std::uint32_t lines = 0;     // touched by the owner, or being filled
    std::uint32_t changed = 0;   // of these, written by it
    std::uint64_t stamp = 0;     // the owner's count of lines at its last touch
    Time ready = 0;              // when the latest fill ends
  };

  // `private_lines` of each core; 0: no private caches.
  explicit RecentLines(std::uint64_t private_lines) : private_lines_(private_lines), table_(kEntries) {}

  // The lines [a, end) of one region as a mask. Pre: a < end, both in the same region (end may be its end).
  static std::uint32_t mask(Hpa a, Hpa end) { return lines_from(a, static_cast<unsigned>(lines_of(a, end))); }
  // `count` of them from `a` on.
  static std::uint32_t lines_from(Hpa a, unsigned count) {
    return static_cast<std::uint32_t>(((std::uint64_t{1} << count) - 1) << a / kLine % (kRegion / kLine));
  }
  // The one at `a`.
  static std::uint32_t mask(Hpa a) { return std::uint32_t{1} << a / kLine % (kRegion / kLine); }
  // Where the region of `a` ends, or [a, end) if that is before.
  static Hpa region_end(Hpa a, Hpa end) { return std::min(end, (a / kRegion + 1) * kRegion); }
  static std::uint32_t region_of(Hpa a) { return static_cast<std::uint32_t>(a / kRegion); }
  Entry& slot(std::uint32_t region) { return table_[place(region)]; }

  // Asks the simulating machine for the slot of `a`.
  void fetch_ahead(Hpa a) const { __builtin_prefetch(&table_[place(region_of(a))]); }

  // True when all of `want` is in the private cache of `core` (for a write: changed by it before), which then counts as used.
  bool holds(Entry& e, std::uint32_t region, std::uint16_t core, std::uint32_t want, bool writes) const {
    if (e.region != region || e.owner != core || ((writes ? e.changed : e.lines) & want) != want) return false;
    if (brought_in(core) - e.stamp >= private_lines_) return false;
    e.stamp = brought_in(core);
    return true;
  }
  // The lines of `region` that `core` has in its private cache.
  std::uint32_t held(const Entry& e, std::uint32_t region, std::uint16_t core) const {
    return e.region == region && e.owner == core && brought_in(core) - e.stamp < private_lines_ ? e.lines : 0;
  }
  // How long after `at` somebody else than `who` is still filling a line of `want`; 0: not at all.
  static Time pending(const Entry& e, std::uint32_t region, std::uint16_t who, std::uint32_t want, Time at) {
    if (e.region != region || e.owner == who || e.ready <= at || (e.lines & want) == 0) return 0;
    return e.ready - at;
  }
  // `core` has brought in the `n` lines `want`.
  void touch(Entry& e, std::uint32_t region, std::uint16_t core, std::uint32_t want, std::uint32_t n, bool writes) {
    std::uint64_t& count = counts_[core];
    const bool same = e.region == region && e.owner == core && count - e.stamp < private_lines_;
    const Time ready = e.region == region ? e.ready : 0;
    e = {region, core, (same ? e.lines : 0) | want, (same ? e.changed : 0) | (writes ? want : 0), count, ready};
    count += n;
  }
  // `core` asks for the one line `want`: true when it is in its private cache, as holds(). Otherwise it has brought it in, as
  // touch(), after having waited `wait` for somebody else's fill, as pending() at the time at().
  template <class At>
  bool take_line(Entry& e, std::uint32_t region, std::uint16_t core, std::uint32_t want, bool writes, At at, Time& wait) {
    std::uint64_t& count = counts_[core];
    const std::uint32_t changed = writes ? want : 0;
    wait = 0;
    if (e.region != region) {
      e = {region, core, want, changed, count++, 0};
      return false;
    }
    if (e.owner == core && count - e.stamp < private_lines_) {
      e.stamp = count;
      if ((writes ? e.changed : e.lines) & want) return true;
      e.lines |= want;
      e.changed |= changed;
      ++count;
      return false;
    }
    if (e.owner != core) wait = pending(e, region, core, want, at());
    e = {region, core, want, changed, count++, e.ready};
    return false;
  }
  // A device has written `gone`: no core has them any more.
  static void invalidate(Entry& e, std::uint32_t region, std::uint32_t gone) {
    if (e.region != region || e.owner == kDevice) return;
    e.lines &= ~gone;
    e.changed &= ~gone;
  }
  // A device's request fills the line of `a` until `ready`.
  void fill(Hpa a, Time ready) {
    const std::uint32_t region = region_of(a);
    slot(region) = {region, kDevice, mask(a), 0, 0, ready};
  }

 private:
  static constexpr unsigned kBits = 11;
  static constexpr std::size_t kEntries = std::size_t{1} << kBits;
  static std::uint32_t place(std::uint32_t region) { return region * 0x9E3779B1u >> (32 - kBits); }
  std::uint64_t brought_in(std::uint16_t core) const { return counts_[core]; }
  std::uint64_t private_lines_;
  std::array<std::uint64_t, kCores> counts_{};   // lines brought in, by core
  std::vector<Entry> table_;
};

}  // namespace gd
