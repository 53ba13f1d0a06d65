// What a run leaves: metrics, ledger, distributions, and what went wrong. Everything that prints, plots or compares works
// on this object (or on the files written from it), so that no two figures disagree.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/base/units.h"

namespace gd::system {

// A metric's value is an exact ratio of integers, computed once; text and JSON show it with up to six decimals, cut by
// integer arithmetic so that every machine prints the same.
struct Metric {
  std::string name;          // "throughput.goodput", "drops.nic-fifo", "guest.g0.llc_misses_per_packet"
  std::string unit;          // "Gb/s", "ns", "cycles", "bytes", "frames", "share", "" for counts
  std::int64_t num = 0;
  std::uint64_t den = 1;     // never 0: a metric without a value is absent
  double value() const { return static_cast<double>(num) / static_cast<double>(den); }
  std::string text() const;  // shortest decimal with at most six places: "9.412", "0", "123456"
};

// One cell of the ledger inside the measuring window.
struct LedgerLine {
  std::string core, context, component, operation;   // device traffic: core "-", context "device"
  std::uint64_t milli_cycles = 0, calls = 0, bytes = 0;
};

// A distribution: non-empty buckets, ascending, bounds inclusive, in the unit named.
struct Distribution {
  std::string name, unit;    // "latency", "latency.stage.dma" ...; ns
  struct Bucket { std::uint64_t lower, upper, count; };
  std::vector<Bucket> buckets;
};

// A real frame of the run, of median latency (way.h): when it reached each stage, in picoseconds after the wire.
struct Way {
  struct Step { std::string stage; Time at; };
  std::uint64_t frame = 0;                // wire sequence number
  std::uint32_t bytes = 0;                // without FCS
  std::vector<Step> steps;                // the first is the wire at 0; empty: nothing was delivered
};

// What went wrong, in words: the first ones of each kind.
struct Messages {
  std::vector<std::string> ownership;     // violations
  std::vector<std::string> integrity;     // errors in bytes
  std::vector<std::string> standstill;    // queues of well-behaved guests that stand still at the end

  static constexpr std::pair<const char*, std::vector<std::string> Messages::*> kKinds[] = {
      {"ownership", &Messages::ownership}, {"integrity", &Messages::integrity}, {"standstill", &Messages::standstill}};
  std::vector<std::string> all() const;
  std::string first_about(std::string_view metric) const;   // "integrity.errors", "ownership.violations"; "" for none
};

struct RunResult {
  std::string scenario, strategy, label;
  std::uint64_t seed = 0;
  std::string config_sha256;
  std::uint64_t fingerprint = 0;
  std::vector<Metric> metrics;            // sorted by name
  std::vector<LedgerLine> ledger;         // sorted by core, context, component, operation
  std::vector<Distribution> distributions;
  Way way;
  Messages messages;
  bool hazard = false;                    // the scenario carries a hazard: integrity and ownership are judged by `expect`
  // Of the machine, not of the model: everything else is the same everywhere.
  std::uint64_t frames = 0, activations = 0, lookups = 0;
  std::uint64_t bytes_moved = 0;          // bytes that the simulator itself copied, compared or summed
  double wall_s = 0, cpu_s = 0;
  std::uint64_t peak_rss_bytes = 0;
  Time simulated = 0;                     // length of the run in simulated time

  const Metric* find(const std::string& name) const;
};

// Names for what observers see.
struct Topology {
  struct Level { std::uint32_t id; std::string component, name, unit; std::int64_t capacity; };
  std::vector<Level> levels;
  std::vector<std::string> cores;         // by core index
  std::vector<std::string> contexts;      // by ledger row: "softirq", "vhost", "guest-app" ...
  std::vector<std::string> guests;        // by guest index
};

// One metric of `list metrics`. `name` may hold <reason>, <stage>, <context>, <core>, <name> parts.
struct MetricInfo {
  std::string name, unit, description;
  int better = 0;                         // +1 higher is better, -1 lower, 0 neither
};
const std::vector<MetricInfo>& metric_table();
// The row of the table that `name` is, or whose pattern it matches; nullptr for none. Guest prefix "guest.<name>." is understood.
const MetricInfo* find_metric(const std::string& name);
inline bool known_metric(const std::string& name) { return find_metric(name) != nullptr; }

}  // namespace gd::system
