#include "models/memory/dram.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

Dram::Dram(const DramParams& p) : rate_(p.rate), idle_(p.idle), length_(p.window), ring_(64) {
  if (p.rate == 0) throw UserError("the DRAM's rate is 0");
  if (p.window <= 0) throw UserError("the DRAM's utilisation window is 0");
  std::copy(std::begin(p.loaded), std::end(p.loaded), loaded_);
  if (window(0).budget == 0) throw UserError("the DRAM's utilisation window is shorter than one byte takes");
}

// The window of that number, emptied if its place held an older one. Budgets are exact in the long run: window i gets
// floor((i + 1) * c) - floor(i * c) bytes, c = rate * length.
Dram::Window& Dram::window(std::int64_t index) {
  Window& w = ring_[static_cast<std::size_t>(index) & (ring_.size() - 1)];
  if (w.index != index) {
    const auto upto = [this](std::int64_t i) {
      const auto whole = static_cast<unsigned __int128>(i) * static_cast<std::uint64_t>(length_);
      const auto seconds = static_cast<std::uint64_t>(whole / kSec), rest = static_cast<std::uint64_t>(whole % kSec);
      return seconds * rate_ + static_cast<std::uint64_t>(static_cast<unsigned __int128>(rest) * rate_ / kSec);
    };
    w = {index, 0, upto(index + 1) - upto(index)};
  }
  return w;
}

void Dram::grow(std::int64_t oldest) {
  std::vector<Window> old(ring_.size() * 2);
  old.swap(ring_);
  for (const Window& w : old)
    if (w.index >= oldest) ring_[static_cast<std::size_t>(w.index) & (ring_.size() - 1)] = w;
}

Time Dram::loaded(const Window& w) const {
  if (w.budget == 0 || w.used >= w.budget) return loaded_[8];
  const std::uint64_t eighths = w.used * 8, step = eighths / w.budget, rest = eighths % w.budget;
  const Time low = loaded_[step], high = loaded_[step + 1];
  return low + (high - low) * static_cast<Time>(rest) / static_cast<Time>(w.budget);
}

Dram::Grant Dram::access(Time now, Time at, Bytes bytes) {
  const std::int64_t oldest = now / length_;
  const std::int64_t mine = std::max(at, now) / length_;
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

Bytes Dram::used(Time t) const {
  const std::int64_t i = t / length_;
  const Window& w = ring_[static_cast<std::size_t>(i) & (ring_.size() - 1)];
  return w.index == i ? w.used : 0;
}

}  // namespace gd
