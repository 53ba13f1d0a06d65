#include "src/cli/yardstick.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "models/base/error.h"

namespace gd::cli {

namespace {

constexpr unsigned kFrameBytes = 1500, kRounds = 15, kPerRound = 2000;

double cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

}  // namespace

double copy_and_compare_ns() {
  alignas(64) unsigned char from[kFrameBytes], to[kFrameBytes] = {};
  std::memset(from, 0x5a, sizeof from);
  std::array<double, kRounds> rounds;
  unsigned differences = 0;
  for (double& ns : rounds) {
    const double start = cpu_ns();
    for (unsigned i = 0; i < kPerRound; ++i) {
      std::memcpy(to, from, sizeof to);
      asm volatile("" : : "r"(from), "r"(to) : "memory");   // or the compiler would know the answer
      differences += std::memcmp(to, from, sizeof to) != 0;
    }
    ns = (cpu_ns() - start) / kPerRound;
  }
  require(differences == 0, "bytes that were copied differ");
  std::nth_element(rounds.begin(), rounds.begin() + kRounds / 2, rounds.end());
  return rounds[kRounds / 2];
}

}  // namespace gd::cli
