#include "src/scenario/reader.h"
#include "src/scenario/table.h"

namespace gd::scenario {

namespace {

// Frames that the card cannot split, frames that come damaged, and a link that goes down.
void fault_traffic_keys(Table& t) {
  t.share("traffic.unsplittable.fragments", AT(traffic.unsplittable.fragments), {0, 1'000'000},
          "Share of synthetic frames that are the last fragment of a UDP datagram: a card finds no transport header in them.");
  t.share("traffic.unsplittable.tunnels", AT(traffic.unsplittable.tunnels), {0, 1'000'000},
          "The same, of a tunnel (VXLAN): a card cuts behind the outer headers, the inner ones lie with the payload.");
  t.share("traffic.unsplittable.unknown_l4", AT(traffic.unsplittable.unknown_l4), {0, 1'000'000},
          "The same, of a transport protocol that cards do not know (IP protocol 253, RFC 3692).");
  t.share("traffic.unsplittable.long_headers", AT(traffic.unsplittable.long_headers), {0, 1'000'000},
          "The same, of TCP over IPv6 behind destination options of 192 B: more headers than a header buffer of 256 B holds.");
  t.share("traffic.unsplittable.pure_acks", AT(traffic.unsplittable.pure_acks), {0, 1'000'000},
          "The same, of TCP segments without payload.");
  t.share("traffic.errors.runts", AT(traffic.errors.runts), {0, 1'000'000},
          "Share of frames cut short on the wire, to 14 to 59 B; the card drops them (runt).", "82599: RUC, RFC counters");
  t.share("traffic.errors.giants", AT(traffic.errors.giants), {0, 1'000'000},
          "Share of frames with up to 256 B more than nic.mtu allows; the card drops them (oversize).", "82599: ROC counter, MAXFRS");
  t.share("traffic.errors.bad_fcs", AT(traffic.errors.bad_fcs), {0, 1'000'000},
          "Share of frames with a flipped bit that their FCS tells; the card drops them (bad-fcs).", "82599: CRCERRS counter");
  t.share("traffic.errors.bad_ip_checksum", AT(traffic.errors.bad_ip_checksum), {0, 1'000'000},
          "Share of frames whose IPv4 header checksum is wrong under a right FCS; who is first to check drops them (bad-checksum). IPv6 has none.");
  t.share("traffic.errors.bad_l4_checksum", AT(traffic.errors.bad_l4_checksum), {0, 1'000'000},
          "The same for the TCP or UDP checksum.");
  t.time("traffic.link_down.length", AT(traffic.link_down.length), {0, 1'000'000'000'000},
         "For which the link is down, until it is trained again: what is sent meanwhile is lost (link-down); 0: never.",
         "10GBASE-R: milliseconds; 10GBASE-T: seconds (recalled)");
  t.time("traffic.link_down.at", AT(traffic.link_down.at), {0, 1'000'000'000'000}, "When it goes down, from the begin of warm-up.");
  t.time("traffic.link_down.period", AT(traffic.link_down.period), {0, 1'000'000'000'000}, "From one time to the next; 0: once.");
}

}  // namespace

void traffic_keys(Table& t) {
  t.choice("traffic.kind", AT(traffic.kind), {"synthetic", "pcap", "dma-bench"},
           "Generated frames, a capture, or bare DMA by a measuring device, without host software (dma-bench).");
  t.rate("traffic.rate", AT(traffic.rate), {1'000},
         "Bit rate of the frames with FCS, without preamble and gap. With a capture: absent means as recorded.");
  t.count("traffic.frames", AT(traffic.frames), {1},
          "The run ends after so many frames (dma-bench: operations), if `time.measure` does not end it before.");
  t.other("traffic.frame_bytes", read_frame_bytes(), "a number of bytes from 64 to 9026, or a list of {bytes, weight}",
          "Length of the frames with their 4 bytes of FCS; a list is a weighted mix.", "a full frame at MTU 1500");
  t.count("traffic.flows", AT(traffic.flows), {1, 1'000'000}, "Flows, taken in turn.");
  t.choice("traffic.protocol", AT(traffic.protocol), {"udp", "tcp"}, "Transport protocol of synthetic frames.");
  t.count("traffic.ip", AT(traffic.ip), {4, 6, 1, false, {4, 6}}, "IP version of synthetic frames.");
  t.count("traffic.vlan", AT(traffic.vlan), {0, 4094}, "VLAN tag of synthetic frames; 0: untagged.");
  t.choice("traffic.arrival", AT(traffic.arrival), {"paced", "poisson", "burst"},
           "Distances between frames: even, exponentially distributed, or bursts back to back.");
  t.count("traffic.burst_frames", AT(traffic.burst_frames), {1, 1'000'000}, "Frames of a burst.");
  t.time("traffic.burst_gap", AT(traffic.burst_gap), {}, "Pause between bursts; 0: the one that makes the average `rate`.");
  t.choice("traffic.tcp", AT(traffic.tcp), {"open", "closed"},
           "open: segments at `rate` whatever comes back. closed: a sender with window and acknowledgements.");
  t.size("traffic.tcp_window", AT(traffic.tcp_window), {1'500, 1u << 30},
         "Largest amount of unacknowledged data of a flow of the closed loop.");
  t.count("traffic.tcp_initial_window", AT(traffic.tcp_initial_window), {1, 1'000}, "Initial congestion window in segments.",
          "RFC 6928");
  t.time("traffic.tcp_rto", AT(traffic.tcp_rto), {1'000'000}, "Retransmission timeout of the closed loop.",
         "data-centre setting; Linux's minimum of 200 ms is longer than most runs");
  t.time("traffic.tcp_peer_delay", AT(traffic.tcp_peer_delay), {},
         "Time from an acknowledgement's arrival at the sender to the segments that it releases.");
  t.count("traffic.psh_every", AT(traffic.psh_every), {}, "Every so many segments of a flow carry PSH; 0: none.");
  t.share("traffic.foreign.host", AT(traffic.foreign.host), {0, 1'000'000},
          "Share of synthetic frames that are UDP to the host itself; they reach a guest's queue where no rule claims them.");
  t.share("traffic.foreign.other_guest", AT(traffic.foreign.other_guest), {0, 1'000'000},
          "The same, to a guest behind the same bridge that is not simulated.");
  t.share("traffic.foreign.broadcast", AT(traffic.foreign.broadcast), {0, 1'000'000}, "The same, to everybody.");
  t.share("traffic.foreign.multicast", AT(traffic.foreign.multicast), {0, 1'000'000}, "The same, to a group of all guests.");
  fault_traffic_keys(t);
  t.path("traffic.file", AT(traffic.file), "The capture (pcap or pcapng).").hashed = false;
  t.other("traffic.loop", read_loop(), "false, true, or a number of repetitions",
          "Whether the capture starts again at its end; sequence numbers, IP ids and checksums advance.");
  t.choice("traffic.rewrite_dst_mac", AT(traffic.rewrite_dst_mac), {"keep", "guest"},
           "keep: destination addresses as captured. guest: those of the guests, flow by flow.");
  t.choice("traffic.op", AT(traffic.dma.op), {"read", "write", "read-write", "write-read"}, "dma-bench: the operation.");
  t.size("traffic.transfer", AT(traffic.dma.transfer), {1, 1u << 20}, "dma-bench: bytes of a transfer.", "pcie-bench");
  t.size("traffic.window", AT(traffic.dma.window), {64, 1u << 30}, "dma-bench: size of the buffer that is accessed.",
         "pcie-bench");
  t.size("traffic.offset", AT(traffic.dma.offset), {0, 4095},
         "dma-bench: where a transfer begins in its unit; units are transfer and offset rounded up to 64 B.", "pcie-bench");
  t.count("traffic.outstanding", AT(traffic.dma.outstanding), {0, 4'096},
          "dma-bench: operations under way at once, 1 for latency; 0: as many as the device's queues hold (nic.dma_engine.queue).");
  t.choice("traffic.interface", AT(traffic.dma.interface), {"dma", "command"},
           "dma-bench: through the DMA engine, or by direct commands of up to 128 B.", "pcie-bench: LAT_DMA and LAT_CMD");
  t.choice("traffic.access", AT(traffic.dma.access), {"random", "sequential"}, "dma-bench: order of accesses.");
  t.choice("traffic.cache", AT(traffic.dma.cache), {"warm", "cold"},
           "dma-bench: the window was written by a CPU before the run, or the cache was filled with other dirty lines.");
}

}  // namespace gd::scenario
