// Wall clock of the program (never of the simulation).
#pragma once
#include <chrono>
#include <cstdint>

namespace gd::cli {

inline std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace gd::cli
