// The receive-buffer designs: one interface, one file each, a registry. Nothing outside this room asks which one runs.
//
// A strategy is asked in this order:
//   refuse()        at bind: what the NIC, the guest and the consumer must offer; a reason, or nothing
//   guest_layout()  how the guest's driver must lay out its receive buffers (the agreement at bind)
//   make_path()     the data path of one NIC queue and one consumer; null for a design whose data path is the device's
// A path's functions run in the contexts that do the work in Linux and charge the step that they are given:
//   refill()   NAPI: a buffer for one descriptor           receive()  NAPI: a written-back descriptor becomes an skb
//   post()     vhost worker: the guest's buffers, read once, translated, checked, pinned, tracked, queued for refill()
//   deliver()  vhost worker (or softirq, by setting): an skb becomes used buffers   release()  any: the destructor, gives an skb's buffers back
// What the host itself does with packets between GRO and tap (rewrites, foreign frames, replicas, clones) asks
// guest_memory(), move_start(), edited(), scrub() in softirq, and give_back(), deliver_copy() in the vhost worker.
// Sources: Xin Xiaohui et al., netdev/kvm lists 2010 (v1 to v8); Herbert Xu's reply of 2010-06-11; drivers/vhost/net.c.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/plant.h"
#include "models/cpu/core.h"
#include "models/iommu/iommu.h"
#include "models/memory/ownership.h"
#include "models/memory/phys.h"
#include "models/ports/guest_port.h"
#include "models/ports/nic_port.h"
#include "models/skb/skb.h"

