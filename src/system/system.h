// A scenario becomes wired models, windows and metrics. One run per process: SystemC elaborates once.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/ports/ports.h"
#include "src/scenario/loader.h"
#include "src/scenario/scenario.h"
#include "src/system/result.h"

namespace gd::system {

// Watches a run for traces; told the names first. All passive.
struct TraceObserver : Observer, FrameTable::Listener {
  virtual void begin(const Topology&) {}
  virtual void finish(Time /*end*/) {}
  void ended(const FrameMeta&, Drop, Time) override {}
};

struct RunOptions {
  std::vector<TraceObserver*> observers;
  // Called now and then with the simulated time and the planned end; for progress only.
  std::function<void(Time now, Time end)> progress;
};

// What the loader needs to know of strategies and metrics (names, options with their allowed values).
void describe_to_loader(scenario::LoadOptions& options);

// Names of all strategies, in the designs' order.
std::vector<std::string> strategy_names();
// What `describe NAME` prints of a strategy; empty when there is none.
std::string describe_strategy(const std::string& name);

// Why `choice` cannot be served in this scenario; nothing when it can.
std::optional<std::string> refusal(const scenario::Scenario& s, const scenario::StrategyChoice& choice);
// Every strategy of the scenario: those named, or with "all" one choice for each that exists.
std::vector<scenario::StrategyChoice> choices(const scenario::Scenario& s);
// Total buffering of the design in frames between wire and consumer, for `compare`.
std::uint64_t buffering(const scenario::Scenario& s, const scenario::StrategyChoice& choice);

// Runs one strategy. Once per process. Throws UserError, InvariantError.
RunResult run(const scenario::Scenario& s, const scenario::StrategyChoice& choice, const RunOptions& options);

}  // namespace gd::system
