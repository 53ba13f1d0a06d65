#include "models/host/bridge.h"

#include <algorithm>
#include <cstring>

#include "models/packet/gro.h"
#include "models/packet/headers.h"

namespace gd {

namespace {

constexpr std::uint64_t kBroadcast = 0xffffffffffff;

std::uint64_t mac_of(const std::uint8_t* m) { return static_cast<std::uint64_t>(be16(m)) << 32 | be32(m + 2); }

}  // namespace

HostBridge::HostBridge(const BridgeParams& p, PathContext c, std::uint32_t actor_rank)
    : params_(p), c_(std::move(c)), spare_(make_copy_path(c_)), reader_(c_.agenda, actor_rank, *this, c_.costs),
      gso_(c_.phys, c_.skbs, c_.frames, c_.costs), filter_rng_(p.seed, "host.filter"),
      rewrite_rng_(p.seed, "host.rewrite"), clone_rng_(p.seed, "host.clone"), filter_(c_.costs.get("host.filter")),
      rewrite_(c_.costs.get("host.rewrite")), encapsulate_(c_.costs.get("host.encapsulate")), local_(c_.costs.get("host.local")), forward_(c_.costs.get("host.forward")),
      clone_(c_.costs.get("host.clone")), scrub_(c_.costs.get("host.scrub")), old_(kGroHeaderMax) {}

bool HostBridge::drawn(const Rng& rng, std::uint32_t ppm, const Skb& skb) const {
  return ppm && !skb.frames.empty() && rng.at(c_.frames[skb.frames.first].id) % 1'000'000 < ppm;
}

void HostBridge::packet(Step& s, Skb* skb) {
  if (drawn(clone_rng_, params_.cloned, *skb) && clone(s, skb)) return;
  onward(s, skb);
}

// A packet socket gets the packet too. True when the packet waits for its reader.
bool HostBridge::clone(Step& s, Skb* skb) {
  CloneReader::Clone c;
  c.bytes = skb->length;
  c.due = s.now() + params_.clone_hold;
  s.charge(clone_);
  const bool hold = params_.clone == CloneAction::hold;
  if (skb->path->guest_memory()) {
    c.held = hold;
    c.packet = hold ? skb : spare_->copy(s, *skb);
  } else {
    c.first = skb->head.length ? skb->head : skb->frags[0];
  }
  if (!reader_.add(s, c)) {
    stats_.clone_drops += skb->frames.count;
    if (c.packet && !c.held) spare_->release(s, c.packet);
    return false;
  }
  stats_.cloned += skb->frames.count;
  if (c.packet && !c.held) stats_.copied_shared += skb->frames.count;
  return c.held;
}

void HostBridge::onward(Step& s, Skb* skb) {
  const Hpa at = skb->path->headers(*skb);
  c_.ownership.decides(c_.phys.at(at), at, params_.filter ? std::min<std::uint32_t>(kLine, skb->length) : ether::kHeader);
  if (params_.filter) {
    s.charge(filter_);
    s.load(filter_.op, at, kLine);
    if (drawn(filter_rng_, params_.filter, *skb)) {
      stats_.filtered += skb->frames.count;
      skb->path->not_for_guest(*skb);
      return drop(s, skb, Drop::filtered);
    }
  }
  const std::uint64_t to = mac_of(c_.phys.at(at));
  if (to == params_.host_mac || to == params_.neighbour_mac) {
    stats_.foreign += skb->frames.count;
    if (params_.foreign == ForeignAction::drop) return drop(s, skb, Drop::foreign);
    return keep(s, skb, to == params_.host_mac ? local_ : forward_);
  }
  if (ether::is_multicast(c_.phys.at(at))) {
    flood(s, skb, to == kBroadcast);
  } else if (drawn(rewrite_rng_, params_.rewritten, *skb)) {
    if (params_.rewrite == Rewrite::encapsulate) return encapsulate(s, skb);
    skb = rewrite(s, skb, rewrite_);
  }
  tap_->packet(s, skb);
}

// The packet is the host's, or goes to another guest through the host: read where it lies, or from a copy.
void HostBridge::keep(Step& s, Skb* skb, const Cost& work) {
  Skb* from = skb;
  if (params_.foreign == ForeignAction::copy && skb->path->guest_memory()) {
    from = spare_->copy(s, *skb);
    stats_.copied_foreign += skb->frames.count;
  }
  s.charge(work, skb->length);
  for_each_frag(*from, [&](Frag& f) { s.stream_load(work.op, f.addr, f.length); });
  for (FrameRef f; (f = c_.frames.pop(skb->frames)) != kNoFrame;) c_.frames.consumed(f, s.now());
  if (from != skb) spare_->release(s, from);
  dispose(s, skb);
}

void HostBridge::drop(Step& s, Skb* skb, Drop why) {
  c_.frames.dropped(skb->frames, why, s.now());
  dispose(s, skb);
}

// The buffers of a packet that was not for this guest.
void HostBridge::dispose(Step& s, Skb* skb) {
  RxPath& path = *skb->path;
  if (!path.guest_memory()) return path.release(s, skb);
  if (params_.scrub) {
    path.scrub(s, *skb, scrub_);
    stats_.scrubbed_bytes += skb->length;
  }
  if (params_.foreign != ForeignAction::give_back) return path.release(s, skb);
  skb->returned = true;
  tap_->packet(s, skb);
}

// Another skb of the same bytes. Pages of the host are shared until the last of them is freed; a guest's page may be handed
// over before the others have read it, and a merged packet may be cut: both are copied.
Skb* HostBridge::replica(Step& s, Skb* skb) {
  if (skb->path->guest_memory() || skb->gso_type || skb->list) {
    stats_.copied_shared += skb->frames.count;
    return spare_->copy(s, *skb);
  }
  Skb* r = c_.skbs.alloc(s);
  s.charge(clone_);
  r->head = skb->head;
  r->head.token = kNoToken;
  for (unsigned i = 0; i < skb->nr_frags; ++i) {
    r->frags[i] = skb->frags[i];
    r->frags[i].token = kNoToken;
  }
  r->nr_frags = skb->nr_frags;
  r->head_is_page = skb->head_is_page;
  r->checksum = skb->checksum;
  r->take_hash(*skb);
  r->length = skb->length;
  r->path = skb->path;
  r->origin = skb;
  ++skb->shares;
  return r;
}

void HostBridge::flood(Step& s, Skb* skb, bool host_too) {
  const bool scribbled = skb->path->guest_memory() && c_.guest && c_.ownership.suspect(c_.guest->space().translate(0));
  for (TapQueue* peer : peers_) {
    Skb* r = replica(s, skb);
    for (FrameRef f = skb->frames.first; f != kNoFrame; f = c_.frames[f].next) {
      const FrameRef copy = c_.frames.replicate(f);
      c_.frames[copy].scribbled = scribbled;
      c_.frames.append(r->frames, copy);
    }
    peer->packet(s, r);
  }
  if (!host_too) return;
  s.charge(local_, skb->length);
  for_each_frag(*skb, [&](Frag& f) { s.stream_load(local_.op, f.addr, f.length); });
  for (FrameRef f = skb->frames.first; f != kNoFrame; f = c_.frames[f].next) c_.frames.consumed(c_.frames.replicate(f), s.now());
}

// Changes the headers; the packet comes back, or its copy.
Skb* HostBridge::rewrite(Step& s, Skb* skb, const Cost& work) {
  Hpa at = skb->path->headers(*skb);
  const Parsed p = parse(c_.phys.at(at), skb->length);
  const std::uint32_t contiguous = skb->head.length ? skb->head.length : skb->frags[0].length;
  if (!rewrite_applies(params_.rewrite, p) || p.header_length > contiguous || p.header_length > old_.size()) return skb;
  c_.ownership.decides(c_.phys.at(at), at, p.header_length);
  const int by = rewrite_growth(params_.rewrite, p);
  s.charge(work);
  s.load(work.op, at, p.header_length);
  std::memcpy(old_.data(), c_.phys.at(at), p.header_length);
  if (by && !skb->path->move_start(s, *skb, p.header_length, by)) {
    Skb* copy = spare_->copy(s, *skb);
    stats_.copied_headroom += skb->frames.count;
    c_.frames.join(copy->frames, skb->frames);
    skb->path->release(s, skb);
    skb = copy;
    skb->path->move_start(s, *skb, p.header_length, by);
  }
  at = skb->path->headers(*skb);
  const ByteRange r = rewrite_range(params_.rewrite, p);
  rewrite_headers(c_.phys.at(at), old_.data(), p, params_.rewrite, params_.values, skb->checksum == Checksum::partial);
  s.store(work.op, at + r.from, r.to - r.from);
  c_.ownership.rewrote(c_.phys.at(at), at);
  skb->path->edited(s, *skb, r.from, r.to);
  if (skb->checksum == Checksum::partial) skb->csum_start = static_cast<std::uint16_t>(skb->csum_start + by);
  if (skb->gso_type) skb->header_length = static_cast<std::uint16_t>(skb->header_length + by);
  for (FrameRef f = skb->frames.first; f != kNoFrame; f = c_.frames[f].next) {
    FrameMeta& m = c_.frames[f];
    m.rewrite = static_cast<std::uint8_t>(params_.rewrite);
    m.grown = static_cast<std::int8_t>(by);
    m.length += static_cast<std::uint32_t>(by);
    m.payload_offset = static_cast<std::uint16_t>(m.payload_offset + by);
  }
  stats_.rewritten += skb->frames.count;
  return skb;
}

void HostBridge::encapsulate(Step& s, Skb* skb) {
  const std::uint32_t longest = c_.env.mtu + ether::kHeader;
  const auto one = [&](Skb* x) {
    const std::uint32_t before = x->length;
    x = rewrite(s, x, encapsulate_);
    if (x->length > std::max(before, longest)) drop(s, x, Drop::oversize);
    else tap_->packet(s, x);
  };
  if (!skb->gso_type) {
    if (skb->checksum == Checksum::partial) gso_.complete(s, *skb);
    return one(skb);
  }
  if (skb->path->guest_memory()) {
    stats_.copied_headroom += skb->frames.count;
    gso_.segment_copied(s, skb, false, *spare_);
  } else {
    gso_.segment(s, skb, false);
  }
  for (Skb* x : gso_.segments()) one(x);
}

}  // namespace gd
