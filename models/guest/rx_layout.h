// How the guest's virtio-net driver lays out its receive buffers: a pure function of parameters and features.
//
// Modelled: drivers/net/virtio_net.c of Linux 2.6.35 and about 6.3. Mode: mergeable with MRG_RXBUF; else big when the host
// may send merged frames (6.x: or the MTU exceeds 1500); else small.
//   small       2.6.35: the virtio header in the skb's control block and 1518 B of its linear part, two descriptors.
//               6.x: one descriptor over header and 1518 B, in a page-frag chunk with 64 B in front and shared info behind.
//   big         a chain of pages: header at the first page's start, its rest from the padded header on, whole pages:
//               20 descriptors and 19 pages in 2.6.35; 19 and 18 in 6.x, fewer without merged frames.
//   mergeable   2.6.35: a page. 6.x: a page-frag piece as long as packets are on average.
// and the layouts that a strategy asks for (GuestRxLayout::Kind); of these `head` has the header in a descriptor of its own in
// small mode of 2.6.35, whose mode (small_old) it then is with other sizes.
// Sources: the driver of both generations; its constants GOOD_PACKET_LEN, GOOD_COPY_LEN, MAX_SKB_FRAGS, RECEIVE_AVG_WEIGHT.
#pragma once
#include <cstdint>

#include "models/guest/guest.h"
#include "models/virtio/device_ring.h"

namespace gd {

// The features that the guest's driver negotiates: those that its generation knows and its parameters want, of those offered.
std::uint64_t guest_features(const GuestParams& p);

struct RxLayout {
  enum class Mode : std::uint8_t { small, small_old, big, mergeable, mergeable_old, head, header_pages, chain, pages, room };
  static constexpr unsigned kMostDescriptors = 20;
  static constexpr std::uint32_t kGoodPacket = 14 + 4 + 1500;   // GOOD_PACKET_LEN
  static constexpr std::uint32_t kSharedInfo = 320;             // SKB_DATA_ALIGN(sizeof(struct skb_shared_info)), x86-64

  Mode mode = Mode::mergeable;
  bool linux6 = true;
  bool mergeable = false;            // a packet may take several ring buffers
  bool used_offset = false;
  unsigned header = 12;              // bytes of the virtio-net header
  std::uint32_t post_at = 0, tail = 0;   // posted range of a buffer: [post_at, size - tail)
  std::uint32_t data_at = 0;         // first packet byte in a buffer with header
  std::uint32_t room = 0;            // Kind::room: where the payload begins
  unsigned pages = 0;                // big: pages of a ring buffer; chain: pages behind the header buffer
  unsigned descriptors = 1;          // of a ring buffer
  unsigned max_frags = 17;           // MAX_SKB_FRAGS
  std::uint32_t chunk = 0;           // bytes of a buffer that is no page: its pool's unit, or the page-frag piece
  std::uint32_t header_buffer = 0;   // bytes of a header buffer
  unsigned headers_target = 0, pages_target = 0;   // header_pages: how the ring is shared
  std::uint32_t least = 0, most = 0; // mergeable of 6.x: bounds of the packet's share of a buffer
  std::uint32_t fixed = 0;           // mergeable of 6.x: bytes of a buffer; 0: by the average
  // Linear bytes of a new skb into which page_to_skb() copies: GOOD_COPY_LEN, and in 2.6.35 what its allocation's rounding adds.
  std::uint32_t linear = 128;
  // Truesize: of a new skb with that linear part; of one around a buffer (its struct alone in 6.x; all of it in small mode of
  // 2.6.35); of an empty frag_list member.
  std::uint32_t skb_new = 0, skb_around = 0, skb_member = 0;

  // get_mergeable_buf_len(): bytes of a page-frag piece when packets have `average` bytes.
  std::uint32_t mergeable_length(std::uint32_t average) const;
  // Bytes that the device may write into a ring buffer whose first buffer has `size` bytes, virtio header included.
  std::uint32_t capacity(std::uint32_t size) const;
  // Of these, those in the first buffer.
  std::uint32_t first_capacity(std::uint32_t size) const;
  // Whether page_to_skb() builds the skb around a buffer of `size` bytes with `length` packet bytes from `at` on.
  bool builds_around(std::uint32_t size, std::uint32_t at, std::uint32_t length) const;
  // Bytes that page_to_skb() copies of a packet with `length` bytes in its first buffer.
  std::uint32_t copies(std::uint32_t length) const;
  // Pages that nothing was left in go to the driver's own pool (2.6.35: big and mergeable; 6.x: big).
  bool pools_pages() const { return linux6 ? mode == Mode::big || mode == Mode::chain : mode != Mode::small_old && mode != Mode::head; }
};

// Throws UserError for a layout that cannot be, or that the ring does not hold.
RxLayout rx_layout(const GuestParams& p, std::uint64_t features, unsigned ring_size);

}  // namespace gd
