#include "src/cli/bisection.h"

#include <algorithm>

namespace gd::cli {

namespace {

using scenario::SweepSearch;

constexpr std::uint64_t kMillion = 1'000'000;   // a share of one, in ppm

// a * b / c without overflow on the way.
std::uint64_t scaled(std::uint64_t a, std::uint64_t b, std::uint64_t c) { return static_cast<std::uint64_t>(static_cast<unsigned __int128>(a) * b / c); }

// The whole part of the square root of a * b.
std::uint64_t geometric_mean(std::uint64_t a, std::uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  std::uint64_t low = a, high = b;               // low^2 <= product < (high + 1)^2
  while (low < high) {
    const std::uint64_t mid = low + (high - low + 1) / 2;
    if (static_cast<unsigned __int128>(mid) * mid <= product) low = mid;
    else high = mid - 1;
  }
  return low;
}

std::uint64_t between_steps(const SweepSearch& r, std::uint64_t low, std::uint64_t high) {
  const std::uint64_t a = (low - r.from) / r.step, b = (high - r.from + r.step - 1) / r.step;   // the end need not be on a step
  return b - a <= 1 ? low : r.from + (a + (b - a) / 2) * r.step;
}

std::uint64_t between_doublings(std::uint64_t low, std::uint64_t high) {
  std::uint64_t steps = 0;
  for (std::uint64_t v = low; v < high; v = v > UINT64_MAX / 2 ? UINT64_MAX : 2 * v) ++steps;
  return steps <= 1 ? low : low << (steps / 2);
}

std::uint64_t between_ratios(const SweepSearch& r, std::uint64_t low, std::uint64_t high) {
  const std::uint64_t gap = std::max(scaled(low, r.relative, kMillion), r.unit);
  if (high - low <= gap) return low;
  std::uint64_t round = r.unit;
  while (round <= gap / 20) round *= 10;
  const std::uint64_t middle = geometric_mean(low, high), nice = middle / round * round;
  if (nice > low && nice < high) return nice;
  const std::uint64_t fine = (low / r.unit + 1) * r.unit;   // the next that may stand there
  return fine < high ? std::max(fine, middle / r.unit * r.unit) : low;
}

void look_between(const SweepSearch& r, std::uint64_t low, std::uint64_t high, int depth, std::vector<std::uint64_t>& out) {
  const std::uint64_t v = depth == 0 ? low : between(r, low, high);
  if (v == low) return;
  look_between(r, low, v, depth - 1, out);
  out.push_back(v);
  look_between(r, v, high, depth - 1, out);
}

}  // namespace

std::uint64_t between(const SweepSearch& r, std::uint64_t low, std::uint64_t high) {
  if (r.doubling) return between_doublings(low, high);
  return r.step != 0 ? between_steps(r, low, high) : between_ratios(r, low, high);
}

std::vector<std::uint64_t> first_values(const SweepSearch& r) {
  std::vector<std::uint64_t> out = {r.from};
  look_between(r, r.from, r.to, 2, out);
  out.push_back(r.to);
  return out;
}

std::vector<Change> changes(const Known& known) {
  std::vector<Change> out;
  for (auto it = known.begin(); it != known.end(); ++it) {
    const auto next = std::next(it);
    if (next != known.end() && next->second != it->second) out.push_back({it->first, next->first, it->second, next->second});
  }
  return out;
}

std::vector<std::uint64_t> next_values(const SweepSearch& r, Seek seek, const Known& known) {
  std::vector<std::uint64_t> missing;
  for (const std::uint64_t v : first_values(r))
    if (known.count(v) == 0) missing.push_back(v);
  if (!missing.empty()) return missing;
  const std::vector<Change> all = changes(known);
  if (all.empty()) return {};
  const Change& c = seek == Seek::lowest_change ? all.front() : all.back();
  const std::uint64_t v = between(r, c.below, c.above);
  if (v == c.below) return {};
  return {v};
}

std::size_t most_values(const SweepSearch& r) {
  const std::vector<std::uint64_t> first = first_values(r);
  std::size_t deepest = 0;
  for (std::size_t i = 0; i + 1 < first.size(); ++i)
    for (const bool upper : {false, true}) {
      std::size_t depth = 0;
      std::uint64_t low = first[i], high = first[i + 1];
      for (std::uint64_t v = between(r, low, high); v != low; v = between(r, low, high), ++depth) (upper ? low : high) = v;
      deepest = std::max(deepest, depth);
    }
  return first.size() + deepest;
}

}  // namespace gd::cli
