#include "models/memory/dram.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

Dram::Dram(const DramParams& p) : rate_(p.rate), idle_(p.idle), length_(p.window),
      by_length_(static_cast<std::uint64_t>(p.window)), ranks_(p.ranks), refresh_interval_(p.refresh_interval), refresh_time_(p.refresh_time),
      spacing_(p.ranks > 0 ? p.refresh_interval / p.ranks : 0), by_interval_(static_cast<std::uint64_t>(p.refresh_interval)),
      by_spacing_(static_cast<std::uint64_t>(spacing_)), by_ranks_(p.ranks), ring_(64), mask_(63) {
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
  if (fraction_ == 0) return {index, 0, whole_, 0, loaded_[0]};
  const auto upto = [this](std::int64_t i) {
    std::uint64_t rest = 0;
    return divide(static_cast<std::uint64_t>(i), fraction_, rest, kSeconds);
  };
  return {index, 0, whole_ + upto(index + 1) - upto(index), 0, loaded_[0]};
}

void Dram::make_room(std::int64_t last, std::int64_t oldest) {
  while (last - oldest + 2 > mask_) {
    std::vector<Window> old(ring_.size() * 2);
    old.swap(ring_);
    mask_ = static_cast<std::int64_t>(ring_.size()) - 1;
    for (const Window& w : old)
      if (w.index >= oldest - 1) place(w.index) = w;
  }
}

Time Dram::price(const Window& w) const {
  if (w.used >= w.budget) return loaded_[8];
  const Divisor& by = by_budget_[w.budget - whole_];
  const std::uint64_t eighths = w.used * 8, step = by.of(eighths), rest = eighths - step * w.budget;
  const Time low = loaded_[step], high = loaded_[step + 1];
  if (high < low) return low - static_cast<Time>(by.of(static_cast<std::uint64_t>(low - high) * rest));
  return low + static_cast<Time>(by.of(static_cast<std::uint64_t>(high - low) * rest));
}

void Dram::open(Time now, std::int64_t index) {
  const std::int64_t oldest = window_of(now);
  if (index - oldest + 2 > mask_) make_room(index, oldest);
  window(index);
  if (index > 0) window(index - 1);
  else place(-1) = {-1, 0, 0, 0, INT64_MIN};   // before the first: prices nothing
}

Time Dram::serve(Time now, Time at, std::int64_t mine, Bytes bytes) {
  const std::int64_t oldest = window_of(now);
  full_until_ = std::max(full_until_, oldest);
  for (std::int64_t i = std::max(mine, full_until_);; ++i) {
    make_room(i, oldest);
    Window& w = window(i);
    const Bytes take = std::min(bytes, w.budget - w.used);
    w.used += take;
    bytes -= take;
    if (w.used == w.budget && i == full_until_) ++full_until_;
    if (bytes > 0) continue;
    if (i == mine) return 0;
    const auto share = static_cast<unsigned __int128>(w.used) * static_cast<std::uint64_t>(length_) / w.budget;
    return i * length_ + static_cast<Time>(share) - at;
  }
}

Time Dram::closed(unsigned rank, Time since, Hpa a, std::uint64_t lines) const {
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
  const Window& w = place(i);
  return w.index == i ? w.used : 0;
}

}  // namespace gd
