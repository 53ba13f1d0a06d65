// Reading back a strategy's folder. A decimal with at most six places becomes a ratio of integers again, so that
// Metric::text() gives the same digits.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "models/base/error.h"
#include "src/report/results.h"

namespace gd::report {

namespace {

using Json = nlohmann::ordered_json;

void decimal(const Json& v, std::int64_t& num, std::uint64_t& den) {
  den = 1;
  if (v.is_number_integer()) {
    num = v.get<std::int64_t>();
    return;
  }
  den = 1'000'000;
  num = std::llround(v.get<double>() * 1e6);
  while (den > 1 && num % 10 == 0) num /= 10, den /= 10;
}

std::uint64_t milli(const Json& v) { return v.is_number_integer() ? v.get<std::uint64_t>() * 1000 : static_cast<std::uint64_t>(std::llround(v.get<double>() * 1e3)); }

// Calls f(document) with the file's JSON; whatever is wrong with its shape becomes one message.
template <class F> void with(const std::string& path, F f) {
  const std::string text = read_file(path);
  try {
    const Json j = Json::parse(text);
    if (j.at("schema").get<int>() != kSchema) throw UserError(path + ": schema " + j.at("schema").dump() + " is not the one of this version, " + std::to_string(kSchema));
    f(j);
  } catch (const Json::exception& e) {
    // "[json.exception.out_of_range.403] key 'schema' not found": the words without the library's name for them.
    const std::string what = e.what();
    const std::size_t end = what.find("] ");
    throw UserError(path + ": is not a result file of guestdma: " + (end == std::string::npos ? what : what.substr(end + 2)));
  }
}

void read_summary(const Json& j, system::RunResult& r) {
  r.scenario = j.at("scenario");
  r.strategy = j.at("strategy");
  r.label = j.at("label");
  r.seed = j.at("seed");
  r.config_sha256 = j.at("config_sha256");
  r.fingerprint = std::strtoull(j.at("fingerprint").get<std::string>().c_str(), nullptr, 16);
  r.simulated = j.at("simulated_ps");
  for (const auto& [name, m] : j.at("metrics").items()) {
    system::Metric metric;
    metric.name = name;
    metric.unit = m.at("unit");
    decimal(m.at("value"), metric.num, metric.den);
    r.metrics.push_back(std::move(metric));
  }
  if (j.contains("zero")) {
    for (const Json& name : j.at("zero")) {
      const system::MetricInfo* info = system::find_metric(name.get<std::string>());
      r.metrics.push_back({name, info ? info->unit : "", 0, 1});
    }
    std::sort(r.metrics.begin(), r.metrics.end(), [](const system::Metric& a, const system::Metric& b) { return a.name < b.name; });
  }
  if (!j.contains("run")) return;          // a baseline holds what every machine gives
  const Json& run = j.at("run");
  r.wall_s = run.at("wall_s");
  r.cpu_s = run.at("cpu_s");
  r.peak_rss_bytes = run.at("peak_rss_bytes");
  r.frames = run.at("frames");
  r.activations = run.at("activations");
  r.lookups = run.at("lookups");
  r.bytes_moved = run.at("bytes_moved");
}

}  // namespace

system::RunResult read_summary(const std::string& path) {
  system::RunResult r;
  with(path, [&](const Json& j) { read_summary(j, r); });
  return r;
}

system::RunResult read_results(const std::string& folder) {
  system::RunResult r;
  with(folder + "/summary.json", [&](const Json& j) { read_summary(j, r); });
  with(folder + "/ledger.json", [&](const Json& j) {
    for (const Json& l : j.at("lines"))
      r.ledger.push_back({l.at("core"), l.at("context"), l.at("component"), l.at("operation"), milli(l.at("cycles")), l.at("calls"), l.at("bytes")});
  });
  with(folder + "/histogram.json", [&](const Json& j) {
    for (const Json& d : j.at("distributions")) {
      system::Distribution out{d.at("name"), d.at("unit"), {}};
      for (const Json& b : d.at("buckets")) out.buckets.push_back({b.at(0), b.at(1), b.at(2)});
      r.distributions.push_back(std::move(out));
    }
    if (j.contains("way")) {
      const Json& way = j.at("way");
      r.way.frame = way.at("frame"), r.way.bytes = way.at("bytes");
      for (const Json& s : way.at("steps")) r.way.steps.push_back({s.at(0), s.at(1)});
    }
    r.hazard = j.at("hazard");
    for (const auto& [kind, list] : system::Messages::kKinds)
      for (const Json& m : j.at("messages").at(kind)) (r.messages.*list).push_back(m);
  });
  return r;
}

}  // namespace gd::report
