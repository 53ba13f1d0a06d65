// Formulas over the metrics of several runs: "dma.bandwidth[a] / dma.bandwidth[b]".
//
//   sum     = product {(+|-) product}          product = sign {(*|/) sign}          sign = (+|-) sign | value
//   value   = NUMBER | METRIC[RUN] | ( sum ) | min(sum, sum ...) | max(sum, sum ...) | abs(sum)
// A metric is always named with its run, so that a dash inside its name is none of the formula's. No dimension is checked:
// the unit of the result is what the writer says it is, unless it is one metric as it stands.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/system/result.h"

namespace gd::report {

// What a formula may name.
struct FormulaNames {
  std::function<bool(std::string_view)> known_metric;
  std::vector<std::string> metric_names;        // for the nearest name
  std::vector<std::string> runs;
  std::function<std::optional<std::string>(std::string_view)> metric_unit = {};   // for a formula that is one metric
};

// Bytes [begin, end) of the text are wrong.
struct FormulaMistake {
  std::size_t begin = 0, end = 0;
  std::string what, allowed, nearest;
};

class Formula {
 public:
  struct Use {
    std::string metric, run;
  };
  struct Value {
    std::optional<double> value;
    std::string problem;                        // why there is none: "a has no value of latency.p99"
  };

  Formula() = default;
  // Throws FormulaMistake.
  Formula(const std::string& text, const FormulaNames& names);

  // `runs` by name. A metric that counts by reason (drops.*, ...) is 0 where a run does not have it; another metric that a
  // run does not have, and a division by zero, leave no value.
  Value value(const std::function<const system::RunResult&(const std::string& run)>& runs) const;
  const std::vector<Use>& uses() const { return uses_; }
  const std::string& text() const { return text_; }
  // The metric where the formula is no more than METRIC[RUN]; else nullptr.
  const std::string* one_metric() const { return steps_.size() == 1 && uses_.size() == 1 ? &uses_[0].metric : nullptr; }

 private:
  enum class Op : std::uint8_t { number, metric, add, subtract, multiply, divide, negate, minimum, maximum, absolute };
  struct Step {
    Op op;
    double number = 0;
    std::size_t use = 0;
  };
  friend class FormulaParser;

  std::string text_;
  std::vector<Step> steps_;                     // postfix
  std::vector<Use> uses_;
};

}  // namespace gd::report
