// Values with a dimension, exactly: "10Gbps", "4KiB", "1.5us", "3.4GHz", "5.6%" to whole bits per second, bytes,
// picoseconds, hertz, parts per million, and back. No floating point; what is not a whole number of the base unit is an error.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/scenario/keys.h"

namespace gd::scenario {

struct Parsed {
  std::optional<std::uint64_t> value;
  std::string problem;            // why there is no value: "\"10\" has no unit"
};

// `text` as a quantity of type time, rate, size, frequency or share.
Parsed parse_quantity(Type type, std::string_view text);
// The shortest exact form; parse_quantity() gives the same value back.
std::string format_quantity(Type type, std::uint64_t value);
// A decimal number times `scale` as a whole number: ("123.5", 1000) -> 123500. Without sign, exponent or blanks.
Parsed parse_decimal(std::string_view text, std::uint64_t scale);
// `milli` / 1000 as a decimal number: 123500 -> "123.5".
std::string format_milli(std::uint64_t milli);
// Converts between units of one dimension as metrics use them ("us" to "ns", "%" to "", "Gb/s", "B" ...); nothing
// when they do not match, or are none of these ("cycles", "frames") and not the same. "" stands for a share or ratio.
std::optional<double> convert(double value, std::string_view from, std::string_view to);
// A metric's unit as scenarios write it: "bytes" is "B" there; others are the same.
std::string_view scenario_unit(std::string_view unit);
// The units that `unit` converts to, itself among them, as a list for messages; "" for a unit that is none of these.
std::string units_like(std::string_view unit);
// A unit that an expect line may carry.
bool known_unit(std::string_view unit);
// Regular expression of a quantity, for the schema.
std::string quantity_pattern(Type type);

}  // namespace gd::scenario
