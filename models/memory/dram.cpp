#include "models/memory/dram.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

Dram::Dram(const DramParams& p) : rate_(p.rate), idle_(p.idle), length_(p.window),
      by_length_(static_cast<std::uint64_t>(p.window)), ranks_(p.ranks), refresh_interval_(p.refresh_interval), refresh_time_(p.refresh_time),
      spacing_(p.ranks > 0 ? p.refresh_interval / p.ranks : 0), by_interval_(static_cast<std::uint64_t>(p.refresh_interval)),
      by_spacing_(static_cast<std::uint64_t>(spacing_)), by_ranks_(p.ranks), ring_(64) {
  if (p.rate == 0) throw UserError("the DRAM's rate is 0");
  if (p.window <= 0) throw UserError("the DRAM's utilisation window is 0");
  if (p.ranks == 0) throw UserError("the DRAM has no ranks");
  if (p.refresh_interval < 0 || p.refresh_time < 0 || (p.refresh_interval > 0 && p.refresh_time >= p.refresh_interval))
    throw UserError("a refresh of the DRAM takes as long as the time from one to the next, or longer");
  std::copy(std::begin(p.loaded), std::end(p.loaded), loaded_);
  const auto bytes = static_cast<unsigned __int128>(rate_.rate()) * static_cast<std::uint64_t>(length_);
  whole_ = static_cast<Bytes>(bytes / kSec);
  fraction_ = static_cast<std::uint64_t>(bytes % kSec);
  for (unsigned more = 0; more < 2; ++more) by_budget_[more] = Divisor(whole_ + more);
  if (window(0).budget == 0) throw UserError("the DRAM's utilisation window is shorter than one byte takes");
}

// Budgets are exact in the long run: window i gets floor((i + 1) * c) - floor(i * c) bytes, c = rate * length, here
// whole_ + fraction_ / kSec.
Dram::Window Dram::fresh(std::int64_t index) const {
  static constexpr Divisor kSeconds(kSec);
  if (fraction_ == 0) return {index, 0, whole_};
  const auto upto = [this](std::int64_t i) {
    std::uint64_t rest = 0;
    return divide(static_cast<std::uint64_t>(i), fraction_, rest, kSeconds);
  };
  return {index, 0, whole_ + upto(index + 1) - upto(index)};
}

void Dram::grow(std::int64_t oldest) {
  std::vector<Window> old(ring_.size() * 2);
  old.swap(ring_);
  for (const Window& w : old)
    if (w.index >= oldest) ring_[static_cast<std::size_t>(w.index) & (ring_.size() - 1)] = w;
}

Time Dram::price(const Window& w) const {
  if (w.used == 0 && w.budget > 0) return loaded_[0];
  if (w.used >= w.budget) return loaded_[8];
  const Divisor& by = by_budget_[w.budget - whole_];
  const std::uint64_t eighths = w.used * 8, step = by.of(eighths), rest = eighths - step * w.budget;
  const Time low = loaded_[step], high = loaded_[step + 1];
  if (high < low) return low - static_cast<Time>(by.of(static_cast<std::uint64_t>(low - high) * rest));
  return low + static_cast<Time>(by.of(static_cast<std::uint64_t>(high - low) * rest));
}

Dram::Grant Dram::access(Time now, Time at, Bytes bytes) {
  const auto window_of = [this](Time t) { return static_cast<std::int64_t>(by_length_.of(static_cast<std::uint64_t>(t))); };
  const std::int64_t oldest = window_of(now), mine = window_of(std::max(at, now));
  if (full_until_ < oldest) full_until_ = oldest;
  // The window before is kept too: its utilisation prices the present one.
  while (std::max(mine, full_until_) - oldest + 2 >= static_cast<std::int64_t>(ring_.size())) grow(oldest - 1);

  Grant g;
  g.latency = idle_ + loaded(window(mine));
  if (mine > 0) g.latency = std::max(g.latency, idle_ + loaded(window(mine - 1)));

  std::int64_t i = std::max(mine, full_until_);
  for (;; ++i) {
    if (i - oldest + 2 >= static_cast<std::int64_t>(ring_.size())) grow(oldest - 1);
    Window& w = window(i);
    const Bytes take = std::min(bytes, w.budget - w.used);
    w.used += take;
    bytes -= take;
    if (w.used == w.budget && i == full_until_) ++full_until_;
    if (bytes > 0) continue;
    if (i > mine) {
      const auto share = static_cast<unsigned __int128>(w.used) * static_cast<std::uint64_t>(length_) / w.budget;
      g.queue = i * length_ + static_cast<Time>(share) - std::max(at, now);
    }
    return g;
  }
}

Time Dram::refresh(Time at, Hpa a, std::uint64_t lines) const {
  if (refresh_interval_ == 0 || refresh_time_ == 0) return 0;
  const auto in = static_cast<Time>(by_interval_.rest(static_cast<std::uint64_t>(at)));
  auto rank = static_cast<unsigned>(spacing_ > 0 ? std::min<Time>(static_cast<Time>(by_spacing_.of(static_cast<std::uint64_t>(in))), ranks_ - 1)
                                                 : ranks_ - 1);
  // The rank that was closed last stays closed for longest.
  Time since = in - static_cast<Time>(rank) * spacing_;
  if (since >= refresh_time_) return 0;
  const std::uint64_t page = a / kPage;
  const auto first = static_cast<unsigned>(by_ranks_.rest((page * 0x9E3779B97F4A7C15ULL >> 40) + a / kLine));
  for (unsigned i = 0; i < ranks_ && since < refresh_time_; ++i) {
    if (by_ranks_.rest(rank + ranks_ - first) < lines) return refresh_time_ - since;
    since += rank > 0 ? spacing_ : refresh_interval_ - static_cast<Time>(ranks_ - 1) * spacing_;
    rank = rank > 0 ? rank - 1 : ranks_ - 1;
  }
  return 0;
}

Bytes Dram::used(Time t) const {
  const std::int64_t i = t / length_;
  const Window& w = ring_[static_cast<std::size_t>(i) & (ring_.size() - 1)];
  return w.index == i ? w.used : 0;
}

}  // namespace gd
