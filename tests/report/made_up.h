// Results and runs made up by hand: figures like those of a 10 Gb/s card, without a simulation.
#pragma once
#include <string>
#include <vector>

#include "src/report/comparison.h"
#include "src/system/system.h"

namespace gd::report::made_up {

// One run of `strategies()`. Its ledger sums to cpu.cycles_per_packet.
system::RunResult run(const std::string& strategy);
// "vhost-copy", "guest-head", "copy-header", "passthrough", and two more for wide tables.
std::vector<std::string> strategies();
ComparisonInput comparison(unsigned strategies);

// A run's events as a system would tell them: two cores, two levels, one guest g0, `frames` frames 1.2 us apart, every
// 50th dropped. finish() included.
system::Topology topology();
void play(system::TraceObserver& to, unsigned frames);

}  // namespace gd::report::made_up
