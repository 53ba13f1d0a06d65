// The space of settings that tests/matrix walks through, as the program itself describes it: the dimensions of the
// receive path, which values they have, and which combinations a scenario can serve.
//
// Strategies are those that exist. A strategy's options are a dimension of their own: as the scenario has them, or one
// option that is a choice with another value than the default. What cannot be served is the program's own answer (check_available, refusal), never a list kept here, so
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
  product     // what the full product walks through: no options of strategies, no driver generation, no in-order use
};

// Space::refusal() of a strategy without the option of the row.
constexpr const char* kNoSuchOption = "the strategy has no such option";

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
  // "vhost-copy gro=off rx_mode=big ...".
  std::string text(const Row& row) const;
  std::string text(const ValuePair& pair) const;
  std::string text(std::size_t dimension, std::size_t value) const;

  // Why the row cannot be served, as far as the settings alone tell; nothing when it can. Fast.
  std::optional<std::string> refusal(const Row& row);
  // The same from the command line's settings through the whole reader. The last word.
  std::optional<std::string> refusal_when_loaded(const Row& row) const;
  // Whether the strategy says that it merges here; the row must be servable.
  bool merges(const Row& row) const;
  // All that --set must say for this row, in order.
  std::vector<std::string> settings(const Row& row) const;
  // The command line that runs the row, as from a shell.
  std::string command(const Row& row) const;

 private:
  scenario::Scenario load(const std::vector<std::string>& set) const;
  // An entry of `strategies`: a strategy with one of the options.
  struct Form {
    std::string setting;               // strategies=[...]
    scenario::StrategyChoice choice;
  };
  void read_strategies(Extent extent);
  const std::optional<Form>& form(const Row& row) const { return forms_[row[0] * dimensions_[1].values.size() + row[1]]; }
  void restrict_to(Extent extent);
  std::vector<std::string> keys(const Value& value) const;

  std::string file_;
  std::vector<std::string> set_;
  std::vector<Dimension> dimensions_;
  std::vector<std::optional<Form>> forms_;   // by strategy and option; none where the strategy has no such option
  scenario::Scenario base_, edited_;
};

}  // namespace gd::test