namespace gd {

class CopyEngine;

enum class Consumer : std::uint8_t { guest, host_socket, user_async, host_forward, drop };
const char* consumer_name(Consumer c);
enum class AtLimit : std::uint8_t { stall, copy, refuse };
enum class PinPolicy : std::uint8_t { per_buffer, pool, whole_guest };
enum class RxMode : std::uint8_t { small, big, mergeable };
enum class Unsplit : std::uint8_t { offset, move, copy };
enum class VhostRules : std::uint8_t { linux_2_6_35, linux_6 };
enum class Placement : std::uint8_t { separate_buffer, in_first_buffer };
enum class GuestLayout : std::uint8_t { agreed, smaller };
enum class UnfitBuffers : std::uint8_t { refuse, copy };
enum class InOrder : std::uint8_t { refuse, prefix };
enum class LargeFrames : std::uint8_t { copy, refuse };
enum class Depleted : std::uint8_t { wait, drop, copy };
enum class Destructor : std::uint8_t { skb, shared_info, page_hash };
enum class CopyCompletion : std::uint8_t { interrupt, poll };
// A mistake that a design could be built with, switched on to see it found (`hazard` of a strategy's scenario entry).
enum class Hazard : std::uint8_t {
  none, room_in_every_page, put_pulled_page, frag_shift, short_buffer, layout_mismatch, shinfo_trusted, forgotten_destructor,
  early_completion, reclaim_undrained, count_
};
const char* hazard_name(Hazard h);       // "room-in-every-page"; "" for none

// What a strategy's scenario entry may set; a key that a design does not read is refused for it.
struct StrategyOptions {
  Placement placement = Placement::separate_buffer;   // copy-header
  Bytes room = 256;                      // copy-header, in-first-buffer: bytes before the payload; takes 20 + 192 B of headers
  Unsplit unsplit = Unsplit::move;       // copy-header
  std::uint32_t headers_of_8 = 4;        // copy-header: header buffers among 8 posted
  Bytes headroom = 64;                   // guest-head: NET_SKB_PAD
  Bytes tailroom = 320;                  // guest-head: struct skb_shared_info
  bool shadow_shared_info = true;        // guest-head: host-side shadow instead of the guest's copy
  GuestLayout guest_layout = GuestLayout::agreed;   // guest-head: smaller: the guest's driver keeps its own layout
  Bytes buffer = kPage;                  // page-frags: bytes of a posted buffer, 2 or 4 KiB
  LargeFrames large_frames = LargeFrames::copy;     // page-frags without used_offset: frames of several buffers
  UnfitBuffers unfit_buffers = UnfitBuffers::refuse; // guest-head, page-frags: buffers that the NIC cannot be given
  InOrder in_order = InOrder::refuse;    // guest-head, page-frags, where VIRTIO_F_IN_ORDER was negotiated
  Destructor destructor = Destructor::skb;          // designs whose buffers are the guest's: where the destructor lives
  Bytes threshold = 512;                 // async-copy: pieces from this length on are the engine's
  CopyCompletion completion = CopyCompletion::interrupt;   // async-copy: how the worker waits for the engine
  Hazard hazard = Hazard::none;
};

// What the host does against its guests. The scenario's section `defences`; docs/defences.md says what each stops and costs.
struct Defences {
  bool validate = true;                  // addresses and lengths of the guest's descriptors are checked before use
  bool read_once = true;                 // a descriptor is copied when it is taken; else it is read again when it is used
  bool header_snapshot = false;          // guest-head: headers are copied to host memory before the host parses them
  std::uint32_t buffer_quota = 0;        // most buffers of a guest that the host holds at once; 0: the ring's size
  Bytes pin_quota = UINT64_MAX;          // most bytes pinned for a guest's receive ring, beside memlock_limit
  Depleted depleted = Depleted::wait;    // what becomes of frames that find no buffer of the guest
  std::uint32_t host_reserve = 64;       // depleted copy: pages of the host for each queue
  std::uint32_t shared_pool = 0;         // buffers of a receive queue that guests share, the ring's included; 0: as many as are needed
  bool limits() const { return buffer_quota || pin_quota != UINT64_MAX; }
};

constexpr Bytes kLargestL2 = 14 + 2 * 4;   // Ethernet header and two in-band VLAN tags; the FCS is stripped

// What is known when a strategy is bound.
struct BindEnvironment {
  Consumer consumer = Consumer::guest;
  // NIC
  SplitMode split = SplitMode::off;
  Bytes header_buffer = 0;
  Bytes split_threshold = 0;
  Bytes rx_buffer = 2048;                // BSIZEPACKET asked for by the scenario
  bool buffer_size_per_descriptor = false;
  bool scatter = true;                   // frames larger than a buffer go to several descriptors
  bool virtio_rings = true;              // the NIC has virtio rings in hardware
  std::uint32_t mtu = 1500;
  std::uint32_t ring_size = 512;
  std::uint32_t rx_queues = 1;
  // Guest
  bool mergeable = true;                 // VIRTIO_NET_F_MRG_RXBUF negotiated
  bool in_order = false;
  bool used_offset = false;              // used entries carry an offset (only with mergeable buffers)
  bool split_layout = false;             // hdr_len of the virtio header tells where the payload begins
  RxMode rx_mode = RxMode::mergeable;
  std::uint16_t queue_size = 256;
  std::uint32_t ring_buffers = 0;        // receive buffers that its ring holds, of one or more descriptors each; 0: queue_size
  std::uint32_t packet_buffers = UINT32_MAX;   // buffers of a packet that its driver takes at most
  unsigned header_length = 12;
  bool header_apart = false;             // small mode of 2.6.35: the virtio header has a descriptor of its own
  Bytes guest_memory = 0;                // user-async: the application's area
  Bytes user_buffer = 0;                 // user-async: bytes of one of its buffers
  std::uint32_t guests = 1;
  // Host
  PinPolicy pin = PinPolicy::per_buffer;
  Bytes memlock_limit = UINT64_MAX;      // per guest process
  bool iommu_translates = false;         // the card's bus addresses are not the host's
  AtLimit at_limit = AtLimit::stall;     // what happens there
  Bytes copybreak = 256;                 // vhost-copy: smaller frames are copied into the skb, the buffer reused at once
  bool page_recycle = true;              // vhost-copy: pages are reused with their mapping kept
  std::uint32_t unmap_batch = 1;         // vhost-copy without that: pages whose mappings are taken away together
  std::uint32_t page_cache = 0;          // of those, pages that the driver keeps mapped for use after their packet
  bool gro = true;
  bool before_skb = false;               // consumer drop: the driver ends frames before an skb exists
  VhostRules vhost = VhostRules::linux_6;
  bool shared_queue = false;             // the card cannot tell guests: all frames come from a queue of the host's own, and are copied
  bool dirty_log = false;                // pages that the host writes for the guest are logged for migration
  bool softirq_publish = false;          // used entries are written and signalled in NAPI's softirq
  bool host_copies = false;              // of that, work that may end in deliver_copy()
  std::string_view copied_work;          // and what that is, in words; "": nothing
  bool copy_engine = false;              // the host has a DMA engine that copies memory
  std::string_view host_work;            // the key of what host software must do with packets between GRO and tap; "": nothing
  StrategyOptions options;
  Defences defences;
};

struct Declaration {
  std::string_view name;
  std::string_view summary;              // one sentence
  std::string_view nic_writes, host_copies, header_goes, guest_must, nic_must;   // the columns of the designs' table
  unsigned driver_functions = 0;         // functions that a NIC driver must change
  bool device_ring = false;              // data path is the device's, no host driver
  bool guest_memory = false;             // the NIC writes into the guest's memory: needs a queue of the guest's own
  bool merges = true;                    // GRO on its queue makes sense
  std::vector<std::string_view> options; // keys of StrategyOptions that it reads
  std::vector<Hazard> hazards = {};      // mistakes that it can be built with
};

struct PathStats {
  std::uint64_t posted = 0, delivered_packets = 0, used_entries = 0;
  std::uint64_t copied_small = 0, copied_unsplit = 0, copied_no_buffer = 0;  // frames
  std::uint64_t copied_large = 0;        // frames of several buffers that a guest without used_offset could not read in place
  std::uint64_t copied_unsplit_bytes = 0;
  Time hol_sum = 0;                      // in-order use: time that used buffers waited for older ones, all together
  std::uint64_t hol_buffers = 0;         // used buffers while in-order use held
  std::uint64_t logged_pages = 0;        // pages of the guest marked as dirty
  std::uint64_t escapes = 0;             // acts of the host on bytes that a guest had changed
  std::uint64_t pins = 0, unpins = 0, guest_errors = 0, returned_unused = 0, memlock_stalls = 0;
  std::uint64_t copy_faults = 0;         // copies that met an address where nothing is mapped
  std::uint64_t pin_quota_stalls = 0, buffer_quota_stalls = 0;   // times that a quota ended the taking of buffers
  std::uint64_t reclaimed = 0;           // buffers that went back to the guest because it held too many for too long
  std::uint64_t copied_shared = 0;       // frames that came from a shared queue
  std::uint64_t pool_empty = 0;          // times that a shared queue found its pool used up
  std::uint64_t reserve_pages = 0, reserve_empty = 0;            // pages of the reserve that the NIC got; times that it got the last one
  std::uint64_t fill_sum = 0, fill_samples = 0, min_free = UINT64_MAX;   // posted or ring buffers free, at each receive
};

// What a host's watchdog sees of a guest's receive ring (models/host/reclaim.h).
struct GuestHold {
  std::uint64_t progress = 0;            // free-running: buffers that the guest has offered so far, as far as a look shows
  std::uint32_t at_host = 0, at_guest = 0;   // buffers that host or card have; that the guest was given back and has not offered again
  Bytes pinned = 0;                      // of its memory, for this ring
};

enum class Progress : std::uint8_t {
  done,        // the skb is delivered (or dropped) and freed
  more,        // the step is over; call again with the same skb
  no_buffers   // the consumer has no room: nothing was taken; wait for its kick
};

// The data path of one NIC queue towards one consumer.
class RxPath {
 public:
  virtual ~RxPath() = default;
  // Buffer sizes and split mode that the queue needs; ring address, size and vector are the driver's.
  virtual void shape(RxQueueConfig& queue) = 0;
  // Fills the descriptor of `slot`; false when there is no buffer at present. In a step that is not fresh() it says so too early:
  // the driver asks again in the next one, and waits to be woken only then.
  virtual bool refill(Step& s, std::uint32_t slot, std::array<std::uint64_t, 2>& descriptor) = 0;
  // Takes what slot holds. Null when the frame ended here (dropped) or goes on in the next descriptor (no EOP).
  virtual Skb* receive(Step& s, std::uint32_t slot, const RxWriteback& w, FrameRef frame) = 0;
  // A driver that ends a frame before there is an skb (BindEnvironment::before_skb): where the frame in `slot` begins, all
  // of it in one run; and the end of it, whose buffer is free again. In place of receive().
  virtual Hpa frame_at(std::uint32_t slot) const;
  virtual void recycle(Step& s, std::uint32_t slot, const RxWriteback& w);
  // The driver, between two frames: takes one mapping away that is due (BindEnvironment::unmap_batch); false when none is.
  virtual bool unmap(Step&) { return false; }
  // Host address of the packet's headers, `length` contiguous bytes of them (for the stack's own parsing).
  virtual Hpa headers(const Skb& skb) const = 0;
  // Whether GRO may merge on this path.
  virtual bool merges() const = 0;
  // Form C (napi_gro_frags): receive() returns skbs from SkbPool::get_frags() with an empty linear part and the whole frame,
  // Ethernet header included, in fragments. The GRO stage pulls the headers of what it holds or passes up into the skb's
  // own memory (Skb::pulled bytes of the first fragment); of what it merges it advances the first fragment.
  virtual bool napi_frags() const { return false; }
  // Form C: where the queue keeps its one spare skb (napi->skb) for get_frags(); null: shells are freed.
  virtual Skb** napi_skb() { return nullptr; }
  // A pull has taken the last byte of `f`, which has left the skb: its buffer is the path's to keep or give back.
  virtual void pulled_empty(Step& s, Skb& skb, const Frag& f);
  // The shell of a merged packet ends, whose fragments were moved to another: what the path keeps for it goes back.
  virtual void absorbed(Step&, Skb& /*shell*/) {}

