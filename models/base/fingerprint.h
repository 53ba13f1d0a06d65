// A 64-bit hash over (time, component, event kind, frame) of a run's events, in the order in which they are recorded.
// Two runs with equal fingerprints behaved alike.
#pragma once
#include <cstdint>

#include "models/base/units.h"

namespace gd {

class Fingerprint {
 public:
  void add(Time t, std::uint32_t component, std::uint32_t kind, std::uint64_t frame) {
    mix(static_cast<std::uint64_t>(t));
    mix(static_cast<std::uint64_t>(component) << 32 | kind);
    mix(frame);
  }
  std::uint64_t value() const { return h_; }

 private:
  void mix(std::uint64_t v) {
    h_ = (h_ ^ v) * 0x9fb21c651e98df25ULL;
    h_ ^= h_ >> 32;
  }
  std::uint64_t h_ = 0x6775657374646d61ULL;
};

}  // namespace gd
