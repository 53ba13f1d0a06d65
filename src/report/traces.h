// Traces of a run as files, written while it runs: --trace perfetto,vcd,csv,pcap.
//
// All are passive and of bounded memory. What they are told may come a little out of time order, because models annotate
// times ahead; TimeOrder (time_order.h) puts it right.
//
//   perfetto  trace.json   a timeline of cores, frames through the stages, and levels (perfetto.h)
//   vcd       waves.vcd    levels and what each core runs, for wave viewers (vcd.h)
//   csv       series.csv   levels and counts every 10 us (series.h)
//   pcap      wire.pcap, guest-<name>.pcap (app.pcap without guests)  (pcap_file.h, pcap_trace.h)
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/base/units.h"
#include "src/system/system.h"

namespace gd::report {

struct TraceLimits {
  std::uint64_t frames = 20'000;          // Perfetto: frames traced one by one from the first on
  std::uint64_t sample = 64;              // Perfetto: of later frames every so many-th
  std::uint64_t events = 1'000'000;       // Perfetto: core slices and level changes, each
  Time interval = 10 * kUs;               // series.csv: length of an interval
};

// "perfetto", "vcd", "csv", "pcap".
const std::vector<std::string>& trace_kinds();
// "vcd,csv" as a list without repetitions, in the order of trace_kinds(). Throws UserError that names what is allowed and
// the nearest.
std::vector<std::string> parse_trace_kinds(const std::string& text);

using Traces = std::vector<std::unique_ptr<system::TraceObserver>>;
// Opens the files of `kinds` in `folder`, which exists. The files are whole after finish() of each.
// Throws UserError when a file cannot be written.
Traces make_traces(const std::vector<std::string>& kinds, const std::string& folder, const TraceLimits& limits = {});

}  // namespace gd::report
