// What a guest shows to the device side of its virtio-net queues (vhost, or a NIC with virtio rings).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/base/units.h"
#include "models/ports/frame.h"
#include "models/ports/ports.h"

namespace gd {

class GuestSpace;

// Which wire frames lie in a used buffer: by descriptor head id, set with the used entry, taken by the guest's driver.
// For a packet of several buffers the first one's head carries the chain.
struct VringSide {
  std::vector<FrameChain> by_head;
};

// Where a ring lies (guest-physical) and what was negotiated.
struct VirtQueueLayout {
  Gpa desc = 0, avail = 0, used = 0;   // descriptor, driver and device area
  Gpa tables = 0;                      // the driver's own: one indirect table for each place of the ring, or 0
  std::uint16_t table_entries = 0;     // descriptors of each table
  std::uint16_t size = 256;            // descriptors
  std::uint64_t features = 0;     // virtio feature bits, models/virtio
  unsigned header_length = 12;    // bytes of virtio_net_hdr
  VringSide* side = nullptr;
};

// How the guest's driver lays out its receive buffers; a strategy asks for it at bind, the driver keeps to it.
struct GuestRxLayout {
  enum class Kind : std::uint8_t {
    driver,        // what the guest's driver does by itself in its rx_mode
    head,          // buffers built as the host NIC's driver would: headroom, virtio header, frame, shared info
    header_pages,  // mergeable: two kinds of ring buffers, told apart by size: header buffers, and whole pages for payload.
                   // Big mode, needs split_layout: each ring buffer is a chain of a header buffer and whole pages; hdr_len
                   // packet bytes stand in the header buffer behind the virtio header, what follows begins in the first
                   // page. The used length counts from the chain's start, what is left of the header buffer included.
    pages,         // mergeable: ring buffers of `buffer` bytes, pieces of pages, posted whole, read as any mergeable ones
    room           // needs split_layout: ring buffers of `buffer` bytes with a fixed room in front. The first of a packet has
                   // the virtio header at its start, hdr_len packet bytes that end at `room`, and from there on the rest
                   // (hdr_len 0: the whole packet); its used length counts from its start. Further ones have no room.
  } kind = Kind::driver;
  // head: bytes of a buffer including headroom and tailroom; pages, room: bytes of a ring buffer. Never crosses a 4 KiB page.
  Bytes buffer = 0;
  Bytes headroom = 0;        // head: bytes before the virtio header that the driver leaves to the stack
  Bytes tailroom = 0;        // head: bytes kept for the shared info
  Bytes room = 0;            // room: bytes before the payload in a packet's first buffer, virtio header included
  Bytes header_buffer = 0;   // header_pages: size of a header buffer
  // header_pages, mergeable: of 8 buffers posted, how many are header buffers (the rest are pages).
  unsigned headers_of_8 = 4;
};

// A guest as the host sees it.
struct GuestPort {
  virtual ~GuestPort() = default;
  virtual std::uint32_t index() const = 0;
  virtual const std::string& name() const = 0;
  virtual GuestSpace& space() = 0;
  virtual const VirtQueueLayout& rx() const = 0;
  virtual const VirtQueueLayout& tx() const = 0;
  // Virtual interrupts of the receive and transmit queues; called at the time when the injection is visible.
  virtual InterruptSink& interrupts() = 0;      // vector 0 = rx, 1 = tx
  // The vCPU's thread sleeps: an interrupt, on its way, wakes it.
  virtual bool asleep() const = 0;
  // Who takes the guest's kicks; set at elaboration. queue 0 = rx (refill), 1 = tx.
  virtual void on_kick(KickSink& sink) = 0;
};

}  // namespace gd
