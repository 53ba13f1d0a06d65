// The receive queue of the guest's virtio-net driver: which buffers it posts, when it refills, and how it builds a packet
// from used entries.
//
// Layouts: rx_layout.h. The page pool of the driver (chained by page->private, last in first out) holds the pages of big
// buffers that a packet left unused, and in 2.6.35 those whose bytes were copied whole; pages that went up with a packet go
// back to the page allocator. skb geometry: page_to_skb() and receive_mergeable() of both generations; the copy of the
// virtio-net header into the skb's control block is part of guest.driver_packet.
// With `used_offset` a used entry's len carries the offset: of the virtio header in a packet's first buffer, of the data in
// further ones. In a buffer with room an offset says that the packet follows its virtio header without a hole.
// Wrong used entries (length, num_buffers, missing ones) and headers that make no sense are counted, their packet is dropped,
// the driver goes on. Not modelled: XDP, several queues.
#pragma once
#include "models/guest/packet.h"
#include "models/guest/rx_layout.h"
#include "models/virtio/driver_ring.h"

namespace gd {

class GuestRxQueue {
 public:
  GuestRxQueue(GuestContext& c, GuestBuffers& buffers);
  DriverRing& ring() { return ring_; }
  const DriverRing& ring() const { return ring_; }
  const RxLayout& layout() const { return l_; }

  // Fills the ring before time begins, at no cost.
  void fill();
  // Takes the next packet. `none`: no used entry. `nothing`: entries were taken but no packet came of them.
  enum class Got : std::uint8_t { none, nothing, packet };
  Got receive(Step& s, RingView& v, std::uint32_t& packet);
  // The driver's threshold, asked after a poll round.
  bool wants_refill() const;
  // Posts until the ring is full, the step over or memory exhausted; true when there is more to post.
  bool refill(Step& s, RingView& v);
  // The device was reset: the ring begins anew, what was posted is forgotten, what lies in it is dropped. Called twice, so that
  // nothing that was under way is left in the ring; `again`: the second time.
  void restart(Step& s, bool again);
  // The last refill ended for want of memory and the ring is empty: to be tried again later.
  bool starved() const { return failed_ && ring_.outstanding() == 0; }
  std::uint64_t posted() const { return posted_; }
  // Pages in the driver's own pool.
  unsigned pooled() const { return pooled_; }
  // Bytes of the next page-frag buffer (6.x, mergeable).
  std::uint32_t mergeable_length() const { return l_.mergeable_length(average_); }

 private:
  struct Entry {
    std::uint32_t buffer = kNil, length = 0, offset = 0;
    FrameChain frames;
  };
  // Where the packet bytes of a packet's first entry lie: from `at` in its first buffer `first` bytes, and `rest` bytes behind
  // them.
  struct Place {
    std::uint32_t at = 0, first = 0, rest = 0;
  };
  // Posting.
  bool post(RingView& v, Time t, unsigned& pages);
  std::uint32_t take_page(unsigned& fresh);
  std::uint32_t take_chain(unsigned& fresh);
  unsigned segments_of(std::uint32_t buffer, Segment* out) const;
  bool headers_next() const;
  // Gives a list of buffers that hold nothing back, pages to the pool where the driver has one.
  void give(std::uint32_t first, Time t);
  // Receiving.
  bool next_entry(Step& s, RingView& v, Entry& e);
  bool locate(const Entry& e, const VirtioNetHdr& h, Place& place) const;
  // Bytes of a ring buffer's first memory: of small mode's all pieces.
  std::uint32_t size_of(const GuestBuffer& g) const { return l_.mode == RxLayout::Mode::small ? l_.chunk : g.size; }
  void load_run(Step& s, std::uint32_t buffer, std::uint32_t from, std::uint32_t n);
  void load_header(Step& s, const Entry& e, const Place& place);
  void sweep(Time t);
  void add_data(GuestPacket& p, const Entry& e, const Place& place, Time t);
  bool make_linear(Step& s, GuestPacket& p, Time t);
  bool more_buffers(Step& s, RingView& v, GuestPacket& p, unsigned count);
  bool add_fragment(Step& s, GuestPacket& p, const Entry& e);
  bool apply_header(Step& s, GuestPacket& p, const VirtioNetHdr& h);
  std::uint32_t truesize_of(const GuestBuffer& g) const { return l_.linux6 ? g.size : g.length; }
  Got refuse(Step& s, Entry& e, std::uint32_t packet);

  GuestContext& c_;
  GuestBuffers& buffers_;
  VirtQueueLayout layout_;
  VringSide side_;
  DriverRing ring_;
  RxLayout l_;
  unsigned slots_ = 1;                   // ring descriptors that a ring buffer takes: one with an indirect table
  unsigned budget_ = 64;
  unsigned max_outstanding_ = 0;
  unsigned headers_out_ = 0, pages_out_ = 0;
  std::uint32_t pool_ = kNil;            // the driver's free pages
  unsigned pooled_ = 0;
  std::uint32_t average_ = 0;            // running average of packet lengths, weight 64
  std::uint64_t posted_ = 0, ring_errors_ = 0;
  bool failed_ = false;
};

}  // namespace gd
