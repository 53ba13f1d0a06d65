// The `search` of a `sweep` block: one key is not swept but searched, by bisection, at each point of the product of the axes.
//
//   "search": {"key": "traffic.rate", "from": "1Gbps", "to": "10Gbps", "precision": "1%", "highest": "drops.total == 0"}
//   "search": {"key": "traffic.frame_bytes", "from": 64, "to": 1518, "precision": 8,
//              "crossover": {"metric": "cpu.cycles_per_packet", "between": ["vhost-copy", "guest-head"]}}
//
// highest    the highest value up to which the line (as in `expect`) holds, which it must at `from`
// lowest     the lowest value from which on it holds, which it must at `to`
//            A line without [LABEL] is searched for each strategy by itself. With seeds it has to hold for each of them.
// crossover  the value at which the order of two strategies by a metric changes: the first of `between` against each other, or of all
//            that run. With seeds their mean decides.
// precision  "1%" (default): the gap left is at most this share of its lower end; a value: the steps from `from` on; "log2": doublings
//
// On the command line --search KEY=FROM..TO[..PRECISION] with --highest LINE, --lowest LINE or --crossover METRIC[A,B...], which
// set the same keys of the block.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "src/scenario/sweep.h"
#include "src/scenario/table.h"
#include "src/scenario/text.h"

namespace gd::scenario {

class Reader;

// Reads `search`; mistakes go to the reader, and `out` stays empty then.
void read_search(Reader& r, const Node& n, const std::string& path, std::optional<SweepSearch>& out);
Json search_json(const SweepSearch& s);
const char* aim_name(SweepSearch::Aim a);      // "highest", "lowest", "crossover"

// What --search, --highest, --lowest and --crossover say, as KEY=VALUE of --set. Throws UserError.
std::vector<std::string> search_settings(const std::optional<std::string>& search, const std::optional<std::string>& highest,
                                         const std::optional<std::string>& lowest, const std::optional<std::string>& crossover);

}  // namespace gd::scenario
