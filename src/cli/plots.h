// The pictures: drawn by tools/plot from the result files alone.
#pragma once
#include <string>

namespace gd::cli {

// Runs `tools/plot FOLDER`. Returns "" or, in words, why nothing was drawn. Throws Interrupted, with the child reaped.
std::string draw(const std::string& folder);

}  // namespace gd::cli
