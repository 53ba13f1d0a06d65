#include "models/virtio/features.h"

namespace gd::feature {

const char* name(unsigned number) {
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
    case kHostEcn: return "HOST_ECN";
    case kHostUfo: return "HOST_UFO";
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
    case kHostUso: return "HOST_USO";
    case kHashReport: return "HASH_REPORT";
    case kUsedOffset: return "used_offset";
    case kSplitLayout: return "split_layout";
    default: return nullptr;
  }
}

std::uint64_t negotiate(std::uint64_t offered, std::uint64_t wanted) {
  struct Rule {
    unsigned number;
    std::uint64_t one_of, none_of;   // of these at least one must be in force, unless empty; of those none may be
  };
  constexpr std::uint64_t host_tso = bit(kHostTso4) | bit(kHostTso6), guest_tso = bit(kGuestTso4) | bit(kGuestTso6);
  static constexpr Rule kRules[] = {
      {kHostTso4, bit(kCsum), 0},           {kHostTso6, bit(kCsum), 0},        {kHostUfo, bit(kCsum), 0},
      {kHostUso, bit(kCsum), 0},            {kHostEcn, host_tso, 0},           {kGuestTso4, bit(kGuestCsum), 0},
      {kGuestTso6, bit(kGuestCsum), 0},     {kGuestUfo, bit(kGuestCsum), 0},   {kGuestUso4, bit(kGuestCsum), 0},
      {kGuestUso6, bit(kGuestCsum), 0},     {kGuestEcn, guest_tso, 0},         {kPacked, bit(kVersion1), 0},
      {kInOrder, bit(kVersion1), 0},        {kAccessPlatform, bit(kVersion1), 0}, {kHashReport, bit(kVersion1), 0},
      {kUsedOffset, bit(kMergeRxBuffers), 0}, {kNotifyOnEmpty, 0, bit(kVersion1)}, {kAnyLayout, 0, bit(kVersion1)},
  };
  std::uint64_t f = offered & wanted;
  for (std::uint64_t before = ~f; before != f;) {   // what is taken away may take more away
    before = f;
    for (const Rule& r : kRules)
      if ((r.one_of != 0 && !(f & r.one_of)) || f & r.none_of) f &= ~bit(r.number);
  }
  return f;
}

}  // namespace gd::feature
