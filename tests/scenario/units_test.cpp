#include "src/scenario/units.h"

#include <gtest/gtest.h>

#include "src/scenario/diagnostics.h"

namespace gd::scenario {
namespace units_test {

struct Good {
  Type type;
  const char* text;
  std::uint64_t value;
  const char* canonical;
};

TEST(Units, ExactValuesAndBack) {
  const Good rows[] = {
      {Type::time, "200ns", 200'000, "200ns"}, {Type::time, "1.5us", 1'500'000, "1.5us"}, {Type::time, "0ps", 0, "0ns"},
      {Type::time, "2000us", 2'000'000'000, "2ms"}, {Type::time, "16.1ns", 16'100, "16.1ns"}, {Type::time, "10s", 10'000'000'000'000, "10s"},
      {Type::time, "0.001ns", 1, "1ps"}, {Type::rate, "10Gbps", 10'000'000'000, "10Gbps"}, {Type::rate, "85.36Gbps", 85'360'000'000, "85.36Gbps"},
      {Type::rate, "10.67GB/s", 85'360'000'000, "85.36Gbps"}, {Type::rate, "1500bps", 1'500, "1.5kbps"}, {Type::rate, "0bps", 0, "0bps"},
      {Type::size, "4KiB", 4096, "4KiB"}, {Type::size, "1.5KiB", 1536, "1536B"}, {Type::size, "2kB", 2000, "2000B"}, {Type::size, "24.75MiB", 25'952'256, "25344KiB"},
      {Type::size, "0B", 0, "0B"}, {Type::frequency, "3.4GHz", 3'400'000'000, "3.4GHz"}, {Type::frequency, "2.67GHz", 2'670'000'000, "2.67GHz"},
      {Type::share, "1%", 10'000, "1%"}, {Type::share, "5.6%", 56'000, "5.6%"}, {Type::share, "12.5%", 125'000, "12.5%"}, {Type::share, "7ppm", 7, "0.0007%"},
  };
  for (const Good& r : rows) {
    const Parsed p = parse_quantity(r.type, r.text);
    ASSERT_TRUE(p.value) << r.text << ": " << p.problem;
    EXPECT_EQ(*p.value, r.value) << r.text;
    EXPECT_EQ(format_quantity(r.type, r.value), r.canonical);
    EXPECT_EQ(parse_quantity(r.type, r.canonical).value, p.value);
  }
}

TEST(Units, EveryCanonicalFormReadsBack) {
  for (Type t : {Type::time, Type::rate, Type::size, Type::frequency, Type::share})
    for (std::uint64_t v = 1, step = 1; v < (1ull << 60); v += step, step += step / 2 + 7)
      EXPECT_EQ(parse_quantity(t, format_quantity(t, v)).value, std::optional(v)) << format_quantity(t, v);
}

TEST(Units, WhatIsRefused) {
  struct { Type type; const char* text; const char* problem; } const rows[] = {
      {Type::time, "", "\"\" is not a time"}, {Type::time, "5", "\"5\" has no unit"}, {Type::time, "ns", "\"ns\" is not a time"},
      {Type::time, "5 ns", "\"5 ns\" is not a time: unknown unit \" ns\""}, {Type::time, "0.0001ns", "\"0.0001ns\" is not a whole number of ps"},
      {Type::time, "-3ns", "\"-3ns\" is negative"}, {Type::time, ".5ns", "\".5ns\" is not a time"}, {Type::time, "1e3ns", "\"1e3ns\" is not a time: unknown unit \"e3ns\""},
      {Type::time, "99999999999s", "\"99999999999s\" is too large"}, {Type::rate, "10Gb", "\"10Gb\" is not a bit rate: unknown unit \"Gb\""},
      {Type::rate, "0.5bps", "\"0.5bps\" is not a whole number of bps"}, {Type::size, "4KB", "\"4KB\" is not a size: unknown unit \"KB\""},
      {Type::size, "99999999999999999999999999999999999999999B", "\"99999999999999999999999999999999999999999B\" is too large"},
      {Type::frequency, "3.4ghz", "\"3.4ghz\" is not a frequency: unknown unit \"ghz\""}, {Type::share, "0.00001%", "\"0.00001%\" is not a whole number of ppm"},
  };
  for (const auto& r : rows) {
    const Parsed p = parse_quantity(r.type, r.text);
    EXPECT_FALSE(p.value) << r.text;
    EXPECT_EQ(p.problem, r.problem);
  }
}

TEST(Units, DecimalCyclesToMilliCycles) {
  EXPECT_EQ(parse_decimal("123.5", 1000).value, std::optional<std::uint64_t>(123'500));
  EXPECT_EQ(parse_decimal("0.33", 1000).value, std::optional<std::uint64_t>(330));
  EXPECT_EQ(parse_decimal("7", 1000).value, std::optional<std::uint64_t>(7'000));
  EXPECT_EQ(parse_decimal("0.0001", 1000).problem, "inexact");
  EXPECT_FALSE(parse_decimal("1e3", 1000).value);
  EXPECT_EQ(format_milli(123'500), "123.5");
  EXPECT_EQ(format_milli(330), "0.33");
  EXPECT_EQ(format_milli(7'000), "7");
  EXPECT_EQ(format_milli(1), "0.001");
}

TEST(Units, ConversionOfMetrics) {
  EXPECT_DOUBLE_EQ(*convert(50, "us", "ns"), 50'000);
  EXPECT_DOUBLE_EQ(*convert(9, "Gbps", "Gb/s"), 9);
  EXPECT_DOUBLE_EQ(*convert(1, "%", ""), 0.01);
  EXPECT_DOUBLE_EQ(*convert(4, "cycles", "cycles"), 4);
  EXPECT_FALSE(convert(4, "", "ns"));
  EXPECT_FALSE(convert(4, "cycles", "us"));
  EXPECT_FALSE(convert(4, "frames", "%"));
  EXPECT_FALSE(convert(1, "ns", "Gb/s"));
  EXPECT_FALSE(convert(1, "B", "cycles"));
  EXPECT_FALSE(convert(1, "bytes", "KiB"));   // of a metric: by its name in scenarios
  EXPECT_DOUBLE_EQ(*convert(2048, scenario_unit("bytes"), "KiB"), 2);
  for (const char* same : {"ns", "%", "", "cycles"}) EXPECT_EQ(scenario_unit(same), same);
}

TEST(Nearest, DistanceCountsSwapsAsOne) {
  EXPECT_EQ(distance("ring_size", "rign_size"), 1u);
  EXPECT_EQ(distance("", "abc"), 3u);
  EXPECT_EQ(distance("kitten", "sitting"), 3u);
  EXPECT_EQ(nearest("rign_size", {"mtu", "ring_size", "tx_ring_size"}), "ring_size");
  EXPECT_EQ(nearest("entirely-else", {"mtu", "ring_size"}), "");
}

}  // namespace units_test
}  // namespace gd::scenario
