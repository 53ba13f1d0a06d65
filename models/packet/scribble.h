// How a buffer's owner who changes headers after the card has written them goes about it (header-scribbler): a marker where a frame's
// first byte will be, and when it has gone one field of Ethernet, IPv4 or TCP header gets a value of its choice.
#pragma once
#include <cstdint>

#include "models/base/rng.h"

namespace gd::scribble {

constexpr std::uint64_t kMarker = 0x5ca1ab1e0ddba11d;

// Where in a frame the two bytes lie: destination, Ethertype, version and header length, total length, fragment, protocol, ports, data
// offset and flags.
inline std::uint32_t field(Rng& rng) {
  constexpr std::uint8_t kFields[] = {0, 12, 14, 16, 20, 23, 34, 36, 46};
  return kFields[rng.below(sizeof kFields)];
}

}  // namespace gd::scribble
