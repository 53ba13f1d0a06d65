#include "src/scenario/reader.h"
#include "src/scenario/table.h"

namespace gd::scenario {

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