  // vhost side, set-up: the worker that calls the functions below (woken when a memlock stall may be over).
  virtual void serve(Task& /*worker*/) {}
  // The worker runs: kicks of the receive queue are not wanted until ask_for_kick().
  virtual void attend(Step&) {}
  // The socket was found empty after a ring buffer had been taken for its next packet (2.6.35): taken, and given back.
  virtual void probe(Step&) {}
  // Whether post() does anything on this path; and post(): a bounded piece of work, true when there is more.
  virtual bool posts() const { return false; }
  virtual bool post(Step&) { return false; }
  // See Progress. After `more` the same skb must be given again.
  virtual Progress deliver(Step& s, Skb* skb) = 0;
  // Publishes used entries that wait; the decision to signal is settle()'s, in a later step (the barrier between them).
  virtual void publish(Step&) {}
  virtual void settle(Step&) {}
  virtual bool unsettled() const { return false; }
  // Copies that an engine makes for the path are under way: before the worker sleeps it waits for them. await() asks for its
  // wake-up; true when it polls meanwhile (the step spins). own_interrupt(): the engine's, which runs on the worker's core; or null.
  virtual bool awaits() const { return false; }
  virtual bool await(Step&) { return false; }
  virtual Task* own_interrupt() { return nullptr; }
  // Before the worker sleeps: asks for the consumer's kick when the path is short of buffers; true when recheck() must
  // follow in a later step. recheck(): true when buffers came meanwhile (those already known to be too few do not count).
  virtual bool ask_for_kick(Step&, bool /*starved*/) { return false; }
  // Whether buffers run so low that the worker should take new ones: asked by a softirq that delivers in its place.
  virtual bool wants_post() const { return false; }
  virtual bool recheck(Step&) { return false; }
  // In words, when neither card nor driver has a buffer of the guest's and none can be posted: what stands in the way; "" else.
  virtual std::string blocked() const { return ""; }
  // Used entries that wait for publish().
  virtual std::uint32_t unpublished() const { return 0; }

