#include "models/wire/rewritten.h"

#include <algorithm>
#include <cstring>

#include "models/packet/headers.h"

namespace gd {

bool RewrittenExpected::matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) {
  if (f.rewrite == 0) return sent_->matches(f, at, data, len);
  FrameMeta sent = f;                                  // the frame before the rewrite
  sent.length -= static_cast<std::uint32_t>(f.grown);
  sent.payload_offset = static_cast<std::uint16_t>(f.payload_offset - f.grown);
  const std::uint32_t old_header = sent.payload_offset, header = f.payload_offset;
  if (at < header && len > 0) {
    std::uint8_t was[kLongest], now[kLongest + kMostGrowth];
    if (old_header > kLongest || !sent_->original(sent, was, old_header)) return false;
    Parsed p = parse(was, sent.length);
    const auto kind = static_cast<Rewrite>(f.rewrite);
    if (p.header_length != old_header || !rewrite_applies(kind, p)) return false;
    if (f.vlan) p.length -= ether::kTag;               // the NIC had stripped it
    rewrite_headers(now, was, p, kind, values_, false);
    const std::uint32_t n = std::min(len, header - at);
    if (std::memcmp(data, now + at, n) != 0) return false;
    data += n, at += n, len -= n;
  }
  return len == 0 || sent_->matches(sent, at - static_cast<std::uint32_t>(f.grown), data, len);
}

}  // namespace gd
