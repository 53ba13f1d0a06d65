#include "models/wire/capture_index.h"

#include <algorithm>
#include <cstring>

#include "models/packet/checksum.h"
#include "models/packet/headers.h"

namespace gd {
namespace {
constexpr std::uint8_t kEnd = 0, kNop = 1, kSack = 5, kTimestamps = 8;   // TCP options: RFC 9293, 2018, 7323
}

std::int64_t CaptureIndex::Range::see(std::uint32_t value, bool apart) {
  place_ = any_ ? place_ + static_cast<std::int32_t>(value - last_) : 0;
  last_ = value;
  any_ = true;
  if (!apart) reach(place_);
  return place_;
}

void CaptureIndex::Range::reach(std::int64_t place) {
  low_ = counted_ ? std::min(low_, place) : place;
  high_ = counted_ ? std::max(high_, place) : place;
  counted_ = true;
}

CaptureIndex::Key CaptureIndex::key(const std::uint8_t* frame, const Parsed& p, bool reverse) {
  Key k{};
  k[0] = static_cast<std::uint8_t>(p.l3);
  k[1] = p.is_fragment;
  k[2] = static_cast<std::uint8_t>(p.vlan_id() >> 8), k[3] = static_cast<std::uint8_t>(p.vlan_id());
  const std::uint8_t *from = frame + ether::kSrc, *to = frame + ether::kDst;
  unsigned n = 6;
  if (p.l3 == L3::ipv4) {
    from = frame + p.l3_offset() + ip4::kSrc, to = from + 4, n = 4;
  } else if (p.l3 == L3::ipv6) {
    from = frame + p.l3_offset() + ip6::kSrc, to = from + 16, n = 16;
  }
  std::memcpy(&k[4 + (reverse ? 16 : 0)], from, n);
  std::memcpy(&k[4 + (reverse ? 0 : 16)], to, n);
  if (p.l3 != L3::none && p.l4 == L4::none) k[36] = p.protocol;
  if (p.l4 != L4::none) {
    // The protocol is told by the key's tag: ports of TCP and UDP must not meet.
    k[1] = static_cast<std::uint8_t>(2 + static_cast<int>(p.l4));
    put_be16(&k[36], reverse ? p.dst_port : p.src_port);
    put_be16(&k[38], reverse ? p.src_port : p.dst_port);
  }
  return k;
}

std::uint32_t CaptureIndex::flow_of(const std::uint8_t* frame, const Parsed& p) {
  const auto [it, fresh] = index_.try_emplace(key(frame, p, false), static_cast<std::uint32_t>(flows_.size()));
  if (fresh) {
    flows_.emplace_back();
    const auto other = index_.find(key(frame, p, true));
    if (other != index_.end() && other->second != it->second) {
      flows_.back().other = other->second;
      flows_[other->second].other = it->second;
    }
  }
  return it->second;
}

CaptureIndex::Options CaptureIndex::options(const std::uint8_t* frame, const Parsed& p) {
  Options o;
  std::uint32_t at = p.l4_offset() + tcp::kHeader;
  const std::uint32_t end = p.l4_offset() + p.l4_length;
  while (at < end && frame[at] != kEnd) {
    if (frame[at] == kNop) {
      ++at;
      continue;
    }
    if (at + 1 >= end || frame[at + 1] < 2 || at + frame[at + 1] > end) break;
    const std::uint32_t length = frame[at + 1];
    if (frame[at] == kTimestamps && length == 10) o.timestamp = at + 2;
    if (frame[at] == kSack && length >= 10 && (length - 2) % 8 == 0) o.sack = at + 2, o.sack_edges = (length - 2) / 4;
    at += length;
  }
  return o;
}

// First round: flows, ranges, checksums.
void CaptureIndex::survey(Capture::Record& r) {
  const std::uint8_t* frame = c_.bytes(r);
  const Parsed p = parse(frame, r.length);
  r.payload_offset = static_cast<std::uint16_t>(p.payload_offset);
  r.payload_length = p.payload_length;
  r.bad_checksum = csum::check_l3(frame, p) == csum::Checked::bad || csum::check_l4(frame, p) == csum::Checked::bad;
  r.flow = flow_of(frame, p);
  Flow& f = flows_[r.flow];
  f.fragments = p.is_fragment;
  f.tcp = p.l4 == L4::tcp;
  if (p.l3 == L3::ipv4) {
    const std::uint16_t id = be16(frame + p.l3_offset() + ip4::kId);
    if (f.ids++ == 0) f.first_id = id;
    f.same_id = f.same_id && id == f.first_id;
    f.last_id = id;
  }
  std::int64_t place = 0;
  if (f.tcp) {
    const bool reset = p.flags & tcp::kRst;
    place = f.seq.see(p.seq, reset);
    const bool syn = p.flags & tcp::kSyn, fin = p.flags & tcp::kFin;
    if (!reset) f.seq.reach(place + p.payload_length + syn + fin);
    if (syn) ++place;   // the payload begins after it
    if (p.flags & tcp::kAckFlag) f.ack.see(p.ack, reset);
    const Options o = options(frame, p);
    if (o.timestamp && !reset) {
      f.stamp.see(be32(frame + o.timestamp));
      if (be32(frame + o.timestamp + 4) != 0) f.echo.see(be32(frame + o.timestamp + 4));
    }
  } else {
    r.offset = f.payload;
  }
  f.payload += p.payload_length;
  places_.push_back(place);
}

std::uint32_t CaptureIndex::id_delta(const Flow& f) const {
  const std::uint16_t step = static_cast<std::uint16_t>(f.last_id - f.first_id + 1);
  if (f.fragments) return step;
  if (f.ids == 0 || (f.same_id && (f.ids > 1 || f.first_id == 0))) return 0;   // a host that does not count
  return step;
}

// Second round: what a repetition changes.
void CaptureIndex::patch(Capture::Record& r) {
  const std::uint8_t* frame = c_.bytes(r);
  const Parsed p = parse(frame, r.length);
  const Flow& f = flows_[r.flow];
  r.patch = static_cast<std::uint32_t>(c_.patches_.size());
  const auto add = [&](std::uint32_t at, bool wide, bool l3, std::uint32_t covered_from, std::uint64_t delta) {
    const std::uint32_t d = static_cast<std::uint32_t>(delta);
    if (d == 0) return;
    Capture::Patch q;
    q.at = static_cast<std::uint16_t>(at);
    q.wide = wide, q.l3 = l3;
    q.odd = (at - covered_from) & 1;
    q.delta = d;
    c_.patches_.push_back(q);
    ++r.patches;
    const std::uint16_t check = l3 ? r.l3_check : r.l4_check;
    r.patched = static_cast<std::uint16_t>(std::max<std::uint32_t>({r.patched, at + (wide ? 4u : 2u), check + 2u}));
  };
  if (p.l3 == L3::ipv4) {
    r.l3_check = static_cast<std::uint16_t>(p.l3_offset() + ip4::kCheck);
    add(p.l3_offset() + ip4::kId, false, true, p.l3_offset(), id_delta(f));
  }
  if (p.l4 != L4::tcp) return;
  const std::uint32_t l4 = p.l4_offset();
  r.l4_check = static_cast<std::uint16_t>(l4 + tcp::kCheck);
  const Flow* other = f.other >= 0 ? &flows_[static_cast<std::size_t>(f.other)] : nullptr;
  const std::uint64_t acks = other ? other->seq.span() : f.ack.span();
  add(l4 + tcp::kSeq, true, false, l4, f.seq.span());
  if (p.flags & tcp::kAckFlag) add(l4 + tcp::kAck, true, false, l4, acks);
  const Options o = options(frame, p);
  if (o.timestamp) {
    add(o.timestamp, true, false, l4, f.stamp.span());
    if (be32(frame + o.timestamp + 4) != 0)
      add(o.timestamp + 4, true, false, l4, other ? other->stamp.span() : f.echo.span());
  }
  for (std::uint32_t i = 0; i < o.sack_edges; ++i) add(o.sack + 4 * i, true, false, l4, acks);
  r.offset = static_cast<std::uint64_t>(std::max<std::int64_t>(0, places_[static_cast<std::size_t>(&r - c_.records_.data())] - f.seq.low()));
}

void CaptureIndex::build() {
  places_.reserve(c_.records_.size());
  for (Capture::Record& r : c_.records_) survey(r);
  for (Capture::Record& r : c_.records_) {
    patch(r);
    c_.longest_patched_ = std::max<std::uint32_t>(c_.longest_patched_, r.patched);
  }
  for (const Flow& f : flows_) c_.flow_bytes_.push_back(f.tcp ? f.seq.span() : f.payload);
}

}  // namespace gd
