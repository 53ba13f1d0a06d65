// The split virtqueue and the virtio-net header as they lie in memory, and the feature bits.
//
// Source: Virtual I/O Device (VIRTIO) 1.2, sections 2.7 (split virtqueues), 5.1 (network device), 6 (reserved bits).
// Not modelled: packed rings and in-order use (refused by check()), big-endian legacy guests.
#pragma once
#include <cstdint>

#include "models/base/units.h"
#include "models/ports/guest_port.h"

namespace gd {

// Feature bits, by number.
namespace feature {
constexpr unsigned kCsum = 0, kGuestCsum = 1, kMac = 5, kGuestTso4 = 7, kGuestTso6 = 8, kGuestEcn = 9, kGuestUfo = 10,
                   kHostTso4 = 11, kHostTso6 = 12, kMergeRxBuffers = 15, kNotifyOnEmpty = 24, kAnyLayout = 27,
                   kIndirect = 28, kEventIdx = 29, kVersion1 = 32, kAccessPlatform = 33, kPacked = 34, kInOrder = 35,
                   kGuestUso4 = 54, kGuestUso6 = 55, kHashReport = 57;
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
}  // namespace feature

// struct virtio_net_hdr; the first 10, 12 or 20 bytes are used, feature::header_length() says how many.
struct VirtioNetHdr {
  static constexpr std::uint8_t kNeedsCsum = 1, kDataValid = 2;               // flags
  static constexpr std::uint8_t kGsoNone = 0, kGsoTcpV4 = 1, kGsoUdp = 3, kGsoTcpV6 = 4, kGsoUdpL4 = 5, kGsoEcn = 0x80;
  static constexpr unsigned kNumBuffersAt = 10;                               // byte offset of num_buffers
  std::uint8_t flags = 0;
  std::uint8_t gso_type = kGsoNone;
  std::uint16_t hdr_len = 0;       // bytes of L2..L4 headers (a hint; exact with kSplitLayout)
  std::uint16_t gso_size = 0;      // payload bytes of each merged segment
  std::uint16_t csum_start = 0;    // where summing starts (kNeedsCsum)
  std::uint16_t csum_offset = 0;   // where the sum goes, from csum_start
  std::uint16_t num_buffers = 1;   // ring buffers of this packet; valid from header length 12 on
  std::uint32_t hash_value = 0;
  std::uint16_t hash_report = 0, padding = 0;
};
static_assert(sizeof(VirtioNetHdr) == 20);

namespace vring {

struct Desc {
  Gpa addr = 0;
  std::uint32_t len = 0;
  std::uint16_t flags = 0;
  std::uint16_t next = 0;
};
static_assert(sizeof(Desc) == 16);
constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;                 // Desc::flags

struct UsedElem {
  std::uint32_t id = 0;     // head of the used chain
  std::uint32_t len = 0;    // bytes written into it
};
static_assert(sizeof(UsedElem) == 8);

constexpr std::uint16_t kNoInterrupt = 1;   // avail flags: the driver wants no interrupt (ignored with EVENT_IDX)
constexpr std::uint16_t kNoNotify = 1;      // used flags: the device wants no kick (ignored with EVENT_IDX)

// Bytes of the three parts (with the event field) and addresses inside them. `slot` is a ring index modulo the size.
constexpr Bytes desc_bytes(unsigned size) { return 16ULL * size; }
constexpr Bytes avail_bytes(unsigned size) { return 6 + 2ULL * size; }
constexpr Bytes used_bytes(unsigned size) { return 6 + 8ULL * size; }
inline Gpa desc_at(const VirtQueueLayout& l, unsigned i) { return l.desc + 16ULL * i; }
inline Gpa avail_flags(const VirtQueueLayout& l) { return l.avail; }
inline Gpa avail_idx(const VirtQueueLayout& l) { return l.avail + 2; }
inline Gpa avail_slot(const VirtQueueLayout& l, unsigned slot) { return l.avail + 4 + 2ULL * slot; }
inline Gpa used_event(const VirtQueueLayout& l) { return l.avail + 4 + 2ULL * l.size; }
inline Gpa used_flags(const VirtQueueLayout& l) { return l.used; }
inline Gpa used_idx(const VirtQueueLayout& l) { return l.used + 2; }
inline Gpa used_slot(const VirtQueueLayout& l, unsigned slot) { return l.used + 4 + 8ULL * slot; }
inline Gpa avail_event(const VirtQueueLayout& l) { return l.used + 4 + 8ULL * l.size; }

// Whether index `event` was passed when the index moved from `old_idx` to `new_idx` (16-bit, free running): the other
// side asked to be told then (section 2.7.7.1).
constexpr bool need_event(std::uint16_t event, std::uint16_t new_idx, std::uint16_t old_idx) {
  return static_cast<std::uint16_t>(new_idx - event - 1) < static_cast<std::uint16_t>(new_idx - old_idx);
}

// Throws UserError, with `what` as the subject, for a size that is not a power of two in 1..32768 and for the features
// of packed rings and in-order use.
void check(const VirtQueueLayout& l, const char* what);
// Allocates the parts of a queue in the guest's memory, zeroed, each part within one backing page where it fits.
VirtQueueLayout place(GuestSpace& space, std::uint16_t size, std::uint64_t features);

}  // namespace vring
}  // namespace gd
