// JSON as text, written value by value, so that a number's decimals are those that its owner gives.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gd::report {

// `text` in quotes; bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);
// A number: shortest decimal that reads back to the same double, null when it is not finite.
std::string number(double v);
// milli / 1000 with at most three decimals: "-1420.5".
std::string milli_text(std::int64_t milli);

// Commas and indentation of a document. Objects and arrays opened as `flat` stand on one line.
//   JsonText j; j.open('{').key("a").raw("1").key("list").open('[', flat).raw("2").close().close(); j.text()
class JsonText {
 public:
  static constexpr bool flat = true;
  JsonText& open(char bracket, bool on_one_line = false);
  JsonText& close();
  JsonText& key(std::string_view name);
  JsonText& raw(std::string_view value);       // a value that is JSON already
  JsonText& string(std::string_view value) { return raw(json_string(value)); }
  JsonText& count(std::uint64_t v) { return raw(std::to_string(v)); }
  JsonText& real(double v) { return raw(number(v)); }
  JsonText& boolean(bool v) { return raw(v ? "true" : "false"); }
  // The document with a newline at its end; everything is closed.
  std::string text() const { return out_ + "\n"; }

 private:
  void item();
  bool in_line() const { return flat_from_ != 0 && stack_.size() >= flat_from_; }
  std::string out_, stack_;
  std::size_t flat_from_ = 0;                  // depth of the outermost flat bracket; 0: none
  bool first_ = true, after_key_ = false;
};

}  // namespace gd::report
