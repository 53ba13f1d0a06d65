// Results that lie on disk: what a path that the user names holds.
#pragma once
#include <string>
#include <vector>

#include "src/system/result.h"

namespace gd::cli {

// The summaries of `path`, in the order of their files' names:
//   a file                  summary.json or a baseline
//   a strategy's folder     its summary.json, or those of its seed-<n> folders
//   a result folder         those of its strategies
//   a folder of baselines   its *.json
//   a folder of these       the one named `stem` (results/baselines, where `stem` names the scenario)
// Throws UserError, naming the path, when there is nothing of that kind, or a file is not a summary.
std::vector<system::RunResult> summaries_of(const std::string& path, const std::string& stem);
// Whether `path` is a strategy's folder, or has one: such a folder is read before any baseline in it.
bool holds_summaries(const std::string& path);
// The last part of a path, as the name of a scenario: "results/runs/quickstart/" -> "quickstart".
std::string last_part(const std::string& path);

}  // namespace gd::cli
