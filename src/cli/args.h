// The command line: what options there are, and what the user asked for.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gd::cli {

enum class Format : std::uint8_t { text, json, csv, markdown };
enum class ProgressMode : std::uint8_t { automatic, always, never };

struct Options {
  std::string command;
  std::vector<std::string> arguments;      // after the command
  std::vector<std::string> set;            // "KEY=VALUE", in order
  std::optional<std::string> strategy, seed, out;
  bool force = false;
  std::vector<std::string> traces;         // of report::trace_kinds()
  std::uint64_t trace_limit = 20'000;      // frames; 0: none
  unsigned jobs = 0;                       // 0: as many as there are cores
  Format format = Format::text;
  bool quiet = false;
  ProgressMode progress = ProgressMode::automatic;
  double timeout = 0;                      // seconds; 0: none
  bool plots = true;
  std::optional<std::uint64_t> frames;
  std::optional<std::string> baseline, policy, junit;
  std::vector<std::string> axes;           // "KEY=A,B,C" or "KEY=FROM..TO..STEP", in order
  std::optional<std::string> search, highest, lowest, crossover;   // of sweep's search
  std::optional<std::uint64_t> seeds, run_index;
  bool dry_run = false, list_commands = false, collect = false, resume = false, slurm = false;
  std::vector<std::string> slurm_args;     // words for sbatch, as a shell takes them apart
  bool allow_config = false, update_baseline = false;
  bool version = false, help = false;
  std::vector<std::string> given;          // option names as typed in the table: "--out", "-j"
};

// One option, for help and for checking.
struct OptionInfo {
  const char* name;                        // "--out", "-j"
  const char* value;                       // "DIR"; "" for a switch
  const char* text;
};
const std::vector<OptionInfo>& option_table();

// Throws UserError: unknown options and values name what is allowed and the nearest. Options may stand anywhere.
Options parse_arguments(const std::vector<std::string>& arguments);

// "; did you mean X?", or "" when nothing is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

}  // namespace gd::cli
