// Published measurements against what the models say: one object, from which terminal, JSON, markdown and CSV are written.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/report/comparison.h"

namespace gd::report {

// How far a simulated value may lie from the published one.
struct Tolerance {
  std::optional<double> rel;                // share of the published value
  std::optional<double> abs;                // in the point's unit
  std::optional<double> min, max;           // bounds of the simulated value, one or both

  // Bounds of the simulated value for a published one; nothing on an open side.
  std::optional<double> lower(double published) const;
  std::optional<double> upper(double published) const;
  std::string text() const;                 // "±5 %", "±25", "1.2 to 1.9", "at least 1.1"
};

struct PointResult {
  enum class Kind { predicted, calibrated, not_modelled };

  std::string id, source, where, note;
  std::optional<int> year;
  double published = 0;
  std::string unit, formula;
  Tolerance tolerance;
  Kind kind = Kind::predicted;
  std::string reason;                       // why it is not modelled
  std::vector<std::pair<std::string, std::string>> runs;    // name in the formula, folder in the results
  std::optional<double> simulated;
  std::string problem;                      // why there is no simulated value

  // Filled by judge_points().
  std::optional<double> error;              // (simulated - published) / |published|; nothing when published is 0
  double used = 0;                          // distance from the published value over what is allowed on that side
  bool within = false;
};
const char* kind_name(PointResult::Kind k); // "predicted", "calibrated", "not modelled"

struct Fidelity {
  struct Group {
    std::size_t points = 0, within = 0;
    std::size_t without_error = 0;          // published value 0, or no simulated value: not in the median
    std::optional<double> median_error;     // of the absolute values of the errors
  };
  std::string name;                         // of the list of points
  std::vector<PointResult> points;          // predicted, calibrated, not modelled; in each the worst first, then by id
  Group predicted, calibrated;
  std::size_t not_modelled = 0;

  std::size_t misses() const { return predicted.points - predicted.within + calibrated.points - calibrated.within; }
};

Fidelity judge_points(const std::string& name, std::vector<PointResult> points);

// "Predicted: 21 of 22 within tolerance, median absolute error 4.2 %", for each kind that there is.
std::vector<std::string> fidelity_words(const Fidelity& f);
// "+3.4 %"; the plain difference where the published value is 0.
std::string point_error(const PointResult& p);

std::string fidelity_text(const Fidelity& f, const TextOptions& options = {});
std::string fidelity_markdown(const Fidelity& f);
std::string fidelity_csv(const Fidelity& f);    // a line each point, all three kinds
std::string fidelity_json(const Fidelity& f);   // also the one document of `--format json`

}  // namespace gd::report
