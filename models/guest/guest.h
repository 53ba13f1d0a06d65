// A guest: virtio-net driver, protocol stack and application on its own vCPUs, and the checker that compares every byte
// that the application got with an independent source.
//
// The receive path of a packet:
//   interrupt (vector 0) -> softirq task: NAPI poll, budget 64: used entry -> buffers of one packet -> skb as the
//   driver builds it -> GRO -> IP, checksum where needed, TCP or UDP -> socket queue -> application task: copy in read-size
//   pieces -> buffers back to the pool -> refill by the driver's threshold -> kick if the device wants one.
// Used entries of one packet are consecutive and published together. A step publishes indices at its end; whether the
// other side wants to be told is decided in a later step.
//
// Modelled: drivers/net/virtio_net.c of Linux 2.6.35 and about 6.3 (buffer layouts, refill thresholds, header copies,
// callback suppression), guest GRO (models/guest/gro.h), real bytes in guest memory, software checksums over the bytes, truesize accounting, delayed
// ACKs of a TCP receiver, a VXLAN device. Not modelled: TCP options, IP reassembly, GRO inside a tunnel, several queues, XDP.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/costs.h"
#include "models/base/plant.h"
#include "models/base/histogram.h"
#include "models/cpu/core.h"
#include "models/guest/behaviour_params.h"
#include "models/memory/ownership.h"
#include "models/memory/phys.h"
#include "models/packet/gro.h"
#include "models/ports/frame.h"
#include "models/ports/guest_port.h"
#include "models/ports/ports.h"

namespace gd {

enum class GuestRxMode : std::uint8_t { small, big, mergeable };
enum class GuestDriverRules : std::uint8_t { linux_2_6_35, linux_6 };

struct GuestParams {
  std::uint32_t index = 0;
  std::string name = "g0";
  std::uint64_t mac = 0;                   // 48 bits in the low bytes; for the record, the guest takes what it is given
  std::uint32_t mtu = 1500;                // bytes; big mode without GSO and mergeable sizing depend on it

  struct Virtio {
    std::uint16_t queue_size = 256;        // receive ring, a power of two
    std::uint16_t tx_queue_size = 256;
    GuestRxMode rx_mode = GuestRxMode::mergeable;
    GuestDriverRules driver = GuestDriverRules::linux_6;
    bool event_idx = true;                 // never used by linux_2_6_35 (it came with 3.0)
    bool checksum = true;                  // wants GUEST_CSUM
    bool tso4 = true, tso6 = true;         // wants merged frames: GUEST_TSO4, GUEST_TSO6, with either GUEST_ECN; need checksum, not in small mode
    bool version_1 = true;                 // wants VERSION_1; never linux_2_6_35 (it came with 4.0)
    bool hash_report = false;              // wants HASH_REPORT; never linux_2_6_35 (it came with 5.18)
    bool indirect = false;                 // wants INDIRECT_DESC: a buffer of several descriptors takes one ring entry and a table
    bool packed = false, in_order = false; // wants RING_PACKED, IN_ORDER; never linux_2_6_35
    // linux_2_6_35: NET_IP_ALIGN of its architecture, bytes: 2 leaves page_to_skb() 190 linear bytes, 0 the 128 that it asks for.
    unsigned ip_align = 2;
    std::uint64_t wanted = 0;              // further bits that the driver takes when offered (used_offset, split_layout)
    std::uint64_t offered = ~0ULL;         // what the device offers; negotiated = wanted by the driver AND offered
    Bytes mergeable_buffer = 0;            // linux_6: bytes of a mergeable buffer; 0: by the running average of lengths
  } virtio;
  GuestRxLayout layout;                    // asked for by the strategy at bind

  unsigned napi_budget = 0;                // packets a poll; 0: 64 (linux_6) or 128 (2.6.35)
  Bytes frag_region = 32 * 1024;           // linux_6: page-frag region; for mergeable buffers at most one backing page
  bool kick_exits = true;                  // a kick is a VM exit (ioeventfd); false: a device doorbell, no exit
  // The device of the host has MSI-X: a vector for each queue. False: one interrupt line (virtio-pci's INTx), and each interrupt
  // reads the ISR port, an exit to user space. A device ring (kick_exits false) has MSI-X always.
  bool msix = true;
  // Interrupts reach a running vCPU without an exit and are ended by it without one (APICv, PI). False: an exit to inject
  // unless the vCPU was halted, and one for the write to the local APIC's EOI register.
  bool posted_interrupts = true;
  Time kick_latency = 1 * kUs;             // from the kick to its effect in the host (ioeventfd and wake-up path)
  bool tunnel = false;                     // a VXLAN device ends the tunnel of models/packet/vxlan.h
  Time refill_retry = 500 * kMs;           // HZ/2: after the guest ran out of memory with an empty ring

  struct App {
    Bytes read_size = 64 * 1024;           // bytes of the application's buffer and of one read()
    Bytes socket_buffer = 4 * 1024 * 1024; // truesize limit of the socket queue (closed TCP: of each connection)
    bool listens = true;                   // false: UDP datagrams find no socket and end in the stack
    Bytes copy_chunk = 4096;               // a copy is cut into pieces of this many bytes between looks at the clock
  } app;

  struct Gro {
    bool enabled = true;                   // never with the driver of 2.6.35
    GroRules rules = GroRules::linux_6;
  } gro;

