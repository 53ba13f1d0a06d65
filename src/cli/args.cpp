#include "src/cli/args.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <map>

#include "models/base/error.h"
#include "src/report/traces.h"
#include "src/scenario/diagnostics.h"

namespace gd::cli {

namespace po = boost::program_options;
using scenario::join;

namespace {

[[noreturn]] void wrong_value(const std::string& option, const std::string& value, const std::string& allowed) {
  throw UserError("option " + option + ": \"" + value + "\" is not allowed; allowed: " + allowed);
}

// The place of `value` among `names`.
std::size_t choice(const std::string& option, const std::string& value, const std::vector<std::string>& names) {
  const auto at = std::find(names.begin(), names.end(), value);
  if (at == names.end()) wrong_value(option, value, join(names) + did_you_mean(value, names));
  return static_cast<std::size_t>(at - names.begin());
}

std::uint64_t whole(const std::string& option, const std::string& value, std::uint64_t most, std::uint64_t least = 1) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (error != std::errc{} || end != value.data() + value.size() || n < least || n > most)
    wrong_value(option, value, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return n;
}

double seconds(const std::string& option, const std::string& value) {
  double s = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), s, std::chars_format::fixed);
  if (error != std::errc{} || end != value.data() + value.size() || !std::isfinite(s) || s < 1e-3 || s > 1e9)
    wrong_value(option, value, "a number of seconds above 0, as in 60 or 0.5");
  return s;
}

// Boost's name of an option: "out", and ",j" for one that is only short.
std::string boost_name(const OptionInfo& o) {
  const std::string name = o.name;
  return name.starts_with("--") ? name.substr(2) : "," + name.substr(1);
}

po::options_description described() {
  po::options_description d;
  for (const OptionInfo& o : option_table()) {
    if (*o.value) d.add_options()(boost_name(o).c_str(), po::value<std::vector<std::string>>());
    else d.add_options()(boost_name(o).c_str(), "");
  }
  d.add_options()("argument", po::value<std::vector<std::string>>());
  return d;
}

po::parsed_options parsed(const std::vector<std::string>& arguments, const po::options_description& d) {
  using namespace po::command_line_style;
  po::positional_options_description positional;
  positional.add("argument", -1);
  try {
    return po::command_line_parser(arguments).options(d).positional(positional).style(unix_style & ~allow_guessing & ~allow_sticky).run();
  } catch (const po::unknown_option& e) {
    std::vector<std::string> known;
    for (const OptionInfo& o : option_table()) known.emplace_back(o.name);
    throw UserError("unknown option " + e.get_option_name() + "; options: " + join(known) + did_you_mean(e.get_option_name(), known));
  } catch (const po::invalid_command_line_syntax& e) {
    // Boost writes every name with two dashes.
    std::string name = e.get_option_name();
    if (name.starts_with("--") && name.size() == 3) name.erase(0, 1);
    throw UserError(e.kind() == e.missing_parameter ? "option " + name + " needs a value" : e.what());
  } catch (const po::error& e) {
    throw UserError(e.what());
  }
}

std::string joined(const std::vector<std::string>& values) { return join(values, ","); }

}  // namespace

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = scenario::nearest(word, known);
  return near.empty() ? "" : "; did you mean " + near + "?";
}

const std::vector<OptionInfo>& option_table() {
  static const std::vector<OptionInfo> table = {
      {"--set", "KEY=VALUE", "sets a key of the scenario by its dotted path; VALUE is JSON, else a string; may be repeated"},
      {"--strategy", "NAME[,NAME...]", "runs these strategies, or \"all\", instead of the scenario's"},
      {"--seed", "N", "seed of all random streams"},
      {"--out", "DIR", "result folder; absent or empty (default: results/runs/<scenario>/, which is replaced)"},
      {"--force", "", "replaces the folder of --out if it holds a guestdma config.json, or the file of init"},
      {"--trace", "KIND[,KIND...]", "writes traces: perfetto, vcd, csv, pcap"},
      {"--trace-limit", "FRAMES", "frames that trace.json shows one by one, with 50 events for each there and in waves.vcd (default: 20000; 0: all)"},
      {"-j", "N", "strategies that run at the same time (default: number of cores; bench: 1)"},
      {"--format", "text|json|csv|markdown", "form of the results on standard output"},
      {"--quiet", "", "no progress and no notes"},
      {"--progress", "auto|always|never", "progress on standard error; auto: only on a terminal"},
      {"--timeout", "SECONDS", "ends a strategy that takes longer, as hung"},
      {"--no-plots", "", "draws no pictures"},
      {"--frames", "N", "frames of each measurement of bench"},
      {"--baseline", "OLD", "what check compares with: a result folder, a summary.json, or a folder of baselines"},
      {"--policy", "FILE", "how much each metric may move, where check compares different runs, or compare means over seeds"},
      {"--allow-config", "", "lets check compare results of different configurations, by policies"},
      {"--update-baseline", "", "check writes the new results to OLD, a file for each strategy; refused in CI"},
      {"--junit", "FILE", "writes what decided the exit code as JUnit XML"},
      {"--axis", "KEY=VALUES", "sweeps a key over A,B,C or FROM..TO..STEP (STEP may be log2), in place of the scenario's axis of that key; may be repeated"},
      {"--search", "KEY=FROM..TO[..PRECISION]", "sweep: looks for a value of a key by bisection, in place of the scenario's search"},
      {"--highest", "LINE", "sweep: what is searched is the highest value up to which the line (as in expect) holds"},
      {"--lowest", "LINE", "sweep: the lowest value from which on the line holds"},
      {"--crossover", "METRIC[A,B...]", "sweep: the value at which the order of strategy A and each other changes by a metric; without [...]: of all that run"},
      {"--seeds", "N", "N seeds, from the scenario's on; run, compare: means with intervals, and what differs by more than chance"},
      {"--dry-run", "", "sweep: lists the runs, after checking each"},
      {"--run-index", "N", "sweep: makes the run of this index alone, in DIR/runs/N"},
      {"--list-commands", "", "sweep: prints a command for each run, for GNU parallel or a cluster"},
      {"--collect", "", "sweep: makes the tables of runs that --run-index left in DIR"},
      {"--slurm", "", "sweep: writes DIR/sweep.sbatch, an array of jobs, and submits it; then --collect"},
      {"--slurm-args", "ARGS", "words for sbatch, as in '--partition=long --time=2:00:00'; may be repeated"},
      {"--resume", "", "sweep: goes on with one that was ended"},
      {"--version", "", "version, with those of SystemC and the compiler, and the C++ standard"},
      {"--help", "", "explains the command"},
  };
  return table;
}

