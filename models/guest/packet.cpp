#include "models/guest/packet.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

GuestBuffers::GuestBuffers(GuestContext& c) : c_(c) {
  std::fill(std::begin(free_), std::end(free_), kNil);
  unit_[kPages] = kPage;
  unit_[kHeads] = 512;
  scratch_.grow(kLongestPacket);
  // Pieces for mergeable buffers stay within a backing page; small mode's heads do not, as in a guest that knows nothing of it.
  const bool small = c.params.virtio.rx_mode == GuestRxMode::small;
  region_size_ = static_cast<std::uint32_t>(small ? c.params.frag_region : std::min<Bytes>(c.params.frag_region, c.space.backing_page()));
}

bool GuestBuffers::allocate(Bytes bytes, Gpa& gpa) {
  if (exhausted_) return false;
  try {
    gpa = c_.space.alloc(bytes, bytes);
    return true;
  } catch (const UserError&) {   // the guest's memory is full: a state that a guest survives
    exhausted_ = true;
    return false;
  }
}

std::uint32_t GuestBuffers::new_buffer() {
  if (unused_ == kNil) {
    buffers_.emplace_back();
    return static_cast<std::uint32_t>(buffers_.size() - 1);
  }
  const std::uint32_t b = unused_;
  unused_ = buffers_[b].next;
  return b;
}

bool GuestBuffers::grow(Pool p) {
  Gpa page = 0;
  if (!allocate(kPage, page)) return false;
  const std::uint32_t unit = unit_[p], count = static_cast<std::uint32_t>(kPage / unit);
  for (std::uint32_t i = count; i-- > 0;) {
    const std::uint32_t b = new_buffer();
    GuestBuffer& g = buffers_[b];
    g = GuestBuffer{};
    g.gpa = page + i * unit;
    g.hpa = c_.space.translate(g.gpa);
    g.size = unit;
    g.pool = p;
    if (p != kHeads) {
      g.own = c_.ownership.add(g.hpa, unit, Owner::guest, Ownership::Home::guest);
      ++registered_;
    }
    g.next = free_[p];
    free_[p] = b;
  }
  return true;
}

std::uint32_t GuestBuffers::take(Pool p) {
  if (free_[p] == kNil && !grow(p)) return kNil;
  const std::uint32_t b = free_[p];
  free_[p] = buffers_[b].next;
  buffers_[b].next = kNil;
  buffers_[b].length = 0;
  buffers_[b].joined = false;
  return b;
}

std::uint32_t GuestBuffers::take_frag(std::uint32_t bytes, bool fill) {
  if (region_ != kNil && regions_[region_].buffers == 0) region_at_ = 0;   // skb_page_frag_refill(): nobody else uses it
  if (region_ == kNil || region_at_ + bytes > region_size_) {
    // The finished region returns with its last buffer.
    region_ = kNil;
    region_at_ = 0;
    if (!free_regions_.empty()) {
      region_ = free_regions_.back();
      free_regions_.pop_back();
    } else {
      Gpa gpa = 0;
      if (!allocate(region_size_, gpa)) return kNil;
      regions_.push_back(Region{gpa});
      free_regions_.reserve(regions_.capacity());
      region_ = static_cast<std::uint32_t>(regions_.size() - 1);
    }
  }
  if (fill && region_size_ - region_at_ - bytes < bytes) bytes = region_size_ - region_at_;   // no room for a further one: the hole is used
  std::uint32_t first = kNil, last = kNil;
  for (const std::uint32_t end = region_at_ + bytes; region_at_ < end;) {
    const std::uint32_t b = new_piece(regions_[region_].gpa + region_at_, end - region_at_);
    region_at_ += buffers_[b].size;
    buffers_[b].joined = buffers_[b].rest = first != kNil;
    if (first == kNil) first = b;
    else buffers_[last].next = b;
    last = b;
  }
  return first;
}

// At most `bytes`, up to a border of host memory.
std::uint32_t GuestBuffers::new_piece(Gpa gpa, std::uint32_t bytes) {
  const std::uint32_t b = new_buffer();
  GuestBuffer& g = buffers_[b];
  g = GuestBuffer{};
  g.gpa = gpa;
  Bytes contiguous = 0;
  g.hpa = c_.space.translate(gpa, &contiguous);
  g.size = static_cast<std::uint32_t>(std::min<Bytes>(bytes, contiguous));
  g.pool = kFrags;
  g.region = region_;
  g.own = c_.ownership.add(g.hpa, g.size, Owner::guest, Ownership::Home::guest);
  ++registered_;
  ++regions_[region_].buffers;
  return b;
}

void GuestBuffers::put(std::uint32_t b, Time t) {
  GuestBuffer& g = buffers_[b];
  if (g.pool != kFrags) {
    g.next = free_[g.pool];
    free_[g.pool] = b;
    return;
  }
  c_.ownership.remove(g.own, Owner::guest, t, "guest page-frag");
  --registered_;
  if (--regions_[g.region].buffers == 0 && g.region != region_) free_regions_.push_back(g.region);
  g.next = unused_;
  unused_ = b;
}

unsigned GuestBuffers::put_list(std::uint32_t first, Time t) {
  unsigned n = 0;
  for (std::uint32_t next; first != kNil; first = next) {
    next = buffers_[first].next;
    n += !buffers_[first].rest;
    put(first, t);
  }
  return n;
}

void GuestBuffers::rebase(Gpa page, Hpa fresh) {
  for (GuestBuffer& g : buffers_) {
    if (g.size == 0 || align_down(g.gpa, kPage) != page) continue;
    g.hpa = fresh + g.gpa % kPage;
    if (g.own == kNoBuffer) continue;
    const Owner now = c_.ownership.owner(g.own);
    if (now == Owner::none) continue;
    if (now == Owner::guest) c_.ownership.remove(g.own, Owner::guest, 0, "guest page taken away");
    g.own = c_.ownership.add(g.hpa, g.size, now, Ownership::Home::guest);
  }
}

std::uint32_t GuestBuffers::new_packet() {
  if (free_packets_ == kNil) {
    packets_.emplace_back();
    return static_cast<std::uint32_t>(packets_.size() - 1);
  }
  const std::uint32_t p = free_packets_;
  free_packets_ = packets_[p].next;
  packets_[p] = GuestPacket{};
  return p;
}

void GuestBuffers::append(GuestPacket& p, std::uint32_t b, std::uint32_t truesize) {
  buffers_[b].next = kNil;
  if (p.first == kNil) p.first = b;
  else buffers_[p.last].next = b;
  p.last = b;
  p.length += buffers_[b].length;
  p.truesize += truesize;
  ++p.pieces;
}

unsigned GuestBuffers::free_packet(std::uint32_t i, Time t) {
  GuestPacket& p = packets_[i];
  require(p.frames.empty(), "a guest packet is freed with frames in it");
  const unsigned n = put_list(p.first, t);
  p.first = p.last = kNil;
  p.next = free_packets_;
  free_packets_ = i;
  return n;
}

void GuestBuffers::gather(const GuestPacket& p, std::uint32_t at, std::uint32_t n, std::uint8_t* out) const {
  for (std::uint32_t b = p.first; b != kNil && n > 0; b = buffers_[b].next) {
    const GuestBuffer& g = buffers_[b];
    if (at >= g.length) {
      at -= g.length;
      continue;
    }
    const std::uint32_t part = std::min(n, g.length - at);
    std::memcpy(out, bytes(g) + at, part);
    out += part;
    n -= part;
    at = 0;
  }
}

}  // namespace gd
