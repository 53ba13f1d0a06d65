// Acknowledgements of the host's own TCP receiver: for every second segment's worth of data an ACK frame goes out through the
// driver's transmit queue, in the softirq that received the data.
//
// Modelled: the count by connection and MSS (a merged packet of two segments or more is acknowledged at once, and so is data
// that came before), the frame's bytes with the cumulative number, its cost and the driver's, a doorbell for each; where asked for,
// the window: half of what is free of the socket's buffer, shared by its connections, with an ACK of its own when the reader has made
// room, by the rule of tcp_cleanup_rbuf. Not modelled: delayed ACKs (what is less than two segments stays unacknowledged),
// duplicate ACKs (what follows a lost segment is acknowledged with it, so that a sender with a closed loop loses its frames but no
// rate), quick-ACK mode.
// Source: net/ipv4/tcp_input.c (__tcp_ack_snd_check, tcp_data_queue), tcp_output.c (tcp_send_ack, __tcp_select_window), tcp.c
// (tcp_cleanup_rbuf); tcp_adv_win_scale 1.
#pragma once
#include <algorithm>
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
  // Set-up: ACKs tell the window that `buffer` bytes of truesize leave; else they always tell the largest.
  void windows(Bytes buffer) { buffer_ = buffer; }
  // The reader has taken data of `connection`; `held`: truesize in the socket's queue.
  void read(Step& s, std::uint32_t connection, Bytes held);
  // The connection of a packet whose headers, parsed as `p`, lie at `headers`: 1 upwards, 0 when all kFlows are in use.
  std::uint32_t connection(const std::uint8_t* headers, const Parsed& p);
  // Data that the socket took from `connection`; `segment`: payload of one wire segment in it.
  void data(Step& s, std::uint32_t connection, const std::uint8_t* headers, const Parsed& p, std::uint32_t segment, Bytes held = 0);
  // A packet that the socket took: both of them, for TCP. Returns the connection, 0 for what is not TCP.
  std::uint32_t received(Step& s, const Skb& skb, const std::uint8_t* headers, const Parsed& p, Bytes held = 0);
  std::uint64_t sent() const { return sent_; }

  static constexpr std::uint32_t kFlows = 1024;
  static constexpr unsigned kWindowScale = 7;   // as TcpSender::Params

 private:
  static constexpr std::uint32_t kLastHeaders = 128;
  struct Flow {
    std::uint8_t key[36] = {};             // addresses and ports
    std::uint32_t next = 0, acked = 0, segment = 0;
    std::uint16_t ip_id = 0;
    bool used = false, seen = false;
    std::uint32_t window = 0;              // told with `acked`
    std::uint8_t headers[kLastHeaders] = {};   // of its latest data, for an ACK without any
    Parsed parsed;
  };
  Bytes window(Bytes held) const { return held < buffer_ ? (buffer_ - held) / 2 / std::max(1u, in_use_) : 0; }
  void send(Step& s, Flow& f, const std::uint8_t* headers, const Parsed& p, Bytes held);
  Bytes buffer_ = 0;                       // 0: no windows
  PhysMem& phys_;
  Cost ack_;
  TxDriver* tx_ = nullptr;
  std::vector<Flow> flows_;                // open addressing
  std::uint32_t in_use_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace gd
