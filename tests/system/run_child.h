// Runs a scenario in a process of its own, so that a test may run several: SystemC elaborates once per process.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace gd::test {

struct ChildResult {
  int exit_code = 0;                     // 0, 2 user error, 3 broken invariant
  std::string error;                     // message of an exception
  std::map<std::string, std::string> metrics;
  std::string fingerprint;
  std::string everything;                // metrics, ledger and fingerprint as one text, without what depends on the machine
  std::vector<std::string> messages;     // violations, integrity errors
  std::vector<std::string> standstills;
  // If frames were asked for: those that guest 0's driver handed up, in order; and the reasons of those dropped, by wire
  // sequence number from 0.
  std::vector<std::string> handed_up;
  std::map<std::uint64_t, std::string> dropped;
  std::uint64_t frames = 0, activations = 0, lookups = 0, bytes_moved = 0, peak_rss = 0;
  double value(const std::string& metric) const;   // 0 when absent
};

// For what short runs and few buffers show: 50,000 interrupts of the card a second instead of the 8,000 of platforms with an 82599.
inline const std::string kOftenInterrupted = "nic.interrupt_moderation.delay=20us";

// `scenario`: a path under scenarios/ ("quickstart.json"). `set`: as --set.
// `with_frames`: ChildResult::handed_up and dropped are wanted.
ChildResult run_child(const std::string& scenario, const std::string& strategy, const std::vector<std::string>& set = {},
                      bool with_frames = false);
// Frames that guest 0's driver handed up, in order, each as bytes.
std::vector<std::string> handed_up(const std::string& scenario, const std::string& strategy, const std::vector<std::string>& set);

// A test's name must be an identifier: what is none becomes '_'.
std::string test_name(std::string text);

std::string scenario_path(const std::string& name);
// Scenario files of scenarios/*.json, by name, sorted.
std::vector<std::string> shipped_scenarios();
// Whether the strategy can serve the scenario.
bool can_serve(const std::string& scenario, const std::string& strategy, const std::vector<std::string>& set = {});
// Calls check(label) for each of the scenario's strategies that can serve it, in its order; that there is none is a failure.
void for_each_served(const std::string& scenario, const std::vector<std::string>& set, const std::function<void(const std::string&)>& check);

}  // namespace gd::test