  struct Tcp {
    bool closed = false;                   // a real receiver that sends ACKs; false: segments are taken as they come
    Time delayed_ack = 40 * kMs;           // longest wait of an ACK
    unsigned ack_segments = 2;             // segments' worth of in-order data that are acknowledged at once, at least 1
    unsigned window_scale = 7;             // shift of the advertised window
    unsigned flows = 1024;                 // connections at once, a power of two; more are refused (Drop::stack)
    unsigned out_of_order = 256;           // packets kept per connection beyond a gap
  } tcp;

  BehaviourParams behaviour;

  std::uint32_t socket_level = 0;          // Observer::level id of the socket queue (bytes of truesize)
  std::uint32_t ring_level = 0;            // of the buffers outstanding in the receive ring
};

struct GuestStats {
  std::uint64_t packets = 0;               // handed up by the driver; a merged one counts once
  std::uint64_t frames = 0;                // wire frames in them
  std::uint64_t bytes = 0;                 // packet bytes in them, virtio header excluded
  std::uint64_t polls = 0;                 // NAPI rounds
  std::uint64_t interrupts = 0;            // virtual interrupts taken, receive and transmit
  std::uint64_t kicks = 0, tx_kicks = 0;   // notifications sent, by queue
  std::uint64_t injections = 0, eois = 0;  // exits for want of posted interrupts
  std::uint64_t isr_reads = 0;             // exits to user space
  std::uint64_t refills = 0;               // ring buffers posted after start
  std::uint64_t refill_failures = 0;       // guest memory exhausted
  std::uint64_t returned = 0;              // used entries of length 0: given back unused
  std::uint64_t gro_packets_in = 0;        // packets that GRO looked at
  std::uint64_t gro_merged = 0;            // of these, joined to a held one
  std::uint64_t gro_chained = 0;           // of these, as members of a frag_list
  std::uint64_t gro_packets_out = 0;       // given to the stack, with GRO or without
  std::uint64_t gro_frames_out = 0;        // wire frames in them
  std::uint64_t linear_copied = 0;         // bytes copied by the driver and the header pull
  std::uint64_t user_copied = 0;           // bytes copied to the application
  std::uint64_t checksummed = 0;           // bytes summed in software
  std::uint64_t bad_checksums = 0;         // packets dropped for theirs
  std::uint64_t socket_drops = 0;          // frames dropped at a full socket
  std::uint64_t stack_drops = 0;           // frames refused by the stack (malformed, duplicate data, no connection slot)
  std::uint64_t out_of_order = 0;          // TCP packets kept beyond a gap
  std::uint64_t acks = 0;                  // ACK frames put into the transmit ring
  std::uint64_t acks_delayed = 0;          // of these, sent by the timer
  std::uint64_t integrity_errors = 0;      // frames whose bytes were not those that were sent
  std::uint64_t self_inflicted = 0;        // of a guest that spoils its own memory: what would be integrity errors of another
  std::uint64_t scribbles = 0;             // buffers that the guest changed while they were the host's
  std::uint64_t lies = 0;                  // wrong things that it put into the ring
  std::uint64_t unmapped = 0;              // pages taken away while posted
  std::uint64_t crashes = 0;               // stops of its kernel
  std::uint64_t guest_errors = 0;          // used entries that make no sense (length, num_buffers, missing, unknown id)
  std::uint64_t reads = 0;                 // read() calls of the application
};

// Told when the guest resets its device: rings begin anew at the same place.
struct ResetSink {
  virtual ~ResetSink() = default;
  virtual void reset(Time now) = 0;
  // Whether the device says that it has forgotten the old rings, and the new ones are there.
  virtual bool done() const { return true; }
  virtual void begin(Time /*now*/) {}
};

class Guest : public GuestPort {
 public:
  // What a guest works with. `expected` answers for every frame's bytes; `faults` may be null.
  struct Environment {
    Agenda& agenda;
    GuestSpace& space;
    Ownership& ownership;
    FrameTable& frames;
    CostBook& costs;
    ExpectedBytes& expected;
    FaultPlan* faults = nullptr;
  };
  // Allocates rings and buffers, fills the receive ring and kicks it at time 0. `actor_rank`: of the guest's timers.
  // Throws UserError for rings that cannot be (vring::check), a layout that does not fit, or too little guest memory.
  Guest(const GuestParams& params, const Environment& environment, std::uint32_t actor_rank);
  ~Guest() override;

  // At elaboration: the vCPUs that run the softirq task ("guest-softirq") and the application ("guest-app"), which were
  // attached to these cores before. The two may be the same.
  void attach(Vcpu& softirq, Core& softirq_core, Vcpu& app, Core& app_core);
  void observe(Observer* o);

  std::uint32_t index() const override { return params_.index; }
  const std::string& name() const override { return params_.name; }
  GuestSpace& space() override;
  const VirtQueueLayout& rx() const override;
  const VirtQueueLayout& tx() const override;
  InterruptSink& interrupts() override;
  bool asleep() const override;
  void on_kick(KickSink& sink) override;
  void on_reset(ResetSink& sink);

  const GuestParams& params() const { return params_; }
  const GuestStats& stats() const;
  // Wire frames inside the guest now: taken from the ring and not yet ended.
  std::uint64_t held() const;
  // Receive buffers (as registered with Ownership) that the driver has posted and not got back.
  std::uint64_t posted_buffers() const;
  std::uint64_t registered_buffers() const;
  // How long the guest has had buffers (ps, from the used entry to their return to its allocator), those that it still keeps at
  // `now` included.
  Histogram hold_times(Time now) const;
  // Truesize in the socket queue, bytes.
  Bytes queued() const;
  // Messages of the first integrity errors, at most 8.
  const std::vector<std::string>& integrity_messages() const;

 private:
  struct Parts;
  GuestParams params_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gd
