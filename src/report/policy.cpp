#include "src/report/policy.h"

#include <algorithm>

#include "src/system/result.h"

namespace gd::report {

namespace {

// What users decide by. Everything else explains, and is told without failing a check.
const char* const kGates[] = {"throughput.goodput", "throughput.packets", "packets.delivered", "packets.dropped", "drops.total",
                              "latency.p50", "latency.p99", "host.cycles_per_packet", "guest.cycles_per_packet", "cpu.cycles_per_packet",
                              "cpu.cycles_per_byte", "copy.host_bytes_per_packet", "pinned.peak_bytes", "fairness.jain", "dma.bandwidth",
                              "dma.read_bandwidth", "dma.write_bandwidth", "dma.latency.p50"};
// What has to stay what it was.
const char* const kExact[] = {"integrity.errors", "ownership.violations", "security.escapes", "security.leaked_bytes", "toctou.acted_on"};

bool among(const std::string& name, const char* const* begin, const char* const* end) {
  const std::size_t dot = name.starts_with("guest.") ? name.find('.', 6) : std::string::npos;
  return std::any_of(begin, end, [&](const char* n) { return name == n || (dot != std::string::npos && name.compare(dot + 1, std::string::npos, n) == 0); });
}

}  // namespace

bool matches_pattern(const std::string& pattern, const std::string& name) {
  // The last star seen, and how far it has reached: the usual way back.
  std::size_t p = 0, n = 0, star = std::string::npos, reached = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, reached = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string::npos) {
      p = star + 1, n = ++reached;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

MetricPolicy Policies::of(const std::string& metric) const {
  MetricPolicy p;
  const system::MetricInfo* info = system::find_metric(metric);
  p.better = info ? info->better : 0;
  const bool exact = among(metric, std::begin(kExact), std::end(kExact));
  p.gate = exact || among(metric, std::begin(kGates), std::end(kGates));
  if (exact) p.rel_tol = 0;
  for (const PolicyRule& r : rules_) {
    if (!matches_pattern(r.pattern, metric)) continue;
    if (r.sets_better) p.better = r.value.better;
    if (r.sets_rel_tol) p.rel_tol = r.value.rel_tol;
    if (r.sets_abs_tol) p.abs_tol = r.value.abs_tol;
    if (r.sets_gate) p.gate = r.value.gate;
  }
  return p;
}

}  // namespace gd::report
