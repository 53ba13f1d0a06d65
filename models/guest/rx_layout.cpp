#include "models/guest/rx_layout.h"

#include <algorithm>
#include <string>

#include "models/base/error.h"
#include "models/memory/phys.h"
#include "models/packet/headers.h"

namespace gd {
namespace {
constexpr std::uint32_t kSkbPad = 64;                        // NET_SKB_PAD
constexpr std::uint32_t kGoodCopy = 128;                     // GOOD_COPY_LEN
constexpr unsigned kMaxFragsOld = 18, kMaxFragsNew = 17;     // MAX_SKB_FRAGS with 4 KiB pages
constexpr std::uint32_t kPaddedHeaderOld = 16, kPaddedHeader = 32;   // struct padded_vnet_hdr
constexpr std::uint32_t kSkbOld = 240, kSkb = 256;           // sizeof(struct sk_buff): 2.6.35 (recalled), 6.x in whole lines
constexpr std::uint32_t kMaxIp = 65'535;                     // IP_MAX_MTU
constexpr std::uint32_t kPageBytes = static_cast<std::uint32_t>(kPage);

std::uint32_t lines(std::uint32_t bytes) { return static_cast<std::uint32_t>(align_up(bytes, kLine)); }

class Chooser {
 public:
  Chooser(const GuestParams& p, std::uint64_t features, unsigned ring_size) : p_(p), f_(features), ring_(ring_size) {}

  RxLayout choose() {
    l_.linux6 = p_.virtio.driver == GuestDriverRules::linux_6;
    l_.mergeable = feature::has(f_, feature::kMergeRxBuffers);
    l_.used_offset = l_.mergeable && feature::has(f_, feature::kUsedOffset);
    l_.header = feature::header_length(f_);
    l_.data_at = l_.header;
    l_.max_frags = l_.linux6 ? kMaxFragsNew : kMaxFragsOld;
    const std::uint32_t align = static_cast<std::uint32_t>(p_.virtio.ip_align);
    if (!l_.linux6) l_.linear = lines(kGoodCopy + kSkbPad + align) - kSkbPad - align;
    l_.skb_new = l_.linux6 ? kSkb + RxLayout::kSharedInfo + lines(kGoodCopy + kSkbPad) : kSkbOld + l_.linear + kSkbPad + align;
    l_.skb_around = l_.linux6 ? kSkb : kSkbOld + lines(RxLayout::kGoodPacket + kSkbPad + align);
    l_.skb_member = kSkb + RxLayout::kSharedInfo;
    switch (p_.layout.kind) {
      case GuestRxLayout::Kind::driver: driver(); break;
      case GuestRxLayout::Kind::head: head(); break;
      case GuestRxLayout::Kind::header_pages: l_.mergeable ? header_pages() : chain(); break;
      case GuestRxLayout::Kind::pages: pages(); break;
      case GuestRxLayout::Kind::room: room(); break;
    }
    if (l_.descriptors > ring_) refuse("of " + std::to_string(l_.descriptors) + " descriptors do not fit the ring");
    return l_;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw UserError("guest " + p_.name + ": receive buffers " + why); }

  void driver() {
    const bool gso = feature::guest_gso(f_);
    const auto align = static_cast<std::uint32_t>(p_.virtio.ip_align);
    if (l_.mergeable) {
      l_.mode = l_.linux6 ? RxLayout::Mode::mergeable : RxLayout::Mode::mergeable_old;
      if (!l_.linux6) return;
      const Bytes fixed = p_.virtio.mergeable_buffer;
      if (fixed > kPage || (fixed && fixed < l_.header + 64))
        refuse("of " + std::to_string(fixed) + " B: mergeable ones have " + std::to_string(l_.header + 64) + "..4096 B");
      l_.fixed = static_cast<std::uint32_t>(fixed);
      // mergeable_min_buf_len(): a full ring holds the largest packet.
      const std::uint32_t packet = gso || p_.mtu > 1500 ? kMaxIp : p_.mtu;
      const std::uint32_t share = static_cast<std::uint32_t>(ceil_div(l_.header + ether::kHeader + 4 + packet, ring_));
      l_.most = kPageBytes - l_.header;
      l_.least = std::min(l_.most, std::max(std::max<std::uint32_t>(share, l_.header) - l_.header, RxLayout::kGoodPacket));
    } else if (gso || (l_.linux6 && p_.mtu > 1500)) {
      const unsigned beyond = !l_.linux6 || gso ? l_.max_frags : static_cast<unsigned>(ceil_div(p_.mtu, kPage));
      l_.mode = RxLayout::Mode::big;
      l_.pages = beyond + 1;
      l_.descriptors = beyond + 2;
      l_.data_at = l_.linux6 ? kPaddedHeader : kPaddedHeaderOld;
    } else if (l_.linux6) {
      l_.mode = RxLayout::Mode::small;
      l_.post_at = kSkbPad;
      l_.data_at = l_.post_at + l_.header;
      l_.chunk = lines(kSkbPad + l_.header + RxLayout::kGoodPacket) + RxLayout::kSharedInfo;
      l_.tail = l_.chunk - l_.data_at - RxLayout::kGoodPacket;
    } else {
      l_.chunk = 2048;               // kmalloc size of 1584 B and shared info
      l_.tail = l_.chunk - kSkbPad - align - RxLayout::kGoodPacket;
      apart(kSkbPad + align);
    }
  }

  // The virtio header has a descriptor of its own; its place at the buffer's start stands for the control block.
  void apart(std::uint32_t data_at) {
    if (data_at < l_.header) refuse("with a headroom of " + std::to_string(data_at) + " B have no place for the virtio header");
    l_.mode = RxLayout::Mode::small_old;
    l_.descriptors = 2;
    l_.data_at = data_at;
  }

