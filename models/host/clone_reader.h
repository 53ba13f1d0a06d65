// A reader of packet sockets (tcpdump, a mirror): gets clones of packets and reads all their bytes after a time.
//
// Modelled: a socket queue of fixed length (clones beyond it are dropped, the packets go on), one timer for all, reading
// bytes where they lie. A clone of a packet in a guest's memory either keeps the packet back until the reader is done (the
// page must not be the guest's while it is read), or is a copy; a clone of a packet in host memory shares its pages.
// Not modelled: that shared host pages come back to the driver later. Source: net/packet/af_packet.c packet_rcv.
#pragma once
#include <vector>

#include "models/base/agenda.h"
#include "models/buffers/strategy.h"
#include "models/cpu/core.h"

namespace gd {

// Where a packet goes on that was held back.
struct HeldSink {
  virtual ~HeldSink() = default;
  virtual void onward(Step& s, Skb* skb) = 0;
};

class CloneReader : public Task {
 public:
  struct Clone {
    Skb* packet = nullptr;       // held back, or a copy that is released; null: pages are shared
    bool held = false;
    Frag first;                  // shared: where the first bytes lie
    std::uint32_t bytes = 0;
    Time due = 0;
  };
  static constexpr unsigned kQueue = 256;   // net.core.rmem_default 212,992 B by the truesize of a small packet, 832 B

  // Costs: clone.read (per byte).
  CloneReader(Agenda& agenda, std::uint32_t actor_rank, HeldSink& sink, CostBook& costs);
  // False when the socket is full. Dues must not go down.
  bool add(Step& s, const Clone& c);
  bool step(Step& s) override;
  std::uint32_t held() const { return held_frames_; }
  // Buffers of copies that wait to be read; their frames may have ended long ago.
  std::uint32_t unread_buffers() const { return unread_buffers_; }

 private:
  struct Timer : Actor {
    Timer(Agenda& a, std::uint32_t r, Task& t) : Actor(a, r), task(t) {}
    void set(Time t) { wake_at(t); }
    void act(Time now) override { task.wake(now); }
    Task& task;
  };
  void arm(Step& s);
  HeldSink& sink_;
  Timer timer_;
  Cost read_;
  std::vector<Clone> ring_;
  unsigned head_ = 0, count_ = 0;
  std::uint32_t held_frames_ = 0, unread_buffers_ = 0;
};

}  // namespace gd
