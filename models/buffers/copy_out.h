// A packet whose bytes lie in host memory is copied into the guest's buffers by the layout of a zero-copy design: what the
// host had to copy (a rewrite without headroom, a replica, a foreign frame), and what the NIC could not write to the guest.
//
// Modelled: buffers gathered before the first byte moves, the copy cut into pieces, used entries in order. Source: what
// vhost does with every frame (drivers/vhost/net.c, tun_put_user).
#pragma once
#include <vector>

#include "models/buffers/guest_side.h"
#include "models/buffers/posted.h"

namespace gd {

// Bytes [gpa, gpa + space) of a guest's buffer that take the next bytes of a packet.
struct CopyPlace {
  Gpa gpa = 0;
  std::uint32_t space = 0;
  std::uint32_t token = kNoToken;
  std::uint32_t before = 0;     // used bytes of the buffer before them (virtio header, a room)
  bool last = true;             // of its buffer: the used entry follows
};

class CopyOut {
 public:
  // Cost: vhost.copy (per byte).
  CopyOut(PathContext& c, GuestSide& side, PostedBuffers& posted, PathStats& stats);
  bool busy() const { return skb_ != nullptr; }
  // Begins with a packet; add() its places in order, then header(), then run() until it is done.
  void begin(Skb& skb) { skb_ = &skb, count_ = 0, room_ = 0; }
  void add(const CopyPlace& p);
  std::uint64_t room() const { return room_; }         // bytes of the places so far
  std::uint32_t buffers() const { return buffers_; }
  // Takes back the place that was added last; its buffer.
  std::uint32_t drop_last() { return --count_, room_ -= places_[count_].space, places_[count_].token; }
  // Ends without a copy.
  void cancel() { skb_ = nullptr; }
  // The virtio header at `at` of the packet whose first buffer is `head`.
  void header(Step& s, Hpa at, std::uint16_t head, const VirtioNetHdr& h);
  // True when all is copied and pushed; the packet is the caller's again.
  bool run(Step& s);

 private:
  static constexpr std::uint32_t kChunk = 2048;        // bytes between two looks at the clock
  PathContext& c_;
  GuestSide& side_;
  PostedBuffers& posted_;
  PathStats& stats_;
  Cost copy_;
  std::vector<CopyPlace> places_;
  std::uint32_t count_ = 0, buffers_ = 0, place_ = 0, done_ = 0;   // done_: bytes in the present place
  std::uint64_t room_ = 0;
  Skb* skb_ = nullptr;
  const Skb* member_ = nullptr;                        // where the source goes on: -1 is the linear part
  int run_ = -1;
  std::uint32_t at_ = 0;
};

}  // namespace gd
