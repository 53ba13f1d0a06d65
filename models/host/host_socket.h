// The consumer `host-socket`: the host's own protocol stack and an application that reads through the kernel.
//
// Modelled: protocol costs per packet in softirq, the software checksum where nobody verified, a socket queue with a limit
// in truesize, wake-up of the reader, the copy to the user's buffer cut into pieces, buffers given back after the copy,
// the comparison of every byte; ACKs of TCP data (tcp_acks.h); TCP segments without payload end in the protocol; a read goes
// on into the next packet of the same connection while there is one; the socket's lines that softirq and reader both write
// (lock, queue, rmem, sequence numbers) move to the core that uses them. Not modelled: TCP state (segments are taken as they
// come), IP reassembly, the backlog of a socket that its reader owns.
// Source: net/ipv4/tcp_ipv4.c, net/ipv4/udp.c, net/core/sock.c.
#pragma once
#include <vector>

#include "models/buffers/strategy.h"
#include "models/cpu/core.h"
#include "models/host/ip_stack.h"
#include "models/host/tcp_acks.h"
#include "models/ports/rx_check.h"

namespace gd {

struct HostSocketParams {
  Bytes socket_buffer = 6 * 1024 * 1024;   // truesize limit of the queue (net.ipv4.tcp_rmem maximum)
  Bytes read_size = 64 * 1024;             // the application's buffer
  Bytes copy_chunk = 4096;                 // a copy's piece between looks at the clock
  bool windows = false;                    // ACKs tell what room the buffer has; else always the largest window
};

struct HostSocketStats {
  std::uint64_t packets = 0, frames = 0, reads = 0, user_copied = 0, checksummed = 0, bad_checksums = 0, socket_drops = 0;
  void add(const HostSocketStats& o) {
    packets += o.packets, frames += o.frames, reads += o.reads, user_copied += o.user_copied;
    checksummed += o.checksummed, bad_checksums += o.bad_checksums, socket_drops += o.socket_drops;
  }
};

class HostSocket : public Task, public PacketSink {
 public:
  // Costs: stack.queue, app.read (per read), app.copy (byte), stack.socket_move (per move of the socket to another core); those of
  // IpStack and TcpAcks.
  HostSocket(const HostSocketParams& params, PhysMem& phys, FrameTable& frames, ExpectedBytes& expected, CostBook& costs);
  // Set-up: where ACKs go; without it none are sent.
  void transmit_by(TxDriver& tx) { acks_.connect(tx); }
  // PacketSink: softirq's side.
  void packet(Step& s, Skb* skb) override;
  bool room(const Skb& skb) const override { return truesize_ + truesize(skb) <= params_.socket_buffer; }
  std::uint32_t held() const override { return held_frames_; }
  // Task "host-app": the reader.
  bool step(Step& s) override;
  const HostSocketStats& stats() const { return stats_; }
  const RxCheck& check() const { return check_; }
  std::uint64_t acks() const { return acks_.sent(); }
  void observe(Observer* o, std::uint32_t level) {
    observer_ = o, level_ = level;
    stack_.observe(o, 0);
  }

 private:
  static void show(void* self, std::uint64_t packet, Core&, Time now);
  void end(Step& s, Skb* skb);
  void begin(Step& s, Skb* skb);
  void move_to(Step& s);
  void remember(std::uint32_t connection);
  std::uint32_t connection_in_hand() const { return connections_[first_ & (connections_.size() - 1)]; }
  HostSocketParams params_;
  PhysMem& phys_;
  FrameTable& frames_;
  RxCheck check_;
  IpStack stack_;
  Cost queue_, read_, copy_, move_;
  std::uint32_t used_by_ = UINT32_MAX;     // core that used the socket last
  Hpa user_ = 0;
  TcpAcks acks_;
  // By queued packet, a ring: its connection, 0 for what is not TCP.
  std::vector<std::uint32_t> connections_;
  std::size_t first_ = 0, end_ = 0;
  Skb *head_ = nullptr, *tail_ = nullptr;
  Bytes truesize_ = 0;
  std::uint32_t held_frames_ = 0;
  // The packet being read: next byte, counted from its front, and what is left of the payload.
  std::uint32_t skip_ = 0, left_ = 0;
  bool reading_ = false, in_read_ = false;
  std::uint32_t last_connection_ = 0;      // of the packet before, while the read goes on
  Bytes user_at_ = 0;
  RxCheck::Cursor cursor_;
  HostSocketStats stats_;
  Observer* observer_ = nullptr;
  std::uint32_t level_ = 0;
};

}  // namespace gd
