#include "src/report/seeds.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <tuple>

#include "src/report/comparison.h"
#include "src/report/words.h"

namespace gd::report {

namespace {

using system::Metric;
using system::RunResult;

constexpr std::int64_t kMicro = 1'000'000;   // places of a mean, as many as a metric is shown with

std::int64_t nearest_whole(__int128 n, std::int64_t d) { return static_cast<std::int64_t>((n + (n < 0 ? -d : d) / 2) / d); }

// The mean of `per_seed(run, metric)`, in millionths; nothing where a seed does not have the metric.
template <class F> std::optional<Metric> mean_metric(const SeedRuns& runs, const Metric& like, F per_seed) {
  __int128 sum = 0;
  for (const RunResult& r : runs) {
    const Metric* m = r.find(like.name);
    if (!m || m->unit != like.unit) return std::nullopt;
    sum += per_seed(r, *m);
  }
  const auto n = static_cast<std::int64_t>(runs.size());
  Metric out{like.name, like.unit, 0, 1};
  if (sum / n / kMicro < INT64_MAX / kMicro) out.num = nearest_whole(sum, n), out.den = kMicro;
  else out.num = nearest_whole(sum / kMicro, n);
  while (out.den > 1 && out.num % 10 == 0) out.num /= 10, out.den /= 10;
  return out;
}

__int128 micro(const Metric& m) { return static_cast<__int128>(m.num) * kMicro / static_cast<__int128>(m.den); }

RunResult named_like(const SeedRuns& runs) {
  RunResult out;
  out.scenario = runs.front().scenario, out.strategy = runs.front().strategy, out.label = runs.front().label;
  out.seed = runs.front().seed, out.config_sha256 = runs.front().config_sha256, out.hazard = runs.front().hazard;
  for (const RunResult& r : runs)
    for (const auto& [kind, list] : system::Messages::kKinds)
      if ((out.messages.*list).empty()) out.messages.*list = r.messages.*list;
  return out;
}

// Metrics of any seed, by name.
std::map<std::string, std::string> units_of(const SeedRuns& runs) {
  std::map<std::string, std::string> out;
  for (const RunResult& r : runs)
    for (const Metric& m : r.metrics) out.emplace(m.name, m.unit);
  return out;
}

std::string span_text(double low, double high, const std::string& unit) {
  const std::string a = figure(low), b = figure(high);
  return (a == b ? a : a + " to " + b) + (unit.empty() ? "" : " " + unit);
}

std::string percent_of(double low, double high, double whole) {
  const auto share = [&](double v) { return std::round(v / std::fabs(whole) * 1e4) / 100; };
  return whole == 0 ? "" : span_text(share(low), share(high), "%");
}

void add_pair(SeedStatistics& out, const SeedRuns& from, const SeedRuns& to, const Policies& policies, bool all) {
  const std::map<std::string, std::string> a = units_of(from);
  std::map<std::string, std::string> names = units_of(to);
  names.insert(a.begin(), a.end());
  for (const auto& [name, unit] : names) {
    const MetricPolicy policy = policies.of(name);
    if (!all && !policy.gate) continue;
    std::vector<double> x, y;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::optional<double> v = shown_value(from[i], name), w = shown_value(to[i], name);
      if (v && w) x.push_back(*v), y.push_back(*w);
    }
    if (x.empty()) continue;
    PairDifference d{from.front().label, to.front().label, name, unit, policy.gate, pair_up(x, y, policy), ""};
    d.words = in_words(d.paired, unit);
    out.differences.push_back(std::move(d));
  }
}

}  // namespace

std::string in_words(const Paired& p, const std::string& unit) {
  const double low = p.difference.lower(), high = p.difference.upper();
  const bool fewer = p.difference.mean < 0;
  const double least = fewer ? -high : low, most = fewer ? -low : high;
  const std::string share = percent_of(least, most, p.from.mean);
  const std::string size = span_text(least, most, unit) + (fewer ? " lower" : " higher") + (share.empty() ? "" : " (" + share + ")");
  switch (p.finding) {
    case Finding::equal: return "the same in both, with each seed";
    case Finding::unknown: return "fewer than two seeds have a value of both";
    case Finding::unclear: return "no difference that counts (" + signed_figure(low) + " to " + signed_figure(high) + (unit.empty() ? "" : " " + unit) + ")";
    case Finding::tolerated: return size + ", within the tolerance of " + figure(p.tolerance) + (unit.empty() ? "" : " " + unit) + ": does not count";
    case Finding::counted: return size + ": counts";
  }
  return "";
}

