#include "models/host/gro_stage.h"

#include <algorithm>

#include "models/base/error.h"
#include "models/packet/headers.h"
#include "models/virtio/layout.h"

namespace gd {

GroStage::GroStage(const GroParams& params, PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs)
    : params_(params), jiffy_(kSec / params.hz), phys_(phys), skbs_(skbs), frames_(frames), table_(params.rules, params.udp, params.most_buffers), receive_(costs.get("gro.receive")),
      compare_(costs.get("gro.compare")), merge_frag_(costs.get("gro.merge_frag")), chain_(costs.get("gro.chain")),
      complete_(costs.get("gro.complete")), checksum_(costs.get("gro.checksum")), match_(costs.get("gro.match")),
      pull_(costs.get("gro.pull")), slow_pull_(costs.get("gro.slow_pull")), expand_(costs.get("gro.expand_head")), gathered_(kGathered) {
  if (old()) params_.normal_batch = 1;
}

void GroStage::pass(Step& s, Skb* skb) {
  if (skb->broken) {   // whoever copies it finds fewer bytes than its length says (-EFAULT)
    held_frames_ -= skb->frames.count;
    frames_.dropped(skb->frames, Drop::stack, s.now());
    skb->path->release(s, skb);
    return;
  }
  skb->next = nullptr;
  (ready_ ? ready_tail_->next : ready_) = skb;
  ready_tail_ = skb;
  ++ready_packets_;
  batched_ += std::max<std::uint32_t>(skb->gso_segments, 1);
  if (batched_ < params_.normal_batch) return;
  due_ = ready_packets_;
  batched_ = 0;
}

bool GroStage::hand_up(Step& s, PacketSink& up) {
  while (due_) {
    if (s.over()) return false;
    if (!s.fresh() && !up.room(*ready_)) return false;   // as it is in the next step: some may be made before
    Skb* skb = ready_;
    ready_ = skb->next;
    skb->next = nullptr;
    --ready_packets_;
    --due_;
    held_frames_ -= skb->frames.count;
    ++stats_.packets_out;
    stats_.segments_out += skb->frames.count;
    up.packet(s, skb);
  }
  return true;
}

// A merge leaves out the buffers that hold headers alone. Headers in the skb's own head take a buffer, too.
void GroStage::count_buffers(const Skb& skb, std::uint32_t header, GroSegment& seg) {
  std::uint32_t end = 0;
  for_each_frag(const_cast<Skb&>(skb), [&](Frag& f) {
    end += f.length;
    if (f.token == kNoToken && &f != &skb.head) return;
    if (f.length) ++seg.buffers;
    if (f.token != kNoToken && end > header) ++seg.payload_buffers;
  });
}

GroStage::View GroStage::view(const Skb& skb) {
  Frag first = skb.head.length ? skb.head : skb.frags[0];
  if (skb.snapshot) first = {skb.snapshot, skb.snapshot_length, kNoToken};
  View v{phys_.at(first.addr), first.length, {}};
  v.p = parse(v.frame, skb.length);
  const bool cut = v.p.header_length > first.length || v.p.decode == Decode::truncated || v.p.decode == Decode::lengths;
  if (!cut || first.length >= skb.length) return v;
  std::uint32_t n = 0;
  for_each_frag(const_cast<Skb&>(skb), [&](Frag& f) {
    const std::uint32_t part = std::min(f.length, kGathered - n);
    std::memcpy(&gathered_[n], phys_.at(f.addr), part);
    n += part;
  });
  v.frame = gathered_.data();
  v.contiguous = n;
  v.p = parse(v.frame, skb.length);
  return v;
}

// How many bytes of headers are reached without making them linear (frag0).
std::uint32_t GroStage::in_place(const Skb& skb, bool frags) const {
  const std::uint32_t room = frags ? kFragsRoom : static_cast<std::uint32_t>(Skb::kSlab);
  if (old()) return skb.head.length ? skb.head.length : skb.nr_frags ? skb.frags[0].length : 0;
  // With nothing linear behind the Ethernet header the first fragment is read in place, as far as it could be pulled.
  if (skb.head.length > ether::kHeader || skb.nr_frags == 0) return skb.head.length;
  return std::min(skb.head.length + skb.frags[0].length, room);
}

void GroStage::pull(Step& s, Skb& skb, std::uint32_t n, RxPath& path, const Cost& price) {
  if (n <= skb.head.length) return;
  Emptied emptied;
  const std::uint32_t before = skb.head.length;
  skbs_.pull(s, skb, n, price, emptied, params_.frag_shift_bug ? PullBug::shift_bytes : PullBug::none);
  stats_.pulled_bytes += skb.head.length - before;
  for (unsigned i = 0; i < emptied.count; ++i) path.pulled_empty(s, skb, emptied.frags[i]);
}

csum::Checked packet_checksum(const PhysMem& phys, const Skb& skb, const std::uint8_t* headers, const Parsed& p) {
  if (p.l4 == L4::none || p.is_fragment) return csum::Checked::none;
  std::uint16_t sum = 0;
  std::uint64_t done = 0;
  const std::uint32_t begin = p.l4_offset(), end = p.l2_length + p.ip_length;
  std::uint32_t at = 0;
  for_each_frag(const_cast<Skb&>(skb), [&](Frag& f) {
    const std::uint32_t from = at > begin ? at : begin, to = at + f.length < end ? at + f.length : end;
    if (from < to) {
      sum = csum::combine(sum, done, csum::sum(phys.at(f.addr + (from - at)), to - from));
      done += to - from;
    }
    at += f.length;
  });
  if (p.l4 == L4::udp && !headers[p.l4_offset() + 6] && !headers[p.l4_offset() + 7])   // no checksum was sent
    return p.l3 == L3::ipv4 ? csum::Checked::none : csum::Checked::bad;
  const std::uint16_t whole = csum::add(sum, csum::pseudo(headers, p, end - begin));
  return whole == 0xffff ? csum::Checked::good : csum::Checked::bad;
}

void GroStage::merge(Step& s, Skb* into, Skb* skb, GroResult& r, RxPath& path) {
  bool shell = false;
  if (r.first_chained) {
    Skb* head = skbs_.lift_head(s, *into, path.headers(*into), r.header_length, Cost{chain_.op, 0, 0});
    table_.replace_owner(into, head);
    for (unsigned i = 0; i < r.flushed_count; ++i)
      if (r.flushed[i].owner == into) r.flushed[i].owner = head;
    into = head;
  }
  require(!old() || can_merge_2635(*into, *skb, r.header_length), "the GRO table let a packet join that has no room");
  const unsigned moved = merge_payload(*into, *skb, r.header_length, &shell, old());
  frames_.join(into->frames, skb->frames);
  ++stats_.merged;
  if (shell) {
    s.charge_times(merge_frag_, moved);
    path.absorbed(s, *skb);
    // Form C keeps the shell for the next frame; a stolen head leaves the struct alone to be freed; else struct and head.
    if (Skb** spare = path.napi_skb()) skbs_.reuse(s, skb, *spare);
    else if (skb->head_is_page) skbs_.free_shell(s, skb);
    else skbs_.free(s, skb);
  } else {
    s.charge(chain_);
    ++stats_.chained;
  }
}

void GroStage::finish(Step& s, const GroFlushed& f, RxPath& path) {
  Skb* skb = static_cast<Skb*>(f.owner);
  ++stats_.flushes[static_cast<int>(f.reason)];
  if (f.info.segments > 1) {
    const Hpa header = path.headers(*skb);
    const GroMeta m = gro_complete(phys_.at(header), f.info);
    s.charge(complete_);
    s.store(complete_.op, header, f.info.header_length);
    skbs_.ownership().rewrote(phys_.at(header), header);
    skb->gso_size = m.gso_size;
    skb->gso_segments = m.gso_segments;
    skb->gso_fixed_id = m.fixed_id;
    skb->gso_accecn = m.accecn;
    skb->gso_type = m.udp ? VirtioNetHdr::kGsoUdpL4 : m.tcp6 ? VirtioNetHdr::kGsoTcpV6 : VirtioNetHdr::kGsoTcpV4;
    if (m.ecn) skb->gso_type |= VirtioNetHdr::kGsoEcn;
    skb->header_length = m.header_length;
    skb->checksum = Checksum::partial;
    skb->csum_start = m.csum_start;
    skb->csum_offset = m.csum_offset;
  }
  pass(s, skb);
}

void GroStage::receive(Step& s, Skb* skb, RxPath& path, PacketSink& up) {
  ++stats_.packets_in;
  held_frames_ += skb->frames.count;
  const bool frags = path.napi_frags(), merges = params_.enabled && path.merges();
  if (!frags && !merges) {
    pass(s, skb);
    hand_up(s, up);
    return;
  }
  const View v = view(*skb);
  const Parsed& p = v.p;
  const Hpa at = skb->snapshot ? skb->snapshot : skb->head.length ? skb->head.addr : skb->frags[0].addr;
  skbs_.ownership().parsed(phys_.at(at), at, std::min<std::uint32_t>(p.header_length, v.contiguous));
  // napi_frags_skb copies the Ethernet header at once; 2.6.35 leaves it to the pull of all headers.
  if (frags && !old()) pull(s, *skb, ether::kHeader, path, pull_);
  if (!merges) {   // the host still wants to read the headers
    pull(s, *skb, p.header_length, path, pull_);
    pass(s, skb);
    hand_up(s, up);
    return;
  }
  GroSegment seg;
  seg.frame = v.frame;
  seg.contiguous = v.contiguous;
  seg.parsed = &p;
  seg.owner = skb;
  seg.rx_hash = skb->hash;
  seg.host_pages = skb->host_pages;
  seg.verified = skb->checksum == Checksum::unnecessary;
  if (skb->checksum == Checksum::bad) seg.checksum = csum::Checked::bad;
  else if (!seg.verified && (p.l4 == L4::tcp || (params_.udp && p.l4 == L4::udp)) && p.header_length <= seg.contiguous)
    seg.checksum = packet_checksum(phys_, *skb, v.frame, p);
  s.charge(receive_);
  if (p.header_length > in_place(*skb, frags)) {   // what the rules do not reach in place becomes linear before they look
    const std::uint32_t n = table_.reads(seg);
    if (n > in_place(*skb, frags)) {
      ++stats_.slow_headers;
      if (frags && n > kFragsRoom) s.charge(expand_);
      pull(s, *skb, n, path, slow_pull_);
    }
  }
  const bool linear = skb->head.length > p.header_length;
  seg.frags = static_cast<std::uint16_t>(old() && linear ? 0 : skb->nr_frags + (linear && skb->head_is_page ? 1 : 0));
  if (params_.most_buffers != UINT32_MAX) count_buffers(*skb, p.header_length, seg);
  if (skb->snapshot) s.load(receive_.op, skb->snapshot, std::min<Bytes>(p.header_length, skb->snapshot_length));
  else if (skb->head.length >= p.header_length || skb->nr_frags == 0) s.load(receive_.op, skb->head.addr, p.header_length);
  else s.load(receive_.op, skb->frags[0].addr, p.header_length - skb->head.length);   // frag0

  GroResult r = table_.receive(seg, tick(s));
  s.charge_times(compare_, r.compared);
  if (r.matched) s.charge_times(match_, r.matched);   // this core has just read or pulled those headers: first-level hits
  if (r.summed_bytes) {
    s.charge(checksum_, r.summed_bytes);
    for_each_frag(*skb, [&](Frag& f) { s.stream_load(checksum_.op, f.addr, f.length); });
    if (skb->checksum == Checksum::none && r.reason != GroReason::bad_checksum) skb->checksum = Checksum::unnecessary;
  }
  if (r.verdict == GroVerdict::merged) merge(s, static_cast<Skb*>(r.into), skb, r, path);
  for (unsigned i = 0; i < r.flushed_count; ++i) finish(s, r.flushed[i], path);
  if (r.verdict == GroVerdict::merged) {
    hand_up(s, up);
    return;
  }
  if (frags || skb->nr_frags) pull(s, *skb, r.header_length, path, pull_);
  if (r.verdict == GroVerdict::held) {
    table_.set_room(skb, static_cast<std::uint16_t>(kMaxSkbFrags2635 - skb->nr_frags));
  } else {
    ++stats_.flushes[static_cast<int>(r.reason)];
    pass(s, skb);
  }
  hand_up(s, up);
}

bool GroStage::end_poll(Step& s, RxPath& path, PacketSink& up, PollEnd how) {
  const bool none = how == PollEnd::budget && old();
  const bool some = how == PollEnd::timer || (how == PollEnd::budget && params_.hz >= 1000);
  const GroReason reason = some ? GroReason::timeout : how == PollEnd::budget ? GroReason::full_poll : GroReason::complete;
  while (!none && table_.held()) {
    if (!hand_up(s, up) || s.over()) return false;   // a batch goes up as soon as it is whole
    GroFlushed f;
    if (!(some ? table_.flush_older(tick(s), &f, reason, 1) : table_.flush_all(&f, reason, 1))) break;
    finish(s, f, path);
  }
  due_ = ready_packets_;
  batched_ = 0;
  return hand_up(s, up);
}

}  // namespace gd
