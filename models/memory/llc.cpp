#include "models/memory/llc.h"

#include <string>

#include "models/base/error.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gd {

namespace {

constexpr std::uint32_t kTagBits = 0x7fffffff;

// Bit i is set where tag i equals `want`, dirty or not.
inline unsigned match(const std::uint32_t* tag, std::uint32_t want) {
#if defined(__SSE2__)
  const __m128i w = _mm_set1_epi32(static_cast<int>(want)), low = _mm_set1_epi32(static_cast<int>(kTagBits));
  const auto* v = reinterpret_cast<const __m128i*>(tag);
  const __m128i a = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v), low), w);
  const __m128i b = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v + 1), low), w);
  const __m128i c = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v + 2), low), w);
  const __m128i d = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(v + 3), low), w);
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d))));
#else
  unsigned m = 0;
  for (unsigned i = 0; i < 16; ++i) m |= static_cast<unsigned>((tag[i] & kTagBits) == want) << i;
  return m;
#endif
}

inline unsigned lowest(unsigned mask) { return static_cast<unsigned>(__builtin_ctz(mask)); }

constexpr std::uint32_t tag_of(std::uint64_t line) { return static_cast<std::uint32_t>(line) + 1; }
constexpr unsigned kLinesPerPage = kPage / kLine;

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
  set_.assign(sets_, Set{});
}

inline std::uint32_t LastLevelCache::first_set(std::uint64_t page) const {
  std::uint64_t h = (page ^ page >> 15) * 0x9fb21c651e98df25ULL;
  h = (h ^ h >> 32) * 0xd6e8feb86659fd93ULL;
  return static_cast<std::uint32_t>(static_cast<unsigned __int128>(h ^ h >> 29) * sets_ >> 64);
}

// Pre: len > 0. per_line(set index, tag) answers 0 for a hit, 1 for a miss, 2 for a miss that pushed out a dirty line.
template <class PerLine>
inline LastLevelCache::Walk LastLevelCache::walk(Hpa a, Bytes len, PerLine per_line) const {
  Walk w;
  std::uint64_t line = a / kLine;
  const std::uint64_t end = (a + len - 1) / kLine + 1;
  w.lines = static_cast<std::uint32_t>(end - line);
  unsigned outcome = 0;
  bool first = true;
  while (line < end) {
    const std::uint64_t page_end = (line / kLinesPerPage + 1) * kLinesPerPage;
    const std::uint64_t stop = end < page_end ? end : page_end;
    std::uint32_t s = first_set(line / kLinesPerPage) + static_cast<std::uint32_t>(line % kLinesPerPage);
    if (s >= sets_) s -= sets_;
    const Set* ahead = set_.data() + s;   // a prefetch beyond the last set does no harm
    for (std::uint64_t i = line; i < stop; ++i) __builtin_prefetch(ahead++, 1);
    for (; line < stop; ++line) {
      outcome = per_line(s, tag_of(line));
      w.misses += outcome != 0;
      w.write_backs += outcome == 2;
      if (first) w.first_missed = outcome != 0, first = false;
      if (++s == sets_) s = 0;
    }
  }
  w.last_missed = outcome != 0;
  return w;
}

inline std::uint32_t LastLevelCache::victim(const Set& s, unsigned from, unsigned count) {
  const unsigned empty = match(s.tag, 0) & ((1u << count) - 1) << from;
  if (empty) return lowest(empty);
  random_ ^= random_ << 13, random_ ^= random_ >> 7, random_ ^= random_ << 17;
  return from + static_cast<std::uint32_t>((random_ >> 32) * count >> 32);
}

LastLevelCache::Walk LastLevelCache::cpu(Hpa a, Bytes len, bool dirty) {
  const std::uint32_t mark = dirty ? kDirty : 0;
  return walk(a, len, [this, mark](std::uint32_t i, std::uint32_t tag) -> unsigned {
    Set& s = set_[i];
    if (const unsigned hit = match(s.tag, tag)) {
      s.tag[lowest(hit)] |= mark;
      return 0;
    }
    std::uint32_t& slot = s.tag[victim(s, 0, ways_)];
    const unsigned outcome = slot & kDirty ? 2 : 1;
    slot = tag | mark;
    return outcome;
  });
}

LastLevelCache::Walk LastLevelCache::device_invalidate(Hpa a, Bytes len) {
  return walk(a, len, [this](std::uint32_t i, std::uint32_t tag) -> unsigned {
    Set& s = set_[i];
    const unsigned hit = match(s.tag, tag);
    if (hit) s.tag[lowest(hit)] = 0;
    return hit == 0;
  });
}

LastLevelCache::Walk LastLevelCache::device_write(Hpa a, Bytes len) {
  if (ddio_ways_ == 0) return device_invalidate(a, len);
  const unsigned from = ways_ - ddio_ways_;
  return walk(a, len, [this, from](std::uint32_t i, std::uint32_t tag) -> unsigned {
    Set& s = set_[i];
    if (const unsigned hit = match(s.tag, tag)) {
      s.tag[lowest(hit)] |= kDirty;
      return 0;
    }
    std::uint32_t& slot = s.tag[victim(s, from, ddio_ways_)];
    const unsigned outcome = slot & kDirty ? 2 : 1;
    slot = tag | kDirty;
    return outcome;
  });
}

LastLevelCache::Walk LastLevelCache::device_read(Hpa a, Bytes len) const {
  return walk(a, len, [this](std::uint32_t i, std::uint32_t tag) -> unsigned { return match(set_[i].tag, tag) == 0; });
}

const LastLevelCache::Set& LastLevelCache::set_of(Hpa a) const {
  const std::uint64_t line = a / kLine;
  return set_[(first_set(line / kLinesPerPage) + line % kLinesPerPage) % sets_];
}

bool LastLevelCache::holds(Hpa a) const { return match(set_of(a).tag, tag_of(a / kLine)) != 0; }

bool LastLevelCache::dirty(Hpa a) const {
  const Set& s = set_of(a);
  const unsigned hit = match(s.tag, tag_of(a / kLine));
  return hit && s.tag[lowest(hit)] & kDirty;
}

}  // namespace gd
