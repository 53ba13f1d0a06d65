// check: new results against old ones, or against baselines that lie in a repository.
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "models/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/exit_code.h"
#include "src/cli/gates.h"
#include "src/cli/output.h"
#include "src/cli/policy_file.h"
#include "src/cli/results_folder.h"
#include "src/cli/summaries.h"
#include "src/report/results.h"

namespace gd::cli {

namespace fs = std::filesystem;

namespace {

std::string shown(const report::Check& c, const Options& o) {
  switch (o.format) {
    case Format::json: return report::check_json(c);
    case Format::csv: return report::check_csv(c);
    case Format::markdown: return report::capped(report::check_markdown(c));
    case Format::text: break;
  }
  return report::check_text(c, text_options().colour);
}

// One file for each label. Each is written beside its place first, so that a failure leaves every baseline whole.
int update(const std::string& folder, const std::vector<system::RunResult>& now, const Options& o) {
  if (in_ci()) throw UserError("--update-baseline is refused in CI (the variable CI is set): a run must not change what it is judged by");
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) throw UserError("--update-baseline writes a folder of baselines; " + folder + " is a file");
  if (holds_config(folder) || holds_summaries(folder))
    throw UserError("--update-baseline writes a folder of baselines (LABEL.json); " + folder + " is a result folder, whose own summaries would go on being read");
  for (std::size_t i = 0; i < now.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (now[i].label == now[k].label) throw UserError("--update-baseline takes results of one seed; " + now[i].label + " has several");
  fs::create_directories(folder, error);
  if (error) throw UserError("cannot make " + folder + ": " + error.message());
  for (const system::RunResult& r : now) report::write_file(folder + "/" + r.label + ".json.new", report::baseline_json(r));
  for (const system::RunResult& r : now) {
    const std::string path = folder + "/" + r.label + ".json";
    fs::rename(path + ".new", path, error);
    if (error) throw UserError("cannot write " + path + ": " + error.message());
    write_note(o, "baseline " + path + " written");
  }
  return kFine;
}

}  // namespace

int check_command(const Options& o) {
  if (!o.baseline) throw UserError("check needs --baseline OLD; use: guestdma check NEW --baseline OLD");
  const std::string& path = o.arguments[0];
  const std::string stem = last_part(path);
  report::CheckInput in;
  in.new_name = path;
  in.old_name = *o.baseline;
  in.allow_config = o.allow_config;
  in.now = summaries_of(path, "");
  if (o.update_baseline) return update(*o.baseline, in.now, o);
  require_gate_files(o);
  const report::Policies policies = read_policies(o.policy.value_or(""));
  in.before = summaries_of(*o.baseline, stem);
  const report::Check c = report::check_results(in, policies);
  write_out(shown(c, o));
  write_gate(report::gate_of(c), o);
  if (!c.comparable()) {
    const bool other = std::any_of(c.pairs.begin(), c.pairs.end(), [](const report::PairCheck& p) { return p.not_comparable; });
    write_error(other ? "the configurations differ, so that the results say nothing about each other; --allow-config compares them by policies"
                      : path + " and " + *o.baseline + " have no run in common");
    return kNotComparable;
  }
  return c.failures() != 0 ? kGateFailed : kFine;
}

}  // namespace gd::cli