Options parse_arguments(const std::vector<std::string>& arguments) {
  std::map<std::string, std::vector<std::string>> values;
  Options o;
  for (const auto& option : parsed(arguments, described()).options) {
    if (option.position_key >= 0 || option.string_key == "argument") {
      for (const std::string& v : option.value) o.arguments.push_back(v);
      continue;
    }
    const std::string name = option.string_key.starts_with("-") ? option.string_key : "--" + option.string_key;
    if (std::find(o.given.begin(), o.given.end(), name) == o.given.end()) o.given.push_back(name);
    auto& list = values[name];
    list.insert(list.end(), option.value.begin(), option.value.end());
  }
  if (!o.arguments.empty()) {
    o.command = o.arguments.front();
    o.arguments.erase(o.arguments.begin());
  }
  const auto has = [&](const char* name) { return values.contains(name); };
  // The value of an option that may be given once.
  const auto one = [&](const char* name) {
    const auto& list = values.at(name);
    if (list.size() > 1) throw UserError(std::string("option ") + name + " is given more than once");
    return list.at(0);
  };
  if (has("--set")) o.set = values["--set"];
  if (has("--strategy")) o.strategy = joined(values["--strategy"]);
  if (has("--seed")) o.seed = one("--seed");
  if (has("--out")) {
    o.out = one("--out");
    if (o.out->empty()) wrong_value("--out", "", "the name of a folder");
  }
  o.force = has("--force");
  if (has("--trace")) o.traces = report::parse_trace_kinds(joined(values["--trace"]));
  if (has("--trace-limit")) o.trace_limit = whole("--trace-limit", one("--trace-limit"), 1'000'000'000'000, 0);
  if (has("-j")) o.jobs = static_cast<unsigned>(whole("-j", one("-j"), 4096));
  if (has("--format")) o.format = static_cast<Format>(choice("--format", one("--format"), {"text", "json", "csv", "markdown"}));
  o.quiet = has("--quiet");
  if (has("--progress")) o.progress = static_cast<ProgressMode>(choice("--progress", one("--progress"), {"auto", "always", "never"}));
  if (has("--timeout")) o.timeout = seconds("--timeout", one("--timeout"));
  o.plots = !has("--no-plots");
  if (has("--frames")) o.frames = whole("--frames", one("--frames"), 1'000'000'000'000);
  for (const auto& [name, value] : {std::pair{"--search", &o.search}, {"--highest", &o.highest}, {"--lowest", &o.lowest}, {"--crossover", &o.crossover}}) {
    if (!has(name)) continue;
    *value = one(name);
    if ((*value)->empty()) wrong_value(name, "", "what guestdma help sweep shows");
  }
  for (const auto& [name, value] : {std::pair{"--baseline", &o.baseline}, {"--policy", &o.policy}, {"--junit", &o.junit}}) {
    if (!has(name)) continue;
    *value = one(name);
    if ((*value)->empty()) wrong_value(name, "", "a path");
  }
  o.axes = values["--axis"];
  // One seed is a sweep; what the others do with it is told by them, none is told here.
  if (has("--seeds")) o.seeds = whole("--seeds", one("--seeds"), 1'000'000, o.command == "sweep" || one("--seeds") == "1" ? 1 : 2);
  if (has("--run-index")) o.run_index = whole("--run-index", one("--run-index"), 1'000'000, 0);
  o.dry_run = has("--dry-run");
  o.list_commands = has("--list-commands");
  o.collect = has("--collect");
  o.slurm = has("--slurm");
  o.slurm_args = values["--slurm-args"];
  o.resume = has("--resume");
  o.allow_config = has("--allow-config");
  o.update_baseline = has("--update-baseline");
  o.version = has("--version");
  o.help = has("--help");
  return o;
}

}  // namespace gd::cli
