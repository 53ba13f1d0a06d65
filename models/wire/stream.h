// The bytes of generated traffic: headers from a template per flow, payload from the pattern at the flow's offset.
// Everything follows from what FrameMeta knows (flow, offset, source_index, length, loop), so the expected bytes of a
// frame are made again instead of stored. FrameMeta::loop is 1 for a segment with PSH.
//
// TCP: sequence number = isn(flow) + offset, acknowledgement number = peer_isn(flow) for ever (the guest sends no data);
// the handshake is left out: flows are established from the start. IPv4 id = source_index. Frames below 60 bytes are
// padded with zeros. The payload of a tunnel's flow begins with inner headers, which take the place of as many bytes of the pattern.
#pragma once
#include <cstdint>
#include <vector>

#include "models/packet/build.h"
#include "models/packet/pattern.h"
#include "models/ports/frame.h"
#include "models/wire/frame_buffers.h"

namespace gd {

// Flows that differ in source address and port, spread over the destinations in turn.
struct FlowPlan {
  std::uint32_t count = 1;
  bool udp = false, ipv6 = false, timestamps = false;
  std::uint16_t vlan = 0;                        // 802.1Q id of every flow, 0 = untagged, unless the destination has one
  struct Destination {
    std::uint64_t mac = 0x020000000001;          // 48 bits, first byte highest
    std::uint16_t vlan = 0;                      // 0: FlowPlan::vlan
  };
  std::vector<Destination> destinations = {{}};  // the guests; flow f goes to destinations[f % size]
};
// Destination d is 10.0.0.(1 + d), port 5002; the source of flow f is 10.(1 + f / 65536).(f / 256 % 256).(f % 256) and
// port 49152 + f % 16384. IPv6: fd00:: and fd01:: in the same way. At most 255 * 65536 flows, no two alike. Throws UserError.
std::vector<FlowHeader> make_flows(const FlowPlan& plan);

struct StreamSegment {
  std::uint32_t flow = 0;
  std::uint64_t offset = 0;         // of the first payload byte in the flow's stream
  std::uint32_t source_index = 0;   // packet number of the flow
  std::uint32_t payload = 0;        // bytes
  bool push = false;                // TCP PSH
};

class Stream {
 public:
  // `seed` names the payload. Throws UserError for flows that cannot be built (HeaderTemplate).
  Stream(const std::vector<FlowHeader>& flows, std::uint64_t seed);
  std::uint32_t flows() const { return static_cast<std::uint32_t>(headers_.size()); }
  // Header bytes of flow `f`, Ethernet to TCP or UDP.
  std::uint32_t header_length(std::uint32_t f) const { return headers_[f].length(); }
  std::uint32_t longest_header() const { return longest_header_; }   // of plain flows
  // Of shaped flows, with the headers that are part of the payload.
  std::uint32_t longest_shaped() const { return longest_shaped_; }
  // Headers that a tunnel's payload begins with.
  std::uint32_t inner_length(std::uint32_t f) const { return headers_[f].inner(); }
  Shape shape(std::uint32_t f) const { return headers_[f].shape(); }
  // Length of a segment's frame without FCS, padding included.
  std::uint32_t frame_length(const StreamSegment& s) const;
  // Writes frame_length() bytes.
  void write(std::uint8_t* out, const StreamSegment& s) const;
  // Writes the header alone, header_length() + inner_length() bytes.
  void write_header(std::uint8_t* out, const StreamSegment& s) const;
  const Pattern& pattern() const { return pattern_; }
  // Fills everything of `m` but bytes and id.
  void describe(FrameMeta& m, const StreamSegment& s) const;
  // The segment that `m` was described by.
  StreamSegment segment(const FrameMeta& m) const;

  static std::uint32_t isn(std::uint32_t flow);
  static std::uint32_t peer_isn(std::uint32_t flow);

 private:
  std::vector<HeaderTemplate> headers_;
  std::uint32_t longest_header_ = 0, longest_shaped_ = 0;
  Pattern pattern_;
};

// A new frame of `table` that is segment `s` of `stream`, its bytes written into one of `buffers`.
FrameRef make_frame(FrameTable& table, FrameBuffers& buffers, const Stream& stream, const StreamSegment& s);
// The same of a segment whose bytes are in the buffer `slot` already.
FrameRef frame_of(FrameTable& table, FrameBuffers& buffers, std::uint32_t slot, const Stream& stream, const StreamSegment& s);

}  // namespace gd
