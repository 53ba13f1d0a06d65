// Cost profiles: the file of host.costs, which may extend others as a scenario may (RFC 7396 merge, looked up beside the
// file, then in the share folder), with the scenario's own `costs` merged over it. {"description", "extends", "sources",
// "costs": {"component.operation": {cycles, cycles_per_unit, per, source, confidence}}}.
#pragma once
#include "src/scenario/reader.h"

namespace gd::scenario {

// Fills scenario().costs, host.costs (as found) and inputs. `root` is the merged tree.
void read_costs_of(Reader& reader, const Node& root);

}  // namespace gd::scenario
