// waves.vcd (IEEE 1364 value change dump, timescale 1 ps): every level as a register, and for each core the context that it
// runs as a number (0: idle; the comment of the header names the others). Values are two's complement.
#pragma once
#include <string>
#include <vector>

#include "src/report/out_file.h"
#include "src/report/time_order.h"
#include "src/system/system.h"

namespace gd::report {

class VcdTrace : public system::TraceObserver {
 public:
  explicit VcdTrace(const std::string& path) : out_(path) {}
  void begin(const system::Topology& topology) override;
  void level(std::uint32_t id, std::int64_t value, Time t) override;
  void core_busy(std::uint32_t core, std::uint32_t context, Time from, Time to) override;
  void finish(Time end) override;

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

  OutFile out_;
  TimeOrder<Change> order_;
  std::vector<Variable> variables_;            // levels by id, then cores
  std::uint32_t first_core_ = 0;
  Time now_ = -1;
};

}  // namespace gd::report
