#include "src/report/pairs.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace gd::report {

double t_factor(std::size_t freedom) {
  return boost::math::quantile(boost::math::students_t(static_cast<double>(freedom)), (1 + kConfidence) / 2);
}

Interval interval_of(const std::vector<double>& values) {
  Interval out;
  out.n = values.size();
  if (values.empty()) return out;
  const double n = static_cast<double>(values.size());
  // About the first value, so that equal values have a spread of exactly zero.
  double sum = 0;
  for (const double v : values) sum += v - values.front();
  out.mean = values.front() + sum / n;
  if (values.size() < 2) return out;
  double squares = 0;
  for (const double v : values) squares += (v - out.mean) * (v - out.mean);
  out.half = t_factor(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return out;
}

const char* finding_name(Finding f) {
  switch (f) {
    case Finding::equal: return "equal";
    case Finding::unknown: return "unknown";
    case Finding::unclear: return "unclear";
    case Finding::tolerated: return "tolerated";
    case Finding::counted: return "counted";
  }
  return "?";
}

Paired pair_up(const std::vector<double>& from, const std::vector<double>& to, const MetricPolicy& policy) {
  Paired p;
  std::vector<double> differences;
  for (std::size_t i = 0; i < from.size(); ++i) differences.push_back(to[i] - from[i]);
  p.from = interval_of(from);
  p.to = interval_of(to);
  p.difference = interval_of(differences);
  p.tolerance = std::max(policy.rel_tol * std::fabs(p.from.mean), policy.abs_tol);
  if (differences.size() < 2) p.finding = Finding::unknown;
  else if (std::all_of(differences.begin(), differences.end(), [](double d) { return d == 0; })) p.finding = Finding::equal;
  else if (p.difference.lower() <= 0 && p.difference.upper() >= 0) p.finding = Finding::unclear;
  else p.finding = std::fabs(p.difference.mean) > p.tolerance ? Finding::counted : Finding::tolerated;
  return p;
}

}  // namespace gd::report
