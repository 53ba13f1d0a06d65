// The data path of page-frags; see page_frags.cpp.
#pragma once
#include "models/buffers/received.h"
#include "models/buffers/zero_copy.h"

namespace gd {

constexpr Bytes kSmallPacket = 14 + 4 + 1500;   // GOOD_PACKET_LEN: frame bytes of a buffer in virtio-net's small mode

// What follows from the environment: a buffer's room and space, and the queue's registers.
struct PageFragsGeometry {
  bool whole = true;          // buffers are whole pieces of pages (mergeable); else the driver's own small ones
  bool fits = true;           // the largest frame fits one buffer
  Bytes room = 12;            // bytes before the frame, for the virtio header
  Bytes space = 0;            // bytes of a buffer behind the room
  Bytes packet_buffer = 0, header_buffer = 0;
  SplitMode split = SplitMode::off;
  unsigned each() const { return split == SplitMode::off ? 1 : 2; }   // buffers of a descriptor
  std::uint32_t of_frame = 1;                                                // buffers that the largest frame takes
};
PageFragsGeometry page_frags_geometry(const BindEnvironment& e);

class PageFragsPath final : public ZeroCopyPath {
 public:
  // Costs: page_frags.write_back (per byte of a changed run), page_frags.move (per byte moved for want of an offset).
  explicit PageFragsPath(PathContext c);
  void shape(RxQueueConfig& queue) override;
  bool merges() const override;
  Hpa headers(const Skb& skb) const override { return skb.head.length ? skb.head.addr : skb.frags[0].addr; }
  bool napi_frags() const override { return true; }
  Skb** napi_skb() override { return &spare_; }
  void pulled_empty(Step& s, Skb& skb, const Frag& f) override;
  void absorbed(Step& s, Skb& shell) override { put_kept(s, shell); }

  bool move_start(Step& s, Skb& skb, std::uint32_t headers, int by) override;

  bool post(Step& s) override;
  bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& descriptor) override;
  Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) override;
  Progress deliver(Step& s, Skb* skb) override;
  std::uint64_t free_buffers() const override { return ZeroCopyPath::free_buffers() / g_.each(); }
  std::uint64_t capacity() const override { return std::min<std::uint64_t>(c_.env.ring_size - 1, c_.guest->rx().size / g_.each()); }
  void release(Step& s, Skb* skb) override;
  void take_back(Step& s, std::uint32_t slot) override;
  std::uint64_t unreclaimed() const override { return buffers_of(c_.ownership, partial_); }

 private:
  bool handing_over() const override { return member_ != nullptr; }
  void take(Step& s, std::uint32_t token, std::uint32_t length, bool written);
  void plant(Step& s, Skb& skb, std::uint64_t id);
  void put_kept(Step& s, Skb& skb);
  void write_back(Step& s, Hpa page, Hpa own, std::uint32_t n);
  void undo_pull(Step& s, Skb& skb);
  bool fit_without_offset(Step& s, Skb& skb);
  bool begin(Step& s, Skb& skb);
  void give(Step& s, std::uint32_t token, Hpa addr, std::uint32_t length);
  std::uint32_t beyond(std::uint32_t token, const Skb& skb, unsigned next) const;

  std::uint32_t next_kept(std::uint32_t token) const override { return kept_next_[token]; }
  std::uint32_t kept_bytes(std::uint32_t token) const override { return kept_length_[token]; }

  static constexpr Bytes kFirstPiece = 128;    // packet bytes for which the host's parsing wants one run of memory

  PageFragsGeometry g_;
  Cost write_back_, move_;
  std::vector<std::uint32_t> header_slots_;    // by slot: the buffer for the headers
  // By token: the next of the buffers that pulls have emptied (Skb::kept), and the header bytes in it.
  std::vector<std::uint32_t> kept_next_, kept_length_;
  Skb* partial_ = nullptr;                     // a scattered frame whose last descriptor has not come
  Skb* spare_ = nullptr;                       // napi->skb
  Skb* member_ = nullptr;                      // deliver(): where the packet in hand goes on
  unsigned at_ = 0, buffers_ = 0, given_ = 0;
  std::uint32_t moved_ = 0;                    // bytes by which a rewrite made the frame begin later
};

}  // namespace gd