  // The host between GRO and tap. Whether received packets lie in the guest's memory: there a foreign frame leaks, and a
  // clone's reader and the guest would share a page.
  virtual bool guest_memory() const { return false; }
  // The host has changed bytes [from, to) of the packet, counted from its first byte and all within its headers, at the
  // address that headers() gives. A design that hands over another copy of these bytes (page-frags: the guest's page keeps
  // what was pulled) writes them back, now or at deliver(), and charges that. Default: they were changed in place.
  virtual void edited(Step&, Skb&, std::uint32_t /*from*/, std::uint32_t /*to*/) {}
  // A rewrite changes the packet's length. Makes the packet begin `by` bytes earlier (by > 0: the new bytes are undefined)
  // or later (by < 0), so that headers() gives the new start with headers + by contiguous bytes behind it, the old ones at
  // the same distance from the payload: adjusts skb.head (or the first frag) and skb.length; the caller then writes the
  // new headers and calls edited(). What the guest is told at deliver() must follow (virtio header before the new start,
  // used offset). Where the move needs bytes copied (a new head), charges them. False, and nothing changed, where there is
  // no room or no way to tell the guest: the packet is then copied to host memory and comes back by deliver_copy().
  virtual bool move_start(Step&, Skb&, std::uint32_t /*headers*/, int /*by*/) { return false; }
  // Overwrites with zeros what a foreign packet has left in the guest's memory: all its runs, and header bytes that were
  // pulled out of it. Charges `cost` for each byte and touches the lines. Called before give_back() or release().
  virtual void scrub(Step&, Skb&, const Cost&) {}
  // For the check of what leaks, no work of the host: the packet turned out not to be for the guest whose memory it lies in.
  virtual void not_for_guest(const Skb&) {}
  // vhost worker: hands over a packet whose path is another one (skb->path != this): its bytes lie in host memory (a copy
  // that the host had to make, a replica from another guest's queue). Takes buffers of the guest, copies all bytes there by
  // the layout of this design with its virtio header (header_for() reads GSO and checksum state of the skb as always),
  // carries the frames, and ends with skb->path->release(). Long copies are cut: `more` as for deliver().
  virtual Progress deliver_copy(Step& s, Skb* skb);
  // vhost worker: the host is done with a packet whose frames have ended already (a foreign frame that is returned): its
  // buffers go back to the guest with used length 0, not to the NIC, and the skb is freed. Default, for packets in host
  // memory: release().
  virtual Progress give_back(Step& s, Skb* skb) {
    release(s, skb);
    return Progress::done;
  }

