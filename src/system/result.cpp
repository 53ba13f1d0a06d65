#include "src/system/result.h"

#include <algorithm>

namespace gd::system {

// Cut, not rounded: the digits of num / den after the sixth place are left out.
std::string Metric::text() const {
  const bool minus = num < 0;
  const unsigned __int128 n = minus ? -static_cast<unsigned __int128>(num) : static_cast<unsigned __int128>(num);
  const unsigned __int128 micro = n * 1'000'000 / den;
  std::string whole = std::to_string(static_cast<std::uint64_t>(micro / 1'000'000));
  std::string part = std::to_string(static_cast<std::uint64_t>(micro % 1'000'000));
  part.insert(0, 6 - part.size(), '0');
  while (!part.empty() && part.back() == '0') part.pop_back();
  if (!part.empty()) whole += "." + part;
  return minus && micro != 0 ? "-" + whole : whole;
}

std::vector<std::string> Messages::all() const {
  std::vector<std::string> out;
  for (const auto& [kind, list] : kKinds) out.insert(out.end(), (this->*list).begin(), (this->*list).end());
  return out;
}

std::string Messages::first_about(std::string_view metric) const {
  for (const auto& [kind, list] : kKinds)
    if (metric.starts_with(std::string(kind) + ".") && !(this->*list).empty()) return (this->*list).front();
  return "";
}

const Metric* RunResult::find(const std::string& name) const {
  const auto at = std::find_if(metrics.begin(), metrics.end(), [&](const Metric& m) { return m.name == name; });
  return at != metrics.end() ? &*at : nullptr;
}

}  // namespace gd::system
