// Where a received frame is cut between header buffer and packet buffer.
//
// Rules: Intel 82575EB manual, table 33 (split; split, always use header buffer), which the 82599 shares; 82598EB data
// sheet (IPv4 and IPv6 fragments split after L3, headers above 1 KiB never split). An IP packet of another L4 protocol is
// split after L3, as with PSRTYPE's IPv4 and IPv6 bits set (what Linux's ixgbe sets).
#pragma once
#include <cstdint>

#include "models/ports/nic_port.h"

namespace gd::nic {

// HDR_LEN has 10 bits: no longer header can be reported, so none is split.
constexpr std::uint32_t kMaxHeaderLength = 1023;

struct SplitInput {
  SplitMode mode = SplitMode::off;
  std::uint32_t header_buffer = 0;   // bytes; at most kMaxHeaderLength of them are used
  std::uint32_t threshold = 0;       // frames not longer than this stay whole in the packet buffer
  std::uint32_t length = 0;          // of the frame, without FCS and a stripped tag
  std::uint32_t header_length = 0;   // L2 + L3 + L4; L2 + L3 of a fragment or another protocol
  bool decodable = false;            // the parser found header_length
  bool has_payload = true;           // false: nothing behind the headers except Ethernet padding
};

enum class SplitKind : std::uint8_t {
  off,              // split is off
  unsplit,          // undecodable, below the threshold, or header too long to report: whole in the packet buffer
  clean,            // header | payload
  header_only,      // no payload: all in the header buffer, PKT_LEN 0 (a pure ACK)
  overflow,         // split mode, header longer than its buffer: whole in the packet buffer, HBO
  whole_in_header,  // always mode: the whole frame fits the header buffer
  forced,           // always mode, undecodable: cut at the header buffer's size
  forced_overflow   // always mode, header longer than its buffer: cut there, HBO
};

struct SplitDecision {
  SplitKind kind = SplitKind::off;
  std::uint32_t to_header = 0;       // bytes written into the header buffer; the rest goes to packet buffers
  std::uint32_t header_length = 0;   // HDR_LEN
  bool sph = false, hbo = false;
};

// Pure. header_only keeps the Ethernet padding with the header (HDR_LEN counts it).
SplitDecision split(const SplitInput& in);

}  // namespace gd::nic
