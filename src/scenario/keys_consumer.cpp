#include "src/scenario/table.h"

namespace gd::scenario {

void consumer_keys(Table& t) {
  t.choice("consumer", AT(consumer), {"guest", "host-socket", "user-async", "host-forward", "drop"},
           "Who takes the data: a guest, an application of the host behind its sockets, one that posts its own pages for asynchronous reads, "
           "a user driver of the host that polls and forwards, or a stage of the host's stack that drops every frame.");
  t.count("user_async.buffers", AT(user_async.buffers), {16, 65'536},
          "Buffers of the area that an application of consumer user-async registers, all of which it gives to the kernel at the start. Each entry of "
          "guests is an application: mac, vlan and traffic_share say which frames are its, behaviour how it treats its buffers afterwards.",
          "assumption; two receive rings of 512");
  t.size("user_async.buffer", AT(user_async.buffer), {1024, 4096, 1, true}, "Size of one of them.", "io_uring zcrx: a page, where not asked for otherwise");
  t.count("user_async.completion_ring", AT(user_async.completion_ring), {16, 65'536, 1, true}, "Entries of its completion queue.",
          "more than the packets of a full socket");
  t.choice("user_async.completions", AT(user_async.completions), {"application", "kernel-thread"},
           "Who makes completions of received packets: the application's own thread when it enters the kernel, or a thread of the kernel on the "
           "core host.affinity.vhost (SQPOLL; those of the next entries of guests on the next cores), which polls, as the application then does.");
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
