// What every path towards a guest shares: the device side of its receive ring in the vhost worker's hands, used entries,
// the virtio-net header, signalling, and the injected interrupt.
//
// Source: drivers/vhost/net.c and vhost.c (get_rx_bufs, vhost_add_used_n, vhost_signal), virt/kvm/eventfd.c (irqfd).
#pragma once
#include <algorithm>
#include <vector>

#include "models/base/agenda.h"
#include "models/buffers/strategy.h"
#include "models/virtio/device_ring.h"
#include "models/virtio/dirty_log.h"

namespace gd {

// A path's own events: a virtual interrupt on its way (visible to the guest after the injection latency; further ones
// join it), the worker's retry after a stall, and the driver's when a buffer is on its way that it has not found yet.
class PathTimer : public Actor {
 public:
  PathTimer(Agenda& agenda, std::uint32_t actor_rank, GuestPort& guest, std::uint32_t vector, Time latency)
      : Actor(agenda, actor_rank), guest_(guest), vector_(vector), latency_(latency) {}
  // `from`: the core that signals, at the end of a step.
  void inject(Core& from, Time now) {
    if (inject_at_ == kNever && guest_.asleep()) from.pay_wakeup();
    inject_at_ = std::min(inject_at_, now + latency_);
    wake_at(inject_at_);
  }
  // Wakes `worker` (`driver`) at `t`, unless an earlier time is pending.
  void retry(Task& worker, Time t) { wake_at(retry_.set(worker, t)); }
  void feed(Task& driver, Time t) { wake_at(feed_.set(driver, t)); }
  void act(Time now) override;
  std::uint64_t injected() const { return injected_; }

 private:
  GuestPort& guest_;
  std::uint32_t vector_;
  Time latency_;
  Time inject_at_ = kNever;
  struct WakeUp {
    Time at = kNever;
    Task* task = nullptr;
    Time set(Task& t, Time time) { return task = &t, at = std::min(at, time); }
    void act(Time now) {
      if (at <= now) at = kNever, task->wake(now);
    }
  } retry_, feed_;
  std::uint64_t injected_ = 0;
};

class GuestSide {
 public:
  // Costs: vhost.head (fetch and translate one avail head), defence.validate and defence.read_once (a descriptor each), vhost.header (build the virtio-net header), vhost.used (per used
  // entry written: with IN_ORDER one a batch of buffers that were wholly written), vhost.publish, vhost.signal (eventfd to irqfd); DirtyLog's.
  explicit GuestSide(PathContext& c);
  DeviceRing& ring() { return ring_; }
  GuestSpace& space() { return space_; }
  unsigned guest() const { return guest_; }          // its number in Ownership
  // Takes one chain; false when the guest has none. Without validation a chain is unusable only where nothing is mapped
  // (-EFAULT). Unusable chains are given back, counted, and skipped: skipped() rises,
  // and what was taken before can no longer be untaken (it would bring back the unusable one).
  bool take(Step& s, Segment* out, unsigned room, DeviceRing::Taken& t);
  // A used entry for `head` that holds `length` bytes, `offset` bytes from the start of the posted buffer; visible by
  // publish(). An offset other than 0 needs USED_OFFSET; length and offset are below 64 KiB then.
  void used(Step& s, std::uint16_t head, std::uint32_t length, std::uint32_t offset = 0);
  std::uint64_t skipped() const { return skipped_; }
  // f(id) for each registered piece of a descriptor's range: one, or one on each side of a border of host memory.
  template <class F>
  void for_each_piece(const Segment& g, F f) {
    Bytes n = 0;
    const std::uint32_t all = std::min(g.len, kLongest);
    for (std::uint32_t done = 0; done < all; done += static_cast<std::uint32_t>(std::min<Bytes>(n, g.len - done))) {
      const Hpa at = space().reach(g.gpa + done, &n);
      if (at == kNoAddress) return;
      if (const BufferId b = c_.ownership.find(at); b != kNoBuffer) f(b);
    }
  }
  // The guest's device is reset. Chains that were taken before, and are not back, have to be named by stale() each.
  void reset();
  void stale(std::uint16_t head);
  // No driver posts longer pieces; of one that says so the rest is not looked at.
  static constexpr std::uint32_t kLongest = 1u << 20;
  // Gives a taken chain back unused: used length 0, and its posted buffers are the guest's again.
  void refuse(Step& s, std::uint16_t head, const Segment* segments, unsigned n);
  // The frames that lie in the packet whose first buffer is `head`.
  void carry(std::uint16_t head, FrameChain& frames);
  // Header bytes for `skb`, merged over `buffers` ring buffers; header_length() of them are valid.
  VirtioNetHdr header_for(const Skb& skb, unsigned buffers) const;
  unsigned header_length() const { return ring_.layout().header_length; }
  // A second look at a taken descriptor, as a host does that keeps no copy: what stands there now, unchecked. Where nothing is
  // mapped (-EFAULT) the first look holds.
  Segment again(Step& s, const Segment& taken);
  // Writes a header at host address `at` (within one page).
  void write_header(Step& s, Hpa at, const VirtioNetHdr& h);

  // Bytes of the guest's memory that it gets as written by the host, or by a card for it; the ring's own are logged here.
  void wrote(Step& s, Gpa at, Bytes n) { log_.wrote(s, at, n); }
  bool logs() const { return log_.on(); }
  std::uint64_t logged_pages() const { return log_.pages(); }

  void publish(Step& s);
  void settle(Step& s);
  bool unsettled() const { return undecided_; }
  void attend(Step& s);
  bool ask_for_kick(Step& s);
  bool recheck(Step& s);
  // Chains that the guest has offered so far, as far as one look at the ring shows.
  std::uint64_t offered(Step& s, OpId op);
  PathTimer& timer() { return timer_; }
  std::uint64_t injected() const { return timer_.injected(); }
  // In-order use: the time for which used buffers have waited for older ones, all together, and their number. Up to
  // the latest used().
  Time hol_sum() const { return hol_sum_; }
  std::uint64_t hol_buffers() const { return hol_buffers_; }
  std::uint64_t guest_errors() const { return ring_.errors(); }

 private:
  void push(Step& s, std::uint16_t head, std::uint32_t len);
  void charge_entries(Step& s);
  PathContext& c_;
  GuestSpace& space_;
  unsigned guest_;
  DeviceRing ring_;
  DirtyLog log_;
  PathTimer timer_;
  bool mapped(const Segment* segments, unsigned n) const;
  Cost head_, header_, used_, publish_, signal_;
  std::vector<Cost> checks_;                         // what each descriptor costs beside vhost.head: the defences that are on
  std::uint64_t skipped_ = 0, charged_ = 0;          // charged_: used entries
  Time hol_sum_ = 0, hol_since_ = 0;
  std::uint64_t hol_buffers_ = 0;
  bool undecided_ = false, offsets_;
  std::vector<bool> stale_;          // by head; empty before the first reset
  unsigned stales_ = 0;
};

}  // namespace gd
