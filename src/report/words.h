// Figures and lines as people read them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gd::report {

// About four significant digits, thousands grouped: "12,345", "123.4", "9.41", "0.0421", "0".
std::string figure(double v);
// The same with a sign; "0" without.
std::string signed_figure(double v);
// A whole number: "-1,420".
std::string grouped(std::int64_t v);
std::string signed_grouped(std::int64_t v);
// Nearest whole number, halves away from zero: cycles of milli-cycles.
std::int64_t rounded_milli(std::int64_t milli);
// Columns that UTF-8 text takes (every character one).
std::size_t columns_of(const std::string& text);
std::string pad_left(const std::string& text, std::size_t width);
std::string pad_right(const std::string& text, std::size_t width);
// Breaks `text` at blanks into lines of at most `width` columns (a longer word keeps its line); lines after the first
// begin with `indent` blanks. Ends with a newline.
std::string wrap(const std::string& text, std::size_t width, std::size_t indent);
// "a, b and c".
std::string listed(const std::vector<std::string>& items);
// For a cell of a markdown table: | escaped, line ends as blanks.
std::string markdown_cell(std::string text);
// A CSV field, quoted where RFC 4180 asks for it.
std::string csv_field(const std::string& text);

}  // namespace gd::report
