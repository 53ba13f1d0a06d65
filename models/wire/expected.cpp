#include "models/wire/expected.h"

#include <algorithm>
#include <cstring>

namespace gd {

const std::uint8_t* StreamExpected::header(const StreamSegment& s) {
  if (any_ && s.flow == kept_.flow && s.offset == kept_.offset && s.source_index == kept_.source_index &&
      s.payload == kept_.payload && s.push == kept_.push)
    return header_;
  stream_.write_header(header_, s);
  kept_ = s;
  any_ = true;
  return header_;
}

bool StreamExpected::matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) {
  const StreamSegment s = stream_.segment(f);
  if (s.flow >= stream_.flows()) return false;
  const std::uint32_t outer = stream_.header_length(s.flow), header_end = outer + stream_.inner_length(s.flow), end = outer + s.payload;
  if (const std::uint32_t length = wire::padded(end); at > length || len > length - at) return false;
  if (at < header_end && len > 0) {
    const std::uint32_t n = std::min(len, header_end - at);
    if (std::memcmp(data, header(s) + at, n) != 0) return false;
    data += n, at += n, len -= n;
  }
  if (at < end && len > 0) {
    const std::uint32_t n = std::min(len, end - at);
    if (!stream_.pattern().equal(data, s.flow, s.offset + (at - outer), n)) return false;
    data += n, len -= n;
  }
  return std::all_of(data, data + len, [](std::uint8_t b) { return b == 0; });   // padding
}

bool StreamExpected::original(const FrameMeta& f, std::uint8_t* out, std::uint32_t n) {
  const StreamSegment s = stream_.segment(f);
  if (s.flow >= stream_.flows() || n > stream_.header_length(s.flow)) return false;
  std::memcpy(out, header(s), n);
  return true;
}

bool CaptureExpected::original(const FrameMeta& f, std::uint8_t* out, std::uint32_t n) {
  if (f.source_index >= capture_.records().size()) return false;
  const Capture::Record& r = capture_.records()[f.source_index];
  if (n > r.length) return false;
  std::memcpy(out, capture_.bytes(r), n);
  if (f.loop == 0 || r.patched == 0) return true;
  std::memcpy(scratch_.data(), capture_.bytes(r), r.patched);
  capture_.advance(scratch_.data(), r, f.loop);
  std::memcpy(out, scratch_.data(), std::min<std::uint32_t>(n, r.patched));
  return true;
}

bool CaptureExpected::matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) {
  if (f.source_index >= capture_.records().size()) return false;
  const Capture::Record& r = capture_.records()[f.source_index];
  if (at > r.length || len > r.length - at) return false;
  const std::uint8_t* bytes = capture_.bytes(r);
  if (f.loop != 0 && at < r.patched && len > 0) {
    std::memcpy(scratch_.data(), bytes, r.patched);
    capture_.advance(scratch_.data(), r, f.loop);
    const std::uint32_t n = std::min<std::uint32_t>(len, r.patched - at);
    if (std::memcmp(data, scratch_.data() + at, n) != 0) return false;
    data += n, at += n, len -= n;
  }
  return std::memcmp(data, bytes + at, len) == 0;
}

}  // namespace gd
