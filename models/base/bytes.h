// Small copies without a call, and large ones whose bytes are asked for early.
#pragma once
#include <cstddef>
#include <cstring>

namespace gd {

// memcpy for lengths that are mostly those of an index, a descriptor or a used element.
inline void copy_few(void* to, const void* from, std::size_t n) {
  switch (n) {
    case 2: std::memcpy(to, from, 2); break;
    case 4: std::memcpy(to, from, 4); break;
    case 8: std::memcpy(to, from, 8); break;
    case 16: std::memcpy(to, from, 16); break;
    default: std::memcpy(to, from, n);
  }
}

// Asks the simulating machine for n bytes at `p`, of which somebody will soon copy many: while their cost is worked out they come.
// No meaning but speed. At most the first 4 KiB. always_inline: GCC 12 drops calls of a function that only prefetches.
inline __attribute__((always_inline)) void fetch_ahead(const void* p, std::size_t n) {
  constexpr std::size_t kHostLine = 64, kMost = 4096;
  const char* at = static_cast<const char*>(p);
  const char* const end = at + (n < kMost ? n : kMost);
  for (; end - at > static_cast<std::ptrdiff_t>(3 * kHostLine); at += 4 * kHostLine) {
    __builtin_prefetch(at, 1);
    __builtin_prefetch(at + kHostLine, 1);
    __builtin_prefetch(at + 2 * kHostLine, 1);
    __builtin_prefetch(at + 3 * kHostLine, 1);
  }
  for (; at < end; at += kHostLine) __builtin_prefetch(at, 1);
}
// Of two runs of n bytes.
inline __attribute__((always_inline)) void fetch_ahead(const void* p, const void* q, std::size_t n) {
  constexpr std::size_t kHostLine = 64, kMost = 4096;
  const char *at = static_cast<const char*>(p), *other = static_cast<const char*>(q);
  const char* const end = at + (n < kMost ? n : kMost);
  for (; end - at > static_cast<std::ptrdiff_t>(kHostLine); at += 2 * kHostLine, other += 2 * kHostLine) {
    __builtin_prefetch(at, 1);
    __builtin_prefetch(other, 1);
    __builtin_prefetch(at + kHostLine, 1);
    __builtin_prefetch(other + kHostLine, 1);
  }
  if (at >= end) return;
  __builtin_prefetch(at, 1);
  __builtin_prefetch(other, 1);
}

}  // namespace gd
