// Acknowledgements of the host's own TCP receiver: for every second segment's worth of data an ACK frame goes out through the
// driver's transmit queue, in the softirq that received the data.
//
// Modelled: the count by connection and MSS (a merged packet of two segments or more is acknowledged at once), the frame's
// bytes with the cumulative number, its cost and the driver's, a doorbell for each. Not modelled: delayed ACKs (what is less
// than two segments stays unacknowledged), windows, duplicate ACKs, quick-ACK mode.
// Source: net/ipv4/tcp_input.c (__tcp_ack_snd_check), tcp_output.c (tcp_send_ack).
#pragma once
#include <vector>

#include "models/host/transmit.h"
#include "models/packet/parse.h"
#include "models/skb/skb.h"

namespace gd {

class TcpAcks {
 public:
  // Cost: stack.tcp_ack (per ACK, without the driver's part). `tx` may be null: then nothing is acknowledged.
  TcpAcks(PhysMem& phys, CostBook& costs);
  void connect(TxDriver& tx) { tx_ = &tx; }
  // The connection of a packet whose headers, parsed as `p`, lie at `headers`: 1 upwards, 0 when all kFlows are in use.
  std::uint32_t connection(const std::uint8_t* headers, const Parsed& p);
  // Data that the socket took from `connection`; `segment`: payload of one wire segment in it.
  void data(Step& s, std::uint32_t connection, const std::uint8_t* headers, const Parsed& p, std::uint32_t segment);
  // A packet that the socket took: both of them, for TCP. Returns the connection, 0 for what is not TCP.
  std::uint32_t received(Step& s, const Skb& skb, const std::uint8_t* headers, const Parsed& p);
  std::uint64_t sent() const { return sent_; }

  static constexpr std::uint32_t kFlows = 1024;

 private:
  struct Flow {
    std::uint8_t key[36] = {};             // addresses and ports
    std::uint32_t next = 0, acked = 0, segment = 0;
    std::uint16_t ip_id = 0;
    bool used = false, seen = false;
  };
  PhysMem& phys_;
  Cost ack_;
  TxDriver* tx_ = nullptr;
  std::vector<Flow> flows_;                // open addressing
  std::uint32_t in_use_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace gd
