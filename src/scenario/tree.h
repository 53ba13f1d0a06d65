// From a file name to one merged tree: extends, then --set.
#pragma once
#include "src/scenario/loader.h"
#include "src/scenario/text.h"

namespace gd::scenario {

// RFC 7396: objects are merged, everything else is replaced, null removes.
void merge(Node& into, Node patch);

// The scenario `file` with the text `text`, merged over what it extends and below --set.
std::optional<Node> load_tree(const std::string& text, const std::string& file, const LoadOptions& options, Mistakes& mistakes);

}  // namespace gd::scenario
