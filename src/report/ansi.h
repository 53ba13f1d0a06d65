// How a terminal is told to show text (ECMA-48, SGR). Only where colour is asked for.
#pragma once

namespace gd::report::ansi {

inline constexpr const char* kBold = "\033[1m";
inline constexpr const char* kRed = "\033[31m";
inline constexpr const char* kGreen = "\033[32m";
inline constexpr const char* kOff = "\033[0m";

}  // namespace gd::report::ansi
