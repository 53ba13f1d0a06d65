#include "src/cli/output.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "models/base/error.h"

namespace gd::cli {

namespace {

// 0, or the error.
int write_all(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    at += static_cast<std::size_t>(n);
  }
  return 0;
}

}  // namespace

void prepare_streams() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) return;
  std::signal(SIGPIPE, SIG_IGN);
}

void write_out(const std::string& text) {
  const int error = write_all(1, text);
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
