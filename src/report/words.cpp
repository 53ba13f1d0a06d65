#include "src/report/words.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gd::report {

namespace {

std::string with_groups(const std::string& digits) {
  const std::size_t point = std::min(digits.find('.'), digits.size());
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i < point && i > 0 && digits[i - 1] != '-' && (point - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

}  // namespace

std::string figure(double v) {
  if (!std::isfinite(v)) return "-";
  const double a = std::fabs(v);
  const int places = v == std::floor(v) || a >= 1000 ? 0 : a >= 100 ? 1 : a >= 10 ? 2 : a >= 1 ? 3 : 4;
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", places, v);
  std::string s = text;
  if (places > 0) {
    while (s.back() == '0') s.pop_back();
    if (s.back() == '.') s.pop_back();
  }
  if (s == "-0") s = "0";
  return with_groups(s);
}

std::string signed_figure(double v) {
  const std::string s = figure(v);
  return v > 0 && s != "0" ? "+" + s : s;
}

std::string grouped(std::int64_t v) { return with_groups(std::to_string(v)); }
std::string signed_grouped(std::int64_t v) { return (v > 0 ? "+" : "") + grouped(v); }
std::int64_t rounded_milli(std::int64_t milli) { return (milli + (milli < 0 ? -500 : 500)) / 1000; }

std::size_t columns_of(const std::string& text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

std::string pad_left(const std::string& text, std::size_t width) {
  const std::size_t n = columns_of(text);
  return n < width ? std::string(width - n, ' ') + text : text;
}

std::string pad_right(const std::string& text, std::size_t width) {
  const std::size_t n = columns_of(text);
  return n < width ? text + std::string(width - n, ' ') : text;
}

std::string wrap(const std::string& text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t column = 0, at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const std::size_t n = columns_of(word);
    if (column != 0 && column + 1 + n > width && column > indent) {
      out.append("\n").append(indent, ' ');
      column = indent;
    } else if (at != 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += n;
    at = end + 1;
  }
  return out + "\n";
}

std::string listed(const std::vector<std::string>& items) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  return out;
}

std::string markdown_cell(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace gd::report
