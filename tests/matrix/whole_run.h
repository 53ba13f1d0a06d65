// One combination of settings as a whole run of random streams, in a process of its own, with all that must hold of it.
#pragma once
#include "tests/matrix/space.h"
#include "tests/matrix/streams.h"

namespace gd::test {

// A capture, played once, to one guest; every strategy can be run.
constexpr const char* kStreamScenario = "pcap-bulk-tcp4.json";

// `space`: over kStreamScenario, whose capture holds `sent`. "" when the run ended well with bytes, buffers and books right,
// every frame handed up or dropped for a reason that the combination has, each flow's bytes in order, and segments merged
// where they can be; else what is wrong, and the command that shows it.
std::string whole_run(const Space& space, const Row& row, const std::vector<SentFrame>& sent);

}  // namespace gd::test
