#include "tests/system/run_child.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "models/base/error.h"
#include "src/system/system.h"

namespace gd::test {
namespace {

scenario::Scenario load(const std::string& name, const std::vector<std::string>& set) {
  scenario::LoadOptions o;
  o.share_dir = GUESTDMA_SOURCE_DIR "/scenarios";
  o.set = set;
  system::describe_to_loader(o);
  return scenario::load(scenario_path(name), o);
}

scenario::StrategyChoice choose(const scenario::Scenario& s, const std::string& strategy) {
  for (const auto& c : system::choices(s))
    if (c.label == strategy) return c;
  throw std::runtime_error(std::string("not in the scenario: ").append(strategy));
}

// Runs `work` in a child; what it writes to the stream comes back with the exit code.
std::pair<int, std::string> in_child(const std::function<void(std::ostream&)>& work) {
  int fd[2];
  if (pipe(fd) != 0) throw std::runtime_error("pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    close(fd[0]);
    std::ostringstream out;
    int code = 0;
    try {
      work(out);
    } catch (const InvariantError& e) {
      code = 3;
      out.str("");
      out << e.what();
    } catch (const std::exception& e) {
      code = 2;
      out.str("");
      out << e.what();
    }
    const std::string text = out.str();
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = write(fd[1], text.data() + at, text.size() - at);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
    _exit(code);
  }
  close(fd[1]);
  std::string text;
  char buffer[65536];
  for (ssize_t n; (n = read(fd[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  close(fd[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text};
}

struct Collector : system::TraceObserver {
  std::ostream& out;
  explicit Collector(std::ostream& o) : out(o) {}
  bool wants_handed_up() const override { return true; }
  void handed_up(std::uint32_t, const std::uint8_t* bytes, std::uint32_t n, Time) override {
    out.write(reinterpret_cast<const char*>(&n), sizeof n);
    out.write(reinterpret_cast<const char*>(bytes), n);
  }
  void ended(const FrameMeta& f, Drop why, Time) override {
    if (f.fate == Fate::dropped) dropped[f.id] = drop_name(why);
  }
  std::map<std::uint64_t, std::string> dropped;
};

// What a Collector wrote, from `at` on.
std::vector<std::string> collected(const std::string& text, std::size_t at) {
  std::vector<std::string> frames;
  while (at + 4 <= text.size()) {
    std::uint32_t n = 0;
    std::copy_n(text.data() + at, 4, reinterpret_cast<char*>(&n));
    frames.push_back(text.substr(at + 4, n));
    at += 4 + n;
  }
  return frames;
}

}  // namespace

double ChildResult::value(const std::string& metric) const {
  const auto it = metrics.find(metric);
  return it == metrics.end() ? 0 : std::stod(it->second);
}

std::string test_name(std::string text) {
  for (char& c : text)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return text;
}

std::string scenario_path(const std::string& name) { return std::string(GUESTDMA_SOURCE_DIR "/scenarios/").append(name); }

std::vector<std::string> shipped_scenarios() {
  std::vector<std::string> names;
  for (const auto& e : std::filesystem::directory_iterator(GUESTDMA_SOURCE_DIR "/scenarios"))
    if (e.path().extension() == ".json") names.push_back(e.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool can_serve(const std::string& name, const std::string& strategy, const std::vector<std::string>& set) {
  const scenario::Scenario s = load(name, set);
  for (const auto& c : system::choices(s))
    if (c.label == strategy) return !system::refusal(s, c);
  return false;
}

void for_each_served(const std::string& name, const std::vector<std::string>& set, const std::function<void(const std::string&)>& check) {
  const scenario::Scenario s = load(name, set);
  bool served = false;
  for (const auto& c : system::choices(s)) {
    if (system::refusal(s, c)) continue;
    SCOPED_TRACE(c.label);
    served = true;
    check(c.label);
  }
  EXPECT_TRUE(served) << name << " has no strategy that can be bound";
}

ChildResult run_child(const std::string& name, const std::string& strategy, const std::vector<std::string>& set, bool with_frames) {
  const auto [code, text] = in_child([&](std::ostream& out) {
    const scenario::Scenario s = load(name, set);
    std::ostringstream frames;
    Collector collector(frames);
    system::RunOptions o;
    if (with_frames) o.observers.push_back(&collector);
    const system::RunResult r = system::run(s, choose(s, strategy), o);
    out << r.fingerprint << ' ' << r.frames << ' ' << r.activations << ' ' << r.lookups << ' ' << r.bytes_moved << ' '
        << r.peak_rss_bytes << '\n';
    for (const auto& m : r.metrics) out << "M " << m.name << ' ' << m.text() << '\n';
    for (const auto& l : r.ledger)
      out << "L " << l.core << '/' << l.context << '/' << l.component << '/' << l.operation << ' ' << l.milli_cycles << ' ' << l.calls
          << ' ' << l.bytes << '\n';
    for (const auto* list : {&r.messages.ownership, &r.messages.integrity})
      for (const auto& m : *list) out << "W " << m << '\n';
    for (const auto& m : r.messages.standstill) out << "S " << m << '\n';
    for (const auto& [id, why] : collector.dropped) out << "D " << id << ' ' << why << '\n';
    out << "F\n" << frames.str();
  });
  ChildResult c;
  c.exit_code = code;
  if (code != 0) {
    c.error = text;
    return c;
  }
  std::istringstream in(text);
  in >> c.fingerprint >> c.frames >> c.activations >> c.lookups >> c.bytes_moved >> c.peak_rss;
  std::string line;
  std::getline(in, line);
  c.everything = c.fingerprint;
  c.everything.push_back('\n');
  while (std::getline(in, line) && line != "F") {
    if (line.rfind("D ", 0) == 0) {
      std::istringstream words(line.substr(2));
      std::uint64_t id = 0;
      words >> id;
      words >> c.dropped[id];
      continue;
    }
    c.everything.append(line).push_back('\n');
    if (line.rfind("M ", 0) == 0) {
      const auto space = line.rfind(' ');
      c.metrics[line.substr(2, space - 2)] = line.substr(space + 1);
    } else if (line.rfind("W ", 0) == 0) {
      c.messages.push_back(line.substr(2));
    } else if (line.rfind("S ", 0) == 0) {
      c.standstills.push_back(line.substr(2));
    }
  }
  c.handed_up = collected(text, static_cast<std::size_t>(in.tellg()));
  return c;
}

std::vector<std::string> handed_up(const std::string& name, const std::string& strategy, const std::vector<std::string>& set) {
  const auto [code, text] = in_child([&](std::ostream& out) {
    const scenario::Scenario s = load(name, set);
    Collector collector(out);
    system::RunOptions o;
    o.observers.push_back(&collector);
    system::run(s, choose(s, strategy), o);
  });
  if (code != 0) throw std::runtime_error(text);
  return collected(text, 0);
}

}  // namespace gd::test
