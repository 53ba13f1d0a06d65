// A sweep beyond one machine: the command of each run, and an array of Slurm jobs that carries these out.
#pragma once
#include <string>

#include "src/cli/sweep_plan.h"

namespace gd::cli {

// Most tasks of one array; a sweep with more runs gives each task several. Slurm's MaxArraySize is 1001 unless a site changes it
// (slurm.conf(5)), and an index has to be below it.
inline constexpr std::size_t kMostTasks = 1000;

// `program` as a shell's word, and what makes one run of this sweep from the same working folder, up to where the index follows:
// "guestdma sweep my.json --axis nic.ring_size=64,128 --quiet --out DIR --run-index ".
std::string run_command_line(const std::string& program, const Options& options);

// What gathers the runs: "guestdma sweep my.json --axis ... --collect --out DIR".
std::string collect_command_line(const Options& options);

// The script that sbatch takes: an array of tasks, each of which makes the runs whose index is its own plus a multiple of the number
// of tasks. It goes to `working_folder` first, so that relative paths mean what they meant; logs lie in DIR/slurm.
std::string slurm_script(const SweepPlan& plan, const Options& options, const std::string& program, const std::string& working_folder);

// Writes DIR/sweep.sbatch and submits it with sbatch and --slurm-args. Returns the exit code; what sbatch says goes to standard output.
// Throws UserError: no --out, standard input, no sbatch on PATH, a folder that holds something else.
int submit_to_slurm(const SweepPlan& plan, const Options& options);

}  // namespace gd::cli
