// Host pages for frames that the NIC cannot write to the guest: its buffers do not fit the NIC, or the memlock limit allows
// no further pin. The frame goes to a page of the host and is copied when it is handed over (CopyOut), or dropped.
//
// Modelled: the page, its mapping kept, one waiting guest buffer for each page, so that the NIC's ring is as deep as the
// guest's. Tokens of pages have a bit of their own.
#pragma once
#include "models/buffers/host_pages.h"

namespace gd {

class Bounce {
 public:
  static constexpr std::uint32_t kHost = 0x8000'0000;
  static bool is(std::uint32_t token) { return token != kNoToken && (token & kHost); }

  // Pages that take `size` bytes of the NIC.
  Bounce(PathContext& c, Bytes size) : pages_(c, size, true) {}
  std::uint32_t post(Step& s) { return ++out_, kHost | pages_.post(s); }
  Iova iova(std::uint32_t token) const { return pages_[token & ~kHost].iova; }
  Hpa addr(std::uint32_t token) const { return pages_[token & ~kHost].addr; }
  // The NIC is done with the page; then the packet is.
  void take(Step& s, std::uint32_t token, bool written) { pages_.take(s, token & ~kHost, written); }
  void free(Step& s, std::uint32_t token) {
    pages_.free(s, token & ~kHost);
    --out_;
  }
  // Pages that the NIC or packets have.
  std::uint32_t out() const { return out_; }

 private:
  HostPages pages_;
  std::uint32_t out_ = 0;
};

}  // namespace gd
