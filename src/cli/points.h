// The list of published points that `fidelity` reads: JSON text to checked points, with the scenario reader's quality of
// messages. An item of the list is a point, or {"include": NAME}, which stands for the points of another list or of every
// *.json in a folder, beside the file that names it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "src/report/fidelity.h"
#include "src/report/formula.h"
#include "src/scenario/diagnostics.h"
#include "src/scenario/text.h"

namespace gd::cli {

// A key of a point, for the reader's messages and for the schema.
struct PointKey {
  const char* name;
  const char* allowed;
  const char* description;
  bool needed;                             // by every point
};
const std::vector<PointKey>& point_keys();
// Keys of one of a point's runs.
const std::vector<PointKey>& point_run_keys();
// The JSON schema (draft-07) of lists of points; ends with a newline.
std::string points_schema();

// A scenario with some keys changed, and the strategy of it that is run.
struct PointRun {
  struct Set {
    std::string key, argument;             // "KEY=VALUE" as --set takes it
    scenario::Place key_place, place;      // of the value: `place`
  };
  std::string name;                        // in the formula
  std::string scenario;                    // path
  std::vector<Set> set;
  std::optional<std::string> strategy;     // absent: the scenario has one, or is a dma-bench
  scenario::Place place, scenario_place, strategy_place;
  std::string path;                        // "/3/runs/a"
};

struct Point {
  report::PointResult facts;               // without what the runs give
  std::vector<PointRun> runs;              // none: not modelled
  report::Formula formula;
};

struct PointsList {
  std::string name;                        // the file's stem; of a result folder's config.json what it was made from
  std::vector<Point> points;
};

// Reads `file` ("-": standard input); mistakes of the list go to `mistakes`. Throws ScenarioError for a file that cannot be
// read. `metrics`: what formulas may name; its runs are not used.
PointsList read_points(const std::string& file, report::FormulaNames metrics, scenario::Mistakes& mistakes);
// The same of a text, as if it stood in `file`.
PointsList parse_points(const std::string& text, const std::string& file, report::FormulaNames metrics, scenario::Mistakes& mistakes);

}  // namespace gd::cli
