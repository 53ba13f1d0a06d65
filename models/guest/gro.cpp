#include "models/guest/gro.h"

#include <algorithm>

#include "models/virtio/layout.h"

namespace gd {
namespace {
constexpr Time kJiffy = 4 * kMs;   // HZ = 250
}  // namespace

GuestGro::GuestGro(GuestContext& c, GuestBuffers& buffers, GuestStack& stack)
    : c_(c), buffers_(buffers), stack_(stack), enabled_(c.params.gro.enabled && c.linux6()), table_(c.params.gro.rules) {}

void GuestGro::up(std::uint32_t i) {
  GuestPacket& p = buffers_.packet(i);
  ++c_.stats.gro_packets_out;
  c_.stats.gro_frames_out += p.frames.count;
  p.next = kNil;
  if (first_ == kNil) first_ = i;
  else buffers_.packet(last_).next = i;
  last_ = i;
}

bool GuestGro::deliver(Step& s, RingView& v) {
  while (first_ != kNil) {
    const std::uint32_t i = first_;
    first_ = buffers_.packet(i).next;
    stack_.receive(s, v, i);
    if (s.over()) break;
  }
  return first_ == kNil;
}

// Fragment slots that the payload takes in another skb. 0: it, or its beginning, stands in an skb head of its own, which
// is not a page that another skb could take over.
std::uint32_t GuestGro::slots(const GuestPacket& p, std::uint32_t header) const {
  const GuestBuffer& g = buffers_[p.first];
  if (g.length <= header) return p.frags;
  return g.pool == GuestBuffers::kHeads ? 0 : p.frags + 1;
}

void GuestGro::hold(Step& s, GuestPacket& p, std::uint32_t header) {
  buffers_.pull(s, p, header);
}

// skb_gro_receive().
void GuestGro::merge(Step& s, std::uint32_t into, std::uint32_t from, std::uint32_t header) {
  GuestPacket &to = buffers_.packet(into), &p = buffers_.packet(from);
  const std::uint32_t needed = slots(p, header);
  const bool chain = needed == 0 || to.frags + needed > kMaxFrags;
  buffers_.skip(s, p, header, !chain);
  ++c_.stats.gro_merged;
  if (chain) {
    // The skb becomes a member of the frag_list; further fragments go to it.
    s.charge(c_.costs.gro_merge);
    ++c_.stats.gro_chained;
    ++to.members;
    to.frags = p.frags;
    buffers_.splice(to, p, p.truesize);
  } else {
    s.charge_times(c_.costs.gro_merge, needed);
    s.charge(c_.costs.skb_free);
    to.frags += needed;
    buffers_.splice(to, p, p.truesize - p.own);
  }
  c_.frames.join(to.frames, p.frames);
  buffers_.free_packet(from, s.now());
}

void GuestGro::finish(Step& s, const GroFlushed& f) {
  const std::uint32_t i = packet(f.owner);
  GuestPacket& p = buffers_.packet(i);
  if (f.info.segments > 1) {
    const GuestBuffer& g = buffers_[p.first];
    const GroMeta m = gro_complete(c_.phys.at(g.hpa + g.at), f.info);
    s.charge(c_.costs.gro_complete);
    s.store(c_.costs.gro_complete.op, g.hpa + g.at, f.info.header_length);
    p.flags = VirtioNetHdr::kNeedsCsum;
    p.gso_type = static_cast<std::uint8_t>((m.tcp6 ? VirtioNetHdr::kGsoTcpV6 : VirtioNetHdr::kGsoTcpV4) | (m.ecn ? VirtioNetHdr::kGsoEcn : 0));
    p.gso_size = m.gso_size;
  }
  up(i);
}

void GuestGro::receive(Step& s, std::uint32_t i) {
  if (!stack_.handed_up(i, s.now())) return;
  GuestPacket& p = buffers_.packet(i);
  if (!enabled_ || p.length > kLongestPacket) return up(i);
  ++c_.stats.gro_packets_in;
  std::uint32_t contiguous = 0, summed = 0;
  const std::uint8_t* frame = buffers_.look(p, contiguous);
  const GuestBuffer& first = buffers_[p.first];
  GroSegment seg;
  seg.frame = frame;
  // Headers that are scattered and have no skb head to be pulled into are not looked at.
  seg.contiguous = first.pool == GuestBuffers::kHeads ? contiguous : std::min(contiguous, first.length);
  seg.parsed = &p.parsed;
  seg.owner = owner(i);
  seg.rx_hash = p.rx_hash;
  seg.verified = (p.flags & (VirtioNetHdr::kNeedsCsum | VirtioNetHdr::kDataValid)) != 0;
  seg.gso = p.gso_type != VirtioNetHdr::kGsoNone;
  if (!seg.verified && p.parsed.l4 == L4::tcp) seg.checksum = buffers_.check_l4(p, frame, summed);
  seg.frags = static_cast<std::uint16_t>(slots(p, p.parsed.header_length));

  const GroResult r = table_.receive(seg, s.start() / kJiffy);
  s.charge(c_.costs.gro_receive);
  buffers_.load(s, c_.costs.gro_receive.op, p, 0, r.header_bytes, false);
  s.charge_times(c_.costs.gro_compare, r.compared);
  if (r.summed_bytes) {
    buffers_.charge_sum(s, p, p.parsed.l4_offset(), r.summed_bytes);
    // A sum found right is not done again; a wrong one is the stack's to find and drop.
    if (seg.checksum == csum::Checked::good) p.flags |= VirtioNetHdr::kDataValid;
  }
  if (r.verdict == GroVerdict::merged) merge(s, packet(r.into), i, r.header_length);
  for (unsigned k = 0; k < r.flushed_count; ++k) finish(s, r.flushed[k]);
  if (r.verdict == GroVerdict::held) hold(s, p, r.header_length);
  else if (r.verdict == GroVerdict::normal) up(i);
}

void GuestGro::end_round(Step& s, bool again) {
  if (table_.held() == 0 || (again && table_.rules() == GroRules::linux_2_6_35)) return;
  for (GroFlushed f; table_.flush_all(&f, GroReason::complete, 1) != 0;) finish(s, f);
}

}  // namespace gd
