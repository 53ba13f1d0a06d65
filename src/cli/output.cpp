#include "src/cli/output.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include "models/base/error.h"
#include "src/cli/signals.h"

namespace gd::cli {

namespace {

// 0, or the error.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

// The same for a reader that may be slow: waits where signals are taken, then writes no more than a pipe takes at once.
int write_patiently(int fd, std::string_view text) {
  constexpr std::size_t kPiece = 4096;
  while (!text.empty()) {
    std::vector<pollfd> files{{fd, POLLOUT, 0}};
    wait_for(files, -1);
    if (files[0].revents == 0) continue;
    if (const int error = write_all(fd, text.substr(0, kPiece))) return error;
    text.remove_prefix(std::min(kPiece, text.size()));
  }
  return 0;
}

}  // namespace

void prepare_streams() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) return;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void write_out(const std::string& text) {
  const int error = write_patiently(1, text);
  if (error != 0 && error != EPIPE) throw UserError(std::string("cannot write to standard output: ") + std::strerror(error));
}

void write_error(const std::string& text) {
  const std::string first = text.substr(0, text.find('\n'));
  const bool placed = first.find(": error: ") != std::string::npos;
  write_all(2, (placed ? "" : "guestdma: ") + text + "\n");
}

void write_note(const Options& o, const std::string& text) {
  if (!o.quiet) write_error(text);
}

unsigned terminal_width(int fd) {
  winsize size{};
  if (!::isatty(fd) || ::ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col == 0 ? 80 : size.ws_col;
}

report::TextOptions text_options() {
  report::TextOptions o;
  o.colour = report::colour_wanted(::isatty(1) != 0);
  if (const unsigned width = terminal_width(1)) o.width = std::max(60u, width);
  return o;
}

}  // namespace gd::cli
