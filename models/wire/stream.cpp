#include "models/wire/stream.h"

#include <algorithm>
#include <string>

#include "models/base/error.h"
#include "models/wire/traffic.h"

namespace gd {
namespace {

// Dynamic ports (RFC 6335) and one that is not registered: dissectors then take the payload for plain data.
constexpr std::uint32_t kFirstPort = 49152, kPorts = 16384, kServerPort = 5002, kMostFlows = 255 * 65536;
constexpr std::uint64_t kFarMac = 0x0200000000fe;

void put_mac(std::uint8_t* to, std::uint64_t mac) {
  for (int i = 5; i >= 0; --i, mac >>= 8) to[i] = static_cast<std::uint8_t>(mac);
}

void put_address(std::uint8_t* to, bool ipv6, std::uint8_t net, std::uint32_t host) {
  const std::uint8_t hi = static_cast<std::uint8_t>(host >> 8), lo = static_cast<std::uint8_t>(host);
  if (ipv6) {
    to[0] = 0xfd, to[1] = net, to[14] = hi, to[15] = lo;
  } else {
    to[0] = 10, to[1] = net, to[2] = hi, to[3] = lo;
  }
}

Pattern make_pattern(std::uint64_t seed) {
  Rng rng(seed, "traffic.payload");
  return Pattern(rng);
}

std::uint32_t scramble(std::uint32_t v) { return static_cast<std::uint32_t>((v + 1) * 0x9e3779b97f4a7c15ULL >> 32); }

}  // namespace

std::vector<FlowHeader> make_flows(const FlowPlan& plan) {
  if (plan.destinations.empty()) throw UserError("synthetic traffic has no destination");
  if (plan.count > kMostFlows) throw UserError("synthetic traffic has at most " + std::to_string(kMostFlows) + " flows");
  std::vector<FlowHeader> flows(plan.count);
  for (std::uint32_t f = 0; f < plan.count; ++f) {
    FlowHeader& h = flows[f];
    const auto d = static_cast<std::uint32_t>(f % plan.destinations.size());
    const FlowPlan::Destination& to = plan.destinations[d];
    put_mac(h.dst_mac, to.mac);
    put_mac(h.src_mac, kFarMac);
    h.vlan_tci = to.vlan ? to.vlan : plan.vlan;
    h.tagged = h.vlan_tci != 0;
    h.ipv6 = plan.ipv6;
    put_address(h.src_ip, plan.ipv6, static_cast<std::uint8_t>(1 + (f >> 16)), f & 0xffff);
    put_address(h.dst_ip, plan.ipv6, 0, 1 + d);
    h.protocol = plan.udp ? ipproto::kUdp : ipproto::kTcp;
    h.src_port = static_cast<std::uint16_t>(kFirstPort + f % kPorts);
    h.dst_port = static_cast<std::uint16_t>(kServerPort);
    h.timestamps = plan.timestamps && !plan.udp;
  }
  return flows;
}

std::uint32_t Stream::isn(std::uint32_t flow) { return scramble(flow); }
std::uint32_t Stream::peer_isn(std::uint32_t flow) { return scramble(~flow); }

Stream::Stream(const std::vector<FlowHeader>& flows, std::uint64_t seed) : pattern_(make_pattern(seed)) {
  if (flows.empty()) throw UserError("synthetic traffic has no flow");
  headers_.reserve(flows.size());
  for (const FlowHeader& f : flows) {
    headers_.emplace_back(f);
    if (f.shape == Shape::plain) longest_header_ = std::max(longest_header_, headers_.back().length());
    else longest_shaped_ = std::max(longest_shaped_, headers_.back().length() + headers_.back().inner());
  }
}

std::uint32_t Stream::frame_length(const StreamSegment& s) const { return wire::padded(headers_[s.flow].length() + s.payload); }

void Stream::write_header(std::uint8_t* out, const StreamSegment& s) const {
  FrameFields f;
  f.payload_length = s.payload;
  f.payload_sum = pattern_.partial_sum(s.flow, s.offset, s.payload);
  f.ip_id = static_cast<std::uint16_t>(s.source_index);
  f.seq = isn(s.flow) + static_cast<std::uint32_t>(s.offset);
  f.ack = peer_isn(s.flow);
  if (s.push) f.flags |= tcp::kPsh;
  headers_[s.flow].write(out, f);
}

void Stream::write(std::uint8_t* out, const StreamSegment& s) const {
  write_header(out, s);
  const HeaderTemplate& h = headers_[s.flow];
  const std::uint32_t inner = h.inner(), header = h.length() + inner, used = h.length() + s.payload;
  pattern_.fill(out + header, s.flow, s.offset + inner, s.payload - inner);
  if (used < wire::kMinimum) std::memset(out + used, 0, wire::kMinimum - used);
}

void Stream::describe(FrameMeta& m, const StreamSegment& s) const {
  m.offset = s.offset;
  m.length = frame_length(s);
  m.flow = s.flow;
  m.source_index = s.source_index;
  m.loop = s.push;
  m.payload_offset = static_cast<std::uint16_t>(headers_[s.flow].length());
  m.payload_length = s.payload;
}

StreamSegment Stream::segment(const FrameMeta& m) const {
  StreamSegment s;
  s.flow = m.flow;
  s.offset = m.offset;
  s.source_index = m.source_index;
  s.payload = m.payload_length;
  s.push = m.loop != 0;
  return s;
}

FrameRef make_frame(FrameTable& table, FrameBuffers& buffers, const Stream& stream, const StreamSegment& s) {
  const std::uint32_t slot = buffers.take();
  stream.write(buffers.bytes(slot), s);
  return frame_of(table, buffers, slot, stream, s);
}

FrameRef frame_of(FrameTable& table, FrameBuffers& buffers, std::uint32_t slot, const Stream& stream, const StreamSegment& s) {
  const FrameRef r = table.create();
  buffers.give(slot, r);
  FrameMeta& m = table[r];
  stream.describe(m, s);
  m.bytes = buffers.bytes(slot);
  return r;
}

}  // namespace gd
