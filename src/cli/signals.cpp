#include "src/cli/signals.h"

#include <cerrno>
#include <ctime>
#include <stdexcept>

namespace gd::cli {

namespace {

volatile std::sig_atomic_t came = 0;
bool held = false;
sigset_t outside;                          // the mask of before

void note(int signal) { came = signal; }

}  // namespace

void hold_signals() {
  if (held) return;
  held = true;
  sigset_t ours;
  sigemptyset(&ours);
  struct sigaction action {};
  action.sa_handler = note;
  for (int s : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(s, nullptr, &before);
    if (s == SIGHUP && before.sa_handler == SIG_IGN) continue;   // nohup
    sigaction(s, &action, nullptr);
    sigaddset(&ours, s);
  }
  sigprocmask(SIG_BLOCK, &ours, &outside);
  for (int s : {SIGINT, SIGTERM, SIGHUP}) sigdelset(&outside, s);
}

void release_signals_in_child() {
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGHUP, SIG_DFL);
  if (held) sigprocmask(SIG_SETMASK, &outside, nullptr);
}

void wait_for(std::vector<pollfd>& files, int milliseconds) {
  timespec limit{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
  const int n = ppoll(files.data(), files.size(), milliseconds < 0 ? nullptr : &limit, held ? &outside : nullptr);
  const int error = errno;
  if (came != 0) throw Interrupted{came};
  if (n < 0 && error != EINTR) throw std::runtime_error("poll failed");
  if (n < 0)
    for (pollfd& f : files) f.revents = 0;
}

void check_signals() {
  std::vector<pollfd> none;
  wait_for(none, 0);
}

}  // namespace gd::cli
