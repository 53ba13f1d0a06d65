// Statistics over seeds: Student's t intervals of a mean, and of the mean of paired differences. Values are paired by seed, so
// that what a seed does to both (the same arrivals, the same flows) is no part of their difference.
#pragma once
#include <cstddef>
#include <vector>

#include "src/report/policy.h"

namespace gd::report {

// Share of intervals that hold the true mean, where the values are normally distributed: the customary 95 %.
inline constexpr double kConfidence = 0.95;

// The factor of the standard error at each side of the mean: Student's t quantile at (1 + kConfidence) / 2. `freedom`: degrees
// of freedom, at least 1.
double t_factor(std::size_t freedom);

struct Interval {
  std::size_t n = 0;           // values; 0: there is none
  double mean = 0, half = 0;   // half of the interval's width; 0 also with one value, which has no interval
  double lower() const { return mean - half; }
  double upper() const { return mean + half; }
};
Interval interval_of(const std::vector<double>& values);

enum class Finding {
  equal,       // each seed gives both the same
  unknown,     // fewer than two seeds have a value of both
  unclear,     // the interval holds zero
  tolerated,   // it does not, but the difference is within the tolerance
  counted
};
const char* finding_name(Finding f);   // "equal", "unknown", "unclear", "tolerated", "counted"

struct Paired {
  Interval from, to, difference;       // difference: to - from, seed by seed
  double tolerance = 0;                // the larger of rel_tol * |mean of from| and abs_tol
  Finding finding = Finding::unknown;
};
// A difference counts if its interval excludes zero and its mean is larger than the tolerance. `from` and `to` are of equal length.
Paired pair_up(const std::vector<double>& from, const std::vector<double>& to, const MetricPolicy& policy);

}  // namespace gd::report
