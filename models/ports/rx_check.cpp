#include "models/ports/rx_check.h"

#include <algorithm>

namespace gd {

void RxCheck::compare(FrameRef r, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t n) {
  const FrameMeta& f = frames_[r];
  if (at + n <= f.length && expected_.matches(f, at, bytes, n)) return;
  ++errors_;
  if (messages_.size() < 8)
    messages_.push_back("frame " + std::to_string(f.id) + ": bytes " + std::to_string(at) + " to " + std::to_string(at + n) +
                        " are not those that were sent");
}

void RxCheck::length(FrameRef r, std::uint32_t n) {
  const FrameMeta& f = frames_[r];
  if (n == f.length) return;
  ++errors_;
  if (messages_.size() < 8)
    messages_.push_back("frame " + std::to_string(f.id) + ": " + std::to_string(n) + " bytes instead of " + std::to_string(f.length));
}

std::uint32_t RxCheck::payload(const FrameChain& chain, Cursor& k, const std::uint8_t* bytes, std::uint32_t n) {
  std::uint32_t ended = 0;
  if (k.frame == kNoFrame) k = {chain.first, 0};
  for (;;) {
    if (k.frame == kNoFrame) {
      if (n) {
        ++errors_;
        if (messages_.size() < 8) messages_.push_back(std::to_string(n) + " payload bytes belong to no frame");
      }
      return ended;
    }
    const FrameMeta& f = frames_[k.frame];
    const std::uint32_t part = std::min(n, f.payload_length - k.at);
    if (part) compare(k.frame, f.payload_offset + k.at, bytes, part);
    bytes += part, n -= part, k.at += part;
    if (k.at < f.payload_length) return ended;
    ++ended;
    k = {f.next, 0};
    if (n == 0) return ended;
  }
}

}  // namespace gd
