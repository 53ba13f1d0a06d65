// Link and traffic of a run.
#include <algorithm>
#include <array>

#include "src/system/environment.h"
#include "src/system/params.h"

namespace gd::system {

namespace sc = scenario;

Link::Params link_params(const sc::Scenario& s) {
  Link::Params p;
  p.rate = s.nic.link_rate;
  p.far_end_delay = s.traffic.tcp_peer_delay;
  p.pause_response = s.nic.pause.response;
  if (s.traffic.frames) p.frames = *s.traffic.frames;
  p.down_length = s.traffic.link_down.length;
  p.down_at = s.traffic.link_down.at;
  p.down_period = s.traffic.link_down.period;
  const sc::DamagedTraffic& e = s.traffic.errors;
  p.damage.runts = static_cast<std::uint32_t>(e.runts);
  p.damage.giants = static_cast<std::uint32_t>(e.giants);
  p.damage.fcs = static_cast<std::uint32_t>(e.bad_fcs);
  p.damage.l3_checksum = static_cast<std::uint32_t>(e.bad_ip_checksum);
  p.damage.l4_checksum = static_cast<std::uint32_t>(e.bad_l4_checksum);
  p.damage.mtu = static_cast<std::uint32_t>(s.nic.mtu);
  p.damage.seed = s.seed;
  return p;
}

std::vector<std::size_t> destinations(const sc::Scenario& s) {
  std::vector<std::size_t> out;
  for (sc::Count round = 0, any = 1; any; ++round) {
    any = 0;
    for (std::size_t g = 0; g < s.guests.size(); ++g)
      if (s.guests[g].traffic_share > round) out.push_back(g), any = 1;
  }
  return out;
}

namespace {

struct ShapedShare {
  Shape shape;
  sc::Share share;
};
// In the order of their flows.
std::array<ShapedShare, 5> shaped_shares(const sc::Scenario& s) {
  const sc::UnsplittableTraffic& u = s.traffic.unsplittable;
  return {{{Shape::fragment, u.fragments}, {Shape::tunnel, u.tunnels}, {Shape::unknown_l4, u.unknown_l4},
           {Shape::long_headers, u.long_headers}, {Shape::pure_ack, u.pure_acks}}};
}

// One flow for each kind with a share and each destination of `plan`.
std::vector<FlowHeader> shaped_flows(const sc::Scenario& s, FlowPlan plan) {
  std::vector<FlowHeader> all;
  for (const auto& [shape, share] : shaped_shares(s)) {
    if (share == 0) continue;
    plan.count = static_cast<std::uint32_t>(plan.destinations.size());
    plan.udp = shape != Shape::long_headers && shape != Shape::pure_ack;
    plan.timestamps = false;
    plan.ipv6 = shape == Shape::long_headers || (shape != Shape::tunnel && s.traffic.ip == 6);
    for (FlowHeader h : make_flows(plan)) {
      h.shape = shape;
      h.udp_checksum = shape != Shape::tunnel;
      h.src_ip[1] = static_cast<std::uint8_t>(100 + static_cast<int>(shape));   // a sender of its own
      all.push_back(h);
    }
  }
  return all;
}

}  // namespace

std::vector<FlowHeader> flows(const sc::Scenario& s) {
  FlowPlan f;
  f.count = static_cast<std::uint32_t>(s.traffic.flows);
  f.udp = s.traffic.protocol == sc::Protocol::udp;
  f.ipv6 = s.traffic.ip == 6;
  f.vlan = static_cast<std::uint16_t>(s.traffic.vlan);
  if (addressed(s)) {
    f.destinations.clear();
    for (const std::size_t g : destinations(s)) f.destinations.push_back({guest_mac(s, g), static_cast<std::uint16_t>(s.guests[g].vlan)});
  }
  std::vector<FlowHeader> all = make_flows(f);
  const std::vector<FlowHeader> odd = shaped_flows(s, f);
  if (s.traffic.foreign.total() == 0) {
    all.insert(all.end(), odd.begin(), odd.end());
    return all;
  }
  // One UDP flow for each kind of frame that is not for a guest alone, in the order of foreign_shares().
  const BridgeParams bridge = bridge_params(s);
  f.count = 4;
  f.udp = true;
  const auto vlan = static_cast<std::uint16_t>(s.traffic.vlan);
  const std::uint64_t group = f.ipv6 ? 0x333300000001 : 0x01005e010101;    // ff02::1, 239.1.1.1
  f.destinations = {{bridge.host_mac, vlan}, {bridge.neighbour_mac, vlan}, {0xffffffffffff, vlan}, {group, vlan}};
  std::vector<FlowHeader> others = make_flows(f);
  constexpr std::uint8_t kGroup4[4] = {239, 1, 1, 1};
  if (f.ipv6) {
    for (unsigned i : {2u, 3u}) std::fill_n(others[i].dst_ip, 16, std::uint8_t{0}), others[i].dst_ip[0] = 0xff, others[i].dst_ip[1] = 2, others[i].dst_ip[15] = 1;
  } else {
    std::fill_n(others[2].dst_ip, 4, std::uint8_t{255});
    std::copy_n(kGroup4, 4, others[3].dst_ip);
  }
  all.insert(all.end(), others.begin(), others.end());
  all.insert(all.end(), odd.begin(), odd.end());
  return all;
}

Synthetic::Params synthetic_params(const sc::Scenario& s) {
  Synthetic::Params p;
  p.flows = flows(s);
  p.sizes.clear();
  for (const sc::FrameSize& f : s.traffic.frame_bytes)
    p.sizes.push_back({static_cast<std::uint32_t>(f.bytes), static_cast<std::uint32_t>(f.weight)});
  p.rate = s.traffic.rate.value_or(0);
  p.link_rate = s.nic.link_rate;
  p.arrivals = static_cast<Arrivals>(s.traffic.arrival);
  p.burst_frames = static_cast<std::uint32_t>(s.traffic.burst_frames);
  p.burst_gap = s.traffic.burst_gap;
  p.psh_every = static_cast<std::uint32_t>(s.traffic.psh_every);
  const sc::ForeignTraffic& f = s.traffic.foreign;
  if (f.total())
    for (sc::Share share : {f.host, f.other_guest, f.broadcast, f.multicast}) p.drawn.push_back(static_cast<std::uint32_t>(share));
  const std::size_t guests = addressed(s) ? destinations(s).size() : 1;
  for (const auto& [shape, share] : shaped_shares(s))
    for (std::size_t g = 0; share && g < guests; ++g)   // a remainder goes to the first
      p.drawn.push_back(static_cast<std::uint32_t>(share / guests + (g == 0 ? share % guests : 0)));
  p.seed = s.seed;
  return p;
}

TcpSender::Params tcp_params(const sc::Scenario& s) {
  TcpSender::Params p;
  p.flows = flows(s);
  p.frame_bytes = static_cast<std::uint32_t>(s.traffic.frame_bytes.front().bytes);
  p.tcp.initial_window = static_cast<std::uint32_t>(s.traffic.tcp_initial_window);
  p.tcp.max_window = s.traffic.tcp_window;
  p.tcp.rto = s.traffic.tcp_rto;
  p.seed = s.seed;
  return p;
}

}  // namespace gd::system
