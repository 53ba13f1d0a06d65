// What the bytes of a frame must be, made from what the source knows, never from the frame's own bytes.
#pragma once
#include <vector>

#include "models/ports/frame.h"
#include "models/wire/capture.h"
#include "models/wire/stream.h"

namespace gd {

// Generated traffic, open and closed loop: header template and pattern again. Works on a Stream of its own, so that a
// fault in the producer's copy is seen.
class StreamExpected : public ExpectedBytes {
 public:
  // The same arguments as the producer's Stream.
  StreamExpected(const std::vector<FlowHeader>& flows, std::uint64_t seed) : stream_(flows, seed) {}
  bool matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) override;
  bool original(const FrameMeta& f, std::uint8_t* out, std::uint32_t n) override;

 private:
  // The header of `s`. A packet's header is compared in pieces: that of the last frame asked for is kept.
  const std::uint8_t* header(const StreamSegment& s);
  Stream stream_;
  StreamSegment kept_;
  bool any_ = false;
  std::uint8_t header_[HeaderTemplate::kMax + HeaderTemplate::kInner];
};

// Replayed traffic: the capture, advanced to the frame's repetition.
class CaptureExpected : public ExpectedBytes {
 public:
  explicit CaptureExpected(const Capture& capture) : capture_(capture), scratch_(capture.longest_patched()) {}
  bool matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) override;
  bool original(const FrameMeta& f, std::uint8_t* out, std::uint32_t n) override;

 private:
  const Capture& capture_;
  std::vector<std::uint8_t> scratch_;
};

}  // namespace gd
