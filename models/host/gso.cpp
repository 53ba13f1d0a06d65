#include "models/host/gso.h"

#include <algorithm>
#include <cstring>

#include "models/base/error.h"
#include "models/buffers/strategy.h"
#include "models/packet/checksum.h"
#include "models/packet/gro.h"
#include "models/virtio/layout.h"

namespace gd {

TapOffloads TapOffloads::of(std::uint64_t f) {
  return {feature::has(f, feature::kGuestCsum), feature::has(f, feature::kGuestTso4), feature::has(f, feature::kGuestTso6),
          feature::has(f, feature::kGuestEcn), feature::has(f, feature::kGuestUso4) && feature::has(f, feature::kGuestUso6)};
}

bool TapOffloads::pass(std::uint8_t gso_type) const {
  if (gso_type & VirtioNetHdr::kGsoEcn && !ecn) return false;
  const std::uint8_t type = gso_type & static_cast<std::uint8_t>(~VirtioNetHdr::kGsoEcn);
  if (!checksum) return type == VirtioNetHdr::kGsoNone;
  return type == VirtioNetHdr::kGsoNone || (type == VirtioNetHdr::kGsoTcpV4 && tso4) || (type == VirtioNetHdr::kGsoTcpV6 && tso6) ||
         (type == VirtioNetHdr::kGsoUdpL4 && uso);
}

GsoSegmenter::GsoSegmenter(PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs)
    : phys_(phys), skbs_(skbs), frames_(frames), segment_(costs.get("gso.segment")), header_(costs.get("gso.header")),
      checksum_(costs.get("gso.checksum")), headers_(kGroHeaderMax) {}

// All runs behind the headers, in order; the skbs keep none of them.
void GsoSegmenter::flatten(Skb* skb, std::uint32_t header) {
  runs_.clear();
  members_.clear();
  require(skb->head.length >= header, "the headers of a merged packet are not in its linear part");
  if (skb->head.length > header) runs_.push_back({{skb->head.addr + header, skb->head.length - header, skb->head.token}, skb});
  for (unsigned i = 0; i < skb->nr_frags; ++i) runs_.push_back({skb->frags[i], nullptr});
  for (Skb* m = skb->list; m; m = m->next) {
    members_.push_back(m);
    if (m->head.length || m->head.token != kNoToken) runs_.push_back({m->head, m});
    for (unsigned i = 0; i < m->nr_frags; ++i) runs_.push_back({m->frags[i], nullptr});
    m->nr_frags = 0;
  }
  for (Skb* m : members_) m->next = nullptr;
  skb->nr_frags = 0;
  skb->list = skb->list_tail = nullptr;
}

// The skb of the segment whose payload begins with `run`, with room for the headers in its linear part.
Skb* GsoSegmenter::start(Step& s, Skb* skb, std::size_t run, std::uint32_t header) {
  Skb* member = runs_[run].head_of;
  if (member && member != skb && runs_[run].frag.token == kNoToken) {   // payload in the member's slab: its own headers stood before it
    std::replace(members_.begin(), members_.end(), member, static_cast<Skb*>(nullptr));
    member->head = {runs_[run].frag.addr - header, header, kNoToken};
    return member;
  }
  if (out_.empty()) return skb;
  Skb* seg = skbs_.alloc(s);
  seg->head = {seg->slab_addr, header, kNoToken};
  return seg;
}

// Sum of the packet's bytes from `skip` on, read by software.
std::uint16_t GsoSegmenter::sum(Step& s, const Skb& skb, std::uint32_t skip) {
  std::uint16_t total = 0;
  std::uint64_t done = 0;
  for_each_frag(const_cast<Skb&>(skb), [&](Frag& f) {
    const std::uint32_t cut = std::min(skip, f.length), n = f.length - cut;
    skip -= cut;
    if (n == 0) return;
    s.stream_load(checksum_.op, f.addr + cut, n);
    total = csum::combine(total, done, csum::sum(phys_.at(f.addr + cut), n));
    done += n;
  });
  s.charge(checksum_, done);
  stats_.summed_bytes += done;
  return total;
}

bool GsoSegmenter::plan(const Skb& skb) {
  out_.clear();
  headers_at_ = skb.path->headers(skb);
  const Parsed p = parse(phys_.at(headers_at_), skb.length);
  skbs_.ownership().decides(phys_.at(headers_at_), headers_at_, std::min<std::uint32_t>(p.header_length, skb.head.length));
  plan_ = segment_plan(p, skb.gso_size, skb.gso_fixed_id, skb.gso_accecn);
  if (p.l4 == L4::none || plan_.header_length > headers_.size() || plan_.size == 0 || plan_.header_length + plan_.payload > skb.length) return false;
  std::memcpy(headers_.data(), phys_.at(headers_at_), plan_.header_length);
  ++stats_.packets;
  return true;
}

// Whether each run of bytes behind the headers lies in one segment, and all of them are used.
bool GsoSegmenter::fits(Skb& skb) {
  if (skb.head.length < plan_.header_length) return false;
  std::uint32_t segment = 0, left = plan_.payload_of(0), skip = plan_.header_length;
  bool good = true;
  for_each_frag(skb, [&](Frag& f) {
    const std::uint32_t n = f.length - skip;
    skip = 0;
    if (n == 0) return;
    if (left == 0 && ++segment < plan_.segments()) left = plan_.payload_of(segment);
    good = good && n <= left;
    left -= std::min(left, n);
  });
  return good && left == 0 && segment + 1 == plan_.segments();
}

void GsoSegmenter::refuse(Step& s, Skb* skb) {
  out_.clear();
  ++stats_.refused;
  frames_.dropped(skb->frames, Drop::stack, s.now());
  skb->path->release(s, skb);
}

// What every segment gets: its headers, the state of its checksum, its frames.
void GsoSegmenter::finish(Step& s, const Skb& merged, Skb* seg, std::uint32_t i, bool partial, FrameChain& frames) {
  const std::uint32_t header = plan_.header_length;
  s.charge(segment_);
  s.charge(header_, header);
  s.load(header_.op, headers_at_, header);
  s.store(header_.op, seg->head.addr, header);
  segment_headers(phys_.at(seg->head.addr), headers_.data(), plan_, i, partial, partial ? 0 : sum(s, *seg, header));
  skbs_.ownership().rewrote(phys_.at(seg->head.addr), seg->head.addr);
  seg->checksum = partial ? Checksum::partial : Checksum::none;
  seg->csum_start = partial ? plan_.l4_offset : 0;
  seg->csum_offset = partial ? merged.csum_offset : 0;
  seg->header_length = 0;
  std::uint32_t payload = 0;
  while (!frames.empty() && (payload < plan_.payload_of(i) || i + 1 == plan_.segments())) {
    const FrameRef f = frames_.pop(frames);
    payload += frames_[f].payload_length;
    frames_.append(seg->frames, f);
  }
  out_.push_back(seg);
  ++stats_.segments;
}

void GsoSegmenter::segment(Step& s, Skb* skb, bool partial) {
  if (!plan(*skb) || !fits(*skb)) return refuse(s, skb);
  FrameChain frames = skb->frames;
  skb->frames = {};
  flatten(skb, plan_.header_length);
  bool used = false;                     // the packet's own skb became a segment
  std::size_t run = 0;
  for (std::uint32_t i = 0; i < plan_.segments(); ++i) {
    Skb* seg = start(s, skb, run, plan_.header_length);
    used = used || seg == skb;
    seg->take_hash(*skb);
    seg->path = skb->path;
    seg->gso_type = 0;
    seg->gso_size = seg->gso_segments = 0;
    std::uint32_t left = plan_.payload_of(i);
    seg->length = plan_.header_length + left;
    if (seg == skb) seg->head.length = plan_.header_length;
    const bool linear = runs_[run].head_of == seg;
    if (linear) {
      seg->head.length = plan_.header_length + runs_[run].frag.length;
      left -= runs_[run++].frag.length;
    }
    // An emptied piece held the headers of what follows it: its buffer stays with that.
    for (; run < runs_.size() && (left > 0 || i + 1 == plan_.segments()); ++run) {
      require(runs_[run].frag.length <= left, "a fragment lies in two segments");
      seg->frags[seg->nr_frags++] = runs_[run].frag;
      left -= runs_[run].frag.length;
    }
    require(left == 0, "a merged packet is shorter than its segments");
    finish(s, *skb, seg, i, partial, frames);
  }
  for (Skb* m : members_)
    if (m) skbs_.free_shell(s, m);
  if (!used) skbs_.free_shell(s, skb);
}

void GsoSegmenter::segment_copied(Step& s, Skb* skb, bool partial, CopyPath& copies) {
  if (!plan(*skb)) return refuse(s, skb);
  FrameChain frames = skb->frames;
  skb->frames = {};
  for (std::uint32_t i = 0; i < plan_.segments(); ++i) {
    Skb* seg = copies.slice(s, *skb, plan_.header_length, plan_.header_length + i * plan_.size, plan_.payload_of(i));
    finish(s, *skb, seg, i, partial, frames);
  }
  skb->path->release(s, skb);
}

void GsoSegmenter::complete(Step& s, Skb& skb) {
  std::uint8_t* field = phys_.at(skb.path->headers(skb)) + skb.csum_start + skb.csum_offset;
  const std::uint16_t total = sum(s, skb, skb.csum_start);   // the field holds the pseudo header's sum
  const auto check = static_cast<std::uint16_t>(~total);
  field[0] = static_cast<std::uint8_t>(check >> 8);
  field[1] = static_cast<std::uint8_t>(check);
  skbs_.ownership().rewrote(phys_.at(skb.path->headers(skb)), skb.path->headers(skb));
  skb.checksum = Checksum::none;
  skb.csum_start = skb.csum_offset = 0;
}

}  // namespace gd
