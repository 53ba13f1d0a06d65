#include "models/virtio/layout.h"

#include <algorithm>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "models/memory/phys.h"

namespace gd {

const char* feature::name(unsigned number) {
  switch (number) {
    case kCsum: return "CSUM";
    case kGuestCsum: return "GUEST_CSUM";
    case kMac: return "MAC";
    case kGuestTso4: return "GUEST_TSO4";
    case kGuestTso6: return "GUEST_TSO6";
    case kGuestEcn: return "GUEST_ECN";
    case kGuestUfo: return "GUEST_UFO";
    case kHostTso4: return "HOST_TSO4";
    case kHostTso6: return "HOST_TSO6";
    case kMergeRxBuffers: return "MRG_RXBUF";
    case kNotifyOnEmpty: return "NOTIFY_ON_EMPTY";
    case kAnyLayout: return "ANY_LAYOUT";
    case kIndirect: return "INDIRECT_DESC";
    case kEventIdx: return "EVENT_IDX";
    case kVersion1: return "VERSION_1";
    case kAccessPlatform: return "ACCESS_PLATFORM";
    case kPacked: return "RING_PACKED";
    case kInOrder: return "IN_ORDER";
    case kGuestUso4: return "GUEST_USO4";
    case kGuestUso6: return "GUEST_USO6";
    case kHashReport: return "HASH_REPORT";
    case kUsedOffset: return "used_offset";
    case kSplitLayout: return "split_layout";
    default: return nullptr;
  }
}

namespace vring {

void check(const VirtQueueLayout& l, const char* what) {
  const std::string subject = std::string(what) + ": ";
  if (l.size == 0 || l.size > 32768 || (l.size & (l.size - 1)) != 0)
    throw UserError(subject + "queue size " + std::to_string(l.size) + " is not a power of two in 1..32768");
  for (const unsigned f : {feature::kPacked, feature::kInOrder})
    if (feature::has(l.features, f)) throw UserError(subject + feature::name(f) + " is not supported; use a split ring without it");
}

VirtQueueLayout place(GuestSpace& space, std::uint16_t size, std::uint64_t features) {
  VirtQueueLayout l;
  l.size = size;
  l.features = features;
  l.header_length = feature::header_length(features);
  check(l, "virtqueue");
  const auto part = [&space](Bytes bytes) {
    Bytes align = 64;
    while (align < bytes && align < kPage) align *= 2;
    const Gpa a = space.alloc(bytes, align);
    const std::vector<std::uint8_t> zero(bytes, 0);
    space.write(a, zero.data(), bytes);
    return a;
  };
  l.desc = part(desc_bytes(size));
  l.avail = part(avail_bytes(size));
  l.used = part(used_bytes(size));
  return l;
}

}  // namespace vring
}  // namespace gd
