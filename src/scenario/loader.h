// From JSON text to a checked Scenario, and back.
//
// Order of precedence: defaults < extends (left to right, RFC 7396) < the scenario < --set in order < --seed, --strategy.
// All mistakes found (up to twenty) are reported at once by one ScenarioError.
#pragma once
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "src/scenario/diagnostics.h"
#include "src/scenario/scenario.h"

namespace gd::scenario {

// An option of a strategy, for checking and for `describe`. `type` says how the text is read; see keys.h for the units.
enum class OptionType : std::uint8_t { boolean, choice, count, size, time, share, string };
struct StrategyOption {
  std::string name;
  OptionType type = OptionType::string;
  std::vector<std::string> allowed;      // choice
  std::string fallback;                  // default, as canonical text
  std::string description;
};
struct StrategyType {
  std::string name;
  std::vector<StrategyOption> options;
  std::vector<std::string> hazards;      // values of `hazard`
};

struct LoadOptions {
  // The installed folder that holds platforms/, costs/ and schema/ (scenarios/ in a clone). "": none.
  std::string share_dir;
  std::vector<std::string> set;                  // "KEY=VALUE", in order
  std::optional<std::string> seed;               // text of --seed
  std::optional<std::string> strategy;           // text of --strategy: labels of the scenario, or names, with commas; or "all"
  std::istream* standard_input = nullptr;        // read for "-"; null: std::cin
  // Checked only when given. Without `strategies` every name and every scalar option is taken.
  std::vector<StrategyType> strategies;
  std::function<bool(std::string_view)> known_metric;
  std::function<std::optional<std::string>(std::string_view)> metric_unit;   // of a known metric, as results have it
  std::vector<std::string> metric_names;         // for the nearest name
  bool read_inputs = true;                       // read and hash captures and cost profiles
};

// The guest that a metric is of: "web" of "guest.web.drops.total"; "" of none ("guest.cycles_per_packet").
std::string guest_of_metric(std::string_view metric);

// `path`: a file, or "-". Throws ScenarioError (a UserError).
Scenario load(const std::string& path, const LoadOptions& options = {});
// The same from text; `file` is its name in messages, and relative paths are relative to its folder.
Scenario load_text(const std::string& text, const std::string& file, const LoadOptions& options = {});

// The scenario as `choice` runs it: with the keys that its `set` gives. The scenario itself when it gives none.
Scenario for_strategy(const Scenario& scenario, const StrategyChoice& choice);

// Everything, defaults filled in, units normalised, paths absolute, costs inline: JSON text that load() reads back to the
// same Scenario. Keys are in the order of the key table; ends with a newline.
std::string resolved(const Scenario& scenario);
// SHA-256 (hex) over the canonical resolved keys with input files replaced by their hash, without name, description,
// paths, seed, strategies and debug.shuffle.
std::string config_sha256(const Scenario& scenario);
// The JSON schema (draft-07) of scenario files, from the key table; ends with a newline.
std::string schema();

// Reads a cost profile alone (for `list costs`): entries by name. Throws ScenarioError.
std::vector<CostEntry> load_costs(const std::string& path);

}  // namespace gd::scenario
