#include "src/cli/commands.h"

#include <algorithm>

#include "models/base/error.h"
#include "src/cli/exit_code.h"
#include "src/cli/output.h"
#include "src/scenario/diagnostics.h"

namespace gd::cli {

namespace {

std::vector<std::string> texts(const std::vector<const char*>& list) { return {list.begin(), list.end()}; }

void check_use(const Command& c, const Options& o) {
  const std::vector<std::string> allowed = texts(c.options);
  for (const std::string& name : o.given)
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
      throw UserError("option " + name + " means nothing to " + c.name + "; its options are " + scenario::join(allowed));
  const int n = static_cast<int>(o.arguments.size());
  const std::string use = "; use: guestdma " + std::string(c.name) + " " + c.arguments;
  if (n < c.least) throw UserError(std::string(c.name) + " needs " + (c.most == 1 ? "an argument" : "at least one argument") + use);
  if (c.most >= 0 && n > c.most) throw UserError(std::string(c.name) + " takes no argument \"" + o.arguments[static_cast<std::size_t>(c.most)] + "\"" + use);
}

}  // namespace

const std::vector<Command>& command_table() {
  static const std::vector<const char*> kRun = {"--set", "--strategy", "--seed", "--out", "--force", "--trace", "--trace-limit", "-j", "--format",
                                                "--quiet", "--progress", "--timeout", "--no-plots", "--junit", "--seeds", "--help"};
  static const std::vector<const char*> kCompare = [] {
    std::vector<const char*> all = kRun;
    all.insert(all.end() - 1, "--policy");
    return all;
  }();
  static const std::vector<const char*> kShow = {"--format", "--quiet", "--help"};
  static const std::vector<Command> table = {
      {"run", "scenario.json", "runs the scenario's strategies and writes a result folder",
       "Each strategy is a process of its own. Prints the results of each and what became of the scenario's expect lines.\n"
       "\"-\" reads the scenario from standard input. DIR/config.json of an earlier run gives the same summaries again.\n"
       "--seeds N runs N seeds into DIR/<label>/seed-<n> and prints means with 95 % intervals; an expect line has to hold with each.",
       kRun, run_command, 1, 1},
      {"compare", "scenario.json", "runs the strategies, sets them side by side, and says why they differ",
       "Prints a table, for each pair of strategies the terms that make the difference, and the expect lines; writes\n"
       "comparison.json and comparison.md beside the results, and draws pictures. --seeds N pairs the strategies seed by seed: a\n"
       "difference counts if its 95 % interval excludes zero and its mean is larger than the metric's tolerance (5 %, or --policy).",
       kCompare, compare_command, 1, 1},
      {"check", "new", "holds results against older ones or a baseline",
       "NEW and OLD are result folders, summary.json files or folders of baselines (results/baselines/<scenario>). The same seed\n"
       "and configuration have to give the same fingerprint and every metric exactly. Otherwise each metric may move as its\n"
       "policy allows: `better`, rel_tol (a share of the old value), abs_tol, gate; a metric that is missing fails. Another\n"
       "configuration is exit 4 unless --allow-config is given; several seeds (run --seeds) then go together, and a change has to\n"
       "be more than chance as well. The furthest changes stand first.",
       {"--baseline", "--policy", "--allow-config", "--update-baseline", "--junit", "--format", "--quiet", "--help"}, check_command, 1, 1},
      {"sweep", "scenario.json", "runs a scenario over axes of keys, and seeds",
       "The axes are those of the scenario's `sweep` block and of --axis; their product is run, seeds innermost, each strategy\n"
       "of each run as a process. Writes runs/<index>/<label>/, sweep.csv (a line for each metric), sweep.json and pictures. A\n"
       "sweep that was ended goes on with --resume. Elsewhere: --slurm, --list-commands, or --run-index N in many places, then --collect.\n"
       "With `search` (in the block, or --search) the sweep looks, at each point of that product, for the highest or lowest value of\n"
       "one more key at which a line holds, or for the value at which one strategy overtakes another; which values it runs follows\n"
       "from what it finds.",
       {"--set", "--axis", "--search", "--highest", "--lowest", "--crossover", "--seeds", "--strategy", "--seed", "--out", "--force", "-j", "--format", "--quiet",
        "--progress", "--timeout", "--dry-run", "--run-index", "--list-commands", "--slurm", "--slurm-args", "--collect", "--resume", "--no-plots", "--junit", "--help"},
       sweep_command, 1, 1},
      {"fidelity", "points.json", "runs published measurements and sets them against what the models say",
       "A point is a published value with its source, a tolerance, one or more runs, and a formula over their metrics. Runs\n"
       "that are equal are run once. Prints published and simulated value, error and verdict of each point, the worst first,\n"
       "predicted apart from calibrated; writes fidelity.json and fidelity.md, and draws a picture. A point that misses its\n"
       "tolerance is exit 1. --set and --seed hold for all runs; which strategy runs is the points' business.",
       {"--set", "--seed", "--out", "--force", "-j", "--format", "--quiet", "--progress", "--timeout", "--no-plots", "--junit", "--help"},
       fidelity_command, 1, 1},
      {"validate", "scenario.json...", "checks scenarios without running them",
       "Up to twenty mistakes at once, each with file, line and column. Also names strategies that cannot be served.",
       {"--set", "--strategy", "--seed", "--format", "--quiet", "--help"}, validate_command, 1, -1},
      {"bench", "[scenario.json...]", "measures the simulator itself",
       "For each strategy: frames per CPU second, peak memory, activations, cache lookups and bytes moved for each frame; and, as a\n"
       "yardstick of the machine, the CPU time in which it copies and compares 1500 B in its first-level cache.\n"
       "Without a scenario: those in scenarios/bench (64 and 1500 B). One process at a time unless -j says otherwise.",
       {"--set", "--strategy", "--seed", "-j", "--format", "--quiet", "--progress", "--timeout", "--frames", "--help"}, bench_command, 0, -1},
      {"list", "strategies|scenarios|metrics|costs|keys", "lists what there is, a line each",
       "Scenarios are those of the installed share folder and of ./scenarios.", kShow, list_command, 1, 1},
      {"describe", "name", "describes a strategy, a scenario, a metric, a cost or a scenario key",
       "A name that stands for several things is described as each.", kShow, describe_command, 1, 1},
      {"init", "[file.json]", "writes a scenario to start from",
       "To standard output, or into a file that does not exist yet.", {"--force", "--quiet", "--help"}, init_command, 0, 1},
      {"help", "[command]", "explains a command", "", {"--help"}, help_command, 0, 1},
  };
  return table;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& c : command_table()) names.emplace_back(c.name);
  return names;
}

const Command& find_command(const std::string& name) {
  for (const Command& c : command_table())
    if (name == c.name) return c;
  const std::vector<std::string> names = command_names();
  throw UserError("there is no command \"" + name + "\"; commands: " + scenario::join(names) + did_you_mean(name, names));
}

int dispatch(const Options& o) {
  if (o.version) {
    write_out(version_text(o.format));
    return kFine;
  }
  if (o.command.empty() && o.help) {
    write_out(help_text());
    return kFine;
  }
  if (o.command.empty()) throw UserError("no command is given; commands: " + scenario::join(command_names()) + "; guestdma help explains them");
  const Command& c = find_command(o.command);
  if (o.help) {
    write_out(help_text(c));
    return kFine;
  }
  check_use(c, o);
  return c.run(o);
}

}  // namespace gd::cli
