#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "models/base/error.h"
#include "src/report/json_text.h"
#include "src/report/results.h"
#include "src/report/summary_part.h"

namespace gd::report {

namespace {

std::string hex(std::uint64_t v) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(v));
  return text;
}

std::string fixed(double v, int places) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", places, v);
  return text;
}

double per(std::uint64_t n, std::uint64_t frames) { return frames ? static_cast<double>(n) / static_cast<double>(frames) : 0; }

void run_part(JsonText& j, const system::RunResult& r) {
  utsname u{};
  uname(&u);
  j.key("run").open('{', JsonText::flat);
  j.key("wall_s").raw(fixed(r.wall_s, 3)).key("cpu_s").raw(fixed(r.cpu_s, 3));
  j.key("frames_per_cpu_s").raw(fixed(r.cpu_s > 0 ? static_cast<double>(r.frames) / r.cpu_s : 0, 0));
  j.key("peak_rss_bytes").count(r.peak_rss_bytes);
  j.key("host").string(std::string(u.nodename) + " " + u.sysname + " " + u.release + " " + u.machine);
  j.key("cpus").count(std::thread::hardware_concurrency());
  j.key("frames").count(r.frames).key("activations").count(r.activations).key("lookups").count(r.lookups);
  j.key("bytes_moved").count(r.bytes_moved);
  j.key("activations_per_frame").raw(fixed(per(r.activations, r.frames), 3));
  j.key("lookups_per_frame").raw(fixed(per(r.lookups, r.frames), 3));
  j.key("bytes_moved_per_frame").raw(fixed(per(r.bytes_moved, r.frames), 1));
  j.close();
}

}  // namespace

void summary_head(JsonText& j, const system::RunResult& r) {
  j.key("schema").count(kSchema).key("scenario").string(r.scenario).key("strategy").string(r.strategy);
  j.key("label").string(r.label).key("seed").count(r.seed).key("config_sha256").string(r.config_sha256);
  j.key("fingerprint").string(hex(r.fingerprint)).key("simulated_ps").raw(std::to_string(r.simulated));
}

void summary_part(JsonText& j, const system::RunResult& r) {
  j.open('{');
  summary_head(j, r);
  j.key("metrics").open('{');
  for (const system::Metric& m : r.metrics) {
    j.key(m.name).open('{', JsonText::flat).key("value").raw(m.text()).key("unit").string(m.unit).close();
  }
  j.close();
  run_part(j, r);
  j.close();
}

std::string summary_json(const system::RunResult& r) {
  JsonText j;
  summary_part(j, r);
  return j.text();
}

std::string without_run(const std::string& summary) {
  const std::size_t at = summary.find(",\n  \"run\": {");
  if (at == std::string::npos) return summary;
  const std::size_t end = summary.find('\n', at + 2);
  return summary.substr(0, at) + (end == std::string::npos ? "" : summary.substr(end));
}

std::string baseline_json(const system::RunResult& r) {
  const auto is_zero = [](const system::Metric& m) {
    const system::MetricInfo* info = system::find_metric(m.name);
    return m.num == 0 && info != nullptr && info->unit == m.unit;   // another unit than the table's has to be written
  };
  JsonText j;
  j.open('{');
  summary_head(j, r);
  j.key("metrics").open('{');
  for (const system::Metric& m : r.metrics)
    if (!is_zero(m)) j.key(m.name).open('{', JsonText::flat).key("value").raw(m.text()).key("unit").string(m.unit).close();
  j.close().key("zero").open('[', JsonText::flat);
  for (const system::Metric& m : r.metrics)
    if (is_zero(m)) j.string(m.name);
  return j.close().close().text();
}

void write_results(const system::RunResult& r, const std::string& folder) {
  write_file(folder + "/summary.json", summary_json(r));
  write_file(folder + "/ledger.json", ledger_json(r));
  write_file(folder + "/cycles.folded", cycles_folded(r));
  write_file(folder + "/histogram.json", histogram_json(r));
}

void write_file(const std::string& path, const std::string& text) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  bool ok = f != nullptr && std::fwrite(text.data(), 1, text.size(), f) == text.size();
  int error = errno;
  if (f != nullptr && std::fclose(f) != 0 && ok) {
    ok = false;
    error = errno;
  }
  if (!ok) throw UserError("cannot write " + path + ": " + std::strerror(error));
}

void replace_file(const std::string& path, const std::string& text) {
  const std::string part = path + ".tmp-" + std::to_string(getpid());
  write_file(part, text);
  if (std::rename(part.c_str(), path.c_str()) == 0) return;
  const int error = errno;
  std::remove(part.c_str());
  throw UserError("cannot write " + path + ": " + std::strerror(error));
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) throw UserError("cannot read " + path + ": " + std::strerror(errno));
  return text.str();
}

}  // namespace gd::report
