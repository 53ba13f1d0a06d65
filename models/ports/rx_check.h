// Compares what a consumer got with what was sent, frame by frame, at no simulated cost: for consumers whose packets lie
// in host memory. The source is ExpectedBytes, never the frame.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/ports/frame.h"

namespace gd {

class RxCheck {
 public:
  RxCheck(FrameTable& frames, ExpectedBytes& expected) : frames_(frames), expected_(expected) {}
  // A packet of one frame: all its bytes in place.
  void whole(FrameRef f, const std::uint8_t* bytes, std::uint32_t n) { compare(f, 0, bytes, n); }
  // Bytes [at, at + n) of a frame; and how long it was when it came here.
  void part(FrameRef f, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t n) { compare(f, at, bytes, n); }
  void length(FrameRef f, std::uint32_t n);
  // Payload as the application sees it, for the frames of `chain` in order; a cursor goes from call to call.
  struct Cursor {
    FrameRef frame = kNoFrame;
    std::uint32_t at = 0;
  };
  // Returns how many frames of the chain have ended with these bytes (they are to be delivered by the caller).
  std::uint32_t payload(const FrameChain& chain, Cursor& k, const std::uint8_t* bytes, std::uint32_t n);
  std::uint64_t errors() const { return errors_; }
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  void compare(FrameRef f, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t n);
  FrameTable& frames_;
  ExpectedBytes& expected_;
  std::uint64_t errors_ = 0;
  std::vector<std::string> messages_;
};

}  // namespace gd
