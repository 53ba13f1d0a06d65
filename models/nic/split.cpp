#include "models/nic/split.h"

#include <algorithm>

namespace gd::nic {

SplitDecision split(const SplitInput& in) {
  SplitDecision d;
  if (in.mode == SplitMode::off) return d;
  d.kind = SplitKind::unsplit;
  const std::uint32_t room = std::min(in.header_buffer, kMaxHeaderLength);
  if (in.length <= in.threshold) return d;
  if (in.mode == SplitMode::always && in.length <= room) {
    d.kind = SplitKind::whole_in_header;   // SPH stays 0, also where the cut would have been clean
    d.to_header = d.header_length = in.length;
    return d;
  }
  if (!in.decodable || in.header_length > kMaxHeaderLength) {
    if (in.mode == SplitMode::split) return d;
    d.kind = SplitKind::forced;
    d.to_header = d.header_length = room;
    return d;
  }
  d.sph = true;
  if (in.header_length > room) {
    d.hbo = true;
    d.header_length = in.header_length;
    d.kind = in.mode == SplitMode::split ? SplitKind::overflow : SplitKind::forced_overflow;
    d.to_header = in.mode == SplitMode::split ? 0 : room;
    return d;
  }
  if (!in.has_payload && in.length <= room) {
    d.kind = SplitKind::header_only;
    d.to_header = d.header_length = in.length;
    return d;
  }
  d.kind = SplitKind::clean;
  d.to_header = d.header_length = in.header_length;
  return d;
}

}  // namespace gd::nic