  // Consumer user-async: the run of bytes `f` lies in a buffer of the application's, which gets it now: where it begins in the area, and
  // f holds no buffer any more; kNotTheirs: it does not. And, process context: buffers may have come for a driver that had found none;
  // true when looking after them is not done yet.
  static constexpr Gpa kNotTheirs = UINT64_MAX;
  virtual Gpa hand_over(Step&, Frag& /*f*/) { return kNotTheirs; }
  virtual bool look_for_buffers(Step&) { return false; }

  // The destructor: an skb that is dropped or was delivered by others gives its buffers back, and is freed.
  virtual void release(Step& s, Skb* skb) = 0;
  // The guest has reset its device: its ring begins anew. Buffers of the old one that the driver, the card or packets still
  // have come back to nobody; what is delivered into them is dropped.
  virtual void reset(Time /*now*/) {}

  // Taking a guest's buffers back from a queue that is stopped (models/host/reclaim.h): what a look shows, charged to `op`; no
  // buffers for the driver and no posting from now on; the buffers of `slot`, whose descriptor the card has not used and never
  // will, are the path's again; and (vhost worker, bounded) all that the path has goes to the guest unused and is unpinned,
  // true when there is more. After the last the path posts again when the guest offers a buffer that it has not offered before.
  virtual GuestHold holds(Step&, OpId /*op*/) { return {}; }
  // Pages that are pinned for the guest's ring without holding a buffer of it, and have held none since `before`, are unmapped and
  // unpinned; true when the step ended before that was done.
  virtual bool age(Step&, Time /*before*/) { return false; }
  virtual void close(const GuestHold&) {}
  virtual void take_back(Step&, std::uint32_t /*slot*/) {}
  virtual bool reclaim(Step&) { return false; }

