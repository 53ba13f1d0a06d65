// The receiving half of a TCP connection: what is in order, what waits beyond a gap, when to acknowledge. Pure
// arithmetic; packets are cookies.
//
// Modelled (net/ipv4/tcp_input.c, RFC 9293, 5681, 1122): cumulative acknowledgement, duplicate ACKs at gaps, an ACK at
// once for every second (or every n-th) segment's worth of in-order data, when a gap fills and for old data, otherwise delayed; FIN and
// SYN take a sequence number. Not modelled: handshake (a connection begins with its first segment), SACK, quick-ACK
// mode at the start, PAWS, urgent data.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/units.h"

namespace gd {

class TcpReceiver {
 public:
  // `seq`: of the first segment seen. `limit`: segments kept beyond a gap. `every`: segments an ACK.
  TcpReceiver(std::uint32_t seq, unsigned limit, unsigned every = 2) : next_(seq), acked_(seq), limit_(limit), every_(every) { waiting_.reserve(limit); }

  enum class Verdict : std::uint8_t {
    deliver,      // in order; `skip` of its payload bytes were received before
    keep,         // beyond a gap; comes back from pop()
    old,          // nothing new in it
    refuse        // beyond a gap and no room
  };
  struct Answer {
    Verdict verdict;
    std::uint32_t skip;
    bool ack_now;
  };
  // A segment with `length` payload bytes; `flags` as in the header; `mss`: payload of one wire segment in it.
  Answer segment(std::uint32_t seq, std::uint32_t length, std::uint8_t flags, std::uint32_t mss, std::uint32_t cookie);
  // After `deliver`: the next kept segment that is in order or old now, lowest first. False: none.
  bool pop(std::uint32_t& cookie, std::uint32_t& skip, bool& old);

  // Data that is received and not acknowledged.
  bool ack_pending() const { return next_ != acked_; }
  void acknowledged() { acked_ = next_; }
  std::uint32_t next() const { return next_; }
  std::uint32_t mss() const { return mss_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  static bool before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }
  struct Kept {
    std::uint32_t seq, end, cookie;
  };
  std::uint32_t next_, acked_;
  std::uint32_t mss_ = 0;
  unsigned limit_, every_;
  std::vector<Kept> waiting_;   // ascending by seq
};

}  // namespace gd
