#include "src/cli/results_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "models/base/error.h"
#include "src/report/results.h"

namespace gd::cli {

namespace fs = std::filesystem;

namespace {

// What a long job is, in its folder until it is done.
const char* const kJob = ".job.json";

[[noreturn]] void cannot_write(const std::string& what, const std::error_code& error) {
  throw UserError("cannot write the result folder " + what + ": " + error.message());
}

}  // namespace

bool holds_config(const fs::path& folder) {
  std::error_code error;
  const fs::path file = folder / "config.json";
  if (!fs::is_regular_file(file, error)) return false;
  std::string text;
  try {
    text = report::read_file(file.string());
  } catch (const UserError&) {
    return false;
  }
  const auto j = nlohmann::json::parse(text, nullptr, false);
  if (!j.is_object() || !j.contains("version") || !j["version"].is_number_integer()) return false;
  if (j.contains("fidelity")) return j.contains("points") && j["points"].is_array();
  for (const char* section : {"traffic", "nic", "pcie", "memory", "host"})
    if (!j.contains(section) || !j[section].is_object()) return false;
  return j.contains("guests") && j["guests"].is_array();
}

std::string stem_of(const std::string& file) {
  if (file == "-") return "stdin";
  const std::string stem = fs::path(file).stem().string();
  return stem.empty() || stem == "." || stem == ".." ? "scenario" : stem;
}

ResultsFolder::ResultsFolder(const Options& o, const std::string& stem) : shown_(o.out ? *o.out : "results/runs/" + stem) {
  while (shown_.size() > 1 && shown_.ends_with('/')) shown_.pop_back();
  std::error_code error;
  target_ = fs::weakly_canonical(fs::absolute(shown_), error);
  if (error) cannot_write(shown_, error);
  if (target_ == target_.root_path()) throw UserError("the result folder cannot be " + shown_);
  const fs::file_status status = fs::status(target_, error);
  if (!fs::exists(status)) {
    if (error && status.type() != fs::file_type::not_found) cannot_write(shown_, error);
    return;
  }
  if (!fs::is_directory(status)) throw UserError("the result folder " + shown_ + " is a file");
  if (!o.out) return;
  const bool empty = fs::is_empty(target_, error);
  if (error) cannot_write(shown_, error);
  if (empty) return;
  if (!o.force) throw UserError("the result folder " + shown_ + " is not empty; --force replaces a folder that guestdma wrote");
  if (!holds_config(target_)) throw UserError("the result folder " + shown_ + " is not empty and holds no config.json of guestdma; --force does not replace it");
}

ResultsFolder::~ResultsFolder() {
  std::error_code error;
  if (!temporary_.empty() && lock_ < 0) fs::remove_all(temporary_, error);
  if (lock_ >= 0) ::close(lock_);
  for (auto it = made_.rbegin(); it != made_.rend(); ++it) fs::remove(*it, error);   // only while empty
}

void ResultsFolder::make_parents() {
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path p = target_.parent_path(); !fs::exists(p, error); p = p.parent_path()) {
    if (error) cannot_write(shown_, error);
    missing.insert(missing.begin(), p);
  }
  for (const fs::path& p : missing) {
    if (fs::create_directory(p, error)) made_.push_back(p);
    if (error) cannot_write(shown_, error);
  }
}

void ResultsFolder::open_part(bool resume, const std::string& config) {
  make_parents();
  std::error_code error;
  const fs::path part = target_.parent_path() / ("." + target_.filename().string() + ".part");
  fs::create_directory(part, error);
  if (error) cannot_write(shown_, error);
  lock_ = ::open(part.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) cannot_write(shown_, {errno, std::generic_category()});
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) throw UserError("another guestdma works on " + shown_ + " (" + part.string() + " is in use)");
  const fs::path job = part / kJob;
  if (resume && fs::exists(job, error)) {
    if (report::read_file(job.string()) != config)
      throw UserError("what was begun in " + shown_ + " is another sweep than this one (scenario, axes or options differ); without --resume it begins anew");
  } else {
    for (const fs::directory_entry& e : fs::directory_iterator(part)) fs::remove_all(e.path(), error);
    report::write_file(job.string(), config);
  }
  temporary_ = part;
  made_.clear();   // they stay with the folder
}

void ResultsFolder::open() {
  make_parents();
  std::error_code error;
  const fs::path temporary = target_.parent_path() / ("." + target_.filename().string() + ".tmp-" + std::to_string(::getpid()));
  fs::remove_all(temporary, error);   // of a process that had this number and was killed
  if (!fs::create_directory(temporary, error)) cannot_write(shown_, error);
  temporary_ = temporary;
}

std::string ResultsFolder::inside(const std::string& name) const {
  std::error_code error;
  const fs::path folder = temporary_ / name;
  if (!fs::create_directory(folder, error)) cannot_write((fs::path(shown_) / name).string(), error);
  return folder.string();
}

// Swaps the whole folder in; the old one is put back when that fails.
void ResultsFolder::replace() {
  std::error_code error;
  const fs::path old = target_.parent_path() / ("." + target_.filename().string() + ".old-" + std::to_string(::getpid()));
  fs::remove_all(old, error);
  fs::rename(target_, old, error);
  if (error) cannot_write(shown_, error);
  fs::rename(temporary_, target_, error);
  if (error) {
    std::error_code ignored;
    fs::rename(old, target_, ignored);
    cannot_write(shown_, error);
  }
  fs::remove_all(old, error);
}

// The empty folder itself is kept: it may be a mount point, or somebody's working folder. config.json comes last.
void ResultsFolder::fill() {
  std::vector<fs::path> names;
  for (const fs::directory_entry& e : fs::directory_iterator(temporary_)) names.push_back(e.path().filename());
  std::sort(names.begin(), names.end(), [](const fs::path& a, const fs::path& b) { return (a == "config.json") < (b == "config.json"); });
  std::error_code error, ignored;
  for (const fs::path& name : names) {
    fs::copy(temporary_ / name, target_ / name, fs::copy_options::recursive, error);
    if (!error) continue;
    for (const fs::path& n : names) fs::remove_all(target_ / n, ignored);
    cannot_write(shown_, error);
  }
  fs::remove_all(temporary_, ignored);
}

void ResultsFolder::commit() {
  std::error_code error;
  if (lock_ >= 0) fs::remove(temporary_ / kJob, error);
  const bool exists = fs::exists(target_, error), empty = exists && fs::is_empty(target_, error);
  if (empty) {
    fill();
  } else if (exists) {
    replace();
  } else {
    fs::rename(temporary_, target_, error);
    if (error) cannot_write(shown_, error);
  }
  temporary_.clear();
  made_.clear();
}

}  // namespace gd::cli
