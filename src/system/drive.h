// What every kind of run does, whatever its machine.
#pragma once
#include <exception>
#include <systemc>

#include "models/base/error.h"
#include "src/scenario/loader.h"
#include "src/system/system.h"

namespace gd::system {

// Runs the machine from the first event to the end of its windows, traces begun before and finished after; when that was.
// Throws what stopped the simulation, InvariantError when it ended before its measuring window.
template <class Machine, class Windows>
Time drive(Machine& m, Windows& windows, const RunOptions& options) {
  const Topology topology = m.topology();
  for (TraceObserver* o : options.observers) o->begin(topology);
  sc_core::sc_start();
  if (m.agenda.failure()) std::rethrow_exception(m.agenda.failure());
  if (!windows.measured()) broken("the simulation ended before its measuring window");
  const Time end = windows.finished_at();
  for (TraceObserver* o : options.observers) o->finish(end);
  return end;
}

// A result that says what was run, and holds nothing yet of how it went.
inline RunResult result_of(const scenario::Scenario& s, const scenario::StrategyChoice& choice) {
  RunResult r;
  r.scenario = s.name;
  r.strategy = choice.name;
  r.label = choice.label;
  r.seed = s.seed;
  r.config_sha256 = scenario::config_sha256(s);
  return r;
}

}  // namespace gd::system