SeedStatistics seed_statistics(const std::vector<SeedRuns>& runs, const Policies& policies) {
  SeedStatistics out;
  if (runs.empty()) return out;
  for (const RunResult& r : runs.front()) out.seeds.push_back(r.seed);
  for (const SeedRuns& of : runs) {
    std::vector<MetricSeeds>& list = out.metrics.emplace_back();
    for (const auto& [name, unit] : units_of(of)) {
      std::vector<double> values;
      for (const RunResult& r : of)
        if (const std::optional<double> v = shown_value(r, name)) values.push_back(*v);
      list.push_back({name, unit, interval_of(values)});
    }
  }
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (std::size_t k = i + 1; k < runs.size(); ++k) add_pair(out, runs[i], runs[k], policies, i == 0);
  return out;
}

RunResult mean_run(const SeedRuns& runs) {
  RunResult out = named_like(runs);
  for (const Metric& like : runs.front().metrics)
    if (auto m = mean_metric(runs, like, [](const RunResult&, const Metric& x) { return micro(x); })) out.metrics.push_back(std::move(*m));
  return out;
}

RunResult pooled_run(const SeedRuns& runs) {
  RunResult out = named_like(runs);
  const bool none = std::any_of(runs.begin(), runs.end(), [](const RunResult& r) { return packets_of(r) == 0; });
  const auto pooled = static_cast<__int128>(kPooledPackets), n = static_cast<__int128>(runs.size());
  for (const Metric& like : runs.front().metrics) {
    const bool counts = like.name == "pcie.upstream_bytes" || like.name == "pcie.downstream_bytes";
    const auto of = [&](const RunResult& r, const Metric& x) { return counts && !none ? micro(x) * pooled / packets_of(r) : micro(x); };
    if (like.name == "packets.accepted" || like.name == "packets.delivered") out.metrics.push_back({like.name, like.unit, none ? 0 : static_cast<std::int64_t>(kPooledPackets), 1});
    else if (auto m = mean_metric(runs, like, of)) out.metrics.push_back(std::move(*m));
  }
  if (none) return out;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, __int128> cells;
  for (const RunResult& r : runs)
    for (const system::LedgerLine& l : r.ledger) cells[{l.core, l.context, l.component, l.operation}] += static_cast<__int128>(l.milli_cycles) * pooled / packets_of(r);
  for (const auto& [key, milli] : cells)
    out.ledger.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), static_cast<std::uint64_t>(milli / n), 0, 0});
  return out;
}

std::vector<Verdict> evaluate_seeds(const std::vector<scenario::Expectation>& lines, const std::vector<SeedRuns>& runs) {
  std::vector<std::vector<Verdict>> by_seed;
  std::vector<std::uint64_t> seeds;
  for (std::size_t s = 0; !runs.empty() && s < runs.front().size(); ++s) {
    std::vector<RunResult> of_seed;
    for (const SeedRuns& r : runs) of_seed.push_back(r[s]);
    seeds.push_back(of_seed.front().seed);
    by_seed.push_back(evaluate(lines, of_seed));
  }
  std::vector<Verdict> out;
  const std::string of = std::to_string(seeds.size()) + " seeds";
  for (std::size_t i = 0; !by_seed.empty() && i < by_seed.front().size(); ++i) {
    std::vector<std::string> failing;
    std::size_t decisive = 0;
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      if (by_seed[s][i].state != Verdict::State::fail) continue;
      if (failing.empty()) decisive = s;
      failing.push_back(std::to_string(seeds[s]));
    }
    Verdict v = by_seed[decisive][i];
    const std::string seed = "; seed " + std::to_string(seeds[decisive]) + ": ";
    if (!failing.empty()) v.detail = "fails with " + std::to_string(failing.size()) + " of " + of + " (" + listed(failing) + ")" + seed + v.detail;
    else if (v.state == Verdict::State::pass) v.detail = "holds with each of " + of + seed + v.detail;
    out.push_back(std::move(v));
  }
  return out;
}

}  // namespace gd::report
