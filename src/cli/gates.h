// The forms in which CI systems read what decided an exit code.
#pragma once
#include "src/cli/args.h"
#include "src/report/gate.h"

namespace gd::cli {

// Throws UserError when the file of --junit cannot be made: told before anything runs.
void require_gate_files(const Options& options);
// Writes the file of --junit, and under GitHub actions (GITHUB_ACTIONS=true) annotations to standard error.
void write_gate(const report::Gate& gate, const Options& options);
// Whether this is a CI run: the variable CI, or GITHUB_ACTIONS, is set to something but "", "0" and "false".
bool in_ci();

}  // namespace gd::cli
