// Jobs as child processes: each is forked from a parent that has elaborated nothing, reports through a pipe, and ends with
// its exit code. What comes out does not depend on how many run at once.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/base/units.h"

namespace gd::cli {

// The child's side of its pipe.
class Reporter {
 public:
  explicit Reporter(int fd) : fd_(fd) {}
  // Simulated time and its planned end; passed on at most every 100 ms.
  void progress(Time now, Time end);
  void message(const std::string& text);
  void payload(const std::string& bytes);

 private:
  void send(std::uint32_t kind, std::int64_t now, std::int64_t end, const std::string& text);
  int fd_;
  std::int64_t next_ms_ = 0;
};

struct Job {
  std::string label;
  // Runs in the child; returns its exit code: 0, 2 or 3, another counts as a death. UserError becomes exit code 2 with its text, everything else thrown 3.
  std::function<int(Reporter&)> work;
};

struct Outcome {
  bool ran = false;                        // ended by itself, with `code`
  int code = 0;                            // of ExitCode; 3 for one that died or hung
  std::string message;                     // why, without the label
  std::string payload;
};

// Told what happens, for the user's eyes only.
class JobWatcher {
 public:
  virtual ~JobWatcher() = default;
  virtual void started(std::size_t /*job*/) {}
  virtual void progressed(std::size_t /*job*/, Time /*now*/, Time /*end*/) {}
  virtual void ended(std::size_t /*job*/) {}
  virtual void tick() {}                   // about every 200 ms
};

struct PoolOptions {
  unsigned jobs = 1;                       // at once
  double timeout = 0;                      // seconds for each; 0: none
  JobWatcher* watcher = nullptr;
};

// An outcome for each job. After the first user's mistake the others are ended and marked as not run.
// Throws Interrupted, with all children reaped.
std::vector<Outcome> run_jobs(const std::vector<Job>& jobs, const PoolOptions& options);

}  // namespace gd::cli
