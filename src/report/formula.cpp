#include "src/report/formula.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "src/report/verdict.h"
#include "src/scenario/diagnostics.h"

namespace gd::report {

namespace {

const char* const kForm = "numbers, METRIC[run], + - * /, parentheses, min(), max() and abs(), as in \"dma.bandwidth[a] / dma.bandwidth[b]\"";
constexpr unsigned kDepth = 64;                 // nested parentheses

bool name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-'; }

}  // namespace

class FormulaParser {
 public:
  FormulaParser(Formula& f, const FormulaNames& names) : f_(f), names_(names), text_(f.text_) {}

  void parse() {
    sum(0);
    if (blank(); at_ < text_.size()) wrong(at_, at_ + 1, "expected an operator or the end", kForm);
  }

 private:
  using Op = Formula::Op;

  [[noreturn]] static void wrong(std::size_t begin, std::size_t end, const std::string& what, const std::string& allowed, const std::string& near = {}) {
    throw FormulaMistake{begin, end, what, allowed, near};
  }
  void blank() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    blank();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void step(Op op, double number = 0, std::size_t use = 0) { f_.steps_.push_back({op, number, use}); }

  void sum(unsigned depth) {
    if (depth > kDepth) wrong(at_, at_ + 1, "nested too deep", std::to_string(kDepth) + " levels");
    product(depth);
    for (;;) {
      if (take('+')) product(depth), step(Op::add);
      else if (take('-')) product(depth), step(Op::subtract);
      else return;
    }
  }
  void product(unsigned depth) {
    sign(depth);
    for (;;) {
      if (take('*')) sign(depth), step(Op::multiply);
      else if (take('/')) sign(depth), step(Op::divide);
      else return;
    }
  }
  void sign(unsigned depth) {
    bool negative = false;
    for (;;) {
      if (take('-')) negative = !negative;
      else if (!take('+')) break;
    }
    value(depth);
    if (negative) step(Op::negate);
  }
  void value(unsigned depth) {
    blank();
    const std::size_t begin = at_;
    if (at_ >= text_.size()) wrong(at_, at_ + 1, text_.empty() ? "the formula is empty" : "the formula ends where a value is expected", kForm);
    const char c = text_[at_];
    if (take('(')) {
      sum(depth + 1);
      if (!take(')')) wrong(begin, begin + 1, "the parenthesis is not closed", kForm);
    } else if ((c >= '0' && c <= '9') || c == '.') {
      number();
    } else if (name_character(c) && c != '-') {
      while (at_ < text_.size() && name_character(text_[at_])) ++at_;
      const std::string name = text_.substr(begin, at_ - begin);
      if (take('(')) function(name, begin, depth);
      else metric(name, begin);
    } else {
      wrong(begin, begin + 1, "expected a number or a metric", kForm);
    }
  }
  void number() {
    double v = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), v);
    const std::size_t length = static_cast<std::size_t>(end - (text_.data() + at_));
    if (error != std::errc{} || !std::isfinite(v)) wrong(at_, at_ + std::max<std::size_t>(length, 1), "expected a number", kForm);
    at_ += length;
    step(Op::number, v);
  }
  void function(const std::string& name, std::size_t begin, unsigned depth) {
    static const std::vector<std::string> known = {"min", "max", "abs"};
    if (std::find(known.begin(), known.end(), name) == known.end())
      wrong(begin, begin + name.size(), "there is no function \"" + name + "\"", scenario::join(known), scenario::nearest(name, known));
    sum(depth + 1);
    std::size_t count = 1;
    for (; take(','); ++count) {
      sum(depth + 1);
      step(name == "min" ? Op::minimum : Op::maximum);
    }
    if (!take(')')) wrong(begin, begin + name.size(), "the parenthesis of " + name + "() is not closed", kForm);
    if (name == "abs" && count != 1) wrong(begin, begin + name.size(), "abs() has one argument", kForm);
    if (name == "abs") step(Op::absolute);
  }
  void metric(const std::string& name, std::size_t begin) {
    if (names_.known_metric && !names_.known_metric(name))
      wrong(begin, begin + name.size(), "there is no metric \"" + name + "\"", "`list metrics` shows all", scenario::nearest(name, names_.metric_names));
    if (!take('[')) wrong(begin, begin + name.size(), "\"" + name + "\" does not say of which run", name + "[" + (names_.runs.empty() ? "run" : names_.runs.front()) + "]");
    const std::size_t close = text_.find(']', at_);
    if (close == std::string::npos || close == at_) wrong(at_ - 1, text_.size(), "the run is not closed or is empty", kForm);
    const std::string run = text_.substr(at_, close - at_);
    if (std::find(names_.runs.begin(), names_.runs.end(), run) == names_.runs.end())
      wrong(at_, close, "there is no run \"" + run + "\"", scenario::join(names_.runs), scenario::nearest(run, names_.runs));
    at_ = close + 1;
    step(Op::metric, 0, f_.uses_.size());
    f_.uses_.push_back({name, run});
  }

  Formula& f_;
  const FormulaNames& names_;
  const std::string& text_;
  std::size_t at_ = 0;
};

Formula::Formula(const std::string& text, const FormulaNames& names) : text_(text) { FormulaParser(*this, names).parse(); }

Formula::Value Formula::value(const std::function<const system::RunResult&(const std::string&)>& runs) const {
  std::vector<double> stack;
  const auto pop = [&] {
    const double v = stack.back();
    stack.pop_back();
    return v;
  };
  for (const Step& s : steps_) {
    if (s.op == Op::number) {
      stack.push_back(s.number);
      continue;
    }
    if (s.op == Op::metric) {
      const Use& u = uses_[s.use];
      const std::optional<double> v = shown_value(runs(u.run), u.metric);
      if (!v) return {std::nullopt, u.run + " has no value of " + u.metric};
      stack.push_back(*v);
      continue;
    }
    const double b = pop();
    if (s.op == Op::negate || s.op == Op::absolute) {
      stack.push_back(s.op == Op::negate ? -b : std::fabs(b));
      continue;
    }
    const double a = pop();
    if (s.op == Op::divide && b == 0) return {std::nullopt, "it divides by zero"};
    switch (s.op) {
      case Op::add: stack.push_back(a + b); break;
      case Op::subtract: stack.push_back(a - b); break;
      case Op::multiply: stack.push_back(a * b); break;
      case Op::divide: stack.push_back(a / b); break;
      case Op::minimum: stack.push_back(std::min(a, b)); break;
      default: stack.push_back(std::max(a, b)); break;
    }
  }
  const double v = pop();
  if (!std::isfinite(v)) return {std::nullopt, "its value is too large for a number"};
  return {v, ""};
}

}  // namespace gd::report
