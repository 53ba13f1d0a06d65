#include "src/report/json_text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace gd::report {

std::string json_string(std::string_view text) {
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string number(double v) {
  if (!std::isfinite(v)) return "null";
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, v).ptr;
  return {text, end};
}

std::string milli_text(std::int64_t milli) {
  const std::uint64_t n = milli < 0 ? -static_cast<std::uint64_t>(milli) : static_cast<std::uint64_t>(milli);
  std::string text = (milli < 0 ? "-" : "") + std::to_string(n / 1000);
  if (n % 1000 != 0) {
    std::string part = std::to_string(n % 1000);
    part.insert(0, 3 - part.size(), '0');
    while (part.back() == '0') part.pop_back();
    text += "." + part;
  }
  return text;
}

void JsonText::item() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (stack_.empty()) return;
  if (!first_) out_ += in_line() ? ", " : ",";
  if (!in_line()) out_.append("\n").append(2 * stack_.size(), ' ');
  first_ = false;
}

JsonText& JsonText::open(char bracket, bool on_one_line) {
  item();
  out_ += bracket;
  stack_ += bracket == '{' ? '}' : ']';
  if (on_one_line && flat_from_ == 0) flat_from_ = stack_.size();
  first_ = true;
  return *this;
}

JsonText& JsonText::close() {
  const bool line = in_line();
  const char bracket = stack_.back();
  if (flat_from_ == stack_.size()) flat_from_ = 0;
  stack_.pop_back();
  if (!first_ && !line) out_.append("\n").append(2 * stack_.size(), ' ');
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonText& JsonText::key(std::string_view name) {
  item();
  out_ += json_string(name) + ": ";
  after_key_ = true;
  return *this;
}

JsonText& JsonText::raw(std::string_view value) {
  item();
  out_ += value;
  return *this;
}

}  // namespace gd::report
