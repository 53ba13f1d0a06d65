// The `sweep` block of a scenario, and `--axis`: which runs a sweep consists of. Values are kept as the JSON text that --set takes.
//
//   "sweep": {"axes": [{"key": "traffic.frame_bytes", "values": [64, 256, 1500]},
//                      {"key": "traffic.rate", "from": "2Gbps", "to": "10Gbps", "step": "2Gbps"},
//                      {"key": "nic.ring_size", "from": 64, "to": 1024, "step": "log2"},
//                      {"zip": [{"key": "pcie.generation", "values": [2, 3]}, {"key": "pcie.lanes", "values": [8, 16]}]}],
//             "exclude": [{"traffic.frame_bytes": 64, "nic.ring_size": 1024}],
//             "seeds": 3}
//
// In place of one axis a key may be searched: sweep_search.h.
//
// The runs are the product of the axes, the first axis outermost and seeds innermost, less those that an exclusion matches. A
// run's index is its place in that list, so that it does not depend on how many processes work on it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/scenario/keys.h"
#include "src/scenario/units.h"

namespace gd::scenario {

// Most runs of one sweep.
inline constexpr std::size_t kMostRuns = 1'000'000;

struct SweepRun {
  std::size_t index = 0;
  std::vector<std::pair<std::string, std::string>> set;   // key and JSON text, in the order of the axes
  std::uint64_t seed = 0;
};

// An axis of the command line: "KEY=A,B,C" or "KEY=FROM..TO..STEP" (STEP may be log2). `place` is shown in messages.
// Throws ScenarioError.
SweepAxis parse_axis(const std::string& text);

// Puts `axis` in the place of the one that has the same key, or behind the others.
void add_axis(Sweep& sweep, SweepAxis axis);

// All runs. Without seeds of its own the sweep has the scenario's. Throws UserError: no axis and no seeds, more runs than
// kMostRuns, or none left by the exclusions.
std::vector<SweepRun> sweep_runs(const Sweep& sweep, std::uint64_t seed);

// What is wrong with varying a key, and what is allowed; "" where nothing is: one of the table that changes a run, an option that lies
// below one, or a cost.
std::string no_axis(const std::string& key, std::string& allowed);
// Of which type a key's numbers are; for one whose type is not in the table (sizes of frames, options, costs) what `example` looks
// like. Nothing when it has none.
std::optional<Type> number_type(const std::string& key, std::string_view example);
// A number of a type, and back to JSON text: "10Gbps", 64.
Parsed number_of(Type type, std::string_view text);
std::string number_json(Type type, std::uint64_t value);

// Values from `from` to `to` by `step` (a quantity of the key's type, or "log2": each twice the one before), as JSON texts.
// `problem` tells what is wrong; the list is empty then.
std::vector<std::string> range_values(const std::string& key, std::string_view from, std::string_view to, std::string_view step, std::string& problem);

}  // namespace gd::scenario
