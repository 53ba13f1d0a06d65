#include "src/scenario/table.h"

namespace gd::scenario {

void defences_keys(Table& t) {
  t.boolean("defences.validate", AT(defences.validate),
            "Addresses and lengths of a guest's descriptors are checked before the host uses them. Off: what lies behind the guest's "
            "memory is reached (1 MiB of the process behind it), and buffers shorter than the card may write are given to it.",
            "drivers/vhost/vhost.c translate_desc; on");
  t.boolean("defences.read_once", AT(defences.read_once),
            "A descriptor is copied when it is taken. Off: it is read again, unchecked, when it is used.",
            "DPDK 2021, \"fix split ring potential buffer overflow\"; on");
  t.boolean("defences.header_snapshot", AT(defences.header_snapshot),
            "guest-head: headers are copied to the host before it parses them. Off: the host parses in memory that the guest can write. "
            "The other designs parse a copy of the host's anyway.",
            "off in the patches of 2010");
  t.boolean("defences.shadow_shared_info", AT(defences.shadow_shared_info),
            "guest-head: the host keeps its own shared info. Off: as shadow_shared_info false of the strategy's entry.");
  t.count("defences.buffer_quota", AT(defences.buffer_quota), {0, 32'768},
          "Most buffers of one guest that the host takes from its ring at once (zero copy); 0: as many as the ring has. At the quota "
          "posting stalls until one is given back.");
  t.size("defences.pin_quota", AT(defences.pin_quota), {},
         "Most memory that is pinned for one guest's receive ring, beside host.memlock_limit; 0: no limit. At the quota what "
         "host.at_memlock_limit says.");
  t.choice("defences.depleted", AT(defences.depleted), {"wait", "drop", "copy"},
           "What becomes of a guest's frames when it has posted no buffers: they wait in the card's FIFO, which all queues share; the "
           "card drops them at once; or pages of the host take them (zero copy), are copied when the guest posts, and what finds no page "
           "is dropped by the card.",
           "82599: SRRCTL.DROP_EN off");
  t.count("defences.host_reserve", AT(defences.host_reserve), {1, 8'192},
          "With depleted copy, pages of the host for each queue.", "vhost tx zero copy falls back to copying beyond 128 (VHOST_MAX_PEND); half of it");
  t.choice("defences.shared_queue", AT(defences.shared_queue), {"refuse", "copy"},
           "With nic.steering off and several guests (or applications of user-async), what designs do that write into their memory: they are refused, "
           "or all frames come into pages of the host and are copied. passthrough is refused.");
  t.count("defences.shared_pool", AT(defences.shared_pool), {0, 1'000'000},
          "Receive buffers of a queue that guests share, those in its ring included. When all are in packets that wait for guests the "
          "queue stands still. 0: pages are allocated as they are needed.");
  t.count("defences.shared_share", AT(defences.shared_share), {0, 1'000'000},
          "With a shared queue, most frames that wait for one guest; further ones are dropped (tap-full; of an application socket-full), so that a guest that takes "
          "nothing does not stop the others. 0: no limit beside host.tap_queue.");
  t.time("defences.reclaim.after", AT(defences.reclaim.after), {0, 1'000'000'000'000},
         "A guest that has offered no buffer for so long, while it holds those that came back to it used, has what it had posted taken back: "
         "its queue is stopped, drained and emptied, its buffers go back unused and are unmapped and unpinned, and frames for it are dropped "
         "until it offers others. 0: never. vhost-copy pins nothing that could be taken back; passthrough's memory is the guest's device's.",
         "");
  t.share("defences.reclaim.share", AT(defences.reclaim.share), {1, 1'000'000},
          "Of the buffers that a guest had in its ring at once, the least share that it must hold for that.",
          "drivers refill when half of their ring, or 32 buffers, are free at the latest");
}

}  // namespace gd::scenario
