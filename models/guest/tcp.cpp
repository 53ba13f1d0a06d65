#include "models/guest/tcp.h"

#include <algorithm>

#include "models/packet/headers.h"

namespace gd {

TcpReceiver::Answer TcpReceiver::segment(std::uint32_t seq, std::uint32_t length, std::uint8_t flags, std::uint32_t mss, std::uint32_t cookie) {
  mss_ = std::max(mss_, mss);
  const std::uint32_t extra = ((flags & tcp::kSyn) != 0) + ((flags & tcp::kFin) != 0);
  const std::uint32_t end = seq + length + extra;
  if (end == seq) return {Verdict::deliver, 0, seq != next_};   // no data: an ACK of the peer, or a probe
  if (!before(next_, end)) return {Verdict::old, 0, true};
  if (before(next_, seq)) {
    const auto at = std::lower_bound(waiting_.begin(), waiting_.end(), seq, [](const Kept& k, std::uint32_t s) { return before(k.seq, s); });
    if (at != waiting_.end() && at->seq == seq && !before(at->end, end)) return {Verdict::old, 0, true};
    if (waiting_.size() >= limit_) return {Verdict::refuse, 0, true};
    waiting_.insert(at, Kept{seq, end, cookie});
    return {Verdict::keep, 0, true};
  }
  const std::uint32_t skip = std::min(next_ - seq, length);
  const bool fills = !waiting_.empty();
  next_ = end;
  const bool enough = next_ - acked_ >= every_ * std::max(mss_, 1u);
  return {Verdict::deliver, skip, fills || enough || (flags & (tcp::kFin | tcp::kSyn))};
}

bool TcpReceiver::pop(std::uint32_t& cookie, std::uint32_t& skip, bool& old) {
  if (waiting_.empty() || before(next_, waiting_.front().seq)) return false;
  const Kept k = waiting_.front();
  waiting_.erase(waiting_.begin());
  cookie = k.cookie;
  old = !before(next_, k.end);
  skip = old ? 0 : next_ - k.seq;
  if (!old) next_ = k.end;
  return true;
}

}  // namespace gd
