// The space of settings that tests/matrix walks through, as the program itself describes it: the dimensions of the
// receive path, which values they have, and which combinations a scenario can serve.
//
// Designs come from the strategies that exist: each as it is by default, and once for every other value of an option that
// is a choice. What cannot be served is the program's own answer (check_available, refusal), never a list kept here, so
// that a new design, or a setting that becomes available, joins by itself.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "src/scenario/scenario.h"
#include "tests/matrix/covering.h"

namespace gd::test {

struct Value {
  std::string name;                // "linux-6", "packed"
  std::vector<std::string> set;    // KEY=VALUE; "guests[]." stands for each guest
  bool product = true;             // part of the full product (check-matrix), not of the covering set alone
};

struct Dimension {
  std::string name;
  std::vector<Value> values;
  bool guest = false;              // without effect when nobody is a guest
  bool product = true;             // as Value::product
};

enum class Extent : std::uint8_t {
  covering,   // everything
  product     // what the full product walks through: no forms of designs, no driver generation, no in-order use
};

// The message of an error alone, without place and source line.
std::string first_message(const std::string& text);

// A scenario with the dimensions laid over it.
class Space {
 public:
  // `scenario`: a path. `set`: as --set, in force for every row. Where nobody is a guest, the guest's dimensions have one
  // value, which sets nothing. Throws UserError.
  Space(const std::string& scenario, std::vector<std::string> set, Extent extent = Extent::covering);

  const std::vector<Dimension>& dimensions() const { return dimensions_; }
  std::size_t find(const std::string& dimension) const;     // index; throws std::out_of_range
  std::vector<std::size_t> sizes() const;
  // Value of the row in that dimension, by name.
  const std::string& value(const Row& row, const std::string& dimension) const;
  // The strategy of the row, without its options.
  const std::string& strategy(const Row& row) const { return choices_[row[0]].name; }
  // "vhost-copy gro=off rx_mode=big ...".
  std::string text(const Row& row) const;
  std::string text(const ValuePair& pair) const;
  std::string text(std::size_t dimension, std::size_t value) const;

  // Why the row cannot be served, as far as the settings alone tell; nothing when it can. Fast.
  std::optional<std::string> refusal(const Row& row);
  // The same from the command line's settings through the whole reader. The last word.
  std::optional<std::string> refusal_when_loaded(const Row& row) const;
  // The label of the row's entry in `strategies`.
  const std::string& label(const Row& row) const { return choices_[row[0]].label; }
  // All that --set must say for this row, in order.
  std::vector<std::string> settings(const Row& row) const;
  // The command line that runs the row, as from a shell.
  std::string command(const Row& row) const;

 private:
  scenario::Scenario load(const std::vector<std::string>& set) const;
  void read_designs(Extent extent);
  void restrict_to(Extent extent);
  std::vector<std::string> keys(const Value& value) const;

  std::string file_;
  std::vector<std::string> set_;
  std::vector<Dimension> dimensions_;
  std::vector<scenario::StrategyChoice> choices_;   // by value of dimension 0
  scenario::Scenario base_, edited_;
};

}  // namespace gd::test