  // Frames of packets that the path keeps beyond deliver(); a scattered one is the card's until its last piece is taken.
  virtual std::uint32_t held() const { return 0; }
  // Buffers of packets whose frames have ended, which the path has yet to give back.
  virtual std::uint64_t unreclaimed() const { return 0; }
  // Buffers that can take a frame from the NIC now, and all that the path has (buffers.fill_ratio, capacity_frames).
  virtual std::uint64_t free_buffers() const = 0;
  virtual std::uint64_t capacity() const = 0;
  virtual const PathStats& stats() const = 0;
};

class UserPages;   // models/skb/user_pages.h

// What a path works with. The first group is the run's; the rest is the path's own.
struct PathContext {
  PathContext(PhysMem& p, Ownership& o, Iommu& i, SkbPool& k, CostBook& c, FrameTable& f, FaultPlan& x, Agenda& a,
              const BindEnvironment& e)
      : phys(p), ownership(o), iommu(i), skbs(k), costs(c), frames(f), fault(x), agenda(a), env(e) {}
  PhysMem& phys;
  Ownership& ownership;
  Iommu& iommu;
  SkbPool& skbs;
  CostBook& costs;
  FrameTable& frames;
  FaultPlan& fault;
  Agenda& agenda;
  const BindEnvironment& env;
  GuestPort* guest = nullptr;         // null unless the consumer is a guest
  CopyEngine* copy_engine = nullptr;  // null: the host has none
  UserPages* user = nullptr;          // null unless it is user-async
  Task* softirq = nullptr;            // woken when buffers come after a shortage
  std::uint32_t interrupt_rank = 0;   // rank of the path's interrupt actor
  Time injection_latency = 500 * kNs; // irqfd to a running vCPU's posted interrupt
};

// Packets that the host had to copy into pages of its own (spare.h); a guest's path hands them over by deliver_copy().
class CopyPath : public RxPath {
 public:
  // A copy of all bytes of `from` with headroom, its checksum and GSO state; no frames go along.
  virtual Skb* copy(Step& s, const Skb& from) = 0;
  // A packet of `header` bytes, undefined, and a copy of bytes [at, at + length) of `from`, with headroom; no frames go along.
  virtual Skb* slice(Step& s, const Skb& from, std::uint32_t header, std::uint32_t at, std::uint32_t length) = 0;
};
// Costs: host.copy (per byte).
std::unique_ptr<CopyPath> make_copy_path(PathContext context);

// The data path of a queue whose packets go up the host's own stack, or to guests by deliver_copy() of their own paths: pages of the host.
std::unique_ptr<RxPath> make_host_path(PathContext context);

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual const Declaration& declaration() const = 0;
  // Why this environment cannot be served; nothing when it can.
  virtual std::optional<std::string> refuse(const BindEnvironment& env) const = 0;
  virtual GuestRxLayout guest_layout(const BindEnvironment&) const { return {}; }
  // Further virtio feature bits that the guest is offered. Its driver takes used_offset and split_layout only where the
  // environment says so.
  virtual std::uint64_t guest_features(const BindEnvironment&) const { return 0; }
  // Pin policy in force (vhost-copy pins nothing, passthrough the whole guest, whatever the scenario says).
  virtual std::string_view pin_in_force(const BindEnvironment& env) const;
  // Whether merged frames reach a guest of this environment.
  virtual bool merges(const BindEnvironment&) const { return declaration().merges; }
  // Frames that the design can hold between wire and guest, beside the NIC's FIFO.
  virtual std::uint64_t buffering(const BindEnvironment& env, std::uint64_t tap_queue) const = 0;
  virtual std::unique_ptr<RxPath> make_path(PathContext context) const = 0;
};

// All strategies, in the order of the designs' table.
const std::vector<const Strategy*>& strategies();
// Null when there is none of that name.
const Strategy* find_strategy(std::string_view name);

}  // namespace gd
