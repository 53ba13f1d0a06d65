#include "models/wire/newreno.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

NewReno::NewReno(const Params& p)
    : p_(p), cwnd_(static_cast<std::uint64_t>(p.mss) * p.initial_window), peer_(p.max_window), rto_(p.rto) {
  if (p.mss == 0 || p.initial_window == 0) throw UserError("TCP needs a segment size and an initial window above 0");
  if (p.max_window < p.mss) throw UserError("the TCP window is smaller than one segment");
  if (p.rto <= 0 || p.max_rto < p.rto) throw UserError("the TCP retransmission timeout must be above 0");
  cwnd_ = std::min(cwnd_, p_.max_window);
}

std::uint64_t NewReno::window() const { return std::min({cwnd_, peer_, p_.max_window}); }

bool NewReno::next(std::uint64_t& offset, std::uint32_t& length) const {
  if (resend_ && max_ > una_) {
    offset = una_;
    length = static_cast<std::uint32_t>(std::min<std::uint64_t>(p_.mss, max_ - una_));
    return true;
  }
  offset = nxt_;
  if (nxt_ >= p_.limit) return false;
  const std::uint64_t left = p_.limit - nxt_, whole = std::min<std::uint64_t>(p_.mss, left);
  if (probe_) {
    length = 1;
    return true;
  }
  const std::uint64_t end = una_ + window();
  if (nxt_ >= end) return false;
  const std::uint64_t room = end - nxt_;
  if (room < whole && nxt_ != una_) return false;
  length = static_cast<std::uint32_t>(std::min(room, whole));
  return true;
}

void NewReno::sent(Time now) {
  std::uint64_t offset;
  std::uint32_t length;
  if (!next(offset, length)) broken("TCP sent a segment that its window does not allow");
  const bool again = offset < max_;
  if (again) {
    ++stats_.retransmits;
    timed_end_ = 0;   // Karn: no round trip is measured over a retransmission
  }
  if (resend_ && max_ > una_) {
    resend_ = false;
  } else {
    if (probe_) {
      probe_ = false;
      ++stats_.probes;
    }
    nxt_ += length;
    max_ = std::max(max_, nxt_);
    if (!again && timed_end_ == 0) {
      timed_end_ = nxt_;
      timed_at_ = now;
    }
  }
  if (deadline_ == kNever) arm(now);
}

void NewReno::arm(Time now) { deadline_ = now + rto_; }

// RFC 6298, section 2, with gains 1/8 and 1/4.
void NewReno::sample(Time rtt) {
  if (srtt_ == 0) {
    srtt_ = rtt;
    rttvar_ = rtt / 2;
  } else {
    const Time error = rtt > srtt_ ? rtt - srtt_ : srtt_ - rtt;
    rttvar_ += (error - rttvar_) / 4;
    srtt_ += (rtt - srtt_) / 8;
  }
  rto_ = std::clamp(srtt_ + 4 * rttvar_, p_.rto, p_.max_rto);
}

void NewReno::acked(std::uint64_t ack, std::uint64_t window, bool pure, Time now) {
  if (ack > max_ || ack < una_) return;
  // As Linux does: without new data acknowledged a smaller window is not taken over, unless it is closed altogether.
  const bool update = ack > una_ || window > peer_ || window == 0;
  if (update) peer_ = window;
  if (ack == una_) {
    if (max_ == una_) {   // a window update into an empty pipe
      deadline_ = kNever;
      if (peer_ == 0 && una_ < p_.limit) arm(now);
      return;
    }
    if (!pure || update) return;   // window updates and answers to probes are no duplicates
    ++stats_.duplicate_acks;
    ++duplicates_;
    if (recovering_) {
      cwnd_ += p_.mss;
    } else if (duplicates_ == 3 && una_ >= recover_) {
      ++stats_.fast_retransmits;
      ssthresh_ = std::max<std::uint64_t>(flight() / 2, 2ULL * p_.mss);
      recover_ = max_;
      recovering_ = resend_ = true;
      partial_seen_ = false;
      cwnd_ = ssthresh_ + 3ULL * p_.mss;
    }
    return;
  }

  const std::uint64_t bytes = ack - una_;
  una_ = ack;
  nxt_ = std::max(nxt_, una_);
  duplicates_ = 0;
  if (timed_end_ != 0 && ack >= timed_end_) {
    sample(now - timed_at_);
    timed_end_ = 0;
  }
  bool restart = true;
  if (recovering_ && una_ >= recover_) {
    recovering_ = resend_ = false;
    cwnd_ = std::min(ssthresh_, std::max<std::uint64_t>(flight(), p_.mss) + p_.mss);
    credit_ = 0;
  } else if (recovering_) {   // partial: the next hole
    resend_ = true;
    cwnd_ -= std::min(cwnd_, bytes);
    if (bytes >= p_.mss) cwnd_ += p_.mss;
    cwnd_ = std::max<std::uint64_t>(cwnd_, p_.mss);
    restart = !partial_seen_;
    partial_seen_ = true;
  } else {
    std::uint64_t rest = bytes;
    if (cwnd_ < ssthresh_) {
      const std::uint64_t grow = std::min(rest, ssthresh_ - cwnd_);
      cwnd_ += grow;
      rest -= grow;
    }
    for (credit_ += rest; credit_ >= cwnd_;) {
      credit_ -= cwnd_;
      cwnd_ += p_.mss;
    }
    if (cwnd_ >= p_.max_window) {
      cwnd_ = p_.max_window;
      credit_ = 0;
    }
  }
  if (una_ == max_)
    deadline_ = kNever;
  else if (restart)
    arm(now);
  if (una_ == max_ && peer_ == 0 && una_ < p_.limit) arm(now);
}

void NewReno::expired(Time now) {
  if (now < deadline_) return;
  rto_ = std::min(2 * rto_, p_.max_rto);
  deadline_ = now + rto_;
  timed_end_ = 0;
  if (peer_ == 0) {   // the window is closed: ask, do not blame the network
    probe_ = true;
    nxt_ = una_;
    resend_ = recovering_ = false;
    return;
  }
  ++stats_.timeouts;
  if (nxt_ > una_) ssthresh_ = std::max<std::uint64_t>(flight() / 2, 2ULL * p_.mss);
  cwnd_ = p_.mss;
  nxt_ = una_;
  recover_ = max_;
  recovering_ = resend_ = probe_ = false;
  duplicates_ = 0;
  credit_ = 0;
}

}  // namespace gd
