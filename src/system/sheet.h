// Writes metrics as exact ratios.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "models/base/histogram.h"
#include "src/system/result.h"

namespace gd::system {

class Sheet {
 public:
  explicit Sheet(std::vector<Metric>& out) : out_(out) {}
  void add(std::string name, std::string unit, std::uint64_t num, std::uint64_t den) {
    out_.push_back({std::move(name), std::move(unit), static_cast<std::int64_t>(num), den});
  }
  void count(std::string name, std::string unit, std::uint64_t n) { add(std::move(name), std::move(unit), n, 1); }
  // Absent when there is nothing to divide by.
  void ratio(std::string name, std::string unit, std::uint64_t num, std::uint64_t den) {
    if (den) add(std::move(name), std::move(unit), num, den);
  }
  // A quantile of picoseconds as nanoseconds; absent where too few values lie above it.
  void quantile(std::string name, const Histogram& h, std::uint64_t num, std::uint64_t den) {
    if (h.supports(num, den)) add(std::move(name), "ns", h.quantile(num, den), 1000);
  }
  void sort() {
    std::sort(out_.begin(), out_.end(), [](const Metric& a, const Metric& b) { return a.name < b.name; });
  }

 private:
  std::vector<Metric>& out_;
};

}  // namespace gd::system
