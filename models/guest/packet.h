// Guest memory for received packets: buffers cut from guest pages, skb heads, and packets as lists of buffers.
//
// Buffers of fixed size come from pools that grow while guest memory lasts and then recycle, last in first out, as a
// page allocator's per-CPU lists do. Page-frag buffers (Linux 6 mergeable) are cut from regions that return when their
// last buffer does. Every ring buffer is registered with Ownership while it exists.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/zeroed.h"
#include "models/cpu/core.h"
#include "models/guest/context.h"
#include "models/packet/checksum.h"
#include "models/packet/parse.h"

namespace gd {

constexpr std::uint32_t kNil = UINT32_MAX;
constexpr std::uint32_t kMaxFrags = 17;                 // MAX_SKB_FRAGS of 6.x with 4 KiB pages
constexpr std::uint32_t kLongestPacket = 256 * 1024;   // bytes; longer ones are refused

struct GuestBuffer {
  Gpa gpa = 0;
  Hpa hpa = 0;
  std::uint32_t size = 0;
  BufferId own = kNoBuffer;        // kNoBuffer: an skb head, never posted
  std::uint32_t next = kNil;       // in a free list, a posted chain, or a packet
  std::uint32_t at = 0, length = 0;// packet bytes in it: [hpa + at, hpa + at + length)
  std::uint32_t pool = 0;          // which pool it goes back to
  std::uint32_t region = kNil;     // page-frag
  bool joined = false;             // in a packet: continues the fragment of the record before it
  bool rest = false;               // a further piece of the buffer before it (joined, too)
};

struct GuestPacket {
  std::uint32_t first = kNil, last = kNil;   // buffers in packet order
  std::uint32_t next = kNil;                 // queue link
  std::uint32_t length = 0;                  // bytes, virtio header excluded
  std::uint32_t truesize = 0;                // bytes, as the driver and GRO reckon them
  std::uint32_t own = 0;                     // of these, the skb itself: its struct and a head of its own
  std::uint32_t pieces = 0;                  // buffers; the first is the linear part
  std::uint32_t frags = 0;                   // page fragments in the skb that takes further ones: the last frag_list member, or itself
  std::uint32_t members = 0;                 // skbs in its frag_list
  Time taken = 0;                            // its first used entry
  FrameChain frames;
  std::uint8_t flags = 0, gso_type = 0;      // of the virtio-net header, or as guest GRO found and made them
  std::uint16_t gso_size = 0;
  std::uint32_t rx_hash = 0;                 // of the virtio-net header; 0: none
  std::uint32_t flow = kNil;                 // closed TCP: the connection
  std::uint32_t skip = 0;                    // payload bytes that were already received
  Parsed parsed;
};

class GuestBuffers {
 public:
  enum Pool : std::uint32_t { kPages, kChunks, kHeaders, kHeads, kFrags, kPools };
  explicit GuestBuffers(GuestContext& c);

  // Sizes of the pools that are used; before the first take. A unit never crosses a page.
  void set_unit(Pool p, std::uint32_t bytes) { unit_[p] = bytes; }
  // A buffer of pool `p`; kNil when guest memory is exhausted.
  std::uint32_t take(Pool p);
  // A page-frag buffer of `bytes`; `fill`: more, when the rest of its region could not hold another. kNil as above.
  // One that crosses a border of host memory is a list of pieces, all but the first `rest`.
  std::uint32_t take_frag(std::uint32_t bytes, bool fill);
  void put(std::uint32_t buffer, Time t);
  // Puts a list back; returns its number of buffers.
  unsigned put_list(std::uint32_t first, Time t);
  GuestBuffer& operator[](std::uint32_t b) { return buffers_[b]; }
  const GuestBuffer& operator[](std::uint32_t b) const { return buffers_[b]; }

  // The guest page of `page` has other host memory behind it, from `fresh` on: buffers in it are registered there, those that are
  // the guest's no longer where they were.
  void rebase(Gpa page, Hpa fresh);

  std::uint32_t new_packet();
  GuestPacket& packet(std::uint32_t p) { return packets_[p]; }
  void append(GuestPacket& p, std::uint32_t buffer, std::uint32_t truesize);
  // Parses `p` into p.parsed (no simulated cost). Returns its first bytes in one run, `contiguous` of them and at least
  // its headers; they stand until the next call.
  const std::uint8_t* look(GuestPacket& p, std::uint32_t& contiguous);
  // __pskb_pull_tail(): an skb whose linear part is a head of its own gets `need` header bytes into it.
  void pull(Step& s, GuestPacket& p, std::uint32_t need);
  // Takes `n` bytes off the front. `drop_head`: the linear part goes back when this empties it.
  void skip(Step& s, GuestPacket& p, std::uint32_t n, bool drop_head);
  // The buffers of `from` follow those of `to`; `from` is left without any. `truesize` bytes come with them.
  void splice(GuestPacket& to, GuestPacket& from, std::uint32_t truesize);
  // Whether the L4 checksum of a parsed packet is right, over its real bytes (no simulated cost). `header`: from look();
  // `summed`: bytes that software has to read to know.
  csum::Checked check_l4(const GuestPacket& p, const std::uint8_t* header, std::uint32_t& summed) const;
  // The cost of summing n bytes from packet offset `from` in software.
  void charge_sum(Step& s, const GuestPacket& p, std::uint32_t from, std::uint32_t n);
  // Loads n bytes from packet offset `from`, wherever they lie.
  void load(Step& s, OpId op, const GuestPacket& p, std::uint32_t from, std::uint32_t n, bool stream) const;
  // Frees the packet and its buffers; its frames have ended. Returns the number of buffers.
  unsigned free_packet(std::uint32_t p, Time t);
  std::uint64_t registered() const { return registered_; }
  // Copies bytes [at, at + n) of a packet to plain memory (no simulated cost).
  void gather(const GuestPacket& p, std::uint32_t at, std::uint32_t n, std::uint8_t* out) const;
  const std::uint8_t* bytes(const GuestBuffer& b) const { return c_.phys.at(b.hpa + b.at); }

 private:
  struct Region {
    Gpa gpa;
    std::uint32_t buffers = 0;       // cut from it and not back
  };
  std::uint32_t new_buffer();
  std::uint32_t new_piece(Gpa gpa, std::uint32_t bytes);
  bool grow(Pool p);
  bool allocate(Bytes bytes, Gpa& gpa);

  GuestContext& c_;
  Zeroed<std::uint8_t> scratch_;             // what look() returns
  std::vector<GuestBuffer> buffers_;
  std::vector<GuestPacket> packets_;
  std::uint32_t unit_[kPools] = {};
  std::uint32_t free_[kPools];
  std::uint32_t unused_ = kNil;      // records without memory (page-frag)
  std::uint32_t free_packets_ = kNil;
  std::vector<Region> regions_;
  std::vector<std::uint32_t> free_regions_;
  std::uint32_t region_ = kNil;      // being cut
  std::uint32_t region_at_ = 0, region_size_ = 0;
  std::uint64_t registered_ = 0;
  bool exhausted_ = false;
};

}  // namespace gd
