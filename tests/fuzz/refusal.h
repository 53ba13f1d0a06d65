// What every refusal of a user's text tells, of scenarios and of lists of points.
#pragma once
#include "src/scenario/diagnostics.h"
#include "tests/fuzz/fuzz.h"

namespace gd::fuzz {

inline void check_refusal(const scenario::ScenarioError& e) {
  must(!e.diagnostics.empty() && e.diagnostics.size() <= scenario::Mistakes::kShown, "number of mistakes told");
  for (const scenario::Diagnostic& d : e.diagnostics) {
    must(!d.message.empty(), "a mistake without words");
    must(d.text().find(": error: ") != std::string::npos, "a mistake without a place");
  }
}

}  // namespace gd::fuzz
