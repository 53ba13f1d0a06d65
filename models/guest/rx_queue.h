// The receive queue of the guest's virtio-net driver: which buffers it posts, when it refills, and how it builds a packet
// from used entries.
//
// Layouts: small, big and mergeable of Linux 2.6.35 and about 6.3 (drivers/net/virtio_net.c), and the layouts that a
// zero-copy design asks for (GuestRxLayout::Kind). With `used_offset` a used entry's len carries the offset: of the virtio header
// in a packet's first buffer, of the data in further ones. In a buffer with room an offset says that the packet follows its
// virtio header without a hole.
// Wrong used entries (length, num_buffers, missing ones) are counted, their packet is dropped, the driver goes on.
#pragma once
#include "models/guest/packet.h"
#include "models/virtio/driver_ring.h"

namespace gd {

// The features that the guest's driver takes of those offered.
std::uint64_t guest_features(const GuestParams& p);

class GuestRxQueue {
 public:
  GuestRxQueue(GuestContext& c, GuestBuffers& buffers);
  DriverRing& ring() { return ring_; }
  const DriverRing& ring() const { return ring_; }

  // Fills the ring before time begins, at no cost.
  void fill();
  // Takes the next packet. `none`: no used entry. `nothing`: entries were taken but no packet came of them.
  enum class Got : std::uint8_t { none, nothing, packet };
  Got receive(Step& s, RingView& v, std::uint32_t& packet);
  // The driver's threshold, asked after a poll round.
  bool wants_refill() const;
  // Posts until the ring is full, the step over or memory exhausted; true when there is more to post.
  bool refill(Step& s, RingView& v);
  // The last refill ended for want of memory and the ring is empty: to be tried again later.
  bool starved() const { return failed_ && ring_.outstanding() == 0; }
  std::uint64_t posted() const { return posted_; }
  std::uint32_t mergeable_length() const;

 private:
  enum class Mode : std::uint8_t { small, small_old, big, mergeable, mergeable_old, head, header_pages, chain, pages, room };
  struct Entry {
    std::uint32_t buffer = kNil, length = 0, offset = 0;
    FrameChain frames;
  };
  void choose();
  bool post(RingView& v, Time t, unsigned& pages);
  std::uint32_t post_big(Segment* segments, unsigned& n);
  std::uint32_t post_chain(Segment* segments, unsigned& n);
  bool headers_next() const;
  bool next_entry(Step& s, RingView& v, Entry& e);
  std::uint32_t capacity(std::uint32_t buffer) const;
  // Where the packet bytes of a packet's first entry lie: from `at` in its first buffer `first` bytes, and `rest` bytes behind
  // them. False: header and length do not agree.
  struct Place {
    std::uint32_t at = 0, first = 0, rest = 0;
  };
  bool locate(const Entry& e, const VirtioNetHdr& h, Place& place) const;
  void add_data(GuestPacket& p, const Entry& e, const Place& place, Time t);
  void make_linear(Step& s, GuestPacket& p, std::uint32_t first_length);
  bool more_buffers(Step& s, RingView& v, GuestPacket& p, unsigned count);
  Got refuse(Step& s, Entry& e, std::uint32_t packet);

  GuestContext& c_;
  GuestBuffers& buffers_;
  VirtQueueLayout layout_;
  VringSide side_;
  DriverRing ring_;
  Mode mode_ = Mode::mergeable;
  bool mergeable_ = false, used_offset_ = false;
  std::uint32_t room_ = 0;               // Kind::room: where the payload begins
  unsigned header_ = 12;                 // bytes of virtio-net header
  std::uint32_t post_at_ = 0, tail_ = 0; // posted range of a buffer: [post_at, size - tail)
  std::uint32_t data_at_ = 0;            // first packet byte in a buffer with header
  unsigned big_pages_ = 0;               // pages of a big buffer
  unsigned per_entry_ = 1;               // descriptors of a ring buffer
  unsigned budget_ = 64;
  unsigned max_outstanding_ = 0;
  unsigned headers_out_ = 0, pages_out_ = 0, headers_target_ = 0, pages_target_ = 0;
  std::uint32_t average_ = 0;            // running average of packet lengths, weight 64
  std::uint64_t posted_ = 0, ring_errors_ = 0;
  bool failed_ = false;
};

}  // namespace gd
