#include "src/cli/plots.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "src/cli/paths.h"
#include "src/cli/signals.h"

namespace gd::cli {

namespace {

// Ends and reaps the script when the parent is interrupted.
struct Script {
  pid_t pid;
  int status = 0;
  bool reaped = false;
  void reap() {
    while (!reaped && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    reaped = true;
  }
  ~Script() {
    if (!reaped) ::kill(-pid, SIGKILL), ::kill(pid, SIGKILL), reap();
  }
};

std::string last_line(int fd) {
  std::string text;
  char buffer[4096];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
}

}  // namespace

std::string draw(const std::string& folder) {
  const std::string program = share_folder() + "/tools/plot";
  if (::access(program.c_str(), X_OK) != 0) return program + ": " + std::strerror(errno);
  const int said = ::memfd_create("plot", MFD_CLOEXEC);
  if (said < 0) return std::strerror(errno);
  Script script{::fork()};
  if (script.pid < 0) return std::strerror(errno);
  if (script.pid == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    release_signals_in_child();
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGPIPE, SIG_DFL);
    std::signal(SIGXFSZ, SIG_DFL);
    ::dup2(said, 1), ::dup2(said, 2);
    ::execl(program.c_str(), program.c_str(), folder.c_str(), static_cast<char*>(nullptr));
    const std::string why = program + ": " + std::strerror(errno) + "\n";
    if (::write(2, why.data(), why.size()) < 0) ::_exit(126);
    ::_exit(127);
  }
  // Its end is the event to wait for.
  const int end = static_cast<int>(::syscall(SYS_pidfd_open, script.pid, 0));
  if (end >= 0) {
    std::vector<pollfd> files{{end, POLLIN, 0}};
    while (files[0].revents == 0) wait_for(files, -1);
    ::close(end);
  }
  script.reap();
  const std::string text = last_line(said);
  ::close(said);
  if (WIFEXITED(script.status) && WEXITSTATUS(script.status) == 0) return "";
  return text.empty() ? program + " failed" : text;
}

}  // namespace gd::cli
