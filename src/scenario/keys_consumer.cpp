#include "src/scenario/table.h"

namespace gd::scenario {

void consumer_keys(Table& t) {
  t.choice("consumer", AT(consumer), {"guest", "host-socket", "user-async", "host-forward", "drop"},
           "Who takes the data: a guest, an application of the host behind its sockets, or a stage of the host's stack that "
           "drops every frame. This version serves guest, host-socket and drop.");
  t.choice("drop.stage", AT(drop.stage), {"driver", "raw-table", "ip-filter"},
           "Where consumer drop ends frames, which are delivered there: in the driver before an skb exists (XDP_DROP), in the "
           "raw table of netfilter behind skb and GRO, or in the filter table behind the route.");
  t.boolean("drop.conntrack", AT(drop.conntrack), "With ip-filter, connections are tracked: each packet is looked up.",
            "off where no rule needs it");
}

}  // namespace gd::scenario
