// check_matrix [-j N] [--every K] [--only TEXT] [--set KEY=VALUE] PROGRAM SCENARIOS
// The full product: every scenario of the folder with every combination of strategy, GRO, receive mode, ring, event index,
// indirect descriptors, header split and extensions, each in a process of its own with short windows; then what lies in
// the folder's hazards/ and adversity/, as it is, by PROGRAM. Any number of bytes or buffers that went wrong, frames that
// are not accounted for, or runs that died make one line with the command that shows it, and exit code 1.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <systemc>
#include <thread>

#include "models/base/error.h"
#include "src/cli/clock.h"
#include "src/cli/pool.h"
#include "src/cli/signals.h"
#include "src/scenario/loader.h"
#include "src/system/system.h"
#include "tests/matrix/space.h"

namespace gd::test {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::size_t every = 1;
  std::string only, program, folder;
  std::vector<std::string> set;
};

Arguments read(int argc, char** argv) {
  Arguments a;
  std::vector<std::string> places;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string {
      if (++i == argc) throw UserError(word + " wants a value");
      return argv[i];
    };
    const auto number = [&](const std::string& v) {
      const unsigned long n = v.find_first_not_of("0123456789") == std::string::npos && v.size() < 10 ? std::stoul("0" + v) : 0;
      if (n == 0) throw UserError(word + " wants a number from 1 on, not \"" + v + "\"");
      return n;
    };
    if (word.starts_with("-j")) a.jobs = static_cast<unsigned>(number(word == "-j" ? value() : word.substr(2)));
    else if (word == "--every") a.every = number(value());
    else if (word == "--only") a.only = value();
    else if (word == "--set") a.set.push_back(value());
    else if (word.starts_with("-")) throw UserError("unknown option " + word + "; allowed: -j N, --every K, --only TEXT, --set KEY=VALUE");
    else places.push_back(word);
  }
  if (places.size() != 2) throw UserError("usage: check_matrix [-j N] [--every K] [--only TEXT] [--set KEY=VALUE] PROGRAM SCENARIOS");
  a.program = places[0];
  a.folder = places[1];
  return a;
}

// Windows in which every combination still moves frames through every stage: some hundred frames at the rates that ship.
const std::vector<std::string> kShort = {"time.warmup=100us", "time.measure=300us", "time.drain=20ms"};
// A capture that is played once runs to the end of its frames.
const std::vector<std::string> kShortCapture = {"traffic.frames=150", "time.drain=50ms"};

scenario::Scenario glance(const std::string& file) {
  scenario::LoadOptions o;
  o.share_dir = GUESTDMA_SOURCE_DIR "/scenarios";
  o.read_inputs = false;
  return scenario::load(file, o);
}

