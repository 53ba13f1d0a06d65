// What every path towards a guest shares: the device side of its receive ring in the vhost worker's hands, used entries,
// the virtio-net header, signalling, and the injected interrupt.
//
// Source: drivers/vhost/net.c and vhost.c (get_rx_bufs, vhost_add_used_n, vhost_signal), virt/kvm/eventfd.c (irqfd).
#pragma once
#include "models/base/agenda.h"
#include "models/buffers/strategy.h"
#include "models/virtio/device_ring.h"

namespace gd {

// A virtual interrupt on its way: visible to the guest after the injection latency; further ones join it.
class Injection : public Actor {
 public:
  Injection(Agenda& agenda, std::uint32_t actor_rank, InterruptSink& sink, std::uint32_t vector, Time latency)
      : Actor(agenda, actor_rank), sink_(sink), vector_(vector), latency_(latency) {}
  void send(Time now) { wake_at(now + latency_); }
  void act(Time now) override {
    ++injected_;
    sink_.interrupt(vector_, now);
  }
  std::uint64_t injected() const { return injected_; }

 private:
  InterruptSink& sink_;
  std::uint32_t vector_;
  Time latency_;
  std::uint64_t injected_ = 0;
};

class GuestSide {
 public:
  // Costs: vhost.head (fetch and translate one avail head), vhost.header (build the virtio-net header), vhost.used (per used
  // entry), vhost.publish, vhost.signal (eventfd to irqfd).
  explicit GuestSide(PathContext& c);
  DeviceRing& ring() { return ring_; }
  GuestSpace& space() { return c_.guest->space(); }
  // Takes one chain; false when the guest has none. Unusable chains are given back, counted, and skipped.
  bool take(Step& s, Segment* out, unsigned room, DeviceRing::Taken& t);
  // A used entry for `head` that holds `length` bytes; visible by publish().
  void used(Step& s, std::uint16_t head, std::uint32_t length);
  // The frames that lie in the packet whose first buffer is `head`.
  void carry(std::uint16_t head, FrameChain& frames);
  // Header bytes for `skb`, merged over `buffers` ring buffers; header_length() of them are valid.
  VirtioNetHdr header_for(const Skb& skb, unsigned buffers) const;
  unsigned header_length() const { return ring_.layout().header_length; }
  // Writes a header at host address `at` (within one page).
  void write_header(Step& s, Hpa at, const VirtioNetHdr& h);

  void publish(Step& s);
  void settle(Step& s);
  bool unsettled() const { return undecided_; }
  bool ask_for_kick(Step& s);
  bool recheck(Step& s);
  std::uint64_t injected() const { return injection_.injected(); }
  std::uint64_t guest_errors() const { return ring_.errors(); }

 private:
  PathContext& c_;
  DeviceRing ring_;
  Injection injection_;
  Cost head_, header_, used_, publish_, signal_;
  bool undecided_ = false;
};

}  // namespace gd