  void head() {
    const GuestRxLayout& a = p_.layout;
    if (a.buffer == 0 || a.buffer > kPage || a.headroom + a.tailroom + l_.header + 60 > a.buffer)
      refuse("of " + std::to_string(a.buffer) + " B do not hold headroom, header, a frame and tailroom within a page");
    l_.tail = static_cast<std::uint32_t>(a.tailroom);
    l_.chunk = static_cast<std::uint32_t>(a.buffer);
    if (!l_.linux6) l_.skb_around = kSkbOld + l_.chunk;
    if (!l_.linux6 && !l_.mergeable) return apart(static_cast<std::uint32_t>(a.headroom));
    l_.mode = RxLayout::Mode::head;
    l_.post_at = static_cast<std::uint32_t>(a.headroom);
    l_.data_at = l_.post_at + l_.header;
  }

  void header_pages() {
    const GuestRxLayout& a = p_.layout;
    if (a.header_buffer < l_.header + 64 || a.header_buffer >= kPage || a.headers_of_8 < 1 || a.headers_of_8 > 7 || ring_ < 8)
      refuse("told apart by size need headers of " + std::to_string(l_.header + 64) + "..4095 B, 1 to 7 of 8 buffers, and a ring of 8 or more");
    l_.mode = RxLayout::Mode::header_pages;
    l_.header_buffer = static_cast<std::uint32_t>(a.header_buffer);
    l_.headers_target = ring_ * a.headers_of_8 / 8;
    l_.pages_target = ring_ - l_.headers_target;
  }

  void chain() {
    const GuestRxLayout& a = p_.layout;
    if (!feature::has(f_, feature::kSplitLayout)) refuse("told apart by size need mergeable buffers, and as chains split_layout");
    if (a.header_buffer < l_.header + 64 || a.header_buffer >= kPage)
      refuse("as chains need headers of " + std::to_string(l_.header + 64) + "..4095 B");
    l_.mode = RxLayout::Mode::chain;
    l_.header_buffer = static_cast<std::uint32_t>(a.header_buffer);
    l_.pages = l_.max_frags;         // each a fragment
    l_.descriptors = l_.pages + 1;
  }

  void pages() {
    const Bytes n = p_.layout.buffer;
    if (!l_.mergeable) refuse("of whole pieces of pages need mergeable buffers");
    if (n < l_.header + 60 || n > kPage || kPage % n != 0)
      refuse("of " + std::to_string(n) + " B are no whole part of a page that holds a frame's header");
    l_.mode = RxLayout::Mode::pages;
    l_.chunk = static_cast<std::uint32_t>(n);
  }

  void room() {
    const GuestRxLayout& a = p_.layout;
    if (!feature::has(f_, feature::kSplitLayout)) refuse("with a room need split_layout, which tells how much of it is used");
    if (a.buffer > kPage || a.room < l_.header + ether::kHeader || a.room + 60 > a.buffer)
      refuse("of " + std::to_string(a.buffer) + " B with a room of " + std::to_string(a.room) + " B do not hold a frame within a page");
    l_.mode = RxLayout::Mode::room;
    l_.room = static_cast<std::uint32_t>(a.room);
    l_.chunk = static_cast<std::uint32_t>(a.buffer);
  }

  const GuestParams& p_;
  std::uint64_t f_;
  unsigned ring_;
  RxLayout l_;
};
}  // namespace

std::uint64_t guest_features(const GuestParams& p) {
  using namespace feature;
  const GuestParams::Virtio& v = p.virtio;
  std::uint64_t f = v.wanted | bit(kMac);   // wanted; negotiate() leaves out what lacks its requirement
  if (v.indirect) f |= bit(kIndirect);
  if (v.driver == GuestDriverRules::linux_6) {
    if (v.version_1) f |= bit(kVersion1);
    if (v.event_idx) f |= bit(kEventIdx);
    if (v.hash_report) f |= bit(kHashReport);
    if (v.packed) f |= bit(kPacked);
    if (v.in_order) f |= bit(kInOrder);
  }
  if (v.checksum) f |= bit(kCsum) | bit(kGuestCsum);
  if (v.rx_mode == GuestRxMode::mergeable) f |= bit(kMergeRxBuffers);
  if (v.rx_mode != GuestRxMode::small) {
    if (v.tso4) f |= bit(kGuestTso4);
    if (v.tso6) f |= bit(kGuestTso6);
    f |= bit(kGuestEcn);
  }
  return negotiate(v.offered, f);
}

std::uint32_t RxLayout::mergeable_length(std::uint32_t average) const {
  return fixed ? fixed : lines(header + std::clamp(average, least, most));
}

std::uint32_t RxLayout::first_capacity(std::uint32_t size) const {
  if (mode == Mode::big) return header + kPageBytes - data_at;
  return mode == Mode::small_old ? header + size - data_at - tail : size - post_at - tail;
}

std::uint32_t RxLayout::capacity(std::uint32_t size) const {
  const unsigned further = mode == Mode::big ? pages - 1 : mode == Mode::chain ? pages : 0;
  return first_capacity(size) + kPageBytes * further;
}

bool RxLayout::builds_around(std::uint32_t size, std::uint32_t at, std::uint32_t length) const {
  if (mode == Mode::small || mode == Mode::small_old || mode == Mode::head) return true;
  return linux6 && length > kGoodCopy && at + length + kSharedInfo <= size;
}

std::uint32_t RxLayout::copies(std::uint32_t length) const {
  return length <= linear ? length : linux6 ? ether::kHeader : linear;
}

RxLayout rx_layout(const GuestParams& p, std::uint64_t features, unsigned ring_size) { return Chooser(p, features, ring_size).choose(); }

}  // namespace gd
