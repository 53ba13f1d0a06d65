// PAUSE frames of MAC control. Source: IEEE 802.3 Annexes 31A and 31B.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "models/packet/headers.h"

namespace gd {

namespace mac_control {
constexpr std::uint16_t kType = 0x8808, kPause = 0x0001;
constexpr std::uint64_t kAddress = 0x0180c2000001;   // reserved multicast address of PAUSE
constexpr std::uint64_t kQuantumBits = 512;          // bit times of a unit of pause time
constexpr std::uint32_t kOpcode = ether::kHeader, kTime = ether::kHeader + 2, kLength = 60;   // offsets and length without FCS
}  // namespace mac_control

using PauseFrame = std::array<std::uint8_t, mac_control::kLength>;

// A frame from `source` (48 bits) that asks the far end to stand still for `quanta` times of 512 bits; 0 ends a pause.
inline PauseFrame pause_frame(std::uint64_t source, std::uint16_t quanta) {
  PauseFrame f{};
  for (unsigned i = 0; i < 6; ++i) {
    f[i] = static_cast<std::uint8_t>(mac_control::kAddress >> (40 - 8 * i));
    f[6 + i] = static_cast<std::uint8_t>(source >> (40 - 8 * i));
  }
  put_be16(&f[12], mac_control::kType);
  put_be16(&f[mac_control::kOpcode], mac_control::kPause);
  put_be16(&f[mac_control::kTime], quanta);
  return f;
}

// The quanta of a PAUSE frame; nothing for any other frame of `length` bytes.
inline std::optional<std::uint16_t> pause_quanta(const std::uint8_t* frame, std::uint32_t length) {
  if (length < mac_control::kTime + 2 || be16(frame + 12) != mac_control::kType || be16(frame + mac_control::kOpcode) != mac_control::kPause)
    return std::nullopt;
  return be16(frame + mac_control::kTime);
}

}  // namespace gd
