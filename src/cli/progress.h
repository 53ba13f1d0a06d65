// Progress on standard error: one line that is refreshed on a terminal, else a plain line every ten seconds.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "src/cli/args.h"
#include "src/cli/pool.h"

namespace gd::cli {

class ProgressDisplay : public JobWatcher {
 public:
  ProgressDisplay(std::vector<std::string> labels, bool terminal);
  ~ProgressDisplay() override;             // wipes the line
  void started(std::size_t job) override;
  void progressed(std::size_t job, Time now, Time end) override;
  void ended(std::size_t job) override;
  void tick() override;

  // "vhost-copy 45 %, guest-head 7 %; 1 of 4 done"; of more than eight: "37 of 120 done, 4.2 a second, 20 s left"
  std::string line() const;

 private:
  struct State {
    std::string label;
    bool running = false;
    int percent = 0;
  };
  std::vector<State> jobs_;
  std::size_t done_ = 0;
  bool terminal_, drawn_ = false;
  std::int64_t started_ms_, next_ms_;
};

// nullptr when none is wanted.
std::unique_ptr<ProgressDisplay> make_progress(const Options& options, std::vector<std::string> labels);

}  // namespace gd::cli
