#include "src/cli/pool.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <stdexcept>

#include "src/cli/child.h"
#include "src/cli/clock.h"
#include "src/cli/exit_code.h"
#include "src/cli/signals.h"

namespace gd::cli {

namespace {

constexpr int kTickMs = 200;

struct Child {
  std::size_t job = 0;
  pid_t pid = -1;
  int fd = -1;
  std::int64_t deadline = 0;               // ms; 0: none
  std::string received;                    // bytes of a record that is not whole
  bool hung = false, stopped = false;
};

class Pool {
 public:
  Pool(const std::vector<Job>& jobs, const PoolOptions& o) : jobs_(jobs), options_(o), outcomes_(jobs.size()) {}
  ~Pool() { end_all(); }

  std::vector<Outcome> run() {
    while (next_ < jobs_.size() || !children_.empty()) {
      while (next_ < jobs_.size() && children_.size() < options_.jobs) start();
      wait();
      for (auto it = children_.begin(); it != children_.end();) it = receive(*it) ? std::next(it) : reap(it);
      if (options_.watcher) options_.watcher->tick();
    }
    return std::move(outcomes_);
  }

 private:
  void start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("no pipe: ") + std::strerror(errno));
    Child c;
    c.job = next_++;
    const pid_t parent = ::getpid();
    c.pid = ::fork();
    if (c.pid < 0) {
      const int error = errno;
      ::close(ends[0]), ::close(ends[1]);
      throw std::runtime_error(std::string("cannot start a process: ") + std::strerror(error));
    }
    if (c.pid == 0) {
      ::close(ends[0]);
      for (const Child& other : children_) ::close(other.fd);
      child_main(jobs_[c.job], ends[1], parent);
    }
    ::close(ends[1]);
    c.fd = ends[0];
    ::fcntl(c.fd, F_SETFL, O_NONBLOCK);
    if (options_.timeout > 0) c.deadline = now_ms() + static_cast<std::int64_t>(options_.timeout * 1000);
    children_.push_back(c);
    if (options_.watcher) options_.watcher->started(c.job);
  }

  void wait() {
    std::vector<pollfd> files;
    std::int64_t until = options_.watcher ? now_ms() + kTickMs : INT64_MAX;
    for (const Child& c : children_) {
      files.push_back({c.fd, POLLIN, 0});
      if (c.deadline != 0 && !c.hung) until = std::min(until, c.deadline);
    }
    const std::int64_t now = now_ms();
    wait_for(files, until == INT64_MAX ? -1 : static_cast<int>(std::clamp<std::int64_t>(until - now, 0, 1'000'000)));
    for (Child& c : children_)
      if (c.deadline != 0 && !c.hung && now_ms() >= c.deadline) c.hung = true, ::kill(c.pid, SIGKILL);
  }

  // False at the end of the pipe, which is the end of the child.
  bool receive(Child& c) {
    char buffer[4096];
    for (;;) {
      const ssize_t n = ::read(c.fd, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno == EAGAIN;
      if (n == 0) return false;
      c.received.append(buffer, static_cast<std::size_t>(n));
      take_records(c);
    }
  }

  void take_records(Child& c) {
    std::size_t at = 0;
    Record r;
    while (c.received.size() - at >= sizeof r) {
      std::memcpy(&r, c.received.data() + at, sizeof r);
      if (c.received.size() - at - sizeof r < r.size) break;
      const std::string text = c.received.substr(at + sizeof r, r.size);
      at += sizeof r + r.size;
      Outcome& o = outcomes_[c.job];
      if (r.kind == Record::message) o.message = text;
      else if (r.kind == Record::payload) o.payload = text;
      else if (options_.watcher) options_.watcher->progressed(c.job, r.now, r.end);
    }
    c.received.erase(0, at);
  }

  std::list<Child>::iterator reap(std::list<Child>::iterator it) {
    const Child c = *it;
    ::close(c.fd);
    int status = 0;
    while (::waitpid(c.pid, &status, 0) < 0 && errno == EINTR) {}
    it = children_.erase(it);
    judge(c, status);
    if (options_.watcher) options_.watcher->ended(c.job);
    if (outcomes_[c.job].ran && outcomes_[c.job].code == kUserMistake) stop_others();
    return it;
  }

  void judge(const Child& c, int status) {
    Outcome& o = outcomes_[c.job];
    if (c.stopped) return;
    // Any other code is not the job's own: a sanitizer's, for example.
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : kBroken;
    o.ran = WIFEXITED(status) && !c.hung && (code == kFine || code == kUserMistake || code == kBroken);
    o.code = o.ran ? code : kBroken;
    if (c.hung) {
      std::string limit = std::to_string(options_.timeout);
      limit.erase(limit.find_last_not_of('0') + 1);
      if (limit.ends_with('.')) limit.pop_back();
      o.message = "took longer than " + limit + " s and was ended (--timeout)";
    } else if (WIFSIGNALED(status)) {
      o.message = std::string("died: ") + ::strsignal(WTERMSIG(status)) + " (signal " + std::to_string(WTERMSIG(status)) + ")";
    } else if (!o.ran) {
      o.message = "died with exit code " + std::to_string(WEXITSTATUS(status));
    }
  }

  void stop_others() {
    next_ = jobs_.size();
    for (Child& c : children_) c.stopped = true, ::kill(c.pid, SIGKILL);
  }

  void end_all() {
    for (const Child& c : children_) ::kill(c.pid, SIGKILL);
    for (const Child& c : children_) {
      ::close(c.fd);
      while (::waitpid(c.pid, nullptr, 0) < 0 && errno == EINTR) {}
    }
    children_.clear();
  }

  const std::vector<Job>& jobs_;
  const PoolOptions& options_;
  std::vector<Outcome> outcomes_;
  std::list<Child> children_;
  std::size_t next_ = 0;
};

}  // namespace

std::vector<Outcome> run_jobs(const std::vector<Job>& jobs, const PoolOptions& options) {
  hold_signals();
  return Pool(jobs, options).run();
}

}  // namespace gd::cli
