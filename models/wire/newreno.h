// One direction of a TCP connection's sender: what may be sent, and how the windows answer acknowledgements, losses and
// timeouts. Pure arithmetic on stream offsets; no bytes, no simulated time of its own.
//
// Modelled: slow start and congestion avoidance by bytes acknowledged (RFC 5681, with Linux's full credit for stretch
// acknowledgements), fast retransmit and NewReno recovery (RFC 6582), timeout with go-back and exponential backoff,
// round-trip estimation with Karn's rule (RFC 6298), the peer's window, window probes. Not modelled: SACK, ECN, Nagle,
// pacing, CUBIC, F-RTO.
#pragma once
#include <cstdint>

#include "models/base/units.h"

namespace gd {

class NewReno {
 public:
  struct Params {
    std::uint32_t mss = 1460;             // payload bytes of a full segment
    std::uint32_t initial_window = 10;    // segments (RFC 6928)
    std::uint64_t max_window = 256 * 1024;// send window limit in bytes (the peer's buffer at connection time)
    Time rto = 5 * kMs;                   // least and first retransmission timeout
    Time max_rto = 60 * kSec;
    std::uint64_t limit = UINT64_MAX;     // bytes to send; default bulk
  };
  struct Stats {
    std::uint64_t retransmits = 0;        // segments sent again
    std::uint64_t fast_retransmits = 0;   // recoveries entered by three duplicate acknowledgements
    std::uint64_t timeouts = 0;
    std::uint64_t duplicate_acks = 0, probes = 0;
  };
  explicit NewReno(const Params& p);

  // The segment that may be sent now, if any: false when windows or data end. Only full segments, except the last of the
  // data, a retransmission's end, and a segment into an otherwise empty pipe. Asking changes nothing.
  bool next(std::uint64_t& offset, std::uint32_t& length) const;
  // That segment is sent at `now`.
  void sent(Time now);
  // An acknowledgement up to stream offset `ack` with the peer's window in bytes. `pure`: it carried no data.
  // Acknowledgements of what was never sent are ignored.
  void acked(std::uint64_t ack, std::uint64_t window, bool pure, Time now);
  // When the retransmission or probe timer fires; kNever when it is off. Call expired() at or after that time.
  Time deadline() const { return deadline_; }
  void expired(Time now);

  std::uint64_t una() const { return una_; }          // first byte not acknowledged
  std::uint64_t nxt() const { return nxt_; }          // next byte to send
  std::uint64_t cwnd() const { return cwnd_; }
  std::uint64_t ssthresh() const { return ssthresh_; }
  std::uint64_t peer_window() const { return peer_; }
  std::uint64_t flight() const { return nxt_ - una_; }
  bool recovering() const { return recovering_; }
  bool done() const { return una_ >= p_.limit; }
  Time rto() const { return rto_; }
  Time smoothed_rtt() const { return srtt_; }
  const Stats& stats() const { return stats_; }
  void reset_stats() { stats_ = {}; }

 private:
  std::uint64_t window() const;
  void arm(Time now);
  void sample(Time rtt);

  Params p_;
  std::uint64_t una_ = 0, nxt_ = 0, max_ = 0;
  std::uint64_t cwnd_, ssthresh_ = UINT64_MAX, peer_, recover_ = 0, credit_ = 0;
  std::uint32_t duplicates_ = 0;
  bool recovering_ = false, resend_ = false, probe_ = false, partial_seen_ = false;
  Time rto_, srtt_ = 0, rttvar_ = 0, deadline_ = kNever;
  std::uint64_t timed_end_ = 0;   // acknowledgement of this offset ends the timing; 0: none
  Time timed_at_ = 0;
  Stats stats_;
};

}  // namespace gd
