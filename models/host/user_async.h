// The consumer `user-async`: an application that posts its own pages for asynchronous reads, without a vring: a refill ring gives
// buffers to the kernel, a completion queue says where bytes lie (models/memory/user_area.h). This is the kernel's half; the
// application is models/host/user_app.h.
//
// Modelled: protocol costs per packet in softirq as for a socket, a socket queue with a limit in truesize; then, in the application's
// system call (task work) or in a kernel thread that polls, each run of payload becomes a completion: where the card has written into
// the application's buffers without a copy, else (vhost-copy; bytes that lie in the skb's own memory) copied into a buffer of
// the refill ring, as many bytes as it takes of one packet. Without buffers or without room in the completion queue packets
// wait in the socket. ACKs of TCP data (tcp_acks.h). Not modelled: TCP state, requests that end and are armed again (one
// multishot receive runs for ever), an overflow list of completions, several sockets.
// Source: io_uring/zcrx.c (io_zcrx_recv_skb, io_zcrx_copy_chunk), net/ipv4/tcp.c (tcp_read_sock), io_uring/sqpoll.c.
#pragma once
#include <vector>

#include "models/host/ip_stack.h"
#include "models/host/tcp_acks.h"
#include "models/ports/rx_check.h"
#include "models/skb/user_pages.h"

namespace gd {

struct UserAsyncParams {
  Bytes socket_buffer = 6 * 1024 * 1024;   // truesize limit of the socket's queue
};

struct UserAsyncStats {
  std::uint64_t packets = 0, completions = 0, copied = 0, no_buffer = 0, queue_full = 0;   // copied: bytes; the last two: times that packets had to wait
  std::uint64_t packets_read = 0;          // of which the application has read all
};

class UserAsync : public PacketSink {
 public:
  // Costs: stack.queue, uring.recv (a packet taken from the socket), uring.cqe (a completion), uring.copy (byte); those of IpStack and
  // TcpAcks.
  UserAsync(const UserAsyncParams& params, UserPages& pages, PhysMem& phys, Ownership& ownership, FrameTable& frames, ExpectedBytes& expected,
            CostBook& costs);
  // Set-up: where ACKs go; the path of the queue; who runs complete(), woken by packets.
  void transmit_by(TxDriver& tx) { acks_.connect(tx); }
  void connect(RxPath& path, Task& worker) { path_ = &path, worker_ = &worker; }
  // Its packets as those of guest `guest`, and the bytes of its socket's queue.
  void observe(Observer* o, std::uint32_t guest, std::uint32_t level) {
    observer_ = o, level_ = level;
    stack_.observe(o, guest);
  }
  // PacketSink: softirq's side.
  void packet(Step& s, Skb* skb) override;
  bool room(const Skb& skb) const override { return truesize_ + truesize(skb) <= params_.socket_buffer; }
  std::uint32_t held() const override { return held_frames_; }

  // Process context: completions for what waits, bounded by the step; true when there is more that can be done now. Those of a packet
  // become visible together, when all of it is posted or it has to wait. `watched`: the application looks for them meanwhile.
  bool complete(Step& s, bool watched);
  // Whether packets wait that complete() could do something about.
  bool can_complete() const;
  // The application has entered the kernel: a driver without buffers looks again.
  void entered(Step& s) { path_->look_for_buffers(s); }
  // Whether the kernel has something to do in the application's name besides: buffers to pin.
  bool can_fetch() const { return pages_.can_fetch(); }
  // Registers the area where that is for the application to do; true when there is more to do.
  bool open(Step& s) { return pages_.open(s); }

  // The application ends: packets that come are dropped from now on. drop_all(): those that wait, and what it has not read; true when
  // there is more. reopen(): another one begins, with empty rings.
  void close() { closed_ = true; }
  bool drop_all(Step& s);
  void reopen();
  // Completions that the application may see, with the end of the step.
  std::uint32_t shown() const { return shown_; }

  // The application has read `n` bytes at `at`, the next completion's; kNoAddress: it did not, for they lie outside its area. Frames that end with it are delivered.
  void read(Step& s, Hpa at, std::uint32_t n);
  const UserAsyncStats& stats() const { return stats_; }
  const RxCheck& check() const { return check_; }

 private:
  struct Packet {                          // of which completions are in the queue
    FrameChain frames;
    RxCheck::Cursor cursor;
    std::uint32_t left = 0;                // completions that the application has not read
    bool whole = false;                    // all of them are posted
  };
  enum class Next : std::uint8_t { done, over, stuck };
  Packet& packet_at(std::uint64_t i) { return open_[i & (open_.size() - 1)]; }
  static void show(void* self, std::uint64_t packet, Core& core, Time now);
  void begin(Step& s, Skb& skb);
  Next pieces(Step& s, Skb& skb);
  bool completions_fit(std::uint32_t n) const;
  void post(Step& s, Gpa offset, std::uint32_t length);
  void post_copy(Step& s);
  void end(Step& s, Skb* skb);
  void settle(Step& s);
  void filled(Time t) {
    if (observer_) observer_->level(level_, static_cast<std::int64_t>(truesize_), t);
  }

  UserAsyncParams params_;
  UserPages& pages_;
  PhysMem& phys_;
  Ownership& ownership_;
  FrameTable& frames_;
  RxCheck check_;
  IpStack stack_;
  Cost queue_, recv_, cqe_, copy_;
  TcpAcks acks_;
  RxPath* path_ = nullptr;
  Task* worker_ = nullptr;
  Observer* observer_ = nullptr;
  std::uint32_t level_ = 0;
  Skb *head_ = nullptr, *queue_tail_ = nullptr;
  Bytes truesize_ = 0;
  std::uint32_t held_frames_ = 0;
  // The packet at the head: next byte, what is left of its payload, and the buffer that its copies are filling.
  std::uint32_t skip_ = 0, left_ = 0, copy_token_ = kNoToken, copy_fill_ = 0;
  bool closed_ = false, begun_ = false, no_buffer_ = false, entering_ = false;   // entering_: a packet comes with the end of a step
  std::uint32_t tail_ = 0, shown_ = 0;     // completions posted; those that the application may see
  std::vector<Packet> open_;               // a ring: first_ to end_
  std::uint64_t first_ = 0, end_ = 0;
  UserAsyncStats stats_;
};

}  // namespace gd
