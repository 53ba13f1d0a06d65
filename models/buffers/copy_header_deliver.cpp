// copy-header: a packet is handed over.
#include <algorithm>
#include <cstring>

#include "models/base/error.h"
#include "models/buffers/copy_header.h"
#include "models/packet/parse.h"

namespace gd {

// Virtio header and packet header in a ring buffer of their own: the packet's first used entry.
void CopyHeaderPath::header_apart(Step& s, Skb& skb) {
  const std::uint32_t token = header_fifo_[header_head_++ & header_mask_];
  const PostedBuffer& h = posted_[token];
  const std::uint32_t header = skb.head.length;
  require(header + side_.header_length() <= h.length, "a packet's header is longer than the guest's header buffer");
  ++buffers_;
  side_.write_header(s, h.hpa, side_.header_for(skb, buffers_));
  s.copy(header_copy_, h.hpa + side_.header_length(), skb.head.addr, header);
  side_.carry(h.head, skb.frames);
  own(s, token, Owner::posted, Owner::skb, "header buffer used");
  posted_.give(s, token, side_.header_length() + header, Owner::skb);
}

// Virtio header and packet header in the room or the chain of the packet's first buffer. An unsplit frame that stayed whole
// is used from the virtio header on, which goes right before it. False: the buffer was lost.
bool CopyHeaderPath::header_in_first(Step& s, Skb& skb) {
  const bool empty = skb.kept != kNoToken;
  const std::uint32_t token = empty ? skb.kept : skb.nr_frags ? skb.frags[0].token : kNoToken;
  if (token == kNoToken) return false;
  const PostedBuffer& b = posted_[token];
  const std::uint32_t header = skb.head.length, payload = empty ? 0 : skb.frags[0].length;
  require(header <= g_.header_space, "a packet's header is longer than the guest's header room");
  VirtioNetHdr h = side_.header_for(skb, buffers_ + empty);
  h.hdr_len = static_cast<std::uint16_t>(header);
  side_.carry(b.head, skb.frames);
  std::uint32_t offset = 0, length = 0;
  Hpa virtio = b.header, packet = 0;
  if (g_.place == Place::chain) {
    packet = b.header + side_.header_length();
    length = b.header_space + payload;
  } else if (!empty && skb.frags[0].addr != data(token)) {
    packet = skb.frags[0].addr - header;
    virtio = packet - side_.header_length();
    offset = static_cast<std::uint32_t>(virtio - b.hpa);
    length = side_.header_length() + header + payload;
  } else {
    packet = data(token) - header;
    length = static_cast<std::uint32_t>(g_.room) + payload;
  }
  side_.write_header(s, virtio, h);
  s.copy(header_copy_, packet, skb.head.addr, header);
  posted_.give(s, token, length, Owner::skb, offset);
  buffers_ += empty;
  skb.kept = kNoToken;
  if (!empty) at_ = 1;
  return true;
}

// Headers that GRO pulled although the NIC had put them into the page go back, as completion left them.
void CopyHeaderPath::undo_pull(Step& s, Skb& skb) {
  if (skb.pulled == 0) return;
  Frag& f = skb.frags[0];
  skb.head.length -= skb.pulled;
  f.addr -= skb.pulled;
  f.length += skb.pulled;
  s.copy(pull_, f.addr, skb.head.addr + skb.head.length, skb.pulled);
  skb.pulled = 0;
}

bool CopyHeaderPath::begin(Step& s, Skb& skb) {
  undo_pull(s, skb);
  buffers_ = at_ = 0;
  for_each_frag(skb, [&](Frag& f) { buffers_ += &f != &skb.head && f.token != kNoToken && f.length ? 1 : 0; });
  s.charge(packet_);
  c_.frames.stamp(skb.frames, Stage::deliver, s.now());
  if (own_header()) {
    header_apart(s, skb);
  } else if (!header_in_first(s, skb)) {
    c_.frames.dropped(skb.frames, Drop::stack, s.now());    // planted: the buffer was lost
    release(s, &skb);
    return false;
  }
  stats_.used_entries += buffers_;
  return true;
}

Progress CopyHeaderPath::deliver(Step& s, Skb* skb) {
  if (out_.busy() || (!member_ && in_host_pages(*skb))) return deliver_copy(s, skb);
  if (!member_) {
    if (own_header() && header_head_ == header_tail_) return Progress::no_buffers;
    if (!begin(s, *skb)) return Progress::done;
    member_ = skb;
  }
  while (member_) {
    require(member_ == skb || member_->head.length == 0, "a merged segment's linear bytes have no guest buffer");
    for (; at_ < member_->nr_frags; ++at_) {
      if (s.over()) return Progress::more;
      const Frag& f = member_->frags[at_];
      if (f.token == kNoToken) continue;
      if (f.length == 0) {
        recycle(s, f.token, Owner::skb);
        feed(s);
      } else {
        const Hpa start = posted_[f.token].hpa;
        auto offset = static_cast<std::uint32_t>(f.addr - start);
        if (offset && !c_.env.used_offset) {   // a merged segment whose headers overflowed into the page: nobody can tell the guest
          std::memmove(c_.phys.at(start), c_.phys.at(f.addr), f.length);
          s.charge(unsplit_copy_, f.length);
          s.stream_load(unsplit_copy_.op, f.addr, f.length);
          s.stream_store(unsplit_copy_.op, start, f.length);
          ++stats_.copied_unsplit;
          stats_.copied_unsplit_bytes += f.length;
          offset = 0;
        }
        posted_.give(s, f.token, f.length, Owner::skb, offset);
      }
    }
    member_ = member_ == skb ? skb->list : member_->next;
    at_ = 0;
  }
  ++stats_.delivered_packets;
  destruct(s, *skb, buffers_);
  c_.skbs.free(s, skb);
  return Progress::done;
}

// A copied packet: its headers are parsed where they lie.
std::uint32_t CopyHeaderPath::header_bytes(const Skb& skb) const {
  const Frag& first = skb.head.length ? skb.head : skb.frags[0];
  const Parsed p = parse(c_.phys.at(first.addr), first.length);
  const auto most = static_cast<std::uint32_t>(std::min<Bytes>(g_.header_space, first.length));
  return std::min(p.header_length ? p.header_length : 14u, most);
}

std::uint32_t CopyHeaderPath::first_for_copy(Step& s) {
  if (!own_header()) return spare(s);
  const std::uint32_t token = header_fifo_[header_head_++ & header_mask_];
  own(s, token, Owner::posted, Owner::skb, "header buffer used for a copy");
  return token;
}

void CopyHeaderPath::unwind_first(Step& s, std::uint32_t token) {
  if (!own_header()) return unwind(s, token);
  own(s, token, Owner::skb, Owner::posted, "too few buffers for a copy");
  header_fifo_[--header_head_ & header_mask_] = token;
}

void CopyHeaderPath::places(std::uint32_t token, std::uint32_t index, std::uint32_t headers) {
  const PostedBuffer& b = posted_[token];
  if (index > 0) return out_.add({b.gpa, b.length, token, 0, true});
  const auto before = static_cast<std::uint32_t>(room());
  switch (g_.place) {
    case Place::separate: return out_.add({b.gpa + b.room, headers, token, b.room, true});
    case Place::room: return out_.add({b.gpa + before - headers, b.length - before + headers, token, before - headers, true});
    case Place::chain:
      out_.add({b.header_gpa + side_.header_length(), headers, token, 0, false});
      return out_.add({b.gpa, b.length, token, b.header_space, true});
  }
}

Hpa CopyHeaderPath::header_place(std::uint32_t first, std::uint32_t headers, VirtioNetHdr& h) const {
  if (!own_header()) h.hdr_len = static_cast<std::uint16_t>(headers);
  return posted_[first].header;
}

void CopyHeaderPath::release(Step& s, Skb* skb) {
  if (!hazard(Hazard::forgotten_destructor))
    for (Skb* m = skb; m; m = m == skb ? skb->list : m->next)
      absorbed(s, *m);
  put_all(s, skb);
}

}  // namespace gd
