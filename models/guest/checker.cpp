#include "models/guest/checker.h"

#include <algorithm>
#include <cstring>

#include "models/packet/headers.h"
#include "models/virtio/layout.h"

namespace gd {
namespace {
constexpr std::uint8_t kMergedFlags = tcp::kPsh | tcp::kFin | tcp::kCwr;   // of TCP, those that merging changes
}

// What a copy of another guest's scribbled memory holds is nobody's mistake here.
void GuestChecker::error(FrameRef f) {
  if (f == kNoFrame || !c_.frames[f].scribbled) ++errors_;
}

void GuestChecker::report(FrameRef f, const std::string& what) {
  if (spoilt_ || (f != kNoFrame && c_.frames[f].scribbled) || messages_.size() >= 8) return;
  messages_.push_back("guest " + c_.params.name + ": " + (f == kNoFrame ? "packet without a frame" : "frame " + std::to_string(c_.frames[f].id)) + ": " + what);
}

void GuestChecker::report(FrameRef f, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t n) {
  if (spoilt_ || c_.frames[f].scribbled || messages_.size() >= 8) return;
  const FrameMeta& m = c_.frames[f];
  std::uint32_t i = 0;
  while (i + 1 < n && c_.expected.matches(m, at + i, bytes + i, 1)) ++i;
  int want = -1;
  for (int v = 0; v < 256 && want < 0; ++v) {
    const std::uint8_t byte = static_cast<std::uint8_t>(v);
    if (c_.expected.matches(m, at + i, &byte, 1)) want = v;
  }
  report(f, "byte " + std::to_string(at + i) + " is " + std::to_string(bytes[i]) + ", sent was " + (want < 0 ? "nothing" : std::to_string(want)));
}

// Bytes of a frame with the tag stripped: those from offset 12 on stand 4 bytes further in the frame as sent.
bool GuestChecker::compare(FrameRef f, std::uint32_t at, const std::uint8_t* bytes, std::uint32_t n, std::uint32_t shift) {
  const FrameMeta& m = c_.frames[f];
  if (shift && at < 12) {
    const std::uint32_t part = std::min(n, 12 - at);
    if (!compare(f, at, bytes, part, 0)) return false;
    return n == part || compare(f, 12, bytes + part, n - part, shift);
  }
  if (n == 0 || (at + shift + n <= m.length && c_.expected.matches(m, at + shift, bytes, n))) return true;
  if (at + shift + n <= m.length) report(f, at + shift, bytes, n);
  else report(f, "bytes beyond its end");
  return false;
}

// The first frame's header as it was sent, with what merging changes laid over it, is the packet's: in one comparison.
bool GuestChecker::as_merged(const FrameMeta& m, const Parsed& q, const std::uint8_t* h) {
  constexpr std::uint32_t kLongest = 128;   // bytes; longer ones go piece by piece
  std::uint8_t sent[kLongest];
  const std::uint32_t n = q.header_length, l3 = q.l3_offset(), l4 = q.l4_offset();
  if (n > kLongest || m.rewrite != 0 || !c_.expected.original(m, sent, n)) return false;
  const auto lay = [&](std::uint32_t at) { std::memcpy(sent + at, h + at, 2); };
  if (q.l3 == L3::ipv4) {
    lay(l3 + ip4::kTotalLength);
    lay(l3 + ip4::kCheck);
  } else {
    lay(l3 + ip6::kPayloadLength);
  }
  if (q.l4 == L4::tcp) {
    lay(l4 + tcp::kCheck);
    std::uint8_t& flags = sent[l4 + tcp::kFlags];
    flags = static_cast<std::uint8_t>((flags & ~kMergedFlags) | (h[l4 + tcp::kFlags] & kMergedFlags));
  } else {
    lay(l4 + udp::kLength);
    lay(l4 + udp::kCheck);
  }
  return std::memcmp(sent, h, n) == 0;
}

bool GuestChecker::merged_header(const GuestPacket& p, const std::uint8_t* h, std::uint32_t shift) {
  const FrameRef f = p.frames.first;
  const Parsed& q = p.parsed;
  if (shift == 0 && as_merged(c_.frames[f], q, h)) return true;
  const std::uint32_t l3 = q.l3_offset(), l4 = q.l4_offset();
  bool same;
  if (q.l3 == L3::ipv4)
    same = compare(f, 0, h, l3 + 2, shift) && compare(f, l3 + 4, h + l3 + 4, 6, shift) && compare(f, l3 + 12, h + l3 + 12, l4 - l3 - 12, shift);
  else
    same = compare(f, 0, h, l3 + 4, shift) && compare(f, l3 + 6, h + l3 + 6, l4 - l3 - 6, shift);
  if (q.l4 != L4::tcp) return same && compare(f, l4, h + l4, 4, shift);
  same = same && compare(f, l4, h + l4, tcp::kFlags, shift) && compare(f, l4 + tcp::kWindow, h + l4 + tcp::kWindow, 2, shift) &&
         compare(f, l4 + tcp::kUrgent, h + l4 + tcp::kUrgent, q.l4_length - tcp::kUrgent, shift);
  if (!same) return false;
  for (unsigned set = 0; set < 256; ++set) {
    if (set & ~kMergedFlags) continue;
    const std::uint8_t flags = static_cast<std::uint8_t>((h[l4 + tcp::kFlags] & ~kMergedFlags) | set);
    if (c_.expected.matches(c_.frames[f], l4 + tcp::kFlags + shift, &flags, 1)) return true;
  }
  report(f, "TCP flags differ");
  return false;
}

void GuestChecker::headers(const GuestPacket& p) {
  const FrameRef f = p.frames.first;
  if (f == kNoFrame) {
    error(f);
    return report(f, std::to_string(p.length) + " bytes");
  }
  const FrameMeta& m = c_.frames[f];
  std::uint64_t sent = m.length, payload = m.payload_length;
  if (p.frames.count > 1) {
    for (FrameRef r = m.next; r != kNoFrame; r = c_.frames[r].next) payload += c_.frames[r].payload_length;
    sent = m.payload_offset + payload;
  }
  const std::uint32_t shift = m.vlan != 0 && p.length + 4 == sent ? 4 : 0;
  if (p.length + shift != sent) {
    error(f);
    return report(f, "packet of " + std::to_string(p.frames.count) + " frames has " + std::to_string(p.length) + " bytes, sent were " + std::to_string(sent));
  }
  const std::uint32_t head = m.payload_offset - std::min<std::uint32_t>(shift, m.payload_offset);
  if (head > scratch_.size()) return;
  buffers_.gather(p, 0, head, scratch_.data());
  bool good = true;
  if (p.frames.count > 1) {
    good = p.parsed.l4 != L4::none && p.parsed.header_length == head && merged_header(p, scratch_.data(), shift);
  } else if (p.flags & VirtioNetHdr::kNeedsCsum && p.parsed.l4 != L4::none) {
    const std::uint32_t at = p.parsed.l4_offset() + (p.parsed.l4 == L4::tcp ? tcp::kCheck : udp::kCheck);
    good = compare(f, 0, scratch_.data(), at, shift) && compare(f, at + 2, scratch_.data() + at + 2, head - at - 2, shift);
  } else {
    good = compare(f, 0, scratch_.data(), head, shift);
  }
  // Ethernet padding and whatever else follows the payload.
  std::uint32_t at = head + m.payload_length;
  while (good && p.frames.count == 1 && at < p.length) {
    const std::uint32_t n = std::min<std::uint32_t>(p.length - at, static_cast<std::uint32_t>(scratch_.size()));
    buffers_.gather(p, at, n, scratch_.data());
    good = compare(f, at, scratch_.data(), n, shift);
    at += n;
  }
  if (!good) error(f);
}

void GuestChecker::outer(const GuestPacket& p, std::uint32_t n) {
  buffers_.gather(p, 0, n, scratch_.data());
  if (p.frames.count != 1 || !compare(p.frames.first, 0, scratch_.data(), n, 0)) error(p.frames.first);
  for (FrameRef f = p.frames.first; f != kNoFrame; f = c_.frames[f].next) {
    FrameMeta& m = c_.frames[f];
    m.length -= static_cast<std::uint32_t>(m.grown);
    m.payload_offset = static_cast<std::uint16_t>(m.payload_offset - m.grown);
    m.rewrite = 0;
    m.grown = 0;
  }
}

void GuestChecker::payload_in_place(const GuestPacket& p) {
  if (p.frames.count != 1) return;
  const FrameRef f = p.frames.first;
  const FrameMeta& m = c_.frames[f];
  const std::uint32_t shift = m.vlan != 0 && p.length + 4 == m.length ? 4 : 0;
  for (std::uint32_t at = 0; at < m.payload_length && p.length + shift == m.length;) {
    const std::uint32_t n = std::min<std::uint32_t>(m.payload_length - at, static_cast<std::uint32_t>(scratch_.size()));
    buffers_.gather(p, m.payload_offset - shift + at, n, scratch_.data());
    if (!compare(f, m.payload_offset - shift + at, scratch_.data(), n, shift)) {
      error(f);
      return;
    }
    at += n;
  }
}

void GuestChecker::start(GuestPacket& p, Cursor& k, FrameChain& old) {
  std::uint32_t skip = p.skip;
  while (!p.frames.empty() && skip >= c_.frames[p.frames.first].payload_length && skip > 0) {
    skip -= c_.frames[p.frames.first].payload_length;
    c_.frames.append(old, c_.frames.pop(p.frames));
  }
  k = Cursor{p.frames.first, skip, false};
}

void GuestChecker::end_frame(GuestPacket& p, Cursor& k, Time t) {
  const FrameRef f = c_.frames.pop(p.frames);
  if (k.bad) error(f);
  const bool scribbled = c_.frames[f].scribbled;
  c_.delivered(f, t);
  k = Cursor{p.frames.first, 0, false, scribbled};
}

void GuestChecker::take(GuestPacket& p, Cursor& k, const std::uint8_t* bytes, std::uint32_t n, Time t) {
  while (n > 0) {
    if (k.frame == kNoFrame) {
      if (k.scribbled) return;
      ++errors_;
      return report(kNoFrame, std::to_string(n) + " bytes beyond the last frame");
    }
    const FrameMeta& m = c_.frames[k.frame];
    const std::uint32_t part = std::min(n, m.payload_length - std::min(m.payload_length, k.at));
    if (part > 0 && !k.bad && !c_.expected.matches(m, m.payload_offset + k.at, bytes, part)) {
      k.bad = true;
      report(k.frame, m.payload_offset + k.at, bytes, part);
    }
    k.at += part;
    bytes += part;
    n -= part;
    if (k.at >= m.payload_length) end_frame(p, k, t);
  }
}

void GuestChecker::finish(GuestPacket& p, Cursor& k, Time t) {
  while (k.frame != kNoFrame) {
    if (k.at < c_.frames[k.frame].payload_length) {
      if (!k.bad) report(k.frame, "only " + std::to_string(k.at) + " payload bytes arrived");
      k.bad = true;
    }
    end_frame(p, k, t);
  }
}

}  // namespace gd
