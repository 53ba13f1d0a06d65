#include "src/scenario/reader.h"
#include "src/scenario/table.h"

namespace gd::scenario {

void host_keys(Table& t) {
  t.count("host.cores", AT(host.cores), {1, 64}, "Cores of the host.");
  t.frequency("host.clock", AT(host.clock), {100'000'000, 10'000'000'000}, "Clock of the cores.", "Westmere-EP X5650");
  t.size("host.memory", AT(host.memory), {64u << 20, 63ull << 30}, "Memory of the host itself, without the guests'; less than 64GiB with theirs.");
  t.count("host.memory_node", AT(host.memory_node), {0, 1},
          "Socket whose memory the host's own is (buffers, rings, page tables); the card is on socket 0, and the cores but for host.far_cores.");
  t.count("host.far_cores", AT(host.far_cores), {0, 63},
          "How many of the cores, the last ones, sit on socket 1, behind a last-level cache of their own.");
  t.path("host.costs", AT(host.costs),
         "Cost profile of the software: a file, or the name of one in scenarios/costs; \"inline\": all costs stand in `costs`.")
      .hashed = false;
  t.boolean("host.posted_interrupts", AT(host.posted_interrupts),
            "Interrupts reach a running vCPU and are ended by it without VM exits (APICv); off: an exit to inject and one for the EOI.",
            "Xeons since Ivy Bridge-EP");
  t.count("host.affinity.interrupt", AT(host.affinity.interrupt), {0, 63},
          "Core of the first receive queue's interrupt; the next queues take the next cores.");
  t.count("host.affinity.vhost", AT(host.affinity.vhost), {0, 63},
          "Core of the first guest's vhost worker; the next guests take the next cores.");
  t.count("host.affinity.forward", AT(host.affinity.forward), {0, 63},
          "Core of the first receive queue's poller (consumer host-forward); the next queues take the next cores.");
  t.other("host.affinity.vcpu", read_core_list(), "a core or a list of cores",
          "Cores of the virtual CPUs, guest after guest; the last one is repeated.");
  t.count("host.affinity.socket_app", AT(host.affinity.socket_app), {0, 63},
          "Core of the host's own application: the reader of consumer host-socket, or of a packet socket (host.clone), or with user-async the first entry "
          "of guests; the next ones take the next cores.");
  t.choice("host.pin", AT(host.pin), {"per-buffer", "pool", "whole-guest"},
           "When zero copy pins guest pages. vhost-copy pins nothing and passthrough the whole guest, whatever stands here. An application of user-async "
           "registers its whole area, but with per-buffer each buffer is pinned for one read.");
  t.size("host.memlock_limit", AT(host.memlock_limit), {}, "Most memory that may be pinned for one guest; 0: no limit.");
  t.choice("host.at_memlock_limit", AT(host.at_memlock_limit), {"stall", "copy", "refuse"}, "What happens at the limit: posting stalls, frames are copied from pages of the host, or dropped (memlock).");
  t.boolean("host.dirty_log", AT(host.dirty_log), "Pages that the host writes in a guest, or gets back written by the card, are logged for migration as they are handed over. Passthrough cannot be migrated: the card keeps no log.");
  t.boolean("host.gro.enabled", AT(host.gro.enabled), "Segments are merged in the host.");
  t.choice("host.gro.rules", AT(host.gro.rules), {"linux-2.6.35", "linux-6"}, "Whose merging rules hold.");
  t.boolean("host.gro.udp", AT(host.gro.udp),
            "UDP datagrams of a flow are merged: rx-udp-gro-forwarding, or a socket with UDP_GRO. For a guest only if it negotiated GUEST_USO4 and 6.",
            "Linux 5.x: off");
  t.time("host.gro.flush_timeout", AT(host.gro.flush_timeout), {0, 1'000'000'000},
         "gro_flush_timeout: after a poll that found frames, what is in GRO waits so long for the next poll; 0: flushed at once.",
         "Linux: 0");
  t.count("host.gro.defer_hard_irqs", AT(host.gro.defer_hard_irqs), {0, 1'000},
          "napi_defer_hard_irqs: polls by the timer of flush_timeout after the last frame, before the interrupt is armed again.",
          "Linux: 0");
  t.count("host.gro.normal_batch", AT(host.gro.normal_batch), {1, 1'000},
          "gro_normal_batch: segments that wait before they go up the stack together; linux-2.6.35 hands up one by one.", "Linux: 8");
  t.count("host.hz", AT(host.hz), {100, 1'000},
          "CONFIG_HZ: ages of GRO entries are counted in ticks, and below 1000 a poll that used up its budget flushes GRO.",
          "distributions: 250 or 1000");
  t.count("host.napi_budget", AT(host.napi_budget), {1, 4'096}, "Frames of one NAPI poll.", "Linux: 64");
  t.count("host.refill_threshold", AT(host.refill_threshold), {1, 4'096},
          "Free descriptors that make the driver refill and ring the doorbell; at most half the ring takes effect.",
          "Linux IXGBE_RX_BUFFER_WRITE: 16");
  t.count("host.tap_queue", AT(host.tap_queue), {1, 1'000'000}, "Packets that the tap device (or the packet socket) holds.",
          "tun: 500 until 4.x, 1000 since");
  t.size("host.socket_buffer", AT(host.socket_buffer), {4'096, 1u << 30}, "Receive buffer of the host's own socket.",
         "Linux tcp_rmem maximum: 6 MB");
  t.size("host.copybreak", AT(host.copybreak), {0, 4'096},
         "Frames up to this length are copied into a small skb and the page is kept.", "Linux: 256 B");
  t.boolean("host.page_recycle", AT(host.page_recycle), "Receive pages of the host driver are used again with their mapping.",
            "Linux ixgbe and page_pool");
  t.count("host.unmap_batch", AT(host.unmap_batch), {1, 512},
          "Receive pages of the host driver that are mapped for each use (page_recycle false) and whose mappings are taken away together, when the card has "
          "used the last of them; until then an ended packet's page is not free. 1: each at once.",
          "mlx5 with its striding receive queue: 64 pages of 4 KiB a descriptor (Linux 6.0)");
  t.count("host.page_cache", AT(host.page_cache), {0, 4'096},
          "Receive pages of a batch (unmap_batch) that the host driver keeps mapped, for each queue, first in, first out: one is posted again when it is the oldest and its "
          "packet has ended; as long as the oldest is in use new pages are mapped, and what finds no room is unmapped.",
          "mlx5 of Linux 4.10 to 6.2: 255");
  t.choice("host.tx_mapping", AT(host.tx_mapping), {"keep", "each-use"},
           "Buffers that the host driver sends (ACKs) keep their mapping, or are mapped for each frame and unmapped when its descriptor is cleaned, as Linux drivers do with skbs.");
  t.count("host.sockets", AT(host.sockets), {1, 64},
          "Applications behind sockets of the host (consumer host-socket), at most as many as receive queues, which they take in turn. The first is on core host.affinity.socket_app, "
          "the next on the next cores; each acknowledges through a transmit queue of its own.");
  t.time("host.step_max", AT(host.step_max), {1'000, 1'000'000}, "Longest step of software. Half of the default moves no result by more than 1 %; 1 us moves some.");
  t.time("host.slice", AT(host.slice), {1'000'000}, "Time slice between threads of a core.",
         "assumption: CFS with few threads");
  t.time("host.idle_exit", AT(host.idle_exit), {0, 1'000'000'000}, "From a wake-up to the first instruction on an idle core.",
         "assumption: C1");
  t.time("host.softirq_max", AT(host.softirq_max), {1'000'000}, "Softirq work before waiting threads get a slice; from then on both have slices in turn.",
         "ksoftirqd takes over after MAX_SOFTIRQ_RESTART, 10 rounds, or 2 ms; derived with rounds of 20 us");
  const char* bridge = "none: the host only passes packets on";
  t.share("host.filter.share", AT(host.filter.share), {0, 1'000'000}, "Share of packets that a filter of the host drops.", bridge);
  t.share("host.rewrite.share", AT(host.rewrite.share), {0, 1'000'000}, "Share of packets whose headers the host rewrites.", bridge);
  t.choice("host.rewrite.kind", AT(host.rewrite.kind), {"mac", "ttl", "nat", "vlan-push", "vlan-pop", "encapsulate"},
           "What is rewritten: the source MAC, the hop count, the destination's network, a VLAN tag added or removed, or VXLAN's "
           "outer headers put before the frame (50 B, which must fit nic.mtu; the guest ends the tunnel).");
  t.count("host.rewrite.vlan", AT(host.rewrite.vlan), {1, 4094}, "Tag that vlan-push adds.");
  t.choice("host.foreign", AT(host.foreign), {"return", "copy", "drop"},
           "Packets for the host or another guest: read in place and their buffer returned unused to the guest, copied to a "
           "spare page first and the buffer reused, or dropped. A filtered packet's buffer goes the same way.");
  t.boolean("host.scrub", AT(host.scrub), "What a packet for somebody else has left in a guest's memory is overwritten.");
  t.share("host.clone.share", AT(host.clone.share), {0, 1'000'000}, "Share of packets that a packet socket gets too.", bridge);
  t.time("host.clone.hold", AT(host.clone.hold), {0, 1'000'000'000'000}, "From a packet to its reading by the packet socket.",
         "assumption: a wake-up and a batch of a capturing program");
  t.choice("host.clone.action", AT(host.clone.action), {"hold", "copy"},
           "A packet in a guest's memory that is cloned: held back until its reader is done, or copied for the reader.");
  t.time("host.watchdog.period", AT(host.watchdog.period), {0, 1'000'000'000'000},
         "Time between two rounds of the driver's service timer over its receive queues; 0: none.", "Linux ixgbe: 2 s, longer than most runs");
  t.boolean("host.watchdog.rearm", AT(host.watchdog.rearm), "Each round raises the interrupt of each queue, so that a lost one is made up for.",
            "Linux ixgbe: ixgbe_check_hang_subtask");
  t.boolean("host.watchdog.skip_stuck", AT(host.watchdog.skip_stuck),
            "A queue whose next descriptor is not reported for a whole round though the card's head is past it goes on behind it; Linux's drivers wait for ever.");
  t.count("host.copy_engine.channels", AT(host.copy_engine.channels), {0, 64}, "Channels of a DMA engine that copies memory to memory (I/OAT, DSA); 0: there is none.");
  t.rate("host.copy_engine.rate", AT(host.copy_engine.rate), {1'000'000'000}, "What a channel copies, read and written.", "DSA of Sapphire Rapids: some 30 GB/s an instance (Kuper et al., ASPLOS 2024; recalled)");
  t.time("host.copy_engine.per_copy", AT(host.copy_engine.per_copy), {0, 1'000'000'000}, "Time of a channel for each copy beside its bytes.",
         "assumption: some 50 M descriptors/s of DSA with small transfers");
  t.time("host.copy_engine.start", AT(host.copy_engine.start), {0, 1'000'000'000}, "From the doorbell to the first read, without memory accesses.",
         "assumption: a posted write to an integrated device, descriptor fetch and decoding");
  t.count("host.copy_engine.ring", AT(host.copy_engine.ring), {8, 65'536}, "Descriptors of a queue of the engine.", "DPDK vhost tests: 4096");
}

void vhost_keys(Table& t) {
  const char* net = "drivers/vhost/net.c";
  t.choice("vhost.rules", AT(vhost.rules), {"linux-2.6.35", "linux-6"}, "Whose vhost-net is followed. linux-2.6.35: one packet, used entry and signal at a time, no mergeable buffers, no event index.");
  t.choice("vhost.backend", AT(vhost.backend), {"tap", "macvtap", "raw-socket"},
           "Where vhost takes packets from. raw-socket: no offloads pass, and packets come one by one. Only tap where a softirq delivers.");
  t.time("vhost.busy_poll", AT(vhost.busy_poll), {0, 1'000'000'000}, "How long the worker polls before it sleeps.",
         "off by default");
  t.time("vhost.kick_latency", AT(vhost.kick_latency), {0, 1'000'000'000},
         "From the end of a guest's step that kicks to the worker's wake-up (ioeventfd, workqueue); the exit is charged to the vCPU besides. A doorbell of passthrough goes straight to the card.",
         "assumption");
  t.count("vhost.batch", AT(vhost.batch), {1, 1'024}, "Packets taken from the backend, and used entries published, at once.",
          net);
  t.count("vhost.weight_packets", AT(vhost.weight_packets), {1, 1'000'000}, "Packets after which the worker lets others run.",
          net);
  t.size("vhost.weight_bytes", AT(vhost.weight_bytes), {1'500}, "Bytes after which the worker lets others run.", net);
  t.choice("vhost.publish", AT(vhost.publish), {"vhost", "softirq"}, "Who hands over packets of zero-copy designs, writes their used entries and signals: the worker, or the softirq on the "
           "interrupt's core. A design that copies into the guest then cannot serve it.");
}

}  // namespace gd::scenario
