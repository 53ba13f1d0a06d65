#include "models/base/costs.h"

#include "models/base/error.h"

namespace gd {

void CostBook::define(std::string_view name, std::uint64_t fixed_mc, std::uint64_t unit_mc, std::string_view unit) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size())
    throw UserError("cost \"" + std::string(name) + "\" is not named component.operation");
  if (index_.count(name)) throw UserError("cost \"" + std::string(name) + "\" is defined twice");
  index_.emplace(std::string(name), static_cast<OpId>(entries_.size()));
  entries_.push_back({std::string(name.substr(0, dot)), std::string(name.substr(dot + 1)), fixed_mc, unit_mc,
                      std::string(unit), false});
}

Cost CostBook::get(std::string_view name) {
  const auto it = index_.find(name);
  if (it == index_.end())
    throw UserError("the cost profile has no entry \"" + std::string(name) + "\" (scenarios/costs)");
  entries_[it->second].used = true;
  return {it->second, entries_[it->second].fixed_mc, entries_[it->second].unit_mc};
}

OpId CostBook::account(std::string_view name) {
  const auto it = index_.find(name);
  if (it != index_.end()) return it->second;
  define(name, 0, 0, "");
  return static_cast<OpId>(entries_.size() - 1);
}

Ledger::Row Ledger::row(std::string_view core, std::string_view context) {
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (rows_[i].core == core && rows_[i].context == context) return static_cast<Row>(i);
  require(ops_ == 0, "ledger row added after the ledger was sealed");
  rows_.push_back({std::string(core), std::string(context)});
  return static_cast<Row>(rows_.size() - 1);
}

void Ledger::seal(std::size_t operations) {
  ops_ = operations;
  cells_.assign(rows_.size() * ops_, {});
}

std::uint64_t Ledger::total_mc(Row r) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < ops_; ++i) sum += cells_[r * ops_ + i].mc;
  return sum;
}

}  // namespace gd
