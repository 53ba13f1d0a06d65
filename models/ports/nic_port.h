// What a NIC offers to the software that drives it: descriptor layouts, registers, configuration, and (for the
// simulator's books only) which wire frames a written-back descriptor holds.
//
// Layouts follow the advanced receive descriptors of Intel's 82599 (data sheet section 7.1.6): 16 bytes, little endian.
//   read format       qword 0 packet buffer address, qword 1 header buffer address (bit 0 = 0)
//   write-back format qword 0 bits 3:0 RSS type, 16:4 packet type, 30:21 HDR_LEN, 31 SPH, 63:32 RSS hash
//                     qword 1 bits 19:0 status (0 DD, 1 EOP, 3 VP, 5 L4CS, 6 IPCS), 31:20 error (bit 31 IPE, 30 L4E, 23 HBO),
//                     47:32 PKT_LEN, 63:48 VLAN tag
#pragma once
#include <array>
#include <cstdint>

#include "models/base/units.h"
#include "models/ports/frame.h"
#include "models/ports/guest_port.h"
#include "models/ports/ports.h"

namespace gd {

enum class SplitMode : std::uint8_t { off, split, always };

struct RxWriteback {            // decoded write-back descriptor
  std::uint32_t rss_hash = 0;
  std::uint8_t rss_type = 0;         // what the hash was computed over: kRss...
  std::uint16_t header_length = 0;   // HDR_LEN: parsed header length, also where the frame was not split (HBO)
  std::uint16_t packet_length = 0;   // PKT_LEN: bytes in the packet buffer
  std::uint16_t vlan = 0;
  bool done = false, end_of_packet = false, vlan_present = false;
  bool split = false;                // SPH: header is in the header buffer (or HBO set: it did not fit)
  bool header_overflow = false;      // HBO
  bool l4_checked = false, ip_checked = false, l4_error = false, ip_error = false;
};

struct RxDescriptor {
  static constexpr Bytes kSize = 16;
  // RSS types.
  static constexpr std::uint8_t kRssNone = 0, kRssTcp4 = 1, kRssIp4 = 2, kRssTcp6 = 3, kRssIp6 = 5, kRssUdp4 = 7, kRssUdp6 = 8;
  static std::array<std::uint64_t, 2> read_format(Iova packet, Iova header) { return {packet, header}; }
  static std::array<std::uint64_t, 2> encode(const RxWriteback& w) {
    std::uint64_t a = static_cast<std::uint64_t>(w.rss_hash) << 32 | static_cast<std::uint64_t>(w.header_length & 0x3ff) << 21 |
                      (w.rss_type & 0xfu);
    if (w.split) a |= 1ULL << 31;
    std::uint64_t b = static_cast<std::uint64_t>(w.packet_length) << 32 | static_cast<std::uint64_t>(w.vlan) << 48;
    if (w.done) b |= 1u << 0;
    if (w.end_of_packet) b |= 1u << 1;
    if (w.vlan_present) b |= 1u << 3;
    if (w.l4_checked) b |= 1u << 5;
    if (w.ip_checked) b |= 1u << 6;
    if (w.header_overflow) b |= 1u << 23;
    if (w.l4_error) b |= 1u << 30;
    if (w.ip_error) b |= 1u << 31;
    return {a, b};
  }
  static RxWriteback decode(std::uint64_t a, std::uint64_t b) {
    RxWriteback w;
    w.rss_hash = static_cast<std::uint32_t>(a >> 32);
    w.rss_type = static_cast<std::uint8_t>(a & 0xf);
    w.header_length = static_cast<std::uint16_t>(a >> 21 & 0x3ff);
    w.split = a >> 31 & 1;
    w.done = b & 1;
    w.end_of_packet = b >> 1 & 1;
    w.vlan_present = b >> 3 & 1;
    w.l4_checked = b >> 5 & 1;
    w.ip_checked = b >> 6 & 1;
    w.header_overflow = b >> 23 & 1;
    w.l4_error = b >> 30 & 1;
    w.ip_error = b >> 31 & 1;
    w.packet_length = static_cast<std::uint16_t>(b >> 32);
    w.vlan = static_cast<std::uint16_t>(b >> 48);
    return w;
  }
};

// Transmit descriptor, 16 bytes: qword 0 buffer address; qword 1 bits 15:0 length, bit 24 EOP, bit 27 RS (report status);
// write-back: bit 32 DD in qword 1.
struct TxDescriptor {
  static constexpr Bytes kSize = 16;
  static constexpr std::uint64_t kEop = 1ULL << 24, kReport = 1ULL << 27, kDone = 1ULL << 32;
};

// A queue's registers (SRRCTL and friends), set before traffic.
struct RxQueueConfig {
  Iova ring = 0;                 // base of the descriptor ring
  std::uint32_t size = 512;      // descriptors, a multiple of 8
  Bytes packet_buffer = 2048;    // BSIZEPACKET: the NIC writes at most this much into one packet buffer
  Bytes header_buffer = 0;       // BSIZEHEADER, a multiple of 64 up to 1024; 0 when split is off
  SplitMode split = SplitMode::off;
  Bytes split_threshold = 0;     // frames not longer than this stay unsplit in the packet buffer
  // A completion queue of `size` entries (models/ports/completion.h) at this address; 0: write-backs replace descriptors.
  Iova completions = 0;
  Bytes completion_size = 64;    // of an entry: 64 or 128
  bool compress = false;         // completions of one write may be compressed; needs entries of 64 bytes
  std::uint32_t vector = 0;      // MSI-X vector; UINT32_MAX: none
  RingWatcher* watcher = nullptr;
  bool strip_vlan = true;
  bool drop_when_empty = false;  // SRRCTL.DROP_EN: a frame that finds no descriptor is dropped, and does not wait in the FIFO
  std::uint16_t domain = 0;
  // Moderation of the vector in place of the card's own, as reg::moderation; 0: the card's.
  std::uint32_t moderation = 0;
};

struct TxQueueConfig {
  Iova ring = 0;
  std::uint32_t size = 512;
  std::uint32_t vector = 0;      // raised on reported completions, moderated as receive is; UINT32_MAX: none
  std::uint16_t domain = 0;
};

// A virtio receive or transmit queue in hardware (passthrough, vDPA): the guest's own split ring, at bus addresses.
struct VirtioQueueConfig {
  VirtQueueLayout layout;        // guest-physical addresses; bus address = guest-physical + iova_base (static guest domain)
  Iova iova_base = 0;
  std::uint32_t vector = 0;      // the guest's interrupt
  std::uint16_t domain = 0;
  // For the books only: where the guest's memory lies, so that the buffers of a used chain that no DMA touched change hands
  // with it. Null: guest-physical addresses are host addresses.
  const GuestSpace* space = nullptr;
  bool drop_when_empty = false;  // receive: a frame that finds no chain is dropped, and does not wait in the FIFO
};

// MMIO offsets; writes of 4 bytes by Pcie::from_cpu.
namespace reg {
constexpr std::uint64_t kRxTail = 0x01000, kTxTail = 0x02000, kIrqEnable = 0x03000, kVirtioNotify = 0x04000, kIrqCause = 0x05000,
    kRxEnable = 0x06000, kRxArm = 0x07000, kModeration = 0x08000, kStride = 8;
constexpr std::uint64_t rx_tail(std::uint32_t q) { return kRxTail + q * kStride; }       // value: new tail index
constexpr std::uint64_t tx_tail(std::uint32_t q) { return kTxTail + q * kStride; }
constexpr std::uint64_t irq_enable(std::uint32_t q) { return kIrqEnable + q * kStride; } // value 1: re-arm the queue's vector
// Re-arms the queue's vector; value: completions that the driver has taken of the queue so far (modulo 2^32). Later ones alone
// raise the interrupt, where irq_enable lets all do that came since the last one (doorbell of an mlx5 completion queue).
constexpr std::uint64_t rx_arm(std::uint32_t q) { return kRxArm + q * kStride; }
// A command to the card's firmware: moderation of the receive queue's vector, us << 16 | frames.
constexpr std::uint64_t moderation(std::uint32_t q) { return kModeration + q * kStride; }
constexpr std::uint64_t irq_cause(std::uint32_t q) { return kIrqCause + q * kStride; }   // value 1: raise the receive vector, masked or not (EICS)
constexpr std::uint64_t rx_enable(std::uint32_t q) { return kRxEnable + q * kStride; }   // RXDCTL.ENABLE; 0: stop, 1: begin with an empty ring. A virtqueue: queue_reset (1 once it is drained)
constexpr std::uint64_t virtio_notify(std::uint32_t q) { return kVirtioNotify + q * kStride; }  // value: avail index (a hint)
}  // namespace reg

// Configuration by the host's driver before traffic (untimed), and the simulator's books.
struct NicControl {
  virtual ~NicControl() = default;
  virtual std::uint32_t rx_queues() const = 0;
  virtual void configure_rx(std::uint32_t queue, const RxQueueConfig& c) = 0;
  virtual void configure_tx(std::uint32_t queue, const TxQueueConfig& c) = 0;
  virtual void configure_virtio_rx(std::uint32_t queue, const VirtioQueueConfig& c) = 0;
  virtual void configure_virtio_tx(std::uint32_t queue, const VirtioQueueConfig& c) = 0;
  // Frames to `mac` (48 bits in the low bytes, 0 = any) with VLAN id `vlan` (0 = any or none) go to queues
  // [first, first + count) by RSS; first match by most specific rule: mac and vlan, mac, vlan, any. Broadcast and
  // multicast follow the same rules (vlan, then any). A frame that no rule claims is dropped as filtered.
  virtual void steer(std::uint64_t mac, std::uint16_t vlan, std::uint32_t first, std::uint32_t count) = 0;
  // The wire frame whose write-back lies in slot `slot`; asked once by the driver after it saw DD.
  virtual FrameRef take_frame(std::uint32_t queue, std::uint32_t slot) = 0;
  // The queue's head register: slot of the first descriptor that the card has not reported (has not tried to).
  virtual std::uint32_t rx_head(std::uint32_t queue) const = 0;
  // RXDCTL.ENABLE of a queue that was stopped reads 0: all that it had under way is in memory, reports included. From its stop
  // (virtqueues: its reset) until it is begun again the card drops the queue's frames; descriptors that it had fetched are forgotten.
  virtual bool rx_drained(std::uint32_t queue) const = 0;
  // The wire frame whose bytes the transmit descriptor in `slot` (the frame's last one) names; told before its doorbell by a
  // driver that forwards. The card holds the frame until the DepartureSink has it.
  virtual void give_frame(std::uint32_t queue, std::uint32_t slot, FrameRef frame) = 0;
};

}  // namespace gd
