#include "src/cli/child.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <systemc>

#include "models/base/error.h"
#include "src/cli/clock.h"
#include "src/cli/exit_code.h"
#include "src/cli/signals.h"

#if defined(GUESTDMA_COUNTS)
extern "C" void __gcov_dump(void);   // libgcov
#endif

namespace gd::cli {

namespace {

// What SystemC has to say is either of no interest (that sc_stop was called) or a bug.
void take_report(const sc_core::sc_report& report, const sc_core::sc_actions&) {
  if (report.get_severity() >= sc_core::SC_WARNING) throw InvariantError(std::string("SystemC: ") + report.get_msg_type() + ": " + report.get_msg());
}

int run(const Job& job, Reporter& reporter) {
  try {
    return job.work(reporter);
  } catch (const UserError& e) {
    reporter.message(e.what());
    return kUserMistake;
  } catch (const std::exception& e) {
    reporter.message(e.what());
    return kBroken;
  } catch (...) {
    reporter.message("an unknown exception");
    return kBroken;
  }
}

}  // namespace

void child_main(const Job& job, int fd, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kBroken);   // it died before that
  release_signals_in_child();
  ::dup2(2, 1);
  sc_core::sc_report_handler::set_handler(take_report);
  Reporter reporter(fd);
  const int code = run(job, reporter);
  std::fflush(nullptr);
#if defined(GUESTDMA_COUNTS)
  __gcov_dump();   // what else happens at exit
#endif
  ::_exit(code);
}

void Reporter::send(std::uint32_t kind, std::int64_t now, std::int64_t end, const std::string& text) {
  Record r;
  r.kind = kind;
  r.size = static_cast<std::uint32_t>(text.size());
  r.now = now;
  r.end = end;
  std::string bytes(sizeof r, '\0');
  std::memcpy(bytes.data(), &r, sizeof r);
  bytes += text;
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::write(fd_, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    at += static_cast<std::size_t>(n);
  }
}

void Reporter::progress(Time now, Time end) {
  const std::int64_t ms = now_ms();
  if (ms < next_ms_) return;
  next_ms_ = ms + 100;
  send(Record::progress, now, end, "");
}

void Reporter::message(const std::string& text) { send(Record::message, 0, 0, text); }
void Reporter::payload(const std::string& bytes) { send(Record::payload, 0, 0, bytes); }

}  // namespace gd::cli
