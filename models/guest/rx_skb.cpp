// The geometry of the skb: page_to_skb(), receive_mergeable().
#include <algorithm>

#include "models/guest/rx_queue.h"

namespace gd {

// Appends the packet bytes of a packet's first entry; buffers behind them go back.
void GuestRxQueue::add_data(GuestPacket& p, const Entry& e, const Place& place, Time t) {
  std::uint32_t skip = place.at, length = place.first, rest = place.rest, unused = kNil, last = kNil;
  for (std::uint32_t b = e.buffer, next; b != kNil; b = next) {
    next = buffers_[b].next;
    buffers_[b].next = kNil;
    GuestBuffer& g = buffers_[b];
    g.at = skip;
    g.length = length;
    skip = 0;
    length = std::min(rest, next == kNil ? 0 : buffers_[next].size);   // further buffers of a chain are pages
    rest -= length;
    if (g.length > 0 || g.rest) {        // the skb is built around all pieces of its buffer
      buffers_.append(p, b, truesize_of(g));
      continue;
    }
    if (unused == kNil) unused = b;
    else buffers_[last].next = b;
    last = b;
  }
  give(unused, t);
}

// Gives the packet its linear part: the buffer itself where an skb can be built around it, else an skb head into which the
// first bytes are copied. False: no memory for one, or more fragments than an skb has.
bool GuestRxQueue::make_linear(Step& s, GuestPacket& p, Time t) {
  const std::uint32_t first = p.first;
  GuestBuffer& f = buffers_[first];
  if (l_.builds_around(f.size, f.at, f.length)) {
    p.own = l_.skb_around;
    // In 2.6.35 the skb was there before the packet, and the buffer is its head.
    p.truesize += p.own - (l_.linux6 ? 0 : truesize_of(f));
    p.frags = 0;
    for (std::uint32_t b = f.next; b != kNil; b = buffers_[b].next) p.frags += !buffers_[b].joined;
    return true;
  }
  const std::uint32_t h = buffers_.take(GuestBuffers::kHeads);
  if (h == kNil) return false;
  GuestBuffer& g = buffers_[first];      // take() may have moved the records
  GuestBuffer& head = buffers_[h];
  const std::uint32_t n = std::min(l_.copies(g.length), head.size);
  head.at = 0;
  head.length = n;
  s.copy(c_.costs.linear_copy, head.hpa, g.hpa + g.at, n);
  c_.stats.linear_copied += n;
  p.own = l_.skb_new;
  p.truesize += p.own;
  if (!l_.linux6) p.truesize -= n;       // there only what stays in pages counts, by its bytes
  g.at += n;
  g.length -= n;
  head.next = first;
  if (g.length == 0) {                   // all of it is in the head: the buffer is free at once
    head.next = g.next;
    if (p.last == first) p.last = h;
    if (l_.linux6) p.truesize -= g.size;
    g.next = kNil;
    give(first, t);
    --p.pieces;
  }
  ++p.pieces;
  p.first = h;
  p.frags = p.pieces - 1;
  if (p.frags) s.charge_times(c_.costs.frag, p.frags);
  return p.frags <= l_.max_frags;
}

// One further buffer of a packet. False: its length is wrong.
bool GuestRxQueue::add_fragment(Step& s, GuestPacket& p, const Entry& e) {
  GuestBuffer& g = buffers_[e.buffer];
  std::uint32_t length = e.length;
  // 2.6.35 clips what is longer than a page.
  if (!l_.linux6 && e.offset == 0) length = std::min(length, g.size - l_.post_at - l_.tail);
  if (length == 0 || e.offset + length > l_.capacity(g.size)) return false;
  g.at = l_.post_at + e.offset;
  g.length = length;
  const GuestBuffer& before = buffers_[p.last];
  if (p.frags == l_.max_frags) {         // the skb is full: an empty one in its frag_list takes further fragments
    s.charge(c_.costs.skb_alloc);
    p.truesize += l_.skb_member;
    ++p.members;
    p.frags = 0;
  }
  // skb_can_coalesce(): only with a fragment, and only within one compound page.
  g.joined = l_.linux6 && p.frags > 0 && g.region != kNil && g.region == before.region && before.hpa + before.at + before.length == g.hpa + g.at;
  s.charge(c_.costs.frag);
  if (!g.joined) ++p.frags;
  buffers_.append(p, e.buffer, truesize_of(g));
  return true;
}

bool GuestRxQueue::more_buffers(Step& s, RingView& v, GuestPacket& p, unsigned count) {
  bool good = true;
  for (unsigned i = 1; i < count; ++i) {
    // 2.6.35 has no frag_list here: too many fragments are an error, and what remains is misread as packet starts.
    if (!l_.linux6 && p.frags >= l_.max_frags) return false;
    Entry e;
    if (!next_entry(s, v, e)) return false;
    c_.frames.join(p.frames, e.frames);
    if (good && add_fragment(s, p, e)) continue;
    good = false;
    give(e.buffer, s.now());
    if (!l_.linux6) return false;        // 6.x drains the packet's buffers
  }
  return good;
}

}  // namespace gd
