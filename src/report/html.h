// report.html: one self-contained page for a result folder. It holds its figures as one block of JSON, written from the same
// objects as comparison.json, sweep.json and fidelity.json, and the scripts that draw them (src/report/web). Nothing is fetched: a
// content security policy allows the page's own script and style, by their hashes, and the empty icon.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "src/report/comparison.h"
#include "src/report/fidelity.h"
#include "src/report/sweep.h"
#include "src/report/verdict.h"

namespace gd::report {

// The result files that a page links to: paths relative to `folder`, sorted; those of one strategy up to two folders deep. Files that
// are written after the page are not among them.
std::vector<std::string> page_files(const std::string& folder);

// Texts of the pages. `files`: of page_files().
std::string comparison_html(const ComparisonInput& input, const Comparison& c, const std::vector<Verdict>& verdicts, const std::vector<std::string>& files);
// `failed`: expect lines that do not hold, in words. Of more rows than kPageRows the first ones are shown, and the page says so.
inline constexpr std::size_t kPageRows = 20'000;
std::string sweep_html(const SweepResult& s, const std::vector<std::string>& failed, const std::vector<std::string>& files);
std::string fidelity_html(const Fidelity& f, const std::vector<std::string>& files);

// SHA-256 of `text` in base64, as a content security policy names it.
std::string csp_hash(std::string_view text);

}  // namespace gd::report
