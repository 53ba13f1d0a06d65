// Mistakes in a scenario, each with its place, what is allowed and the nearest name; up to twenty are shown at once.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "models/base/error.h"
#include "src/scenario/scenario.h"

namespace gd::scenario {

struct Diagnostic {
  Position at;
  std::string path;         // "/nic/ring_size"
  std::string message;
  std::string allowed;      // what may stand there; "" when there is nothing to add
  std::string nearest;      // the name that was probably meant
  std::string line;         // the source line, without its end
  unsigned width = 1;       // bytes under the caret

  // "file:line:col: error: /nic/ring_size: what is wrong", the line with a caret, what is allowed, the nearest name.
  std::string text() const;
};

// Thrown by the reader; what() is the text of all diagnostics.
struct ScenarioError : UserError {
  explicit ScenarioError(std::vector<Diagnostic> all, std::size_t more = 0);
  std::vector<Diagnostic> diagnostics;
};

// Collects mistakes; the first twenty are kept.
class Mistakes {
 public:
  static constexpr std::size_t kShown = 20;
  void add(Diagnostic d);
  bool any() const { return !all_.empty(); }
  std::size_t count() const { return all_.size() + more_; }
  // Throws ScenarioError when there is any.
  void raise() const;

 private:
  std::vector<Diagnostic> all_;
  std::size_t more_ = 0;
};

// Optimal-string-alignment (Damerau-Levenshtein) distance.
unsigned distance(std::string_view a, std::string_view b);
// The nearest of `names` within max(1, length / 3) edits (at most 3), or "".
std::string nearest(std::string_view name, const std::vector<std::string>& names);
// "a, b, c" or "a | b".
std::string join(const std::vector<std::string>& items, std::string_view separator = ", ");

}  // namespace gd::scenario
