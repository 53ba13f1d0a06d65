#include "src/scenario/table.h"

namespace gd::scenario {

void consumer_keys(Table& t) {
  t.choice("consumer", AT(consumer), {"guest", "host-socket", "user-async", "host-forward", "drop"},
           "Who takes the data: a guest, an application of the host behind its sockets, a user driver of the host that "
           "polls and forwards, or a stage of the host's stack that drops every frame. This version does not serve user-async.");
  t.choice("drop.stage", AT(drop.stage), {"driver", "raw-table", "ip-filter"},
           "Where consumer drop ends frames, which are delivered there: in the driver before an skb exists (XDP_DROP), in the "
           "raw table of netfilter behind skb and GRO, or in the filter table behind the route.");
  t.boolean("drop.conntrack", AT(drop.conntrack), "With ip-filter, connections are tracked: each packet is looked up.",
            "off where no rule needs it");
  t.count("forward.burst", AT(forward.burst), {1, 512}, "Frames that a poller of consumer host-forward takes in a round.",
          "DPDK l2fwd MAX_PKT_BURST, FastClick: 32");
  t.count("forward.mempool", AT(forward.mempool), {64, 1u << 20}, "Buffers of its pool, which its receive rings and what waits for transmission share.",
          "assumption; a receive ring of 4096 four times over");
  t.count("forward.mempool_cache", AT(forward.mempool_cache), {0, 512}, "Free buffers that a core keeps for itself, the last freed on top.",
          "DPDK: at most 512; FastClick MBUF_CACHE_SIZE, l2fwd: 256");
  t.size("forward.headroom", AT(forward.headroom), {0, 1024, 64}, "Bytes before a frame in its buffer.", "DPDK RTE_PKTMBUF_HEADROOM");
}

}  // namespace gd::scenario
