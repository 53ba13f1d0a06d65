// Traces of a run as files, written while it runs: --trace perfetto,vcd,csv,pcap.
//
// All are passive and of bounded memory, and those that have no natural length end early: TraceLimits, `--trace-limit` (file_trace.h).
// What they are told may come a little out of time order, because models annotate
// times ahead; TimeOrder (time_order.h) puts it right.
//
//   perfetto  trace.json   a timeline of cores, frames through the stages, and levels (perfetto.h)
//   vcd       waves.vcd    levels and what each core runs, for wave viewers (vcd.h)
//   csv       series.csv   levels and counts every 10 us (series.h)
//   pcap      wire.pcap, guest-<name>.pcap (app.pcap without)  (pcap_file.h, pcap_trace.h)
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "src/report/file_trace.h"

namespace gd::report {

// "perfetto", "vcd", "csv", "pcap".
const std::vector<std::string>& trace_kinds();
// "vcd,csv" as a list without repetitions, in the order of trace_kinds(). Throws UserError that names what is allowed and
// the nearest.
std::vector<std::string> parse_trace_kinds(const std::string& text);

using Traces = std::vector<std::unique_ptr<FileTrace>>;
// Opens the files of `kinds` in `folder`, which exists. The files are whole after finish() of each.
// Throws UserError when a file cannot be written.
// What the limits left out, a line for each file that says something; "" when all is there.
std::string left_out(const Traces& traces);
Traces make_traces(const std::vector<std::string>& kinds, const std::string& folder, const TraceLimits& limits = {});

}  // namespace gd::report
