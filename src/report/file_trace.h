// A trace that is a file, and how long such files may get.
#pragma once
#include <cstdint>
#include <string>

#include "models/base/units.h"
#include "src/system/system.h"

namespace gd::report {

// So that a long run does not write gigabytes. A traced frame takes about 1.7 KiB of trace.json, an event there about 80 bytes and
// in waves.vcd about 17: with the defaults below 200 MB, and 17 MB.
struct TraceLimits {
  static constexpr std::uint64_t kFrames = 20'000, kEventsPerFrame = 50, kNone = UINT64_MAX;
  std::uint64_t frames = kFrames;                     // Perfetto: frames traced one by one from the first on
  std::uint64_t sample = 64;                          // Perfetto: of later frames every so many-th
  std::uint64_t events = kFrames * kEventsPerFrame;   // Perfetto: core slices and level changes, each; VCD: changes
  Time interval = 10 * kUs;                           // series.csv: length of an interval

  // Those of `--trace-limit FRAMES`; 0: no limits.
  static TraceLimits of_frames(std::uint64_t n) {
    TraceLimits l;
    l.frames = n == 0 ? kNone : n;
    l.events = n == 0 || n > kNone / kEventsPerFrame ? kNone : n * kEventsPerFrame;
    return l;
  }
};

class FileTrace : public system::TraceObserver {
 public:
  // After finish(): what the limits left out, in words; "" when all is there.
  virtual std::string left_out() const { return ""; }
};

}  // namespace gd::report
