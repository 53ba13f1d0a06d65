// The commands: a function each (command_*.cpp), and the table from which help is made.
#pragma once
#include <string>
#include <vector>

#include "src/cli/args.h"

namespace gd::cli {

struct Command {
  const char* name;
  const char* arguments;                   // "scenario.json"; "" for none
  const char* summary;                     // one line
  const char* text;                        // for `help COMMAND`
  std::vector<const char*> options;        // those that mean something to it
  int (*run)(const Options& options);      // the exit code; throws UserError, Interrupted
  int least, most;                         // arguments; most -1: any number
};

const std::vector<Command>& command_table();
std::vector<std::string> command_names();
// Throws UserError that names the commands and the nearest.
const Command& find_command(const std::string& name);

// Runs the command of `options`, after checking its options and the number of its arguments.
int dispatch(const Options& options);

int run_command(const Options& options);
int compare_command(const Options& options);
int sweep_command(const Options& options);
int check_command(const Options& options);
int fidelity_command(const Options& options);
int validate_command(const Options& options);
int bench_command(const Options& options);
int list_command(const Options& options);
int describe_command(const Options& options);
int init_command(const Options& options);
int help_command(const Options& options);

// What `help` and `help COMMAND` print, and `--version`.
std::string help_text();
std::string help_text(const Command& command);
std::string version_text(Format format);

}  // namespace gd::cli
