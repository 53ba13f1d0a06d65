#include "src/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "src/cli/clock.h"
#include "src/cli/output.h"
#include "src/report/words.h"

namespace gd::cli {

namespace {

constexpr std::size_t kNamed = 8;   // jobs that are shown by name
constexpr std::int64_t kPlainMs = 10'000, kTerminalMs = 200;

void put(const std::string& text) {
  if (::write(2, text.data(), text.size()) < 0) return;   // nobody looks
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::vector<std::string> labels, bool terminal) : terminal_(terminal), started_ms_(now_ms()), next_ms_(started_ms_ + (terminal ? 0 : kPlainMs)) {
  for (std::string& l : labels) jobs_.push_back({std::move(l), false, 0});
}

ProgressDisplay::~ProgressDisplay() {
  if (drawn_) put("\r\033[K");
}

void ProgressDisplay::started(std::size_t job) { jobs_[job].running = true; }

void ProgressDisplay::progressed(std::size_t job, Time now, Time end) {
  if (end > 0) jobs_[job].percent = static_cast<int>(std::clamp<double>(100.0 * static_cast<double>(now) / static_cast<double>(end), 0, 100));
}

void ProgressDisplay::ended(std::size_t job) {
  jobs_[job].running = false;
  ++done_;
}

std::string ProgressDisplay::line() const {
  if (jobs_.size() > kNamed) {
    const std::string count = std::to_string(done_) + " of " + std::to_string(jobs_.size()) + " done";
    if (done_ == 0) return count;
    const double seconds = static_cast<double>(std::max<std::int64_t>(now_ms() - started_ms_, 1)) / 1000, each = seconds / static_cast<double>(done_);
    return count + ", " + report::figure(1 / each) + " a second, " + report::figure(std::ceil(each * static_cast<double>(jobs_.size() - done_))) + " s left";
  }
  std::string out;
  for (const State& s : jobs_)
    if (s.running) out += (out.empty() ? "" : ", ") + s.label + " " + std::to_string(s.percent) + " %";
  return out + (out.empty() ? "" : "; ") + std::to_string(done_) + " of " + std::to_string(jobs_.size()) + " done";
}

void ProgressDisplay::tick() {
  const std::int64_t now = now_ms();
  if (now < next_ms_) return;
  next_ms_ = now + (terminal_ ? kTerminalMs : kPlainMs);
  std::string text = line();
  if (!terminal_) return write_error(text);
  const unsigned width = terminal_width(2);
  if (width > 1 && text.size() >= width) text.resize(width - 1);
  put("\r" + text + "\033[K");
  drawn_ = true;
}

std::unique_ptr<ProgressDisplay> make_progress(const Options& o, std::vector<std::string> labels) {
  const char* term = std::getenv("TERM");
  const bool terminal = ::isatty(2) && term != nullptr && std::strcmp(term, "dumb") != 0;
  if (o.quiet || o.progress == ProgressMode::never || (o.progress == ProgressMode::automatic && !terminal)) return nullptr;
  return std::make_unique<ProgressDisplay>(std::move(labels), terminal);
}

}  // namespace gd::cli
