#include "src/report/fidelity.h"

#include <algorithm>
#include <cmath>

#include "src/report/words.h"

namespace gd::report {

namespace {

using Kind = PointResult::Kind;

// Values that a decimal's rounding may have parted are equal.
constexpr double kSame = 1e-12;

bool beyond(double a, double b) { return a > b && a - b > kSame * std::max(std::fabs(a), std::fabs(b)); }

// Share of the way from the published value to the bound on the simulated value's side; above 1 outside.
double share_used(double simulated, double published, std::optional<double> lower, std::optional<double> upper) {
  // A published value outside of its own bounds: the middle stands for it.
  double from = published;
  if (lower && upper && (published < *lower || published > *upper)) from = (*lower + *upper) / 2;
  const std::optional<double> bound = simulated < from ? lower : upper;
  const double allowed = bound ? std::fabs(*bound - from) : 0, away = std::fabs(simulated - from);
  if (!bound || away == 0) return 0;
  const bool outside = simulated < from ? beyond(*bound, simulated) : beyond(simulated, *bound);
  if (allowed > 0 && std::isfinite(away / allowed)) return outside ? std::max(away / allowed, std::nextafter(1.0, 2.0)) : std::min(away / allowed, 1.0);
  return outside ? 1 + away / std::max(std::fabs(*bound), 1e-9) : 0;
}

void judge(PointResult& p) {
  if (p.kind == Kind::not_modelled || !p.simulated) return;
  const double s = *p.simulated;
  const auto lower = p.tolerance.lower(p.published), upper = p.tolerance.upper(p.published);
  if (p.published != 0) p.error = (s - p.published) / std::fabs(p.published);
  p.within = !(lower && beyond(*lower, s)) && !(upper && beyond(s, *upper));
  p.used = share_used(s, p.published, lower, upper);
}

Fidelity::Group group(const std::vector<PointResult>& points, Kind kind) {
  Fidelity::Group g;
  std::vector<double> errors;
  for (const PointResult& p : points) {
    if (p.kind != kind) continue;
    ++g.points;
    g.within += p.within;
    if (p.error) errors.push_back(std::fabs(*p.error));
    else ++g.without_error;
  }
  if (errors.empty()) return g;
  std::sort(errors.begin(), errors.end());
  const std::size_t half = errors.size() / 2;
  g.median_error = errors.size() % 2 == 1 ? errors[half] : (errors[half - 1] + errors[half]) / 2;
  return g;
}

}  // namespace

std::optional<double> Tolerance::lower(double published) const {
  if (rel) return published - *rel * std::fabs(published);
  if (abs) return published - *abs;
  return min;
}

std::optional<double> Tolerance::upper(double published) const {
  if (rel) return published + *rel * std::fabs(published);
  if (abs) return published + *abs;
  return max;
}

std::string Tolerance::text() const {
  if (rel) return "±" + figure(100 * *rel) + " %";
  if (abs) return "±" + figure(*abs);
  if (min && max) return figure(*min) + " to " + figure(*max);
  if (min) return "at least " + figure(*min);
  if (max) return "at most " + figure(*max);
  return "";
}

const char* kind_name(Kind k) {
  switch (k) {
    case Kind::predicted: return "predicted";
    case Kind::calibrated: return "calibrated";
    case Kind::not_modelled: return "not modelled";
  }
  return "?";
}

Fidelity judge_points(const std::string& name, std::vector<PointResult> points) {
  Fidelity f;
  f.name = name;
  f.points = std::move(points);
  for (PointResult& p : f.points) judge(p);
  const auto before = [](const PointResult& a, const PointResult& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.kind != Kind::not_modelled) {
      if (a.simulated.has_value() != b.simulated.has_value()) return !a.simulated;
      if (a.within != b.within) return !a.within;
      if (a.used != b.used) return a.used > b.used;
    }
    return a.id < b.id;
  };
  std::sort(f.points.begin(), f.points.end(), before);
  f.predicted = group(f.points, Kind::predicted);
  f.calibrated = group(f.points, Kind::calibrated);
  for (const PointResult& p : f.points) f.not_modelled += p.kind == Kind::not_modelled;
  return f;
}

}  // namespace gd::report
