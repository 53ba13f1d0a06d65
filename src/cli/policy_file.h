// A file of policies for `check`:
//   {"version": 1, "metrics": {"latency.*": {"rel_tol": 0.1, "abs_tol": 50, "gate": true, "better": "less"}, ...}}
// A key is a metric or a pattern in which * stands for any text; later lines go over earlier ones, all go over the defaults.
#pragma once
#include <string>

#include "src/report/policy.h"

namespace gd::cli {

// "" gives the defaults. Throws UserError: the file cannot be read; ScenarioError: its mistakes, each with its place.
report::Policies read_policies(const std::string& path);

}  // namespace gd::cli
