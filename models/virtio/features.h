// Feature bits of a virtio network device, and what a driver and a device agree on.
//
// Source: Virtual I/O Device (VIRTIO) 1.2, sections 2.2 (feature bits), 5.1.3 and 5.1.3.1 (network device: bits and what
// each requires), 6 (reserved feature bits). Not modelled: the control queue and what hangs on it (CTRL_*, MQ, RSS), and
// a device that refuses FEATURES_OK.
#pragma once
#include <cstdint>

namespace gd::feature {

constexpr unsigned kCsum = 0, kGuestCsum = 1, kMac = 5, kGuestTso4 = 7, kGuestTso6 = 8, kGuestEcn = 9, kGuestUfo = 10,
                   kHostTso4 = 11, kHostTso6 = 12, kHostEcn = 13, kHostUfo = 14, kMergeRxBuffers = 15,
                   kNotifyOnEmpty = 24, kAnyLayout = 27, kIndirect = 28, kEventIdx = 29, kVersion1 = 32,
                   kAccessPlatform = 33, kPacked = 34, kInOrder = 35, kGuestUso4 = 54, kGuestUso6 = 55, kHostUso = 56,
                   kHashReport = 57;
// Extensions of this simulator, in no specification; numbers from the range reserved for extensions.
// kUsedOffset: `len` of a used entry carries the length in bits 15:0 and the data's offset in the buffer in 31:16.
// kSplitLayout: hdr_len of the virtio-net header tells how many packet bytes lie in a chain's first descriptor.
constexpr unsigned kUsedOffset = 48, kSplitLayout = 49;

constexpr std::uint64_t bit(unsigned number) { return 1ULL << number; }
constexpr bool has(std::uint64_t features, unsigned number) { return features >> number & 1; }
// The host may hand over merged (GSO) frames.
constexpr bool guest_gso(std::uint64_t f) {
  return has(f, kGuestTso4) || has(f, kGuestTso6) || has(f, kGuestEcn) || has(f, kGuestUfo) ||
         (has(f, kGuestUso4) && has(f, kGuestUso6));
}
// "MRG_RXBUF" and so on; nullptr for a bit without a name here.
const char* name(unsigned number);
// Bytes of the virtio-net header that these features give: 20 with hash reports, 12 with mergeable buffers or
// VERSION_1, else 10.
constexpr unsigned header_length(std::uint64_t f) {
  return has(f, kHashReport) ? 20 : has(f, kMergeRxBuffers) || has(f, kVersion1) ? 12 : 10;
}

// What is in force between a driver that wants `wanted` and a device that offers `offered`: the bits of both, without
// those whose requirement is not in force. A driver may leave out what it likes, so the result is what a driver that
// keeps the rules accepts; it never fails. Required:
//   CSUM for HOST_TSO4, HOST_TSO6, HOST_UFO, HOST_USO; HOST_TSO4 or HOST_TSO6 for HOST_ECN
//   GUEST_CSUM for GUEST_TSO4, GUEST_TSO6, GUEST_UFO, GUEST_USO4, GUEST_USO6; GUEST_TSO4 or GUEST_TSO6 for GUEST_ECN
//   VERSION_1 for RING_PACKED, IN_ORDER, ACCESS_PLATFORM, HASH_REPORT (which no legacy device has)
//   MRG_RXBUF for used_offset
//   no VERSION_1 for NOTIFY_ON_EMPTY and ANY_LAYOUT (bits of legacy devices only)
std::uint64_t negotiate(std::uint64_t offered, std::uint64_t wanted);

}  // namespace gd::feature
