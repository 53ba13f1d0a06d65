// What decided the exit code, line by line, in the forms that CI systems read. Made from expect lines, from a check against a
// baseline, or from published points; nothing is judged here.
#pragma once
#include <string>
#include <vector>

#include "src/report/check.h"
#include "src/report/fidelity.h"
#include "src/report/verdict.h"

namespace gd::report {

struct GateLine {
  enum class State { pass, fail, skipped };
  State state = State::pass;
  std::string suite;          // "quickstart.vhost-copy": what was run
  std::string name;           // "throughput.goodput > 9 Gb/s", "latency.p99"
  std::string detail;         // "measured 8.7 Gb/s, wanted > 9 Gb/s"
  std::string file;           // where the demand stands; "" where it stands in no file
  unsigned line = 0, column = 0;
};

struct Gate {
  std::string name;           // "guestdma compare quickstart"
  std::vector<GateLine> lines;
  std::size_t count(GateLine::State s) const;
};

Gate gate_of(const std::string& command, const std::string& scenario, const std::vector<Verdict>& verdicts);
// A passing pair of runs is one line; a failing one has a line for each metric that failed.
Gate gate_of(const Check& check);
Gate gate_of(const Fidelity& fidelity);

// JUnit XML as Jenkins, GitLab and GitHub actions read it: a testsuite for each suite, a testcase for each line. Characters
// that XML 1.0 cannot hold become U+FFFD.
std::string junit_xml(const Gate& g);

// A workflow command of GitHub actions for each failing line ("::error file=...,line=...,col=...,title=...::text"), at most
// ten of them (what GitHub shows of a step), the last of which tells how many more there are.
std::string annotations(const Gate& g);

// `markdown` within the room of a step summary: cut at the end of a line when it has more than `most` bytes, with a line that says so.
inline constexpr std::size_t kStepSummary = 1'000'000;   // bytes; GitHub takes 1 MiB for a step
std::string capped(const std::string& markdown, std::size_t most = kStepSummary);

}  // namespace gd::report
