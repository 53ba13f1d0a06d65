// Compares what the guest got with what was sent, at no simulated cost. The source is ExpectedBytes, never the frame.
//
// A packet of one frame must be that frame, byte for byte (a VLAN tag that the NIC stripped may be missing; a checksum
// field that is still to be completed is not compared). A merged packet must have the first frame's headers except the
// fields that merging changes (IP length and checksum, L4 length and checksum, PSH, FIN, CWR), a length that is the sum
// of its frames, and each frame's payload in order.
#pragma once
#include <string>
#include <vector>

#include "models/guest/packet.h"

namespace gd {

class GuestChecker {
 public:
  GuestChecker(GuestContext& c, GuestBuffers& buffers)
      : c_(c), buffers_(buffers), spoilt_(spoils_memory(c.params.behaviour.kind)), errors_(spoilt_ ? c.stats.self_inflicted : c.stats.integrity_errors) {
    scratch_.resize(2048);
  }

  // Everything of a packet except the payload that the application reads; and lengths. Errors count for its first frame.
  void headers(const GuestPacket& p);
  // A tunnel's `n` outer header bytes are about to be taken off: compared, and the frame is as it was sent again.
  void outer(const GuestPacket& p, std::uint32_t n);
  // The payload in place, for what no application reads.
  void payload_in_place(const GuestPacket& p);

  // Payload as the application sees it, front to back: start(), then take() for each run of bytes, then finish().
  struct Cursor {
    FrameRef frame = kNoFrame;
    std::uint32_t at = 0;        // payload bytes of `frame` seen
    bool bad = false;
    bool scribbled = false;      // FrameMeta::scribbled of the frame before
  };
  // Skips the frames and bytes that an earlier packet has delivered; returns frames that lie wholly in `skip` to `old`.
  void start(GuestPacket& p, Cursor& k, FrameChain& old);
  // Frames that end in these bytes are delivered at `t`.
  void take(GuestPacket& p, Cursor& k, const std::uint8_t* bytes, std::uint32_t n, Time t);
  // The payload has ended: frames left over (lengths that do not agree) are integrity errors.
  void finish(GuestPacket& p, Cursor& k, Time t);

  const std::vector<std::string>& messages() const { return messages_; }   // none of a guest that spoils its memory

 private:
  bool compare(FrameRef f, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t n, std::uint32_t shift);
  void error(FrameRef f);
  void report(FrameRef f, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t n);
  void report(FrameRef f, const std::string& what);
  bool as_merged(const FrameMeta& m, const Parsed& q, const std::uint8_t* h);
  bool merged_header(const GuestPacket& p, const std::uint8_t* h, std::uint32_t shift);
  void end_frame(GuestPacket& p, Cursor& k, Time t);

  GuestContext& c_;
  GuestBuffers& buffers_;
  const bool spoilt_;            // by the guest itself: counted apart, no messages
  std::uint64_t& errors_;
  std::vector<std::uint8_t> scratch_;
  std::vector<std::string> messages_;
};

}  // namespace gd
