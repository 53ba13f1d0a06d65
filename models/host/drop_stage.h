// The consumer `drop`: a stage of the host's receive path that drops every frame, as benchmarks of the stages below do.
//
// The stages: the driver, before an skb exists (an XDP program that answers XDP_DROP; the buffer goes back to its pool);
// the raw table, netfilter's first hook in ip_rcv, behind skb, GRO and netif_receive_skb; the filter table of locally
// delivered packets, behind the route, where connection tracking may have looked at each packet.
// A frame that reaches the stage is delivered: the stage is what takes the data. What is lost before it counts as dropped.
// Modelled: the stage's own cost per packet, its reads of the headers, the return of the buffers, the comparison of every
// byte. Not modelled: the content of rules and of the connection table (one rule that matches, one entry per flow that
// exists), other XDP verdicts, IP options, reassembly.
// Source: include/linux/bpf.h XDP_DROP, net/ipv4/ip_input.c, net/ipv4/netfilter/iptable_raw.c, net/netfilter/nf_conntrack_core.c.
#pragma once
#include "models/host/gro_stage.h"
#include "models/host/napi.h"
#include "models/ports/rx_check.h"

namespace gd {

enum class DropAt : std::uint8_t { driver, raw_table, ip_filter };

struct DropParams {
  DropAt stage = DropAt::raw_table;
  bool conntrack = false;          // ip_filter: connections are tracked (nf_conntrack is loaded)
};

struct DropStats {
  std::uint64_t packets = 0, frames = 0;
};

class DropStage : public PacketSink, public DriverHook {
 public:
  // Costs: driver: xdp.run; raw_table: netfilter.raw; ip_filter: stack.ip, netfilter.filter and, with conntrack,
  // netfilter.conntrack.
  DropStage(const DropParams& params, PhysMem& phys, FrameTable& frames, ExpectedBytes& expected, CostBook& costs);
  bool in_driver() const { return params_.stage == DropAt::driver; }
  // PacketSink: behind GRO.
  void packet(Step& s, Skb* skb) override;
  std::uint32_t held() const override { return 0; }
  // DriverHook: in the driver.
  void frame(Step& s, Hpa at, FrameRef frame) override;
  const DropStats& stats() const { return stats_; }
  const RxCheck& check() const { return check_; }

 private:
  void compare(Skb& skb);
  DropParams params_;
  PhysMem& phys_;
  FrameTable& frames_;
  RxCheck check_;
  Cost stage_, ip_, conntrack_;
  DropStats stats_;
};

}  // namespace gd
