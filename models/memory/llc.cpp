#include "models/memory/llc.h"

#include <algorithm>
#include <string>

#include "models/base/error.h"
#include "models/memory/llc_loops.h"

namespace gd {

namespace {

using llc::kDirty, llc::kTagBits, llc::match;
using Set = llc::Set;

const llc::Loops loops = llc::best_loops();
inline unsigned lowest(unsigned mask) { return static_cast<unsigned>(__builtin_ctz(mask)); }

}  // namespace

LastLevelCache::LastLevelCache(Bytes size, unsigned ways, unsigned ddio_ways, std::uint64_t seed)
    : ways_(ways), ddio_ways_(ddio_ways), sets_(0), random_(seed * 0x9e3779b97f4a7c15ULL | 1) {
  if (ways < 1 || ways > 16) throw UserError("the LLC has " + std::to_string(ways) + " ways; 1 to 16 are possible");
  if (ddio_ways > ways)
    throw UserError("DDIO is given " + std::to_string(ddio_ways) + " ways of an LLC that has " + std::to_string(ways));
  const Bytes sets = size / kLine / ways;
  if (sets < kLinesPerPage || sets > UINT32_MAX)
    throw UserError("an LLC of " + std::to_string(size) + " bytes and " + std::to_string(ways) + " ways has " +
                    std::to_string(sets) + " sets; at least 64 are needed");
  sets_ = static_cast<std::uint32_t>(sets);
  cpu_ways_ = {0, ways};
  device_ways_ = {ways - ddio_ways, ddio_ways};
  set_.grow(sets_);
}

// Pre: len > 0. run(first set, its number of neighbours, tag of the first line) answers for lines within one page.
template <class Run>
inline LastLevelCache::Met LastLevelCache::walk(Hpa a, Bytes len, Run run) const {
  const std::uint64_t line = a / kLine;
  const auto n = static_cast<std::uint32_t>((a + len - 1) / kLine + 1 - line);
  const auto in_page = static_cast<unsigned>(line % kLinesPerPage);
  const std::uint32_t s = set_number(line);
  if (__builtin_expect(in_page + n > kLinesPerPage || n > sets_ - s, 0)) return walk_parts(line, n, run);
  return run(s, n, tag_of(line));
}

// The same for lines of several pages, or of sets that are no neighbours.
template <class Run>
[[gnu::noinline]] LastLevelCache::Met LastLevelCache::walk_parts(std::uint64_t line, std::uint32_t lines, Run run) const {
  Met w;
  for (const std::uint64_t end = line + lines; line < end;) {
    const auto in_page = static_cast<unsigned>(line % kLinesPerPage);
    const std::uint32_t s = set_number(line);
    const auto n = static_cast<unsigned>(std::min<std::uint64_t>({end - line, kLinesPerPage - in_page, sets_ - s}));
    const Met part = run(s, n, tag_of(line));
    w.misses += part.misses;
    w.write_backs += part.write_backs;
    line += n;
  }
  return w;
}

LastLevelCache::Met LastLevelCache::cpu(Hpa a, Bytes len, bool dirty) {
  const std::uint32_t mark = dirty ? kDirty : 0;
  return walk(a, len, [this, mark](std::uint32_t s, unsigned n, std::uint32_t tag) {
    return loops.access(set_.data() + s, n, tag, mark, cpu_ways_, random_);
  });
}

LastLevelCache::Met LastLevelCache::device_invalidate(Hpa a, Bytes len) {
  return walk(a, len, [this](std::uint32_t s, unsigned n, std::uint32_t tag) { return loops.invalidate(set_.data() + s, n, tag); });
}

LastLevelCache::Met LastLevelCache::device_write(Hpa a, Bytes len) {
  if (ddio_ways_ == 0) return device_invalidate(a, len);
  return walk(a, len, [this](std::uint32_t s, unsigned n, std::uint32_t tag) {
    return loops.access(set_.data() + s, n, tag, kDirty, device_ways_, random_);
  });
}

LastLevelCache::Held LastLevelCache::give(Hpa a, bool all) {
  Set& s = const_cast<Set&>(set_of(a));
  const unsigned hit = match(s.tag, tag_of(a / kLine));
  if (hit == 0) return {};
  std::uint32_t& tag = s.tag[lowest(hit)];
  const Held held{true, (tag & kDirty) != 0};
  tag = all ? 0 : tag & kTagBits;
  return held;
}

LastLevelCache::Met LastLevelCache::device_read(Hpa a, Bytes len) const {
  return walk(a, len, [this](std::uint32_t s, unsigned n, std::uint32_t tag) { return loops.look(set_.data() + s, n, tag); });
}

bool LastLevelCache::holds(Hpa a) const { return match(set_of(a).tag, tag_of(a / kLine)) != 0; }

bool LastLevelCache::dirty(Hpa a) const {
  const Set& s = set_of(a);
  const unsigned hit = match(s.tag, tag_of(a / kLine));
  return hit && s.tag[lowest(hit)] & kDirty;
}

}  // namespace gd
