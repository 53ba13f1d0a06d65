// --strategy: a choice among the scenario's entries and the known strategies.
#pragma once
#include <string>

#include "src/scenario/reader.h"

namespace gd::scenario {

// `text`: "all", or labels of the scenario's list, or names, separated by commas. Replaces the list.
void choose_strategies(Reader& reader, const std::string& text);

}  // namespace gd::scenario
