// A network card: receive with RSS, header split and scatter, transmit, and virtio queues in hardware.
//
// Modelled: a receive FIFO with a byte budget, parsing and checksums over the real bytes, steering and RSS, per-queue
// descriptor prefetch, header split, DMA with a limit on what is in flight, write-back to the descriptor or to a completion
// queue (batched or not, compressed or not), interrupt moderation with auto-mask, PAUSE frames, transmit rings, and the device
// side of split virtqueues done by DMA.
// Layouts and rules: Intel 82599 (descriptors, SRRCTL, EITR), 82575 manual table 33 (header split), 82598 data sheet
// (fragments split after L3, headers above 1 KiB never), i40e (write-back per cache line), mlx5 (completion queue), virtio 1.2
// section 2.7.
// Not modelled: RSC/LRO, flow director, PFC, internal bus contention between engines, TSO and indirect
// virtio-net control queues; a frame that needs several descriptors starts when all are cached.
#pragma once
#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/plant.h"
#include "models/memory/ownership.h"
#include "models/memory/phys.h"
#include "models/nic/cut.h"
#include "models/ports/dma.h"
#include "models/ports/nic_port.h"
#include "models/ports/ports.h"
#include "models/ports/target_socket.h"

namespace gd {

// What the moderation's delay runs from: the vector's last interrupt (EITR; mlx5's cq_period_mode 0), the first completion not
// yet reported (rx-usecs of cards with a packet timer), or the last one, so that the delay begins again with each (cq_period_mode 1).
enum class ModerationFrom : std::uint8_t { last_interrupt, first_completion, last_completion };

struct NicParams {
  std::uint32_t rx_queues = 1, tx_queues = 1;     // 1..512 each; a queue is a descriptor ring or a virtqueue
  std::uint32_t vectors = 2048;                   // vector numbers that queues may name, 1..4096 (MSI-X: at most 2048)
  Bytes fifo = 512 * 1024;                        // receive packet buffer; 82599: 512 KiB
  Bytes tx_fifo = 160 * 1024;                     // transmit packet buffer; 82599: 160 KiB
  Bytes mtu = 1500;                               // longer frames (plus Ethernet header and in-band tags) are dropped
  Time rx_latency = 300 * kNs;                    // parser, filters, queueing logic: added behind a frame's DMA (recalled)
  Time tx_latency = 300 * kNs;                    // last byte read to the transmit FIFO's exit (recalled)
  bool checksum_offload = true;                   // verify L3 and L4 sums and report what was found
  bool drop_bad_checksum = false;                 // a frame whose sum is wrong is dropped instead of being handed up
  bool rss = true;                                // Toeplitz hash: chooses among a rule's queues, and stands in the descriptor
  bool flow_filters = false;                      // exact-match filters spread flows over a rule's queues in turn; needs rss
  bool rss_udp = false;                           // hash UDP ports too; off as in the 82599's Linux driver
  bool replicate = false;                         // broadcast and multicast go to every rule's first queue (82599: PFVTCTL.RPE), else to one
  bool scatter = true;                            // frames larger than a packet buffer take several descriptors
  bool drop_when_no_descriptor = false;           // SRRCTL.DROP_EN: drop at once instead of waiting in the FIFO
  std::uint32_t descriptor_cache = 64;            // descriptors a receive queue holds on chip
  std::uint32_t prefetch_threshold = 32;          // PTHRESH: fetch ahead when fewer are cached (ixgbe: half the cache); 0: only on demand
  std::uint32_t prefetch_host = 8;                // HTHRESH: ... and at least so many lie in the ring (ixgbe poll-mode driver; ignored at 0 cached)
  std::uint32_t fetch_batch = 16;                 // descriptors of one read, at most (derived: four cache lines)
  std::uint32_t tx_fetch_batch = 40;              // 82599 transmit fetch (pcie-bench's niantic model)
  std::uint32_t max_outstanding_writes = 64;      // write transactions in flight (posted header credits)
  Bytes max_outstanding_bytes = 32 * 1024;        // bytes of frames in flight to memory (posted data credits)
  std::uint32_t max_outstanding_reads = 16;       // transmit data reads in flight (tags)
  std::uint32_t writeback_batch = 1;              // descriptors of one write-back, at most half a ring; 4 = a cache line (i40e)
  Time writeback_timeout = 2 * kUs;               // longest wait of a finished descriptor for its batch
  Time moderation_delay = 50 * kUs;               // EITR: least time between two interrupts of a vector; 0: none
  ModerationFrom moderation_from = ModerationFrom::last_interrupt;
  std::uint32_t moderation_frames = 0;            // fire earlier when so many completions wait; 0: off
  Time moderation_command = 50 * kUs;             // from a write of reg::moderation until it is in force (assumption)
  // PAUSE frames (IEEE 802.3 Annex 31B): sent when the receive FIFO holds more than `pause_high` bytes, taken back at
  // `pause_low`; 0: none.
  Bytes pause_high = 0, pause_low = 0;
  std::uint16_t pause_quanta = 0xffff;            // times of 512 bits asked for; renewed at half of it, one frame at a time (ixgbe: FCTTV 0xFFFF)
  std::uint64_t link_rate = 10'000'000'000;       // bit/s, of which a quantum is 512 bits
  std::uint32_t virtio_chain_cache = 64;          // descriptor chains a virtqueue holds on chip
  std::uint32_t virtio_fetch_batch = 32;          // avail entries of one read, at most
  // Faults by share, in parts per million (models/nic/faults.h).
  std::uint32_t lost_data_writes = 0, lost_writebacks = 0, lost_interrupts = 0;
  Bytes write_tlp = 256;                          // most bytes of a write TLP, which is what is lost
  std::uint64_t fault_seed = 1;
  // Erratum: header split stores an IP fragment's payload kMisplaced bytes too far into its packet buffer.
  bool misplaced_fragments = false;
  static constexpr std::uint32_t kMisplaced = 8;  // length of the UDP header that the card takes the payload's begin for
  bool faulty() const { return lost_data_writes + lost_writebacks + lost_interrupts != 0; }
};

struct NicStats {
  std::uint64_t frames = 0, bytes = 0;            // received from the wire, before any drop (bytes without FCS)
  std::uint64_t drops[static_cast<int>(Drop::count_)] = {};
  std::uint64_t split = 0;                        // header in the header buffer, payload in the packet buffer
  std::uint64_t unsplit = 0;                      // whole frame in the packet buffer though split was on
  std::uint64_t header_overflow = 0;              // HBO: header longer than the header buffer
  std::uint64_t whole_in_header = 0;              // always mode: whole frame in the header buffer
  std::uint64_t forced_split = 0;                 // always mode: cut at the header buffer's size, inside headers or payload
  std::uint64_t fragments = 0;                    // IP fragments among the split ones
  std::uint64_t pure_acks = 0;                    // frames without payload whose descriptor has PKT_LEN 0
  std::uint64_t multi_descriptor = 0;             // frames that took several descriptors
  std::uint64_t bad_checksums = 0;                // reported to the driver, or dropped
  std::uint64_t descriptors_fetched = 0, fetch_reads = 0;   // of receive rings and virtqueues; reads of several descriptors count once
  std::uint64_t writebacks = 0;                   // write-back transactions (virtio: used-index updates)
  Bytes writeback_bytes = 0;                      // of receive rings
  std::uint64_t compressed = 0;                   // completions that went as mini-completions
  std::uint64_t interrupts = 0, doorbells = 0;
  std::uint64_t moderation_changes = 0;           // commands of reg::moderation in force
  std::uint64_t suppression_reads = 0;            // virtio: reads of the guest's interrupt suppression
  std::uint64_t bad_doorbells = 0;                // values outside the ring, unknown registers
  std::uint64_t ring_faults = 0;                  // DMA faults on rings
  std::uint64_t guest_faults = 0;                 // virtio: malformed rings or chains, buffers that are not posted
  std::uint64_t tx_frames = 0, tx_bytes = 0, tx_errors = 0;
  Bytes fifo_peak = 0;
  std::uint64_t cuts[static_cast<int>(Cut::count_)] = {};   // of frames of queues with header split
  Bytes unsplit_header_bytes = 0, unsplit_packet_bytes = 0; // of those not cut behind TCP or UDP: bytes in either buffer
  std::uint64_t lost_data_writes = 0, lost_writebacks = 0, lost_interrupts = 0;   // by fault
  std::uint64_t misplaced = 0;                    // fragments whose payload went to the wrong place
  std::uint64_t pauses = 0, resumes = 0;          // PAUSE frames sent: to stop (renewals included), to go on
};

// How a frame passes the receive path.
//
// 1 FIFO        frame_arrived() puts the frame into the byte budget `fifo`; full: dropped.
// 2 parse       headers, L3/L4 sums over the real bytes.
// 3 steer       (MAC, VLAN) rules choose a range of queues, RSS one of them. With `replicate` a broadcast or multicast goes to those of
//               every other rule of its VLAN as well, each replica with its own place in the FIFO.
// 4 descriptor  each queue keeps its own line of waiting frames, so that a queue without descriptors blocks no other;
//               descriptors are prefetched in batches (PTHRESH, HTHRESH), never past the tail.
// 5 split, DMA  header, payload and write-back are issued in this order as posted writes, when fewer than
//               max_outstanding_* are in flight; further frames stay in the FIFO. Payload bytes move at issue.
// 6 write-back  the descriptor's bytes are stored when its write completes, never before the payload's completion;
//               within a queue in ring order. FIFO bytes come back at that time (with write-back batches: at the
//               payload's completion).
// 7 interrupt   after the write-back is visible: at once when armed and moderation_delay has passed since the vector's last
//               one; firing disarms (auto-mask) until irq_enable or rx_arm is written. The message is a posted write behind the data.
//
// Ordered: frames of one queue; payload before write-back before interrupt. Not ordered: frames of different queues;
// waiting queues are served round robin, a frame at a time.
// Capacity: FIFO bytes; descriptor_cache descriptors per queue; max_outstanding_writes and _bytes on the bus; vectors.
// Under load one activation a frame: arrival is a function call, DMA is issued in it, the write-back's completion is the event.
//
// Virtqueues replace 4 to 7: avail index, avail entries and descriptors are read in batches into a cache of chains;
// header and frame fill one chain, or (mergeable) as many buffers as their bytes need; used entries, then the used
// index become visible in order; the guest's suppression (flags or used_event) is read once per burst before a message.
class Nic : public sc_core::sc_module, public Actor, public FrameSink, public NicControl {
  void mmio(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay);

