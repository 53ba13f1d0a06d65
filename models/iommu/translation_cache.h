// A fully associative cache of translations with seeded pseudo-random replacement, IOTLB and walk cache, and the translations on
// their way to it. Pure.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "models/base/rng.h"
#include "models/base/units.h"

namespace gd {

class TranslationCache {
 public:
  struct Entry {
    std::uint64_t key = 0;
    Hpa target = 0;        // host page
    Time ready = 0;        // when the walk that fills it ends
    bool stale = false;    // unmapped since, not yet flushed
    bool live = false;
  };

  // `entries` at least 1. `path` names the random stream.
  TranslationCache(unsigned entries, std::uint64_t seed, std::string_view path)
      : rng_(seed, path), entries_(entries), slots_(std::bit_ceil(std::size_t{entries} * 4), 0),
        shift_(64 - static_cast<unsigned>(std::countr_zero(slots_.size()))) {
    free_.reserve(entries);
    for (unsigned i = entries; i > 0; --i) free_.push_back(i - 1);
  }

  // The entry of `key`, or null.
  Entry* find(std::uint64_t key) {
    for (std::size_t s = home(key); slots_[s] != 0; s = next(s))
      if (entries_[slots_[s] - 1].key == key) return &entries_[slots_[s] - 1];
    return nullptr;
  }
  // A new entry for `key`, which is not in the cache; when full, takes the place of a random one.
  Entry& insert(std::uint64_t key) {
    if (free_.empty()) remove_index(static_cast<std::uint32_t>(rng_.below(entries_.size())));
    const std::uint32_t index = free_.back();
    free_.pop_back();
    entries_[index] = Entry{key, 0, 0, false, true};
    std::size_t s = home(key);
    while (slots_[s] != 0) s = next(s);
    slots_[s] = index + 1;
    return entries_[index];
  }
  // Forgets `key`; nothing happens when it is not there.
  void remove(std::uint64_t key) {
    if (Entry* e = find(key)) remove_index(static_cast<std::uint32_t>(e - entries_.data()));
  }
  // Forgets every entry for whose key `gone(key)` holds.
  template <class Predicate>
  void remove_if(Predicate gone) {
    for (std::uint32_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].live && gone(entries_[i].key)) remove_index(i);
  }
  std::size_t capacity() const { return entries_.size(); }
  std::size_t size() const { return entries_.size() - free_.size(); }

 private:
  std::size_t home(std::uint64_t key) const { return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15ULL >> shift_); }
  std::size_t next(std::size_t s) const { return (s + 1) & (slots_.size() - 1); }
  void remove_index(std::uint32_t index) {
    std::size_t hole = home(entries_[index].key);
    while (slots_[hole] != index + 1) hole = next(hole);
    // Linear probing without tombstones: what follows moves up, unless its home lies behind the hole.
    for (std::size_t s = next(hole); slots_[s] != 0; s = next(s)) {
      const std::size_t h = home(entries_[slots_[s] - 1].key);
      const std::size_t mask = slots_.size() - 1;
      if (((s - h) & mask) >= ((s - hole) & mask)) slots_[hole] = slots_[s], hole = s;
    }
    slots_[hole] = 0;
    entries_[index].live = false;
    free_.push_back(index);
  }

  Rng rng_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;   // index + 1; 0: empty
  std::vector<std::uint32_t> free_;
  unsigned shift_;
};

// Translations that walks are fetching, by the time at which they are there. Until then they have no entry of the cache: those who ask
// for them wait with them.
class TranslationFills {
 public:
  using Entry = TranslationCache::Entry;

  Entry* find(std::uint64_t key) {
    for (Entry& e : fills_)
      if (e.key == key) return &e;
    return nullptr;
  }
  void add(std::uint64_t key, Hpa target, Time ready) {
    const auto at = std::upper_bound(fills_.begin(), fills_.end(), ready, [](Time t, const Entry& e) { return t < e.ready; });
    fills_.insert(at, Entry{key, target, ready, false, true});
  }
  // Puts into `cache` what is there at `t`.
  void settle(Time t, TranslationCache& cache) {
    if (fills_.empty() || fills_.front().ready > t) return;
    auto e = fills_.begin();
    for (; e != fills_.end() && e->ready <= t; ++e) cache.insert(e->key) = *e;
    fills_.erase(fills_.begin(), e);
  }
  void remove(std::uint64_t key) {
    std::erase_if(fills_, [key](const Entry& e) { return e.key == key; });
  }
  template <class Predicate>
  void remove_if(Predicate gone) {
    std::erase_if(fills_, [&](const Entry& e) { return gone(e.key); });
  }

 private:
  std::vector<Entry> fills_;   // ascending by `ready`
};

}  // namespace gd
