// Where the program's own files lie: <program>/../share/guestdma when that holds scenarios, else the source tree.
#pragma once
#include <string>
#include <vector>

namespace gd::cli {

std::string share_folder();
// share_folder()/scenarios: what the loader looks `extends` and profiles up in.
std::string share_scenarios();
// Names of the files in `folder` that end in `extension` (".json"), sorted, with the folder before each; none when it
// cannot be read.
std::vector<std::string> files_in(const std::string& folder, const std::string& extension);

}  // namespace gd::cli
