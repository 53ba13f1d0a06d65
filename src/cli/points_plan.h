// The runs of a list of points, each loaded, checked and there once.
#pragma once
#include <string>
#include <vector>

#include "src/cli/plan.h"
#include "src/cli/points.h"

namespace gd::cli {

struct PlannedRun {
  Plan plan;                               // one strategy to run
  std::string called;                      // "pcie-lat-slope[a]": the first point that asked for it
};

struct PointsPlan {
  std::string name;                        // of the list
  std::vector<Point> points;
  std::vector<PlannedRun> runs;
  std::vector<std::vector<std::size_t>> of_point;   // by point: place in `runs` of each of its runs
};

// Reads the list and every scenario that it names. Throws ScenarioError with up to twenty mistakes of all of them, with the
// place in the list where that is where the mistake stands; also for a list of which no point is modelled, or more than half
// of those modelled are calibrated.
PointsPlan plan_points(const std::string& file, const Options& options);
// The same of a list already read, without mistakes.
PointsPlan plan_points(PointsList list, const std::string& file, const Options& options);

}  // namespace gd::cli
