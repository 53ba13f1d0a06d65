#include "src/report/traces.h"

#include <algorithm>

#include "models/base/error.h"
#include "src/report/pcap_file.h"
#include "src/report/perfetto.h"
#include "src/report/series.h"
#include "src/report/vcd.h"
#include "src/scenario/diagnostics.h"

namespace gd::report {

const std::vector<std::string>& trace_kinds() {
  static const std::vector<std::string> kinds{"perfetto", "vcd", "csv", "pcap"};
  return kinds;
}

std::vector<std::string> parse_trace_kinds(const std::string& text) {
  std::vector<std::string> asked, out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    asked.push_back(text.substr(at, end - at));
    at = end + 1;
    if (std::find(trace_kinds().begin(), trace_kinds().end(), asked.back()) != trace_kinds().end()) continue;
    const std::string near = scenario::nearest(asked.back(), trace_kinds());
    throw UserError("there is no trace kind \"" + asked.back() + "\"; allowed: " + scenario::join(trace_kinds()) + (near.empty() ? "" : "; did you mean " + near + "?"));
  }
  for (const std::string& kind : trace_kinds())
    if (std::find(asked.begin(), asked.end(), kind) != asked.end()) out.push_back(kind);
  return out;
}

Traces make_traces(const std::vector<std::string>& kinds, const std::string& folder, const TraceLimits& limits) {
  Traces traces;
  for (const std::string& kind : kinds) {
    if (kind == "perfetto") traces.push_back(std::make_unique<PerfettoTrace>(folder + "/trace.json", limits));
    else if (kind == "vcd") traces.push_back(std::make_unique<VcdTrace>(folder + "/waves.vcd", limits));
    else if (kind == "csv") traces.push_back(std::make_unique<SeriesTrace>(folder + "/series.csv", limits.interval));
    else if (kind == "pcap") traces.push_back(std::make_unique<PcapTrace>(folder));
    else parse_trace_kinds(kind);
  }
  return traces;
}

std::string left_out(const Traces& traces) {
  std::string out;
  for (const auto& t : traces)
    if (const std::string text = t->left_out(); !text.empty()) out += (out.empty() ? "" : "\n") + text;
  return out.empty() ? out : out + "\n--trace-limit moves these limits";
}

}  // namespace gd::report
