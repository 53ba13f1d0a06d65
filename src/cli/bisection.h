// Bisection over whole numbers, as a function of what is known: which values to look at next. A value has a state (whether a line
// holds there, which strategy is lower); what is searched is where the state changes. Five values are looked at first, not two, so
// that a state which changes more than once is likely to be noticed, and a bracket is a quarter of the range from the start.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "src/scenario/scenario.h"

namespace gd::cli {

using Known = std::map<std::uint64_t, int>;    // value -> state

// Of several changes the lowest, or the highest.
enum class Seek : std::uint8_t { lowest_change, highest_change };

// Two neighbours among the values looked at, whose states differ.
struct Change {
  std::uint64_t below = 0, above = 0;
  int state_below = 0, state_above = 0;
  bool operator==(const Change&) const = default;
};

// Both ends and up to three values between them.
std::vector<std::uint64_t> first_values(const scenario::SweepSearch& range);

// What to look at next; empty when the change sought is known as closely as asked, or when there is none.
std::vector<std::uint64_t> next_values(const scenario::SweepSearch& range, Seek seek, const Known& known);

// All changes between neighbours, ascending.
std::vector<Change> changes(const Known& known);

// The most values that a search of this range looks at.
std::size_t most_values(const scenario::SweepSearch& range);

// A value between two that are looked at, such that the three are as good as evenly spaced (with a relative precision or doubling by
// ratio, and rounded to as few digits as the precision allows); `low` when the gap is as narrow as asked.
std::uint64_t between(const scenario::SweepSearch& range, std::uint64_t low, std::uint64_t high);

}  // namespace gd::cli
