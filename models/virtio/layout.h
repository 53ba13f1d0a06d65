// Split and packed virtqueues and the virtio-net header as they lie in memory.
//
// Source: Virtual I/O Device (VIRTIO) 1.2, sections 2.7 (split virtqueues), 2.8 (packed virtqueues), 5.1 (network device).
// Not modelled: big-endian legacy guests, and notification data (NOTIFICATION_DATA is never offered).
#pragma once
#include <cstdint>

#include "models/base/units.h"
#include "models/ports/guest_port.h"
#include "models/virtio/features.h"

namespace gd {

// struct virtio_net_hdr; the first 10, 12 or 20 bytes are used, feature::header_length() says how many.
struct VirtioNetHdr {
  static constexpr std::uint8_t kNeedsCsum = 1, kDataValid = 2;               // flags
  static constexpr std::uint8_t kGsoNone = 0, kGsoTcpV4 = 1, kGsoUdp = 3, kGsoTcpV6 = 4, kGsoUdpL4 = 5, kGsoEcn = 0x80;
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

// Throws UserError, with `what` as the subject, for a size that the ring cannot have: a split one has a power of two in
// 1..32768 descriptors, a packed one any number of them.
void check(const VirtQueueLayout& l, const char* what);
// Allocates the parts of a queue in the guest's memory, zeroed, each part within one backing page where it fits.
VirtQueueLayout place(GuestSpace& space, std::uint16_t size, std::uint64_t features);
// Allocates the driver's indirect tables: one of `entries` descriptors for each place of the ring (16 * entries * size
// bytes). Nothing when INDIRECT_DESC was not negotiated or a table of one entry would be the longest. Throws UserError
// for more entries than the ring has, which no chain may have (section 2.7.5.3.1).
void place_tables(GuestSpace& space, VirtQueueLayout& l, unsigned entries);

}  // namespace vring

// The packed virtqueue: one ring of descriptors that both sides write, in VirtQueueLayout::desc, and two structures that
// suppress notifications: the driver's in VirtQueueLayout::avail, the device's in VirtQueueLayout::used.
namespace pvring {

struct Desc {
  Gpa addr = 0;
  std::uint32_t len = 0;
  std::uint16_t id = 0;      // of the buffer; in a list, of its last descriptor
  std::uint16_t flags = 0;   // kNext, kWrite, kIndirect as in vring, and the two marks
};
static_assert(sizeof(Desc) == 16);
constexpr std::uint16_t kAvail = 1 << 7, kUsed = 1 << 15;
constexpr unsigned kLenAt = 8, kFlagsAt = 14;                // byte offsets in a descriptor

// A place in the ring and the wrap counter that belongs to it.
struct Position {
  std::uint16_t at = 0;
  bool wrap = true;
  constexpr void advance(unsigned n, unsigned size) {        // n <= size
    const unsigned to = at + n;
    at = static_cast<std::uint16_t>(to >= size ? to - size : to);
    wrap ^= to >= size;
  }
  constexpr void retreat(unsigned n, unsigned size) {        // n <= size
    wrap ^= n > at;
    at = static_cast<std::uint16_t>(n > at ? at + size - n : at - n);
  }
};

// The marks of an available and of a used descriptor at a place with this wrap counter.
constexpr std::uint16_t avail_marks(bool wrap) { return wrap ? kAvail : kUsed; }
constexpr std::uint16_t used_marks(bool wrap) { return wrap ? kAvail | kUsed : 0; }
constexpr bool is_avail(std::uint16_t flags, bool wrap) { return (flags & (kAvail | kUsed)) == avail_marks(wrap); }
constexpr bool is_used(std::uint16_t flags, bool wrap) { return (flags & (kAvail | kUsed)) == used_marks(wrap); }

// Event suppression; `flags` has two bits.
struct Event {
  std::uint16_t off_wrap = 0;   // kEventDesc: bits 14:0 the place, bit 15 the wrap counter
  std::uint16_t flags = 0;
};
static_assert(sizeof(Event) == 4);
constexpr std::uint16_t kEventEnable = 0, kEventDisable = 1, kEventDesc = 2, kEventMask = 3;
constexpr std::uint16_t off_wrap(Position p) { return static_cast<std::uint16_t>(p.at | (p.wrap ? 1u << 15 : 0)); }

constexpr Bytes desc_bytes(unsigned size) { return 16ULL * size; }
constexpr Bytes event_bytes = 4;
inline Gpa desc_at(const VirtQueueLayout& l, unsigned at) { return l.desc + 16ULL * at; }
inline Gpa driver_event(const VirtQueueLayout& l) { return l.avail; }
inline Gpa device_event(const VirtQueueLayout& l) { return l.used; }

// Whether the descriptor that `off_wrap` names is among the last `moved` ones, up to but without `now`: then the other
// side asked to be told. More than a whole turn: always.
constexpr bool need_event(std::uint16_t off_wrap, Position now, unsigned moved, unsigned size) {
  const int behind = static_cast<int>(now.at) - (off_wrap & 0x7fff) + ((off_wrap >> 15 != 0) == now.wrap ? 0 : static_cast<int>(size));
  return moved > size || (behind > 0 && behind <= static_cast<int>(moved));
}
// The same question with all that an Event can say. Without EVENT_IDX a place is not valid and counts as "enabled".
constexpr bool wanted(Event e, bool event_idx, Position now, unsigned moved, unsigned size) {
  const unsigned f = e.flags & kEventMask;
  return f == kEventDesc && event_idx ? need_event(e.off_wrap, now, moved, size) : f != kEventDisable;
}

}  // namespace pvring

// `len` of a used entry with the extension used_offset: bits 15:0 the length, 31:16 where its first byte (for a packet's
// first buffer: of the virtio-net header) lies from the start of the posted buffer. Only for buffers below 64 KiB.
namespace used_len {
constexpr std::uint32_t encode(std::uint32_t length, std::uint32_t offset) { return (offset & 0xffff) << 16 | (length & 0xffff); }
constexpr std::uint32_t length(std::uint32_t len) { return len & 0xffff; }
constexpr std::uint32_t offset(std::uint32_t len) { return len >> 16; }
}  // namespace used_len

}  // namespace gd
