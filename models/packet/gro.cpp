// The table of held packets: receiving, merging, eviction and flush order.
#include "models/packet/gro.h"

#include <bit>

#include "models/packet/headers.h"

namespace gd {
namespace {

constexpr std::uint8_t kClosingFlags = tcp::kUrg | tcp::kPsh | tcp::kRst | tcp::kSyn | tcp::kFin;

}  // namespace

const char* gro_reason_name(GroReason r) {
  static const char* const names[static_cast<int>(GroReason::count_)] = {
      "none", "closing-flags", "short-segment", "larger-segment", "out-of-order", "header-mismatch", "size-limit", "no-room",
      "pure-ack", "length-mismatch", "evicted", "table-full", "complete", "timeout", "no-handler", "bad-checksum", "full-poll",
      "already-merged", "other-memory"};
  return names[static_cast<int>(r)];
}

GroResult GroTable::receive(const GroSegment& s, std::int64_t tick) {
  GroResult r;
  Bucket& b = bucket_of(s);
  r.compared = b.count;   // all are pre-screened before the protocol is looked at
  Head h{s, 0, 0, 0, 0, false, false};
  r.reason = decode(h, r);
  if (r.reason == GroReason::none) r.reason = verify(h, r);
  if (r.reason != GroReason::none) return r;

  const std::uint8_t flags = h.udp ? 0 : s.frame[h.l4 + tcp::kFlags];
  unsigned found = kGroPerBucket;   // the first match is the only candidate
  for (unsigned place = 0; place < b.count; ++place) {
    const Entry& e = b.entry[b.order[place]];
    if (!screened(e, h)) continue;
    ++r.matched;
    if (found == kGroPerBucket && same_flow(e, h)) found = place;
  }
  if (found != kGroPerBucket) {
    Entry& e = b.entry[b.order[found]];
    const GroReason why = refusal(e, h);
    if (why == GroReason::none) {
      merge(e, h, r);
      if (flags & kClosingFlags)
        remove(b, found, GroReason::closing_flags, r.flushed[r.flushed_count++]);
      else if (h.payload < e.info.segment_payload)
        remove(b, found, GroReason::short_segment, r.flushed[r.flushed_count++]);
      else if (h.udp && e.info.segments >= kGroUdpSegments)
        remove(b, found, GroReason::size_limit, r.flushed[r.flushed_count++]);
      return r;
    }
    remove(b, found, why, r.flushed[r.flushed_count++]);
  }
  if (flags & kClosingFlags)
    r.reason = GroReason::closing_flags;
  else if (!h.udp && (h.payload == 0 || s.parsed->pure_ack))
    r.reason = GroReason::pure_ack;
  else if (s.gso)
    r.reason = GroReason::already_merged;
  else if (h.l3_flush)
    r.reason = GroReason::length_mismatch;
  else if (old() && b.count == kGroPerBucket)
    r.reason = GroReason::table_full;
  else
    insert(b, h, tick, r);
  return r;
}

void GroTable::merge(Entry& e, const Head& h, GroResult& r) {
  e.info.payload += h.payload;
  e.info.ip_length += h.payload;
  ++e.info.segments;
  if (!h.udp) e.info.flags |= h.s.frame[h.l4 + tcp::kFlags] & (tcp::kFin | tcp::kPsh);
  e.buffers = static_cast<std::uint16_t>(e.buffers + h.s.payload_buffers);
  if (old() && !e.chained) {
    if (h.s.frags == 0) e.chained = r.first_chained = true;
    else if (e.room != UINT16_MAX) e.room = static_cast<std::uint16_t>(e.room - h.s.frags);
  }
  r.verdict = GroVerdict::merged;
  r.into = e.owner;
}

void GroTable::insert(Bucket& b, const Head& h, std::int64_t tick, GroResult& r) {
  if (b.count == kGroPerBucket) remove(b, kGroPerBucket - 1, GroReason::evicted, r.flushed[r.flushed_count++]);
  const std::uint8_t slot = b.order[b.count];
  std::memmove(b.order + 1, b.order, b.count);
  b.order[0] = slot;
  ++b.count;
  ++held_;
  filled_ |= bit(b);
  Entry& e = b.entry[slot];
  const GroSegment& s = h.s;
  e.owner = s.owner;
  e.tick = tick;
  e.hash = s.rx_hash;
  e.device = s.device;
  e.first_seq = h.udp ? 0 : be32(s.frame + h.l4 + tcp::kSeq);
  e.vlan_tci = s.vlan_tci;
  e.vlan_stripped = s.vlan_stripped;
  e.host_pages = s.host_pages;
  e.room = UINT16_MAX;
  e.buffers = s.buffers;
  e.chained = false;
  e.info = {};
  e.info.payload = h.payload;
  e.info.ip_length = s.parsed->length - h.l3;
  e.info.segments = 1;
  e.info.segment_payload = static_cast<std::uint16_t>(h.payload);
  e.info.l3_offset = static_cast<std::uint16_t>(h.l3);
  e.info.l4_offset = static_cast<std::uint16_t>(h.l4);
  e.info.header_length = static_cast<std::uint16_t>(h.length);
  e.info.flags = h.udp ? 0 : s.frame[h.l4 + tcp::kFlags];
  e.info.udp = h.udp;
  e.info.ipv6 = s.parsed->l3 == L3::ipv6;
  e.info.same_cwr = rules_ == GroRules::linux_6;
  std::memcpy(e.header, s.frame, h.length);
  r.verdict = GroVerdict::held;
}

void GroTable::remove(Bucket& b, unsigned place, GroReason reason, GroFlushed& out) {
  const std::uint8_t slot = b.order[place];
  out.owner = b.entry[slot].owner;
  out.reason = reason;
  out.info = b.entry[slot].info;
  std::memmove(b.order + place, b.order + place + 1, b.count - place - 1u);
  b.order[--b.count] = slot;
  --held_;
  if (b.count == 0) filled_ &= ~bit(b);
}

GroTable::Entry* GroTable::entry_of(const void* owner) {
  for (Bucket& b : buckets_)
    for (unsigned i = 0; i < b.count; ++i)
      if (b.entry[b.order[i]].owner == owner) return &b.entry[b.order[i]];
  return nullptr;
}

void GroTable::set_room(const void* owner, std::uint16_t slots) {
  if (!old()) return;
  if (Entry* e = entry_of(owner)) e->room = slots;
}

void GroTable::replace_owner(const void* owner, void* by) {
  if (Entry* e = entry_of(owner)) e->owner = by;
}

unsigned GroTable::flush(std::int64_t before, GroReason reason, GroFlushed* out, unsigned most) {
  unsigned n = 0;
  if (held_ == 0) return 0;
  if (old()) {
    Bucket& b = buckets_[0];
    for (unsigned place = 0; place < b.count && n < most;) {
      if (b.entry[b.order[place]].tick < before) remove(b, place, reason, out[n++]);
      else ++place;
    }
    return n;
  }
  for (std::uint32_t left = filled_; left != 0 && n < most; left &= left - 1) {
    Bucket& b = buckets_[std::countr_zero(left)];   // its ages rise from the oldest to the newest: the first young one ends it
    while (n < most && b.count > 0 && b.entry[b.order[b.count - 1]].tick < before) remove(b, b.count - 1u, reason, out[n++]);
  }
  return n;
}

unsigned GroTable::flush_all(GroFlushed* out, GroReason reason, unsigned most) { return flush(INT64_MAX, reason, out, most); }
unsigned GroTable::flush_older(std::int64_t tick, GroFlushed* out, GroReason reason, unsigned most) {
  return flush(tick, reason, out, most);
}

}  // namespace gd
