// Parts of the pages that several files write.
#pragma once
#include <string>
#include <vector>

#include "src/report/json_text.h"

namespace gd::report {

// A whole page. `plain`: the same as text, for who lets no script run. `json`: its data block.
std::string page_html(const std::string& title, const std::string& description, const std::string& plain, const std::string& json);
// The key "files".
void files_part(JsonText& j, const std::vector<std::string>& files);

}  // namespace gd::report
