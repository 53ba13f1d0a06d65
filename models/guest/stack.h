// The guest's protocol stack: from GRO's packet to the socket queue.
//
// Header pull, IP header check, L4 checksum in software where neither the host nor the NIC vouched for it (over the real
// bytes), UDP and open TCP straight to the socket, closed TCP through a receiver that acknowledges. A packet without
// payload, and one that is not IP, ends here, accepted. A VXLAN device ends its tunnel: the inner frame is received again, its
// checksum looked at anew (DATA_VALID vouches for one checksum, the outer one; RFC 1071 over what is inside is the guest's). Fragments and other protocols go up as raw payload.
#pragma once
#include <vector>

#include "models/guest/checker.h"
#include "models/guest/tcp.h"
#include "models/guest/tx_queue.h"
#include "models/packet/checksum.h"

namespace gd {

// The socket's receive queue: what the stack puts in and the application takes out. One for all connections.
struct GuestSocket {
  std::uint32_t first = kNil, last = kNil;
  Bytes truesize = 0;            // of what was accepted and not yet freed by the application
  Task* reader = nullptr;
  Time woken = -1;               // start of the step that last woke the reader
};

class GuestStack {
 public:
  GuestStack(GuestContext& c, GuestBuffers& buffers, GuestChecker& checker, GuestTxQueue& tx, GuestSocket& socket);

  // The driver has handed a packet up: tells the observer. False: a planted fault has made it vanish.
  bool handed_up(std::uint32_t packet, Time t);
  // One packet from GRO.
  void receive(Step& s, RingView& v, std::uint32_t packet);

  // The application has freed a packet of connection `flow`. True when a window update is wanted: send_requested().
  bool consumed(std::uint32_t flow, std::uint32_t truesize);
  // Sends the ACKs that timer and application asked for, and those that found the ring full.
  void send_requested(Step& s, RingView& v);
  bool requests() const { return !requests_.empty(); }
  // Delayed ACKs whose time has come are requested. Returns the next deadline, kNever without one.
  Time expire(Time now);
  // The earliest deadline that receive() has set since the last call; kNever when none.
  Time take_deadline() {
    const Time t = deadline_;
    deadline_ = kNever;
    return t;
  }
  void observe(Observer* o);

 private:
  struct Key {
    std::uint8_t bytes[36];
  };
  struct Flow {
    Key key;
    TcpReceiver rx;
    Parsed parsed;
    std::uint8_t header[160];      // of its first segment: what an ACK answers
    Bytes queued = 0;              // truesize held for the connection
    std::uint32_t right_edge = 0;  // end of the advertised window
    std::uint32_t ratio = 128;     // payload in 256 bytes of truesize, as last measured
    std::uint16_t ip_id = 0;
    Time ack_at = kNever;
    bool requested = false, by_timer = false;
  };
  void tell(const GuestPacket& p, Time t);
  csum::Checked verify(Step& s, const GuestPacket& p);
  void drop(std::uint32_t packet, Drop why, Time t);
  void decapsulate(Step& s, RingView& v, std::uint32_t packet);
  void accept(Step& s, std::uint32_t packet);
  void to_socket(Step& s, std::uint32_t packet);
  void tcp(Step& s, RingView& v, std::uint32_t packet);
  std::uint32_t find_flow(const GuestPacket& p);
  bool send_ack(Step& s, RingView& v, Flow& f);
  void request(std::uint32_t flow);
  std::uint32_t window(const Flow& f) const;

  GuestContext& c_;
  GuestBuffers& buffers_;
  GuestChecker& checker_;
  GuestTxQueue& tx_;
  GuestSocket& socket_;
  const std::uint8_t* head_ = nullptr;       // the headers of the packet in hand
  std::vector<std::uint8_t> whole_;          // for the observer
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> by_hash_;       // open addressing: flow + 1
  std::vector<std::uint32_t> requests_;
  Time deadline_ = kNever;
};

}  // namespace gd
