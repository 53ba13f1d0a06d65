#include "src/cli/slurm.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "models/base/error.h"
#include "src/cli/exit_code.h"
#include "src/cli/output.h"
#include "src/report/results.h"

namespace gd::cli {

namespace fs = std::filesystem;

namespace {

// Whether a program of this name is on PATH.
bool on_path(const std::string& name) {
  const char* all = std::getenv("PATH");
  std::string path = all ? all : "";
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    if (::access(((folder.empty() ? "." : folder) + "/" + name).c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

// Letters that a job's name may hold everywhere.
std::string job_name(const std::string& scenario) {
  std::string out = "guestdma-";
  for (const char c : scenario) out += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ? c : '-';
  return out;
}

// The folder may be new, empty, or one in which this sweep has begun.
void require_folder(const std::string& out) {
  std::error_code error;
  if (fs::exists(out, error) && !fs::is_directory(out, error)) throw UserError("the result folder " + out + " is a file");
  if (!fs::exists(out, error) || fs::is_empty(out, error) || fs::exists(out + "/sweep.sbatch", error)) return;
  throw UserError("the result folder " + out + " is not empty, and no sweep was submitted from it");
}

// The code of a program that ran: those of the runs as they are (sbatch --wait passes them on), all else is a mistake.
int code_of(int status) {
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kBroken;
  return code == kFine || code == kBroken || code == kNotComparable ? code : kUserMistake;
}

}  // namespace

std::string run_command_line(const std::string& program, const Options& o) {
  std::string out = shell_word(program) + " sweep " + shell_word(o.arguments[0]);
  for (const std::string& s : o.set) out += " --set " + shell_word(s);
  for (const std::string& a : o.axes) out += " --axis " + shell_word(a);
  if (o.seeds) out += " --seeds " + std::to_string(*o.seeds);
  if (o.seed) out += " --seed " + shell_word(*o.seed);
  if (o.strategy) out += " --strategy " + shell_word(*o.strategy);
  if (o.timeout > 0) out += " --timeout " + std::to_string(o.timeout);
  return out + " --quiet --out " + shell_word(*o.out) + " --run-index ";
}

std::string slurm_script(const SweepPlan& plan, const Options& o, const std::string& program, const std::string& working_folder) {
  const std::size_t tasks = std::min(plan.runs.size(), kMostTasks);
  const std::string jobs = std::to_string(std::max(1u, o.jobs));
  const std::string log = (fs::path(working_folder) / *o.out / "slurm").lexically_normal().string();
  // A value of #SBATCH holds blanks within quotes; % stands for something in a log's name.
  std::string pattern;
  for (const char c : log) pattern += c == '%' ? "%%" : std::string(1, c);
  return "#!/bin/bash\n"
         "# " + std::to_string(plan.runs.size()) + " runs of guestdma; what they leave is gathered by\n"
         "#   " + collect_command_line(o) + "\n"
         "#SBATCH --job-name=" + job_name(plan.name) + "\n"
         "#SBATCH --array=0-" + std::to_string(tasks - 1) + "\n"
         "#SBATCH --ntasks=1\n"
         "#SBATCH --cpus-per-task=" + jobs + "\n"
         "#SBATCH --output=\"" + pattern + "/%a.log\"\n"
         "cd -- " + shell_word(working_folder) + " || exit 2\n"
         "code=0\n"
         "for ((index = SLURM_ARRAY_TASK_ID; index < " + std::to_string(plan.runs.size()) + "; index += " + std::to_string(tasks) + ")); do\n"
         "  " + run_command_line(program, o) + "\"$index\" -j " + jobs + " || code=$?\n"
         "done\n"
         "exit \"$code\"\n";
}

std::string collect_command_line(const Options& o) {
  const std::string run = run_command_line("guestdma", o), tail = "--quiet --out " + shell_word(*o.out) + " --run-index ";
  return run.substr(0, run.size() - tail.size()) + "--collect --out " + shell_word(*o.out);
}

int submit_to_slurm(const SweepPlan& plan, const Options& o) {
  if (!o.out) throw UserError("--slurm needs --out DIR, a folder that every node sees, in which the runs meet");
  if (o.arguments[0] == "-") throw UserError("--slurm needs a file, not standard input");
  require_folder(*o.out);
  if (!on_path("sbatch")) throw UserError("option --slurm: there is no sbatch on PATH; --list-commands spreads the runs in other ways");
  std::error_code error;
  const std::string program = fs::read_symlink("/proc/self/exe", error).string();
  fs::create_directories(*o.out + "/slurm", error);
  if (error) throw UserError("cannot make " + *o.out + "/slurm: " + error.message());
  const std::string script = *o.out + "/sweep.sbatch";
  report::replace_file(script, slurm_script(plan, o, program, fs::current_path().string()));

  std::string command = "sbatch";
  for (const std::string& text : o.slurm_args)
    for (const std::string& word : boost::program_options::split_unix(text)) command += " " + shell_word(word);
  std::FILE* pipe = ::popen((command + " " + shell_word(script)).c_str(), "re");
  if (pipe == nullptr) throw UserError(std::string("cannot start sbatch: ") + std::strerror(errno));
  std::string said;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) said.append(buffer, n);
  const int code = code_of(::pclose(pipe));
  write_out(said);
  if (code == kUserMistake) write_error("sbatch did not take " + script + ", or a run made a mistake (what it says stands above)");
  if (code == kFine) write_note(o, std::to_string(plan.runs.size()) + " runs submitted; when they are done: " + collect_command_line(o));
  return code;
}

}  // namespace gd::cli
