// What a design suffers, from a guest that misbehaves or by itself: words by stated rules on a run's metrics, worst first.
//
//   broken     integrity.errors or ownership.violations are not 0: bytes of well-behaved guests, or the host's books, are wrong
//   escaped    security.escapes: memory was written, or a page used, that was not the guest's
//   leaked     security.leaked_bytes: bytes of others were within a guest's reach
//   acted-on   toctou.acted_on: the host acted on headers that a guest had changed after they were parsed
//   starved    a well-behaved guest lost 1 % of its frames or more (packets.lost_share)
//   slowed     a well-behaved guest lost none of note, but its latency.p99 is 1 ms or more
//   lossy, slow   the same where no guest misbehaves: nobody else is to blame
//   pinned     1 MiB or more are pinned for a misbehaving guest, and at most half of that for each well-behaved one
//   exposed    toctou.exposed_bytes: headers were parsed where a guest can change them
//   stalled    only the misbehaving guest: it got none of its frames
//   dropped    only the misbehaving guest: it lost 1 % of its frames or more
//   fine       none of these
// A guest misbehaves when its metric guest.<name>.misbehaves is 1.
#pragma once
#include <string>
#include <vector>

#include "src/system/result.h"

namespace gd::report {

struct Suffering {
  const char* word;
  std::string figure;      // what was measured, with its unit, to a tenth of a per cent, a KiB or a us; empty for "fine"
};

// Every rule that applies, in the order above; one "fine" when none does.
std::vector<Suffering> sufferings(const system::RunResult& r);

}  // namespace gd::report
