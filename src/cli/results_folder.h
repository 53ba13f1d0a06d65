// The result folder: written under a temporary name beside its own (".NAME.tmp-PID") and renamed when whole.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "src/cli/args.h"

namespace gd::cli {

class ResultsFolder {
 public:
  // --out, or results/runs/<stem>/ of the working folder. Throws UserError when it may not be replaced: --out must be
  // absent or empty, or hold a guestdma config.json with --force. Writes nothing.
  ResultsFolder(const Options& options, const std::string& stem);
  // Removes the temporary folder, and parents that were made for it, unless commit() was reached.
  ~ResultsFolder();
  ResultsFolder(const ResultsFolder&) = delete;
  ResultsFolder& operator=(const ResultsFolder&) = delete;

  // Makes the temporary folder. Throws UserError when that cannot be written.
  void open();
  // Makes the folder of a long job (".NAME.part"), which stays when the job is ended before commit(); `resume` goes on in the
  // one that is there. `config` says what the job is. Throws UserError: it cannot be written, another process works in it, or
  // `resume` finds another job's.
  void open_part(bool resume, const std::string& config);
  // A folder inside, made now; returns its path.
  std::string inside(const std::string& name) const;
  // Puts the folder into its place. Throws UserError.
  void commit();

  std::string temporary() const { return temporary_.string(); }
  // As the user named it.
  const std::string& shown() const { return shown_; }

 private:
  void make_parents();
  void replace();
  void fill();
  std::string shown_;
  std::filesystem::path target_, temporary_;
  int lock_ = -1;                              // of a long job's folder
  std::vector<std::filesystem::path> made_;    // parents, outermost first
};

// Whether `folder` holds a configuration that guestdma wrote.
bool holds_config(const std::filesystem::path& folder);
// The folder's name for a scenario: its file's stem.
std::string stem_of(const std::string& scenario_file);

}  // namespace gd::cli
