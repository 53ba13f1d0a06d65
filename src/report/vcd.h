// waves.vcd (IEEE 1364 value change dump, timescale 1 ps): every level as a register, and for each core the context that it
// runs as a number (0: idle; the comment of the header names the others). Values are two's complement.
// After TraceLimits::events changes every variable becomes x (unknown) and stays so; a comment at the end counts the changes left out.
#pragma once
#include <string>
#include <vector>

#include "src/report/file_trace.h"
#include "src/report/out_file.h"
#include "src/report/time_order.h"

namespace gd::report {

class VcdTrace : public FileTrace {
 public:
  VcdTrace(const std::string& path, const TraceLimits& limits) : out_(path), limit_(limits.events) {}
  void begin(const system::Topology& topology) override;
  void level(std::uint32_t id, std::int64_t value, Time t) override;
  void core_busy(std::uint32_t core, std::uint32_t context, Time from, Time to) override;
  void finish(Time end) override;
  std::string left_out() const override;

 private:
  struct Variable {
    std::string code;
    unsigned width = 32;
    std::int64_t value = 0;
  };
  struct Change {
    std::uint32_t variable;
    std::int64_t value;
  };
  void change(Time t, const Change& c);
  void declare(const std::string& name, unsigned width, std::uint32_t variable);
  void value(const Variable& v);
  void at(Time t);                             // a line for the time, where it is another one

  OutFile out_;
  TimeOrder<Change> order_;
  std::vector<Variable> variables_;            // levels by id, then cores
  std::uint32_t first_core_ = 0;
  Time now_ = -1;
  std::uint64_t limit_, changes_ = 0, changes_cut_ = 0;
};

}  // namespace gd::report
