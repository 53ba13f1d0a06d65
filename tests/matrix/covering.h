// Pairwise covering sets under constraints: few rows in which each pair of values that any admissible row holds occurs.
//
// A row gives each dimension one of its values, by number. The choice is greedy: of the candidates left, the one with the
// most pairs not yet covered, the first of equals. For dimensions of sizes a >= b >= ... a set has at least a*b rows; the
// greedy choice over all candidates needs a few more. Everything is a pure function of its arguments.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace gd::test {

using Row = std::vector<std::uint8_t>;

// Value `va` of dimension `a` beside value `vb` of dimension `b`, a < b.
struct ValuePair {
  std::size_t a = 0, va = 0, b = 0, vb = 0;
  bool operator==(const ValuePair&) const = default;
};

// Numbers the pairs in the order of all_pairs().
class PairIndex {
 public:
  explicit PairIndex(std::vector<std::size_t> sizes);
  std::size_t count() const { return count_; }
  // Calls f(number) for each pair that the row holds.
  template <class F>
  void each(const Row& row, F&& f) const {
    std::size_t k = 0;
    for (std::size_t a = 0; a < sizes_.size(); ++a)
      for (std::size_t b = a + 1; b < sizes_.size(); ++b) f(first_[k++] + row[a] * sizes_[b] + row[b]);
  }

 private:
  std::vector<std::size_t> sizes_, first_;   // first_: number of the first pair of dimensions (a, b)
  std::size_t count_ = 0;
};

struct Covering {
  std::vector<Row> rows;              // the covering set, in order of choice
  std::vector<ValuePair> impossible;  // pairs that no admissible row holds, in order
  std::size_t pairs = 0;              // all pairs, the impossible ones too
};

// Every combination of values, the last dimension fastest. `sizes`: how many values each dimension has, 1 to 255.
std::vector<Row> all_rows(const std::vector<std::size_t>& sizes);
// Every pair of values of two dimensions.
std::vector<ValuePair> all_pairs(const std::vector<std::size_t>& sizes);
bool holds(const Row& row, const ValuePair& pair);

// `candidates`: rows that may be admissible. `admissible` is asked only about rows that would be chosen, once each: a row
// that it turns down is out, and another one has to cover its pairs.
Covering cover_pairs(const std::vector<std::size_t>& sizes, std::vector<Row> candidates,
                     const std::function<bool(const Row&)>& admissible = [](const Row&) { return true; });

}  // namespace gd::test