 public:
  // `plan` and `observer` may be null. `index` numbers the cards of a run (rank, requester id). The actor's rank is
  // rank::kNic + index. Throws UserError for parameters out of range.
  Nic(sc_core::sc_module_name name, Agenda& agenda, const NicParams& params, PhysMem& memory, Ownership& ownership,
      FrameTable& frames, FaultPlan* plan = nullptr, Observer* observer = nullptr, std::uint16_t index = 0);
  ~Nic() override;

  tlm_utils::simple_initiator_socket<Nic> bus;      // DMA and MSI-X; bind to Pcie::from_device
  TargetSocket<&Nic::mmio> registers;   // 4-byte writes at the offsets of gd::reg; bound by Pcie::to_device

  // Where transmitted frames go. Without one they are discarded after the DMA (counted in tx_frames).
  void connect(TxWire* wire);
  // Who ends the frames of give_frame(); needed where a driver gives any.
  void connect(DepartureSink* departures);
  // Observer::level ids: bytes in the FIFO, and descriptors (or cached chains) available to each receive queue, in queue order.
  void set_levels(std::uint32_t fifo_id, const std::vector<std::uint32_t>& ring_ids);

  // FrameSink. The frame's bytes are read here and, where it must wait, until its DMA is issued.
  void frame_arrived(FrameRef frame, Time now) override;

