// Costs of software operations, as a profile gives them (scenarios/costs/*.json), and the ledger to which they go.
//
// An operation is named "component.operation" ("napi.poll_frame"). Its cost is a fixed part per call and a part per
// unit (byte, page, descriptor ...), both in milli-cycles of the core that runs it.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/units.h"

namespace gd {

using OpId = std::uint16_t;

struct Cost {
  OpId op = 0;
  std::uint64_t fixed_mc = 0;  // milli-cycles a call
  std::uint64_t unit_mc = 0;   // milli-cycles a unit
};

// The operations of one run: filled from the profile, asked by the models at construction.
class CostBook {
 public:
  struct Entry {
    std::string component, operation;
    std::uint64_t fixed_mc = 0, unit_mc = 0;
    std::string unit;     // "" when there is no per-unit part
    bool used = false;    // some model asked for it
  };
  // `name` is "component.operation". Throws UserError when defined twice or without a dot.
  void define(std::string_view name, std::uint64_t fixed_mc, std::uint64_t unit_mc, std::string_view unit);
  // Throws UserError, naming the operation, when the profile lacks it.
  Cost get(std::string_view name);
  // An operation without a cost of its own (memory stalls, device bytes): defined on first use.
  OpId account(std::string_view name);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::map<std::string, OpId, std::less<>> index_;
};

// Every cycle and every byte by (core, context, component, operation). Rows are (core, context).
class Ledger {
 public:
  using Row = std::uint16_t;
  struct RowName {
    std::string core, context;
  };
  Row row(std::string_view core, std::string_view context);  // at elaboration
  // Fixes the number of operations; before the first charge.
  void seal(std::size_t operations);
  void charge(Row r, OpId op, std::uint64_t milli_cycles) { at(r, op).mc += milli_cycles; }
  void count(Row r, OpId op) { ++at(r, op).calls; }

  struct Cell {
    std::uint64_t mc = 0, bytes = 0, calls = 0;
  };
  // The cells of a row, by operation, for who charges to it again and again; valid once sealed.
  Cell* cells(Row r) { return cells_.data() + r * ops_; }
  const Cell& cell(Row r, OpId op) const { return cells_[r * ops_ + op]; }
  const std::vector<RowName>& rows() const { return rows_; }
  std::size_t operations() const { return ops_; }
  std::uint64_t total_mc(Row r) const;
  // Copies of all cells, for windows: cells(end) - cells(start).
  std::vector<Cell> snapshot() const { return cells_; }

 private:
  Cell& at(Row r, OpId op) { return cells_[r * ops_ + op]; }
  std::vector<RowName> rows_;
  std::vector<Cell> cells_;
  std::size_t ops_ = 0;
};

}  // namespace gd
