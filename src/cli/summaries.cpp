#include "src/cli/summaries.h"

#include <algorithm>
#include <filesystem>

#include "models/base/error.h"
#include "src/cli/paths.h"
#include "src/cli/results_folder.h"
#include "src/report/results.h"

namespace gd::cli {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error)) out.push_back(it->path());
  std::sort(out.begin(), out.end());
  return out;
}

bool is_file(const fs::path& p) {
  std::error_code error;
  return fs::is_regular_file(p, error);
}

// A strategy's folder: its own summary, or one for each seed. Seeds in the order of their numbers.
void of_strategy(const fs::path& folder, std::vector<system::RunResult>& out) {
  if (is_file(folder / "summary.json")) {
    out.push_back(report::read_summary((folder / "summary.json").string()));
    return;
  }
  std::vector<system::RunResult> seeds;
  for (const fs::path& f : folders_in(folder))
    if (f.filename().string().starts_with("seed-") && is_file(f / "summary.json")) seeds.push_back(report::read_summary((f / "summary.json").string()));
  std::sort(seeds.begin(), seeds.end(), [](const system::RunResult& a, const system::RunResult& b) { return a.seed < b.seed; });
  std::move(seeds.begin(), seeds.end(), std::back_inserter(out));
}

}  // namespace

std::string last_part(const std::string& path) {
  fs::path p = fs::path(path).lexically_normal();
  if (!p.has_filename()) p = p.parent_path();
  return p.filename().string();
}

bool holds_summaries(const std::string& path) {
  const std::vector<fs::path> inside = folders_in(path);
  return is_file(fs::path(path) / "summary.json") || std::any_of(inside.begin(), inside.end(), [](const fs::path& f) { return is_file(f / "summary.json"); });
}

std::vector<system::RunResult> summaries_of(const std::string& path, const std::string& stem) {
  std::error_code error;
  if (is_file(path)) return {report::read_summary(path)};
  if (!fs::is_directory(path, error)) throw UserError(path + ": there is no such file or folder of results");
  std::vector<system::RunResult> out;
  of_strategy(path, out);
  if (out.empty())
    for (const fs::path& f : folders_in(path)) of_strategy(f, out);
  // A result folder's own files (config.json, comparison.json) are no summaries; a folder of baselines has nothing else.
  if (out.empty() && !holds_config(path)) {
    for (const std::string& f : files_in(path, ".json")) out.push_back(report::read_summary(f));
    if (out.empty() && !stem.empty() && fs::is_directory(fs::path(path) / stem, error)) return summaries_of((fs::path(path) / stem).string(), "");
  }
  if (out.empty())
    throw UserError(path + ": holds no results: neither summary.json, nor strategies' folders with one, nor baselines (*.json)" + (stem.empty() ? "" : ", nor a folder " + stem + " with these"));
  return out;
}

}  // namespace gd::cli