// The scenarios of a folder; bare DMA has no strategies to combine.
std::vector<std::string> scenarios_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code none;
  for (const auto& e : fs::directory_iterator(folder, none))
    if (e.path().extension() == ".json" && glance(e.path().string()).traffic.kind != scenario::TrafficKind::dma_bench)
      files.push_back(e.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> shortened(const std::string& file) {
  const scenario::Traffic t = glance(file).traffic;
  return t.kind == scenario::TrafficKind::pcap && t.loop == 0 ? kShortCapture : kShort;
}

// What is wrong with the books and the bytes of a run; "" when nothing is.
std::string judge(const system::RunResult& r) {
  const auto value = [&](const char* name) {
    const system::Metric* m = r.find(name);
    return m == nullptr ? 0 : m->num;
  };
  for (const char* name : {"integrity.errors", "ownership.violations"})
    if (value(name) != 0) return std::string(name) + " is " + std::to_string(value(name)) + ": " + r.messages.first_about(name);
  const auto offered = value("packets.offered");
  if (offered == 0) return "no frame was offered";
  if (value("packets.delivered") == 0) return "nothing was delivered of " + std::to_string(offered) + " frames";
  if (offered != value("packets.delivered") + value("packets.dropped") + value("packets.consumed_by_host") + value("packets.in_flight"))
    return "frames offered are not those delivered, dropped, consumed and in flight";
  std::int64_t reasons = 0;
  for (const system::Metric& m : r.metrics)
    if (m.name.starts_with("drops.") && m.name != "drops.total") reasons += m.num;
  if (reasons != value("drops.total")) return "drops by reason do not sum to drops.total";
  return "";
}

// What a child says of its run, as the first letter of its payload; the reason follows.
constexpr char kRefused = 'R', kFailed = 'F', kFine = 'O';

int run_row(const std::string& file, const std::vector<std::string>& settings, cli::Reporter& reporter) {
  try {
    scenario::LoadOptions o;
    o.share_dir = GUESTDMA_SOURCE_DIR "/scenarios";
    o.set = settings;
    system::describe_to_loader(o);
    const scenario::Scenario s = scenario::load(file, o);
    const std::string wrong = judge(system::run(s, s.strategies.at(0), {}));
    reporter.payload(wrong.empty() ? std::string(1, kFine) : kFailed + wrong);
  } catch (const UserError& e) {
    reporter.payload(kRefused + first_message(e.what()));
  } catch (const std::exception& e) {
    reporter.payload(kFailed + std::string(e.what()));
  }
  return 0;
}

int run_as_it_is(const std::string& program, const std::string& file, cli::Reporter& reporter) {
  const std::string out = (fs::temp_directory_path() / ("check-matrix-" + std::to_string(::getpid()))).string();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl(program.c_str(), program.c_str(), "run", file.c_str(), "--quiet", "--no-plots", "--out", out.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  std::error_code none;
  fs::remove_all(out, none);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  reporter.payload(code == 0 ? std::string(1, kFine) : kFailed + ("exit code " + std::to_string(code)));
  return 0;
}

// "1234 of 20000, 3 failed, 25.1 a second, 12 min left", refreshed on a terminal.
class Progress : public cli::JobWatcher {
 public:
  explicit Progress(std::size_t jobs) : jobs_(jobs), begin_(cli::now_ms()), terminal_(::isatty(2)) {}
  void ended(std::size_t) override { ++done_; }
  void tick() override {
    const std::int64_t now = cli::now_ms();
    if (now < next_) return;
    next_ = now + (terminal_ ? 500 : 30'000);
    const double seconds = static_cast<double>(now - begin_) / 1000;
    if (seconds < 1) return;
    const double rate = static_cast<double>(done_) / seconds;
    const double left = rate > 0 ? static_cast<double>(jobs_ - done_) / rate : 0;
    std::fprintf(stderr, "%s%zu of %zu, %.1f a second, %.0f:%02.0f left%s", terminal_ ? "\r\033[K" : "", done_, jobs_, rate,
                 std::floor(left / 60), std::fmod(std::floor(left), 60), terminal_ ? "" : "\n");
  }
  void wipe() {
    if (terminal_) std::fputs("\r\033[K", stderr);
  }

 private:
  std::size_t jobs_, done_ = 0;
  std::int64_t begin_, next_ = 0;
  bool terminal_;
};

constexpr std::size_t kPiece = 200;   // jobs

struct Counts {
  std::size_t run = 0, failed = 0;
};

void tell(const std::vector<cli::Job>& jobs, const std::vector<cli::Outcome>& outcomes, Progress& progress, Counts& counts,
          std::map<std::string, std::size_t>& refused) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const cli::Outcome& o = outcomes[i];
    const char said = o.ran && !o.payload.empty() ? o.payload[0] : '\0';
    if (said == kRefused) {
      ++refused[o.payload.substr(1)];
      continue;
    }
    ++counts.run;
    if (said == kFine) continue;
    ++counts.failed;
    std::string why = said == kFailed ? o.payload.substr(1) : o.message;
    std::replace(why.begin(), why.end(), '\n', ' ');
    progress.wipe();
    std::cout << "FAILED " << why << " | " << jobs[i].label << std::endl;
  }
}

int check(const Arguments& a) {
  std::vector<std::unique_ptr<Space>> spaces;
  std::vector<cli::Job> jobs;
  std::map<std::string, std::size_t> refused;
  std::size_t combinations = 0;
  const auto wanted = [&](const std::string& file) { return file.find(a.only) != std::string::npos; };
  const std::vector<std::string> files = scenarios_in(a.folder);
  if (files.empty()) throw UserError("no scenarios in " + a.folder);
  for (const std::string& file : files) {
    if (!wanted(file)) continue;
    std::vector<std::string> set = shortened(file);
    set.insert(set.end(), a.set.begin(), a.set.end());
    spaces.push_back(std::make_unique<Space>(file, set, Extent::product));
    Space& space = *spaces.back();
    for (const Row& row : all_rows(space.sizes())) {
      if (combinations++ % a.every != 0) continue;
      if (const auto why = space.refusal(row)) ++refused[*why];
      else jobs.push_back({space.command(row), [&space, file, row](cli::Reporter& r) { return run_row(file, space.settings(row), r); }});
    }
  }
  for (const char* folder : {"hazards", "adversity"})
    for (const std::string& file : scenarios_in(a.folder + "/" + folder))
      if (wanted(file)) {
        ++combinations;
        jobs.push_back({"guestdma run " + file, [&a, file](cli::Reporter& r) { return run_as_it_is(a.program, file, r); }});
      }

  const std::int64_t begin = cli::now_ms();
  Progress progress(jobs.size());
  cli::PoolOptions pool;
  pool.jobs = a.jobs;
  pool.timeout = 120;
  pool.watcher = &progress;
  Counts counts;
  // In pieces, so that what fails is told while the rest runs.
  for (std::size_t at = 0; at < jobs.size(); at += kPiece) {
    const std::vector<cli::Job> piece(jobs.begin() + static_cast<std::ptrdiff_t>(at),
                                      jobs.begin() + static_cast<std::ptrdiff_t>(std::min(at + kPiece, jobs.size())));
    tell(piece, cli::run_jobs(piece, pool), progress, counts, refused);
  }
  progress.wipe();
  std::size_t refusals = 0;
  for (const auto& [why, n] : refused) {
    refusals += n;
    std::cout << "refused " << n << ": " << why << '\n';
  }
  std::cout << combinations << " combinations" << (a.every > 1 ? ", one in " + std::to_string(a.every) + " taken" : "") << ": " << counts.run << " run, "
            << refusals << " refused, " << counts.failed << " failed; " << (cli::now_ms() - begin) / 1000 << " s with -j " << a.jobs << '\n';
  if (counts.run == 0) {
    std::cout << "nothing was run\n";
    return 2;
  }
  return counts.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gd::test

// SystemC's; it elaborates in the children alone.
int sc_main(int argc, char** argv) {
  try {
    const auto arguments = gd::test::read(argc, argv);
    gd::cli::hold_signals();
    return gd::test::check(arguments);
  } catch (const gd::UserError& e) {
    std::cerr << e.what() << '\n';
    return 2;
  } catch (const gd::cli::Interrupted& i) {
    return 128 + i.signal;
  }
}

int main(int argc, char** argv) {
  setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
  return sc_core::sc_elab_and_sim(argc, argv);
}
