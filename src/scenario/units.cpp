#include "src/scenario/units.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace gd::scenario {

namespace {

using Wide = unsigned __int128;

struct Unit {
  std::string_view name;
  std::uint64_t factor;           // base units in one
  bool canonical = true;          // used when writing
};

// Each list ascends.
constexpr Unit kTime[] = {{"ps", 1}, {"ns", 1'000}, {"us", 1'000'000}, {"ms", 1'000'000'000}, {"s", 1'000'000'000'000}};
constexpr Unit kRate[] = {{"bps", 1}, {"B/s", 8, false}, {"kbps", 1'000}, {"kB/s", 8'000, false}, {"Mbps", 1'000'000}, {"MB/s", 8'000'000, false},
                          {"Gbps", 1'000'000'000}, {"GB/s", 8'000'000'000, false}, {"Tbps", 1'000'000'000'000}};
constexpr Unit kSize[] = {{"B", 1}, {"kB", 1'000, false}, {"KiB", 1 << 10}, {"MB", 1'000'000, false}, {"MiB", 1 << 20},
                          {"GB", 1'000'000'000, false}, {"GiB", 1 << 30}, {"TiB", 1ull << 40}};
constexpr Unit kFrequency[] = {{"Hz", 1}, {"kHz", 1'000}, {"MHz", 1'000'000}, {"GHz", 1'000'000'000}};
constexpr Unit kShare[] = {{"ppm", 1, false}, {"%", 10'000}};

struct Units {
  const Unit* first = nullptr;
  std::size_t count = 0;
  const Unit* begin() const { return first; }
  const Unit* end() const { return first + count; }
};

Units units_of(Type t) {
  switch (t) {
    case Type::time: return {kTime, std::size(kTime)};
    case Type::rate: return {kRate, std::size(kRate)};
    case Type::size: return {kSize, std::size(kSize)};
    case Type::frequency: return {kFrequency, std::size(kFrequency)};
    case Type::share: return {kShare, std::size(kShare)};
    default: return {};
  }
}

bool digit(char c) { return c >= '0' && c <= '9'; }

// Length of the decimal number at the front of `s`; 0 when there is none.
std::size_t number_length(std::string_view s) {
  std::size_t i = 0;
  while (i < s.size() && digit(s[i])) ++i;
  if (i == 0) return 0;
  if (i + 1 < s.size() && s[i] == '.' && digit(s[i + 1])) {
    ++i;
    while (i < s.size() && digit(s[i])) ++i;
  }
  return i;
}

std::string quoted(std::string_view s) { return "\"" + std::string(s) + "\""; }

}  // namespace

const char* type_name(Type t) {
  constexpr const char* kNames[] = {"time", "bit rate", "size", "frequency", "share", "count", "boolean", "choice", "string", "path", "structure"};
  return kNames[static_cast<int>(t)];
}

std::string unit_help(Type t) {
  constexpr const char* kExample[] = {"200ns", "10Gbps", "4KiB", "3.4GHz", "1%"};
  const Units units = units_of(t);
  if (units.count == 0) return "";
  std::string out = "a number with a unit (";
  for (const Unit& u : units) out += (u.name == units.first->name ? "" : ", ") + std::string(u.name);
  return out + "), as in " + quoted(kExample[static_cast<int>(t)]);
}

Parsed parse_decimal(std::string_view text, std::uint64_t scale) {
  if (text.empty() || number_length(text) != text.size()) return {{}, quoted(text) + " is not a decimal number"};
  Wide value = 0, divisor = 1;
  bool fraction = false;
  constexpr Wide kMost = Wide(1) << 100;
  for (char c : text) {
    if (c == '.') { fraction = true; continue; }
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (fraction) divisor *= 10;
    if (value > kMost || divisor > kMost) return {{}, quoted(text) + " has too many digits"};
  }
  // scale < 2^44 for every unit, value < 2^101 only after many digits: check before multiplying.
  if (scale != 0 && value > (~Wide(0)) / scale) return {{}, quoted(text) + " has too many digits"};
  value *= scale;
  if (value % divisor != 0) return {{}, "inexact"};
  value /= divisor;
  if (value > Wide(INT64_MAX)) return {{}, quoted(text) + " is too large"};
  return {static_cast<std::uint64_t>(value), ""};
}

Parsed parse_quantity(Type type, std::string_view text) {
  if (!text.empty() && text[0] == '-') return {{}, quoted(text) + " is negative"};
  const std::size_t n = number_length(text);
  if (n == 0) return {{}, quoted(text) + " is not a " + type_name(type)};
  const std::string_view number = text.substr(0, n), unit = text.substr(n);
  if (unit.empty()) return {{}, quoted(text) + " has no unit"};
  for (const Unit& u : units_of(type)) {
    if (u.name != unit) continue;
    Parsed p = parse_decimal(number, u.factor);
    if (p.value) return p;
    if (p.problem == "inexact") p.problem = quoted(text) + " is not a whole number of " + std::string(units_of(type).first->name);
    else p.problem = quoted(text) + " is too large";
    return p;
  }
  return {{}, quoted(text) + " is not a " + type_name(type) + ": unknown unit " + quoted(unit)};
}

std::string format_quantity(Type type, std::uint64_t value) {
  const Units units = units_of(type);
  const bool binary = type == Type::size, share = type == Type::share;
  const Unit* best = units.first;
  if (share) best = &units.first[1];
  else if (value == 0 && type == Type::time) best = &units.first[1];
  else
    for (const Unit& u : units) {
      if (!u.canonical || u.factor > value || value == 0) continue;
      if (binary ? value % u.factor == 0 : u.factor < 1000 || value % (u.factor / 1000) == 0) best = &u;
    }
  std::string out = std::to_string(value / best->factor);
  std::uint64_t rest = value % best->factor;
  if (rest != 0) {
    out += '.';
    for (std::uint64_t place = best->factor / 10; rest != 0; place /= 10) {
      out.push_back(static_cast<char>('0' + rest / place));
      rest %= place;
    }
  }
  return out + std::string(best->name);
}

std::string format_milli(std::uint64_t milli) {
  std::string out = std::to_string(milli / 1000);
  if (milli % 1000 == 0) return out;
  std::string frac = std::to_string(1000 + milli % 1000).substr(1);
  while (frac.back() == '0') frac.pop_back();
  return out + "." + frac;
}

namespace {

struct Measure {
  std::string_view name;
  int dimension;
  double factor;
};
constexpr Measure kMeasures[] = {
    {"ps", 1, 1e-3}, {"ns", 1, 1}, {"us", 1, 1e3}, {"ms", 1, 1e6}, {"s", 1, 1e9},
    {"bps", 2, 1e-9}, {"kbps", 2, 1e-6}, {"Mbps", 2, 1e-3}, {"Gbps", 2, 1}, {"Tbps", 2, 1e3},
    {"b/s", 2, 1e-9}, {"Mb/s", 2, 1e-3}, {"Gb/s", 2, 1}, {"GB/s", 2, 8}, {"MB/s", 2, 8e-3},
    {"B", 3, 1}, {"kB", 3, 1e3}, {"KiB", 3, 1024}, {"MB", 3, 1e6}, {"MiB", 3, 1048576}, {"GiB", 3, 1073741824},
    {"", 4, 1}, {"%", 4, 0.01}, {"ppm", 4, 1e-6}};

const Measure* measure(std::string_view unit) {
  for (const Measure& m : kMeasures)
    if (m.name == unit) return &m;
  return nullptr;
}

}  // namespace

bool known_unit(std::string_view unit) { return measure(unit) != nullptr; }

std::optional<double> convert(double value, std::string_view from, std::string_view to) {
  if (from == to) return value;
  const Measure *a = measure(from), *b = measure(to);
  if (a == nullptr || b == nullptr || a->dimension != b->dimension) return std::nullopt;
  return value * a->factor / b->factor;
}

std::string_view scenario_unit(std::string_view unit) { return unit == "bytes" ? "B" : unit; }

std::string units_like(std::string_view unit) {
  const Measure* like = measure(unit);
  std::string out;
  for (const Measure& m : kMeasures)
    if (like != nullptr && m.dimension == like->dimension) out += (out.empty() ? "" : ", ") + std::string(m.name.empty() ? "none" : m.name);
  return out;
}

std::string quantity_pattern(Type type) {
  std::string names;
  for (const Unit& u : units_of(type)) names += (names.empty() ? "" : "|") + std::string(u.name);
  return "^[0-9]+(\\.[0-9]+)?(" + names + ")$";
}

}  // namespace gd::scenario
