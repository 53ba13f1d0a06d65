// Keys of the top level, of the windows, and those that close the file: expect, costs, debug.
#include "src/scenario/reader.h"
#include "src/scenario/table.h"

namespace gd::scenario {

void general_keys(Table& t) {
  static std::string ignored;
  t.string(
       "$schema", [](Scenario&) -> auto& { return ignored; }, "Where the JSON schema lies, for editors; the reader ignores it.")
      .resolved = false;
  t.other("version", read_version(), "1", "Version of the scenario format.");
  t.string("name", AT(name), "Name of the scenario in results; absent: the file's name without .json.").hashed = false;
  t.string("description", AT(description), "What the scenario shows, for people.").hashed = false;
  t.other("extends", read_extends(), "a file name or a list of file names",
          "Scenarios or platforms that this one is merged over, left to right (RFC 7396: objects are merged, lists are "
          "replaced, null removes a key). Looked up beside the file, then in the installed share folder.")
      .resolved = false;
  Row& sources = t.other("sources", read_strings(), "an object of strings",
                         "Where numbers of this file come from, by key or section; for people.");
  sources.resolved = sources.hashed = false;
  Row& inputs = t.other(
      "inputs", read_inputs(), "an object of SHA-256 sums by key",
      "SHA-256 of the files that a run read, as its config.json records them; a file that has changed since is an error.");
  inputs.hashed = false;
  t.count("seed", AT(seed), {}, "Seed of all random streams.").hashed = false;
  t.other("strategies", read_strategies(),
          "\"all\", or a list of names or of objects {name, label, hazard, set, options of that strategy}",
          "The receive-buffer designs to run; \"all\": every one that NIC, guest and consumer can serve. `set` gives keys "
          "(dotted) another value for one entry.")
      .hashed = false;
}

void time_keys(Table& t) {
  t.time("time.warmup", AT(time.warmup), {}, "Simulated time before measuring. A capture that is played once runs without it.",
         "fills caches and rings at 10 Gb/s several times over");
  t.time("time.measure", AT(time.measure), {1}, "Length of the measured window.");
  t.time("time.drain", AT(time.drain), {}, "Longest time after the window in which its frames may still arrive.");
}

void last_keys(Table& t) {
  t.other("expect", read_expect(), "a list of lines METRIC[LABEL]? OP (NUMBER UNIT? | NUMBER * METRIC[LABEL])",
          "What must hold of the results; a line without [LABEL] holds for every strategy that runs.");
  t.other("sweep", read_sweep(), "an object {axes, search, exclude, seeds}",
          "What `sweep` runs: the product of the axes, each {key, values}, {key, from, to, step} (step may be \"log2\") or {zip: [of "
          "these]}, less what an entry of exclude matches, for each seed. `search` looks, at each point of that product, for the value of one more key "
          "up to which a line holds (`highest`; from which on: `lowest`), or at which one strategy overtakes another (`crossover`). Other commands run the scenario as it is.")
      .hashed = false;
  t.other("costs", read_costs(),
          "an object of operations {cycles, cycles_per_unit, per, source, confidence} by component.operation",
          "Costs of software operations, merged over the profile of host.costs.");
  Row& shuffle = t.boolean("debug.shuffle", AT(debug.shuffle),
                           "Random order of components inside one simulated instant; results must not change.");
  shuffle.hashed = false;
  t.choice("debug.fault.kind", AT(debug.fault.kind),
           {"none", "flip-wire", "flip-nic", "flip-host", "flip-guest", "lose-nic", "lose-host", "lose-guest", "free-twice",
            "leak-buffer", "wrong-queue", "dma-after-return", "uncharged-cycle"},
           "A planted fault, which the checks of the simulator must find.");
  t.count("debug.fault.frame", AT(debug.fault.frame), {},
          "Wire sequence number of the frame from which on the fault strikes once.");
}

}  // namespace gd::scenario
