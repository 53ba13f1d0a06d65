// summary.json as a part of a larger document.
#pragma once
#include "src/report/json_text.h"
#include "src/system/result.h"

namespace gd::report {

void summary_part(JsonText& j, const system::RunResult& r);
// What names the run: the keys from "schema" to "simulated_ps".
void summary_head(JsonText& j, const system::RunResult& r);

}  // namespace gd::report
