// The shared info of an skb whose linear part is a guest's buffer: a host-side shadow, or the guest's own bytes.
//
// Modelled: the shadow's cost; without it the host writes nr_frags and the first fragment behind the frame, in the guest's
// buffer, where a driver's layout puts them, and reads them back before it hands the packet over. Hazards: a layout larger
// than the guest's buffer (the bytes land in what lies behind it), and a guest that rewrites them meanwhile. Two checkers
// stand beside the design: one knows the buffer's end, one keeps what the host wrote. Their work costs nothing.
// Source: struct skb_shared_info, skb_release_data (put_page of each fragment).
#pragma once
#include <string>
#include <vector>

#include "models/buffers/posted.h"

namespace gd {

class GuestSharedInfo {
 public:
  // `place`: bytes from the start of the skb's buffer to the shared info. Costs: shinfo.shadow, shinfo.guest.
  GuestSharedInfo(PathContext& c, const GuestRxLayout& layout, Bytes place, PathStats& stats)
      : c_(c), stats_(stats), headroom_(layout.headroom), place_(place),
        hostile_(c.env.options.hazard == Hazard::shinfo_trusted),
        shadow_(c.env.options.shadow_shared_info && !hostile_ && c.env.options.hazard != Hazard::layout_mismatch),
        cost_(c.costs.get(shadow_ ? "shinfo.shadow" : "shinfo.guest")), written_(c.guest->rx().size) {}

  // The frame has come: the skb is built around buffer `b`.
  void make(Step& s, const PostedBuffer& b);
  // The host is about to hand over or free the packet in `b` and acts on the shared info.
  void use(Step& s, const PostedBuffer& b);

 private:
  // The part that matters here, as it lies in memory: nr_frags, and page and length of the first fragment.
  struct Fields {
    std::uint32_t nr_frags = 0, length = 0;
    std::uint64_t page = 0;
    bool operator==(const Fields&) const = default;
  };
  Hpa at(const PostedBuffer& b) const { return b.hpa - headroom_ + place_; }

  PathContext& c_;
  PathStats& stats_;
  Bytes headroom_, place_;
  bool hostile_, shadow_;
  Cost cost_;
  std::vector<Fields> written_;      // by head: what the host wrote (the checker's own record)
};

}  // namespace gd
