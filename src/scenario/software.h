// The software part of a scenario: host, vhost, guests. Defaults stand here once (see device.h).
#pragma once
#include "src/scenario/device.h"

namespace gd::scenario {

enum class GroRules : std::uint8_t { linux_2_6_35, linux_6 };   // also the rules of vhost and of the guest's driver
enum class Pin : std::uint8_t { per_buffer, pool, whole_guest };
enum class AtLimit : std::uint8_t { stall, copy, refuse };

struct Gro {
  bool enabled = true;
  GroRules rules = GroRules::linux_6;
};

// The host's GRO: beside the rules, what its NAPI does with what is held and ready.
struct HostGro : Gro {
  bool udp = false;
  Time flush_timeout = 0;
  Count defer_hard_irqs = 0;
  Count normal_batch = 8;
};

// Core numbers, from 0 to host.cores - 1.
struct Affinity {
  Count interrupt = 0;
  Count vhost = 1;                // vhost worker of guest i: vhost, then upwards, wrapping at host.cores
  std::vector<Count> vcpu = {2};  // cores of the vCPUs, guest after guest; the last one is repeated
  Count socket_app = 1;
  Count forward = 0;              // poller of the first receive queue; the next queues take the next cores
};

// One operation of the cost profile; see models/base/costs.h.
struct CostEntry {
  std::string name;               // "component.operation"
  std::uint64_t fixed_mc = 0;     // milli-cycles a call
  std::uint64_t unit_mc = 0;      // milli-cycles a unit
  std::string per;                // the unit; "" without a per-unit part
  std::string source, confidence; // where the numbers are from; read | derived | recalled
  bool operator==(const CostEntry&) const = default;
};

// What the host does with packets between its GRO and the tap.
enum class RewriteKind : std::uint8_t { mac, ttl, nat, vlan_push, vlan_pop, encapsulate };
enum class ForeignAction : std::uint8_t { give_back, copy, drop };
enum class CloneAction : std::uint8_t { hold, copy };

struct HostRewrite {
  Share share = 0;
  RewriteKind kind = RewriteKind::mac;
  Count vlan = 100;               // vlan-push: the tag
};

struct HostFilter {
  Share share = 0;
};

struct HostClone {
  Share share = 0;
  Time hold = 50 * kUs;           // from the packet to its reading
  CloneAction action = CloneAction::copy;
};

// The driver's service timer.
struct Watchdog {
  Time period = 0;                // 0: none
  bool rearm = true;
  bool skip_stuck = false;
};

// A DMA engine that copies memory to memory (models/memory/copy_engine.h).
struct CopyEngine {
  Count channels = 0;             // 0: none
  Rate rate = 240'000'000'000;    // of a channel
  Time per_copy = 20 * kNs;
  Time start = 300 * kNs;
  Count ring = 4096;              // descriptors
};

enum class TxMapping : std::uint8_t { keep, each_use };

struct Host {
  Count cores = 4;
  Hertz clock = 2'670'000'000;
  Bytes memory = 1024ull * 1024 * 1024;
  Count memory_node = 0;
  Count far_cores = 0;            // the last ones of `cores`
  std::string costs = "linux-6-skylake";   // as resolved: an absolute path, or "inline"
  bool posted_interrupts = true;
  Affinity affinity;
  Pin pin = Pin::pool;
  Bytes memlock_limit = 0;        // 0: none
  AtLimit at_memlock_limit = AtLimit::stall;
  bool dirty_log = false;
  HostGro gro;
  Count hz = 250;
  Count napi_budget = 64;
  Count refill_threshold = 16;
  Count tap_queue = 1000;
  Bytes socket_buffer = 6 * 1024 * 1024;
  Bytes copybreak = 256;
  bool page_recycle = true;
  Count unmap_batch = 1;
  Count page_cache = 0;
  TxMapping tx_mapping = TxMapping::keep;
  Count sockets = 1;
  Time step_max = 200 * kNs;
  Time slice = 1 * kMs;
  Time idle_exit = 500 * kNs;
  Time softirq_max = 200 * kUs;
  HostRewrite rewrite;
  HostFilter filter;
  HostClone clone;
  ForeignAction foreign = ForeignAction::copy;
  bool scrub = false;
  Watchdog watchdog;
  CopyEngine copy_engine;
};

// The consumer drop: where frames end.
enum class DropAt : std::uint8_t { driver, raw_table, ip_filter };

struct DropConsumer {
  DropAt stage = DropAt::raw_table;
  bool conntrack = false;
};

// The consumer user-async: the application's area and completion queue, and who makes its completions.
enum class Completer : std::uint8_t { application, kernel_thread };

struct UserAsyncConsumer {
  Count buffers = 1024;
  Bytes buffer = 4096;
  Count completion_ring = 4096;
  Completer completions = Completer::application;
};

// The consumer host-forward: its driver and its pool of buffers.
struct ForwardConsumer {
  Count burst = 32;
  Count mempool = 16'384;
  Count mempool_cache = 256;
  Bytes headroom = 128;
};

enum class Backend : std::uint8_t { tap, macvtap, raw_socket };
enum class Publisher : std::uint8_t { vhost, softirq };

struct Vhost {
  GroRules rules = GroRules::linux_6;
  Backend backend = Backend::tap;
  Time busy_poll = 0;
  Time kick_latency = 1 * kUs;
  Count batch = 64;
  Count weight_packets = 256;
  Bytes weight_bytes = 512 * 1024;
  Publisher publish = Publisher::vhost;
};

// What the host does against its guests (docs/defences.md).
enum class Depleted : std::uint8_t { wait, drop, copy };

enum class SharedQueue : std::uint8_t { refuse, copy };

struct Defences {
  bool validate = true;
  bool read_once = true;
  bool header_snapshot = false;
  bool shadow_shared_info = true;
  Count buffer_quota = 0;         // 0: none
  Bytes pin_quota = 0;            // 0: none
  Depleted depleted = Depleted::wait;
  Count host_reserve = 64;
  SharedQueue shared_queue = SharedQueue::refuse;
  Count shared_pool = 0;          // 0: as many as are needed
  Count shared_share = 0;         // 0: none
  struct Reclaim {
    Time after = 0;               // 0: none
    Share share = 500'000;
  } reclaim;
};

enum class RingFormat : std::uint8_t { split, packed };
enum class RxMode : std::uint8_t { small, big, mergeable };
enum class BackingPage : std::uint8_t { p4k, p2m, p1g };
// What a guest does with its receive ring; the models' names are in models/guest/behaviour.h, in the same order.
enum class Behaviour : std::uint8_t {
  well_behaved, hoarder, flood_poster, idle, slow_refill, header_scribbler, shinfo_scribbler, ring_liar, unmapper, crasher
};
enum class Hold : std::uint8_t { never, fixed, uniform, exponential };
enum class FloodOf : std::uint8_t { mixed, huge, tiny, zero };
enum class Lie : std::uint8_t { mixed, address, length, changed_length, loop, indirect, reused_id, index_jump };

struct Misbehaviour {
  Hold hold = Hold::never;        // hoarder
  Time hold_time = 1 * kMs;
  Share copy_share = 0;
  Count buffers = 0;
  FloodOf flood = FloodOf::mixed; // flood-poster
  Lie lie = Lie::mixed;           // ring-liar
  Share share = 1'000'000;        // scribblers, ring-liar, unmapper
  Time interval = 5 * kUs;        // slow-refill, flood-poster, scribblers, ring-liar (changed lengths), unmapper
  Count batch = 16;               // slow-refill
  Time delay = 0;                 // header-scribbler
  Time up_time = 1 * kMs;         // crasher
  Time down_time = 500 * kUs;
};

constexpr Bytes bytes_of(BackingPage p) {
  return p == BackingPage::p4k ? 4096 : p == BackingPage::p2m ? 2ull << 20 : 1ull << 30;
}

struct Virtio {
  RingFormat ring = RingFormat::split;
  Count queue_size = 256;
  RxMode rx_mode = RxMode::mergeable;
  bool guest_csum = true;
  std::optional<bool> guest_tso4, guest_tso6;   // absent: on, except in small mode and without guest_csum
  bool version_1 = true;
  bool hash_report = false;
  bool event_idx = true;
  bool msix = true;
  bool indirect = true;
  bool in_order = false;
  bool used_offset = false;       // extension bit: offsets in used entries
  bool split_layout = false;      // extension bit: header and payload in separate descriptors
  Bytes buffer = 0;               // size of a posted mergeable buffer; 0: as the driver's rules say
  GroRules driver = GroRules::linux_6;
  Count ip_align = 2;             // NET_IP_ALIGN of the 2.6.35 driver's architecture

  bool tso(const std::optional<bool>& key) const { return key.value_or(rx_mode != RxMode::small && guest_csum); }
};

struct App {
  bool listens = true;
  Bytes read_size = 64 * 1024;
  Bytes socket_buffer = 6 * 1024 * 1024;
  Count delayed_ack_segments = 2;
  Time delayed_ack_timeout = 40 * kMs;
};

using Mac = std::array<std::uint8_t, 6>;

struct Guest {
  std::string name = "g0";
  std::optional<Mac> mac;         // without mac and vlan: every frame that no other guest claims
  Count vlan = 0;                 // 0: none
  Bytes memory = 256ull * 1024 * 1024;
  Count memory_node = 0;
  BackingPage backing_page = BackingPage::p2m;
  Behaviour behaviour = Behaviour::well_behaved;
  Misbehaviour misbehaviour;
  Count traffic_share = 1;        // weight
  Count vcpus = 1;
  Gro gro;
  Virtio virtio;
  App app;
};

}  // namespace gd::scenario
