// Cost profiles: the file of host.costs with the scenario's own `costs` merged over it.
#pragma once
#include "src/scenario/reader.h"

namespace gd::scenario {

// Fills scenario().costs, host.costs (as found) and inputs. `root` is the merged tree.
void read_costs_of(Reader& reader, const Node& root);

}  // namespace gd::scenario
