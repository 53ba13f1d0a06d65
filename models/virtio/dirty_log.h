// The log of pages that the host writes for a guest which is being migrated: vhost marks them itself, because KVM's write tracking
// sees the guest's own stores only.
//
// Modelled: a bit in the log's page for each 4 KiB page of a range, set when a packet is delivered or a ring is published: the log's
// page is pinned, marked and unpinned for each one. What a card has written by DMA the host knows when the guest gets the buffer
// back. Not modelled: reading and clearing the log, sending pages, the guest's own write faults; buffers that the card has written and
// the guest has not got back yet (their pages are sent when they are). Source: drivers/vhost/vhost.c log_write, set_bit_to_user, log_used.
#pragma once
#include <algorithm>

#include "models/base/costs.h"
#include "models/cpu/core.h"
#include "models/virtio/device_ring.h"

namespace gd {

class DirtyLog {
 public:
  // Cost: vhost.log_write (a call, and a page). Off: nothing is logged.
  DirtyLog(bool on, CostBook& costs) : on_(on), cost_(on ? costs.get("vhost.log_write") : Cost{}) {}
  bool on() const { return on_; }
  void wrote(Step& s, Gpa a, Bytes n) {
    if (!on_ || n == 0) return;
    const std::uint64_t pages = (a + n - 1) / kPage - a / kPage + 1;
    s.charge(cost_, pages);
    pages_ += pages;
  }
  // Publishes `ring`: logged are its used entries since the last time, and the index that shows them.
  void publish(Step& s, DeviceRing& ring, RingView& v) {
    published(s, ring);
    ring.publish(v);
  }
  // Asks for kicks, or no longer.
  void notify(Step& s, DeviceRing& ring, RingView& v, bool on) {
    notified(s, ring, on);
    if (on) ring.enable_notify(v);
    else ring.disable_notify(v);
  }
  std::uint64_t pages() const { return pages_; }   // marked, so far

 private:
  void published(Step& s, const DeviceRing& ring) {
    const VirtQueueLayout& l = ring.layout();
    const unsigned n = ring.unpublished();
    if (!on_ || n == 0) return;
    if (ring.packed()) return wrote(s, l.desc, sizeof(pvring::Desc) * std::min<unsigned>(n, l.size));
    const unsigned first = static_cast<std::uint16_t>(ring.next_used() - n) % l.size, run = std::min<unsigned>(n, l.size - first);
    const Gpa entries = vring::used_idx(l) + 2;
    wrote(s, entries + first * sizeof(vring::UsedElem), run * sizeof(vring::UsedElem));
    wrote(s, entries, (n - run) * sizeof(vring::UsedElem));
    wrote(s, vring::used_idx(l), 2);
  }
  void notified(Step& s, const DeviceRing& ring, bool on) {
    if (!on_ || (ring.event_idx() && !ring.packed() ? !on : ring.notify_enabled() == on)) return;
    const VirtQueueLayout& l = ring.layout();
    wrote(s, ring.packed() ? pvring::device_event(l) : ring.event_idx() ? vring::avail_event(l) : vring::used_flags(l), 2);
  }
  bool on_;
  Cost cost_;
  std::uint64_t pages_ = 0;
};

}  // namespace gd