  // NicControl; see models/ports/nic_port.h. Rings are aligned to 128 bytes. A write of virtio_notify(q) tells both virtqueues of index q.
  std::uint32_t rx_queues() const override { return params_.rx_queues; }
  void configure_rx(std::uint32_t queue, const RxQueueConfig& c) override;
  void configure_tx(std::uint32_t queue, const TxQueueConfig& c) override;
  void configure_virtio_rx(std::uint32_t queue, const VirtioQueueConfig& c) override;
  void configure_virtio_tx(std::uint32_t queue, const VirtioQueueConfig& c) override;
  void steer(std::uint64_t mac, std::uint16_t vlan, std::uint32_t first, std::uint32_t count) override;
  // kNoFrame for a slot whose write-back is not visible, holds no frame (an error, or not the frame's last descriptor),
  // or was taken before.
  FrameRef take_frame(std::uint32_t queue, std::uint32_t slot) override;
  std::uint32_t rx_head(std::uint32_t queue) const override;
  bool rx_drained(std::uint32_t queue) const override;

  void give_frame(std::uint32_t queue, std::uint32_t slot, FrameRef frame) override;

  // Frames inside the card: in the FIFO, in flight, written back and not yet taken, or given for transmission and not sent.
  std::uint64_t held() const;
  // Descriptors that the card has done with and the driver has not taken: written back, or their report lost.
  std::uint64_t untaken() const;
  // Frames in the FIFO for a receive queue whose DMA has not begun.
  std::uint32_t waiting(std::uint32_t queue) const;
  // Bytes now in the FIFO.
  Bytes fifo_level() const;
  // Descriptors posted to a receive ring and not yet used by a frame (virtqueue: cached chains).
  std::uint32_t available(std::uint32_t queue) const;
  const NicStats& stats() const;
  const NicParams& params() const { return params_; }

  void act(Time now) override;

 private:
  struct Impl;
  NicParams params_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gd
