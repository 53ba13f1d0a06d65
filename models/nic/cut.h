// Where header split has cut a received frame.
#pragma once
#include <cstdint>

namespace gd {

enum class Cut : std::uint8_t {
  transport,      // behind the TCP or UDP header
  fragment,       // behind IP: an IP fragment
  unknown_l4,     // behind IP: a transport protocol that the card does not know
  tunnel,         // behind the outer UDP header: the inner headers lie with the payload
  no_payload,     // all in the header buffer: there is no payload
  small,          // whole in the packet buffer: not longer than the threshold
  undecodable,    // whole in the packet buffer: no IP, or headers too long to report
  overflow,       // headers longer than their buffer: whole in the packet buffer, or (always) cut at the buffer's end
  header_buffer,  // whole in the header buffer (always)
  forced,         // at the header buffer's end (always), because nothing was understood
  count_
};

inline const char* cut_name(Cut c) {
  static const char* const names[] = {"transport", "fragment", "unknown_l4", "tunnel", "no_payload",
                                      "small", "undecodable", "overflow", "header_buffer", "forced"};
  return names[static_cast<int>(c)];
}

}  // namespace gd
