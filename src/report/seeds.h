// Several seeds of each strategy: what the comparison shows of them. Means and intervals of every metric, the differences between
// strategies, paired by seed, and the verdicts of the expect lines.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/report/pairs.h"
#include "src/report/verdict.h"
#include "src/system/result.h"

namespace gd::report {

// The runs of one strategy, one for each seed, in the order of the seeds.
using SeedRuns = std::vector<system::RunResult>;

struct MetricSeeds {
  std::string metric, unit;
  Interval interval;                   // over the seeds that have a value
};

struct PairDifference {
  std::string from, to;                // labels
  std::string metric, unit;
  bool gate = false;                   // by the policy: what users decide by
  Paired paired;
  std::string words;                   // "312 to 355 cycles lower (5.2 to 5.9 %): counts"
};

struct SeedStatistics {
  std::vector<std::uint64_t> seeds;                // empty: the comparison is of one seed
  std::vector<std::vector<MetricSeeds>> metrics;   // for each strategy, by name
  // Each strategy against the first, every metric; then the other pairs, what policies gate. Metrics that one of the two does not
  // have are left out.
  std::vector<PairDifference> differences;
};
SeedStatistics seed_statistics(const std::vector<SeedRuns>& runs, const Policies& policies);

// "312 to 355 cycles lower (5.2 to 5.9 %): counts".
std::string in_words(const Paired& p, const std::string& unit);

// One run that stands for all seeds: metrics that each seed has, as means; the messages of the first seed that has some.
system::RunResult mean_run(const SeedRuns& runs);
// The same for reasons: as if of kPooledPackets packets, each seed with the same weight, so that cycles and bytes for each packet
// are the means of those of the seeds, and the ledger's terms sum to their difference.
inline constexpr std::uint64_t kPooledPackets = 1'000'000;
system::RunResult pooled_run(const SeedRuns& runs);

// A line has to hold with each seed. One verdict for each line and strategy; one that fails names the seeds.
std::vector<Verdict> evaluate_seeds(const std::vector<scenario::Expectation>& lines, const std::vector<SeedRuns>& runs);

// "1 to 5", or "1, 4 and 9".
std::string seeds_in_words(const std::vector<std::uint64_t>& seeds);

// A line below a table: of which seeds its means are, and whether the seeds change anything.
std::string seeds_note(const SeedStatistics& s);
// A mean or half of an interval for files: nine significant digits, since a quantile's last bits are the library's.
std::string statistic(double v);

// The differences in words, by pair: those that count, then those that do not. Of each pair with the first strategy what policies
// gate, without the metrics of single guests.
std::string differences_text(const SeedStatistics& s, unsigned width);
std::string differences_markdown(const SeedStatistics& s);
// Means and intervals of every metric of strategy `n` that is not zero, under `title`.
std::string seed_metrics_text(const SeedStatistics& s, std::size_t n, const std::string& title);
std::string seed_metrics_markdown(const SeedStatistics& s, std::size_t n, const std::string& title);
// label,metric,unit,seeds,mean,half of strategy `n`, without the head.
std::string seed_metrics_csv(const SeedStatistics& s, std::size_t n, const std::string& label);
// "6,017 ± 12"; without the second where it is 0.
std::string with_half(const Interval& i);

class JsonText;
// The key "seeds" of a comparison.
void seeds_part(JsonText& j, const SeedStatistics& s, const std::vector<std::string>& labels);

}  // namespace gd::report
