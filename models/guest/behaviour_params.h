// Parameters of a guest's behaviour towards its receive ring.
#pragma once
#include <cstdint>

#include "models/base/units.h"

namespace gd {

enum class BehaviourKind : std::uint8_t {
  well_behaved,
  hoarder,            // gives buffers back late or never
  flood_poster,       // posts as fast as it can, with absurd sizes
  idle,               // never posts
  slow_refill,        // posts few buffers at a time
  header_scribbler,   // changes headers after the card has written; from here on its memory is not to be relied on
  shinfo_scribbler,   // changes the shared info in its buffers
  ring_liar,          // puts wrong things into the ring
  unmapper,           // takes memory away while it is posted
  crasher             // stops, and comes back with a device reset
};

// What a guest that spoils its own memory or ring gets wrong is its own trouble: the byte check counts it apart, and
// ownership counts its faults (Ownership::belongs with `trusted` false).
constexpr bool spoils_memory(BehaviourKind k) { return k >= BehaviourKind::header_scribbler || k == BehaviourKind::flood_poster; }

enum class HoldTime : std::uint8_t { never, fixed, uniform, exponential };
enum class FloodOf : std::uint8_t { mixed, huge, tiny, zero };
enum class RingLie : std::uint8_t { mixed, address, length, changed_length, loop, indirect, reused_id, index_jump };

struct BehaviourParams {
  BehaviourKind kind = BehaviourKind::well_behaved;
  std::uint64_t seed = 1;
  HoldTime hold = HoldTime::never;
  Time hold_time = 1 * kMs;            // mean
  std::uint32_t copy_share = 0;        // ppm of packets
  std::uint32_t buffers = 0;           // ring buffers posted and kept; 0: what memory holds
  FloodOf flood = FloodOf::mixed;
  RingLie lie = RingLie::mixed;
  std::uint32_t share = 1'000'000;     // ppm of buffers
  Time interval = 5 * kUs;
  std::uint32_t batch = 16;            // ring buffers
  Time delay = 0;
  Time up_time = 1 * kMs, down_time = 500 * kUs;
};

}  // namespace gd
