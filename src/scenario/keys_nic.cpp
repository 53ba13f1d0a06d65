#include "src/scenario/table.h"

namespace gd::scenario {

namespace {

// The measuring device's engine.
void dma_engine_keys(Table& t) {
  const char* fitted = "NFP-6000 at 1.2 GHz: whole cycles that give pcie-bench's write bandwidth of 128, 256, 257 and 1024 B";
  const char* delays = "NFP-6000: what a write adds to a read of the same 8 B in pcie-bench's latencies (200 to 214 ns)";
  const char* command = "NFP-6000: pcie-bench's latency of a read of 8 B by DMA less that by command (546 - 413 ns)";
  t.time("nic.dma_engine.write_interval", AT(nic.dma_engine.write_interval), {0, 1'000'000},
         "dma-bench: shortest time from one write to the next.", "NFP-6000: 24.27 Gb/s of 64 B writes on every host of pcie-bench, 47.4 M/s");
  t.time("nic.dma_engine.setup", AT(nic.dma_engine.setup), {0, 1'000'000}, "dma-bench: the engine's time for an operation,", fitted);
  t.time("nic.dma_engine.per_tlp", AT(nic.dma_engine.per_tlp), {0, 1'000'000}, "and for each TLP of it,", fitted);
  t.time("nic.dma_engine.per_chunk", AT(nic.dma_engine.per_chunk), {0, 1'000'000}, "and for each 64 B begun, to or from device memory.", fitted);
  const char* port = "NFP-6000: whole cycles that give pcie-bench's mixed bandwidth of 128 to 1536 B within 8 %";
  t.time("nic.dma_engine.port_per_tlp", AT(nic.dma_engine.port_per_tlp), {0, 1'000'000},
         "dma-bench: time of the port of device memory that reads and writes share, for each TLP,", port);
  t.time("nic.dma_engine.port_per_chunk", AT(nic.dma_engine.port_per_chunk), {0, 1'000'000}, "and for each 64 B begun.", port);
  t.count("nic.dma_engine.outstanding_reads", AT(nic.dma_engine.outstanding_reads), {1, 4'096},
          "dma-bench: reads from their request to the end of their store.",
          "NFP-6000: pcie-bench's 64 B read bandwidth times latency, local and remote (31.9 and 24.4 Gb/s)");
  t.count("nic.dma_engine.write_buffers", AT(nic.dma_engine.write_buffers), {1, 4'096},
          "dma-bench: writes whose data have been fetched and have not left.", "assumption");
  t.count("nic.dma_engine.queue", AT(nic.dma_engine.queue), {1, 4'096}, "dma-bench: operations that the device's program keeps queued.",
          "assumption: enough to keep the engine busy");
  t.time("nic.dma_engine.enqueue_latency", AT(nic.dma_engine.enqueue_latency), {0, 100'000'000}, "dma-bench: from the program to the DMA engine.", delays);
  t.time("nic.dma_engine.complete_latency", AT(nic.dma_engine.complete_latency), {0, 100'000'000}, "dma-bench: from the DMA engine back to the program.", delays);
  t.time("nic.dma_engine.command_enqueue_latency", AT(nic.dma_engine.command_enqueue_latency), {0, 100'000'000},
         "dma-bench: from the program to the bus by direct command.", command);
  t.time("nic.dma_engine.command_complete_latency", AT(nic.dma_engine.command_complete_latency), {0, 100'000'000},
         "dma-bench: from the bus to the program by direct command.", command);
}

void nic_fault_keys(Table& t) {
  t.share("nic.faults.lost_data_writes", AT(nic.faults.lost_data_writes), {0, 1'000'000},
          "Share of frames of which one TLP of the payload never reaches memory, though the card reports them; needs an expect line on integrity.errors.");
  t.share("nic.faults.lost_writebacks", AT(nic.faults.lost_writebacks), {0, 1'000'000},
          "Share of write-backs of received frames (virtio rings: of updates of the used index, or of a packed ring's descriptors) that never reach memory.");
  t.share("nic.faults.lost_interrupts", AT(nic.faults.lost_interrupts), {0, 1'000'000},
          "Share of the card's interrupt messages that are lost.");
  t.boolean("nic.faults.misplaced_fragments", AT(nic.faults.misplaced_fragments),
            "A card that splits headers takes the first 8 B of an IP fragment's payload for a UDP header and stores the rest where it would lie behind one; "
            "needs an expect line on integrity.errors.",
            "stmmac, Linux 47f753c1: header split corrupts the payload of IPv4 fragments");
}

}  // namespace

void nic_keys(Table& t) {
  const char* k82599 = "Intel 82599 data sheet and ixgbe driver";
  t.string("nic.model", AT(nic.model), "Name of the card, for reports.");
  t.rate("nic.link_rate", AT(nic.link_rate), {1'000'000, 1'000'000'000'000}, "Bit rate of the Ethernet link.", k82599);
  t.size("nic.mtu", AT(nic.mtu), {68, 9'000}, "Largest IP packet; longer frames are dropped.");
  t.count("nic.rx_queues", AT(nic.rx_queues), {1, 128}, "Receive queues of the host driver.");
  t.count("nic.ring_size", AT(nic.ring_size), {8, 8192, 8}, "Descriptors of a receive ring.", "Linux ixgbe default");
  t.count("nic.tx_ring_size", AT(nic.tx_ring_size), {8, 8192, 8}, "Descriptors of the transmit ring.", "Linux ixgbe default");
  t.size("nic.fifo", AT(nic.fifo), {16 * 1024, 64u << 20}, "Receive FIFO (packet buffer) of the card.", "ixgbe_type.h: 512 KB");
  t.choice("nic.header_split.mode", AT(nic.header_split.mode), {"off", "split", "always"},
           "off: one buffer a frame. split: headers that are understood go to the header buffer. always: the first bytes of "
           "every frame do.",
           "SRRCTL.DESCTYPE 1, 2 and 5");
  t.size("nic.header_split.header_buffer", AT(nic.header_split.header_buffer), {64, 1984, 64}, "Size of a header buffer.",
         "SRRCTL.BSIZEHEADER, 64 B steps; Linux ixgbe used 256 B");
  t.size("nic.header_split.threshold", AT(nic.header_split.threshold), {0, 9'000}, "Frames up to this length are not split.");
  t.time("nic.interrupt_moderation.delay", AT(nic.interrupt_moderation.delay), {0, 10'000'000'000},
         "Shortest time between two interrupts of a queue.",
         "EITR of the 82599; 20 us are an assumption, short so that short runs see many interrupts: the platforms state what their drivers do");
  t.choice("nic.interrupt_moderation.from", AT(nic.interrupt_moderation.from), {"last-interrupt", "first-completion", "last-completion"},
           "Where the delay begins: at the last interrupt, so that an idle queue interrupts at once; at the first completion that waits, "
           "so that a burst is one interrupt; or anew with each completion, so that a steady stream interrupts by `frames` alone.",
           "last-interrupt: EITR of the 82599; first-completion: packet timers (ethtool rx-usecs); last-completion: cq_period_mode 1 of mlx5");
  t.count("nic.interrupt_moderation.frames", AT(nic.interrupt_moderation.frames), {0, 65'535},
          "So many frames raise the interrupt before the delay is over; 0: by time alone.");
  t.choice("nic.interrupt_moderation.adaptive", AT(nic.interrupt_moderation.adaptive), {"off", "dim"},
           "dim: the host's driver moves each receive queue among five profiles of delay and frames by what it carries, beginning with the second, so that "
           "`delay` and `frames` are those of device rings alone. The profiles of last-completion differ from those of the other two. A choice takes 64 interrupts.",
           "Linux lib/dim, net_dim: mlx5, ice, bnxt_en, ena");
  t.time("nic.interrupt_moderation.command", AT(nic.interrupt_moderation.command), {0, 10'000'000'000},
         "Time from a driver's choice of another profile until the card moderates by it: a worker thread and a command to the card's firmware.", "assumption");
  t.choice("nic.interrupt_moderation.arming", AT(nic.interrupt_moderation.arming), {"cause", "consumer-index"},
           "What a driver that arms its queue's interrupt again tells the card. cause: nothing more; what has come since the last interrupt raises "
           "the next, taken or not. consumer-index: how far it has taken completions; later ones alone count.",
           "cause: EIMS of the 82599; consumer-index: doorbell of an mlx5 completion queue (mlx5_cq_arm)");
  t.size("nic.pause.high", AT(nic.pause.high), {0, 64u << 20},
         "The card sends PAUSE frames while its receive FIFO holds more than this; 0: never.", "IEEE 802.3 Annex 31B; FCRTH of the 82599");
  t.size("nic.pause.low", AT(nic.pause.low), {0, 64u << 20}, "FIFO level at which the card lets the far end go on.", "FCRTL of the 82599");
  t.count("nic.pause.quanta", AT(nic.pause.quanta), {1, 65'535}, "Time that a PAUSE frame asks for, in units of 512 bit times; renewed at half of it.",
          "Linux ixgbe: FCTTV 0xFFFF");
  t.time("nic.pause.response", AT(nic.pause.response), {0, 1'000'000'000}, "Time from a PAUSE frame's arrival to the far end's stop, a begun frame apart.",
         "at most 60 quanta at 10 Gb/s (IEEE 802.3 Annex 31B.3.7)");
  t.choice("nic.buffer_size", AT(nic.buffer_size), {"per-queue", "per-descriptor"},
           "Whether the length of receive buffers is a register of the queue or stands in each descriptor.",
           "SRRCTL.BSIZEPACKET is per queue");
  t.size("nic.rx_buffer", AT(nic.rx_buffer), {256, 64 * 1024}, "Size of the host driver's receive buffers.",
         "SRRCTL.BSIZEPACKET, 1 KiB steps; Linux ixgbe used 2 KiB");
  t.count("nic.descriptor_prefetch", AT(nic.descriptor_prefetch), {1, 64},
          "Receive descriptors that one DMA read fetches, at most; at most half the ring takes effect. When they are fetched: nic.prefetch_threshold.",
          "assumption: two cache lines");
  t.count("nic.descriptor_writeback_batch", AT(nic.descriptor_writeback_batch), {1, 64},
          "Used receive descriptors that one DMA write reports; at most half the ring takes effect.",
          "pcie-bench niantic model: no batching seen on the 82599");
  t.size("nic.completion.bytes", AT(nic.completion.bytes), {16, 128, 1, false, {16, 64, 128}},
         "16 B: a received frame is reported in its descriptor. 64 B, 128 B: in an entry of a completion queue.",
         "16 B: 82599, i40e, ice; 64 B, 128 B: mlx5 (mlx5_prm.h)");
  t.boolean("nic.completion.compression", AT(nic.completion.compression),
            "Like completions of one write-back batch share a title of 64 B and take 8 B each; needs entries of 64 B.",
            "mlx5: a title and arrays of 8 mini-completions of 8 B (DPDK commit 99c12dcc)");
  t.time("nic.writeback_timeout", AT(nic.writeback_timeout), {0, 10'000'000'000},
         "A batch of write-backs waits no longer than this.");
  t.count("nic.max_outstanding_writes", AT(nic.max_outstanding_writes), {1, 4'096}, "Frame writes under way at once; nic.max_outstanding_bytes bounds them as well.",
          "enough not to limit");
  t.size("nic.max_outstanding_bytes", AT(nic.max_outstanding_bytes), {64, 64u << 20},
         "Bytes of received frames under way to memory at once: a frame begins its way while fewer are. Limits where translation or memory take long.",
         "assumption: posted data credits for some 20 full frames");
  t.count("nic.descriptor_cache", AT(nic.descriptor_cache), {1, 4'096},
          "Receive descriptors that the card holds for a queue; a frame that needs more is dropped.", "assumption");
  t.count("nic.prefetch_threshold", AT(nic.prefetch_threshold), {0, 4'096},
          "Receive descriptors are fetched ahead while the card holds fewer of the queue; 0: only when a frame needs one.", "PTHRESH of the 82599: half the cache");
  t.count("nic.prefetch_host", AT(nic.prefetch_host), {0, 4'096},
          "They are fetched ahead when at least so many lie in the ring, or the card holds none.", "HTHRESH 8 (DPDK ixgbe)");
  t.count("nic.max_outstanding_reads", AT(nic.max_outstanding_reads), {1, 4'096}, "Transmit reads under way at once; pcie.tags bounds the requests of all of them.",
          "enough not to limit");
  t.size("nic.tx_fifo", AT(nic.tx_fifo), {16 * 1024, 64u << 20},
         "Transmit FIFO (packet buffer) of the card, in places for the longest frame; a frame is fetched when one is free.", "82599 data sheet: 160 KB");
  t.count("nic.tx_fetch_batch", AT(nic.tx_fetch_batch), {1, 4'096}, "Transmit descriptors that one DMA read fetches, at most.",
          "82599: 40 (pcie-bench niantic model)");
  t.count("nic.virtio_chain_cache", AT(nic.virtio_chain_cache), {2, 4'096},
          "Descriptor chains of a guest's ring that the card holds on chip; a frame that needs more of them (mergeable buffers) is dropped.",
          "assumption: as nic.descriptor_cache");
  t.count("nic.virtio_fetch_batch", AT(nic.virtio_fetch_batch), {1, 4'096},
          "Entries of a guest's available ring (packed: descriptors' chains) that one round of reads fetches, at most.", "assumption: a cache line of 2 B entries");
  t.time("nic.engine_latency", AT(nic.engine_latency), {0, 1'000'000'000},
         "Time of the receive engine from FIFO to the first DMA of a frame.", "assumption, 8 cycles at 156 MHz");
  t.boolean("nic.drop_when_no_descriptor", AT(nic.drop_when_no_descriptor),
            "A queue without descriptors drops its frames at once instead of filling the FIFO.",
            "SRRCTL.DROP_EN, off by default");
  t.time("nic.queue_stop.reread", AT(nic.queue_stop.reread), {1'000'000, 10'000'000'000},
         "Between the driver's reads of the register that says whether a queue has stopped (defences.reclaim).", "Linux i40e_pf_rxq_wait: usleep_range(10, 20)");
  t.time("nic.queue_stop.wait", AT(nic.queue_stop.wait), {0, 10'000'000'000},
         "From the card's answer that a queue has stopped until the driver may give its memory away.", "82599 data sheet 4.6.7.1.2: 100 us (recalled)");
  t.boolean("nic.scatter", AT(nic.scatter), "A frame may take several buffers.");
  t.boolean("nic.steering", AT(nic.steering), "Receive queues by MAC and VLAN (or the whole port for one guest). Off with several guests: they share one receive queue, and the host "
            "finds each packet's guest (see defences.shared_queue).",
            "82599: 64 VMDq pools");
  t.boolean("nic.virtio_rings", AT(nic.virtio_rings),
            "The card can serve virtio rings itself (vDPA), which `passthrough` needs.");
  t.boolean("nic.rss", AT(nic.rss), "Toeplitz hash: chooses among several receive queues, and is reported to the driver, whose GRO sorts flows by it.");
  t.boolean("nic.rss_udp", AT(nic.rss_udp), "The hash takes UDP ports in; off: datagrams between two addresses share a receive queue.",
            "Linux ixgbe: off (ethtool -N rx-flow-hash udp4 sdfn)");
  t.boolean("nic.flow_filters", AT(nic.flow_filters), "Exact-match filters (Flow Director, accelerated RFS) give the flows to the receive queues in turn, instead of by their hash. Needs nic.rss.");
  t.boolean("nic.checksum_check", AT(nic.checksum_check), "The card checks IP, TCP and UDP checksums.");
  dma_engine_keys(t);
  nic_fault_keys(t);
  t.boolean("nic.drop_bad_checksum", AT(nic.drop_bad_checksum), "Frames with a wrong checksum are dropped by the card.");
}

void bus_keys(Table& t) {
  t.count("pcie.generation", AT(pcie.generation), {1, 5}, "PCI Express generation: 2.5, 5, 8, 16 or 32 GT/s a lane.");
  t.count("pcie.lanes", AT(pcie.lanes), {1, 16, 1, true}, "Lanes.");
  t.size("pcie.max_payload", AT(pcie.max_payload), {128, 4096, 1, true}, "Largest payload of a TLP.",
         "common server chip sets");
  t.size("pcie.max_read_request", AT(pcie.max_read_request), {128, 4096, 1, true}, "Largest read request.", "common default");
  t.size("pcie.read_completion_boundary", AT(pcie.read_completion_boundary), {64, 128, 1, false, {64, 128}},
         "Completions are cut at multiples of this.", "PCI Express base specification");
  t.time("pcie.link_latency", AT(pcie.link_latency), {0, 100'000'000}, "One way, from the device's pins to the root port.",
         "fitted to pcie-bench's 8 B read latency");
  t.time("pcie.root_complex_latency", AT(pcie.root_complex_latency), {0, 100'000'000}, "Through the root complex, either way.",
         "fitted to pcie-bench's 8 B read latency");
  t.time("pcie.mmio_write_latency", AT(pcie.mmio_write_latency), {0, 100'000'000},
         "From a core's posted register write to the link.", "recalled: 100-200 ns");
  t.count("pcie.tags", AT(pcie.tags), {1, 1024}, "Read requests of the device that wait for completions; more wait for a tag.",
          "PCI Express base specification: 32 without extended tags");
  t.size("pcie.posted_credit_bytes", AT(pcie.posted_credit_bytes), {512, 1u << 20},
         "Posted data, in units of 16 B, that the root complex takes before it must be drained.",
         "assumption; 2.5 KiB for 8 lanes, 5 KiB for 16 in the Intel Xeon C5500/C3500 data sheet (vol. 1, table 76)");
  t.count("pcie.posted_headers", AT(pcie.posted_headers), {1, 4'096}, "Posted requests that the root complex takes before it must be drained.",
          "Intel Xeon C5500/C3500 data sheet vol. 1, table 76: 32 for 8 lanes, 64 for 16");
  t.count("pcie.nonposted_headers", AT(pcie.nonposted_headers), {1, 4'096}, "Read requests that the root complex takes before memory has answered.",
          "the same table: 36 for 8 lanes, 72 for 16");
  t.count("pcie.completion_headers", AT(pcie.completion_headers), {0, 4'096},
          "Completions that the device has room for: reads wait for it; 0: unbounded.", "PCI Express base specification: end points advertise infinite credits");
  t.size("pcie.completion_credit_bytes", AT(pcie.completion_credit_bytes), {0, 1u << 24}, "The same for their data; 0: unbounded.",
         "PCI Express base specification: end points advertise infinite credits");
  t.boolean("pcie.ecrc", AT(pcie.ecrc), "4 more bytes on every TLP.");
  t.share("pcie.dllp_overhead", AT(pcie.dllp_overhead), {0, 500'000},
          "Share of a direction's bytes that TLPs cannot have even if the other direction is idle: ordered sets, idle symbols, periodic updates.",
          "5.6 % by pcie-bench's measured write bandwidth; pcie-bench's model, by the specification's guideline: 8.15 % with ack_tlps and flow_control_tlps 0");
  t.count("pcie.ack_tlps", AT(pcie.ack_tlps), {0, 1'000}, "TLPs for each acknowledgement of 8 B in the opposite direction; 0: none.",
          "assumption, which pcie-bench's mixed reads and writes of 1536 B bear out");
  t.count("pcie.flow_control_tlps", AT(pcie.flow_control_tlps), {0, 1'000}, "TLPs for each update of credits of 8 B in the opposite direction; 0: none.",
          "as pcie.ack_tlps");

  const char* walks = "pcie-bench's IOMMU data: a walk of 280 ns, its one memory read some 80 of them, and 5-6 walks at once";
  t.choice("iommu.mode", AT(iommu.mode), {"off", "passthrough", "lazy", "strict"},
           "off and passthrough: bus addresses are physical. lazy: invalidations in batches. strict: at every unmap.");
  t.size("iommu.page", AT(iommu.page), {4096, 1u << 30, 1, false, {4096, 2u << 20, 1u << 30}},
         "Page size of the I/O page tables.");
  t.count("iommu.iotlb_entries", AT(iommu.iotlb_entries), {1, 65'536}, "Entries of the IOTLB.",
          "64 by pcie-bench's bandwidth over window size");
  t.count("iommu.walkers", AT(iommu.walkers), {1, 64}, "Page walks at once.", walks);
  t.count("iommu.levels", AT(iommu.levels), {4, 5}, "Levels of the I/O page tables.", "VT-d: 4 with 48-bit addresses, 5 with 57-bit ones");
  t.count("iommu.cached_levels", AT(iommu.cached_levels), {0, 4}, "Levels that the page-walk caches normally serve.",
          "1 to 4 memory reads a miss (Fast & Safe IO Memory Protection, SOSP 2024)");
  t.count("iommu.walk_cache_entries", AT(iommu.walk_cache_entries), {1, 65'536}, "Entries of the page-walk cache of each upper level.",
          "assumption: 32 tables of 2 MiB serve pcie-bench's windows of 64 MiB with one read a walk");
  t.time("iommu.hit_latency", AT(iommu.hit_latency), {0, 10'000'000}, "Added by a hit in the IOTLB.",
         "no added latency measured by pcie-bench below 512 KiB");
  t.time("iommu.walk_overhead", AT(iommu.walk_overhead), {0, 100'000'000}, "Time of a walk beyond its memory reads.", walks);
  t.boolean("iommu.invalidation_hint", AT(iommu.invalidation_hint),
            "Invalidations of strict mode say that only leaves have changed, and leave the walk caches alone.",
            "VT-d: IH of the IOTLB invalidate descriptor; Linux's strict mode drops the walk caches (Fast & Safe IO Memory Protection)");
  t.time("iommu.invalidation_latency", AT(iommu.invalidation_latency), {0, 1'000'000'000},
         "From an invalidation's submission to the completion that the core waits for.", "0.5-1 us (ATC'15, ASPLOS'16, recalled)");
  t.time("iommu.invalidation_interval", AT(iommu.invalidation_interval), {0, 1'000'000'000},
         "For which a core that submits an invalidation keeps others from the queue.",
         "qi_submit_sync holds a lock over two descriptors and the write of the tail: estimate");
  t.choice("iommu.iova_cache", AT(iommu.iova_cache), {"shared", "per-core"},
           "Bus addresses that are free again: one stack for all cores, or as Linux has them, in magazines of 128 for each core and a depot of 32 full ones, above an allocator that "
           "goes downwards from 4 GiB.", "Linux drivers/iommu/iova.c");
  t.count("iommu.lazy_batch", AT(iommu.lazy_batch), {1, 1'000'000}, "Unmaps that lazy mode collects before it flushes.",
          "Linux intel-iommu: 250");
  t.time("iommu.lazy_timeout", AT(iommu.lazy_timeout), {1'000'000}, "Lazy mode flushes at the latest after this.",
         "Linux intel-iommu: 10 ms");
  t.count("iommu.faults.records", AT(iommu.faults.records), {1, 256},
          "Faults that the IOMMU records until the host has read them; further ones are lost (iommu.faults_unrecorded).",
          "VT-d CAP.NFR: 1 to 256 registers; server chips have 8 (recalled)");
  t.share("iommu.faults.injected", AT(iommu.faults.injected), {0, 1'000'000},
          "Share of the card's data writes whose mapping is gone: blocked and reported, the frame is dropped (iommu-fault). Needs a mode that translates.");
}

}  // namespace gd::scenario
