#include "models/host/drop_stage.h"

#include <algorithm>

#include "models/packet/headers.h"

namespace gd {

namespace {
const char* stage_cost(DropAt at) {
  return at == DropAt::driver ? "xdp.run" : at == DropAt::raw_table ? "netfilter.raw" : "netfilter.filter";
}
// What ip_rcv and a table's rule read of a packet: Ethernet, the longest IP header, ports.
constexpr std::uint32_t kHeadersRead = ether::kHeader + ip6::kHeader + udp::kHeader;
}  // namespace

DropStage::DropStage(const DropParams& params, PhysMem& phys, FrameTable& frames, ExpectedBytes& expected, CostBook& costs)
    : params_(params), phys_(phys), frames_(frames), check_(frames, expected), stage_(costs.get(stage_cost(params.stage))) {
  if (params.stage != DropAt::ip_filter) return;
  ip_ = costs.get("stack.ip");
  if (params.conntrack) conntrack_ = costs.get("netfilter.conntrack");
}

void DropStage::frame(Step& s, Hpa at, FrameRef frame) {
  s.charge(stage_);
  ++stats_.packets;
  ++stats_.frames;
  check_.whole(frame, phys_.at(at), frames_[frame].length);
  frames_.delivered(frame, s.now());
}

// Merged frames share the first one's headers; padding behind the payload belongs to no frame.
void DropStage::compare(Skb& skb) {
  if (skb.frames.count == 1 && skb.nr_frags == 0 && !skb.list) return check_.whole(skb.frames.first, phys_.at(skb.head.addr), skb.length);
  std::uint32_t skip = frames_[skb.frames.first].payload_offset, left = 0;
  for (FrameRef f = skb.frames.first; f != kNoFrame; f = frames_[f].next) left += frames_[f].payload_length;
  RxCheck::Cursor cursor;
  for_each_frag(skb, [&](Frag& f) {
    const std::uint32_t from = std::min(skip, f.length), n = std::min(f.length - from, left);
    skip -= from;
    left -= n;
    if (n) check_.payload(skb.frames, cursor, phys_.at(f.addr + from), n);
  });
}

void DropStage::packet(Step& s, Skb* skb) {
  const Hpa headers = skb->path->headers(*skb);
  s.load(stage_.op, headers, std::min<std::uint32_t>(kHeadersRead, skb->length));
  if (params_.stage == DropAt::ip_filter) {
    s.charge(ip_);
    if (params_.conntrack) s.charge(conntrack_);
  }
  s.charge(stage_);
  ++stats_.packets;
  stats_.frames += skb->frames.count;
  frames_.stamp(skb->frames, Stage::stack, s.now());
  compare(*skb);
  for (FrameRef f; (f = frames_.pop(skb->frames)) != kNoFrame;) frames_.delivered(f, s.now());
  skb->path->release(s, skb);
}

}  // namespace gd
