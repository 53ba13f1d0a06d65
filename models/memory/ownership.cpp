#include "models/memory/ownership.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "models/base/error.h"

namespace gd {

namespace {

constexpr std::size_t kMessages = 16;
constexpr std::size_t kParsed = 8192;   // header places remembered, a power of two

std::string ns(Time t) {
  char text[40];
  std::snprintf(text, sizeof text, "%" PRId64 ".%03d ns", t / kNs, static_cast<int>(t % kNs));
  return text;
}

std::string hex(std::uint64_t v) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, v);
  return text;
}

std::string moved(Owner from, Owner to, const char* where) {
  return std::string("moved at ") + where + " from " + owner_name(from) + " to " + owner_name(to);
}

std::string written(Hpa a, Bytes len, const char* where) {
  return "a device writes " + std::to_string(len) + " bytes at " + hex(a) + " (" + where + ")";
}

}  // namespace

const char* owner_name(Owner o) {
  static const char* const names[] = {"none", "host", "guest", "posted", "in_flight", "skb"};
  return names[static_cast<int>(o)];
}

BufferId Ownership::add(Hpa start, Bytes len, Owner owner, Home home) {
  require(len > 0, "a buffer without bytes is registered");
  const std::uint64_t page = start / kPage;
  const std::uint64_t last_page = (start + len - 1) / kPage;
  page_head_.grow(page + 1);
  BufferId clash = find(start);
  for (std::uint64_t p = page; clash == kNoBuffer && p <= last_page && p < page_head_.size(); ++p)
    for (BufferId i = head(p); i != kNoBuffer; i = buffers_[i].next_in_page)
      if (buffers_[i].start >= start && buffers_[i].start < start + len) clash = i;
  if (clash != kNoBuffer)
    violation(clash, 0, "a buffer at " + hex(start) + " of " + std::to_string(len) + " bytes is registered over it");

  BufferId id;
  std::vector<BufferId>& free = home == Home::guest && suspect(start) ? free_suspect_ : free_;
  if (free.empty()) {
    id = static_cast<BufferId>(buffers_.size());
    buffers_.emplace_back();
    history_.grow(buffers_.size());
  } else {
    id = free.back();
    free.pop_back();
  }
  Buffer& b = buffers_[id];
  b.start = start;
  b.len = len;
  b.owner = owner;
  b.home = home;
  b.foreign = false;
  b.events = 0;
  b.next_in_page = head(page);
  page_head_[page] = ~id;
  ++counts_[static_cast<int>(owner)];
  longest_pages_ = std::max(longest_pages_, (len + kPage - 2) / kPage + 1);
  return id;
}

void Ownership::unlink(BufferId id) {
  const std::uint64_t page = buffers_[id].start / kPage;
  const BufferId next = buffers_[id].next_in_page;
  BufferId before = head(page);
  if (before == id) {
    page_head_[page] = ~next;
    return;
  }
  while (buffers_[before].next_in_page != id) before = buffers_[before].next_in_page;
  buffers_[before].next_in_page = next;
}

void Ownership::remove(BufferId id, Owner from, Time t, const char* where) {
  if (id >= buffers_.size() || buffers_[id].owner == Owner::none) {
    violation(id, t, std::string("unregistered at ") + where + " without being registered");
    return;
  }
  Buffer& b = buffers_[id];
  if (b.owner != from || (from != Owner::host && from != Owner::guest))
    violation(id, t, std::string("unregistered at ") + where + " as owned by " + owner_name(from) + ", but its owner is " +
                         owner_name(b.owner));
  note(id, b.owner, Owner::none, t, where);
  unlink(id);
  --counts_[static_cast<int>(b.owner)];
  b.owner = Owner::none;
  (suspect(id) ? free_suspect_ : free_).push_back(id);
}

inline void Ownership::change_hands(BufferId id, Owner from, Owner to, Time t, const char* where) {
  Buffer& b = buffers_[id];
  note(id, from, to, t, where);
  set_owner(b, to);
  if (b.foreign && to != Owner::skb && to != Owner::in_flight) [[unlikely]] leaks(b);
}

void Ownership::move(BufferId id, Owner from, Owner to, Time t, const char* where) {
  if (id >= buffers_.size()) [[unlikely]] return move_wrongly(id, from, to, t, where);
  const Buffer& b = buffers_[id];
  if (b.owner != from || from == Owner::none || (to == Owner::host && b.home == Home::guest)) [[unlikely]]
    return move_wrongly(id, from, to, t, where);
  change_hands(id, from, to, t, where);
}

void Ownership::move_wrongly(BufferId id, Owner from, Owner to, Time t, const char* where) {
  if (id >= buffers_.size() || buffers_[id].owner == Owner::none) {
    violation(id, t, moved(from, to, where) + " without being registered");
    return;
  }
  Buffer& b = buffers_[id];
  if (b.owner != from)
    violation(id, t, moved(from, to, where) + ", but its owner is " + owner_name(b.owner));
  if (to == Owner::host && b.home == Home::guest)
    violation(id, t, std::string("a guest's buffer is freed to the host at ") + where);
  change_hands(id, from, to, t, where);
}

BufferId Ownership::search(Hpa a) const {
  const std::uint64_t page = a / kPage;
  const std::uint64_t first = page + 1 > longest_pages_ ? page + 1 - longest_pages_ : 0;
  if (first >= page_head_.size()) return kNoBuffer;
  for (std::uint64_t p = std::min<std::uint64_t>(page, page_head_.size() - 1) + 1; p-- > first;)
    for (BufferId i = head(p); i != kNoBuffer; i = buffers_[i].next_in_page)
      if (a - buffers_[i].start < buffers_[i].len) return i;
  return kNoBuffer;
}

BufferId Ownership::device_write(Hpa a, Bytes len, Time t, const char* where) {
  cpu_write(a, len);
  const BufferId id = find(a);
  if (id == kNoBuffer) {
    if (suspect(a)) return ++guest_faults_, kNoBuffer;
    report(t, written(a, len, where) + " where no buffer is", "");
    return kNoBuffer;
  }
  Buffer& b = buffers_[id];
  if (a + len > b.start + b.len)
    violation(id, t, written(a, len, where) + " beyond the buffer's end");
  if (b.owner != Owner::posted && b.owner != Owner::in_flight)
    violation(id, t, written(a, len, where) + " while the owner is " + owner_name(b.owner));
  const Owner before = b.owner;
  const auto at = static_cast<std::uint32_t>(a - b.start), end = static_cast<std::uint32_t>(std::min<Bytes>(a - b.start + len, b.len));
  if (before == Owner::posted) {
    set_owner(b, Owner::in_flight);
    b.foreign = false;
    b.written = at, b.written_end = end;
  } else {
    b.written = std::min(b.written, at), b.written_end = std::max(b.written_end, end);
  }
  note(id, before, b.owner, t, where);
  return id;
}

Ownership::Pins& Ownership::pins_at(Hpa a) {
  const std::uint64_t page = a / kPage;
  pins_.grow(page + 1);
  return pins_[page];
}

void Ownership::pin(Hpa a, Time t) {
  Pins& p = pins_at(a);
  ++pin_ops_;
  if (p.pins == UINT16_MAX) return page_violation(a, t, "pinned 65536 times");
  if (p.pins++ == 0) {
    pinned_integral(t);
    pinned_peak_ = std::max(pinned_peak_, ++pinned_pages_);
    Pinned& g = of_guest_[guest_of(a)];
    g.advance(t);
    g.peak = std::max(g.peak, ++g.pages);
  }
}

void Ownership::unpin(Hpa a, Time t) {
  Pins& p = pins_at(a);
  if (p.pins == 0) return page_violation(a, t, "unpinned without being pinned");
  if (p.pins == 1 && p.maps > 0) page_violation(a, t, "unpinned while a device can still reach it");
  if (--p.pins == 0) {
    pinned_integral(t);
    --pinned_pages_;
    Pinned& g = of_guest_[guest_of(a)];
    g.advance(t);
    --g.pages;
  }
}

void Ownership::Pinned::advance(Time t) {
  if (t <= since) return;
  sum += static_cast<unsigned __int128>(pages * kPage) * static_cast<std::uint64_t>(t - since);
  since = t;
}

unsigned __int128 Ownership::pinned_integral(unsigned guest, Time t) {
  of_guest_[guest].advance(t);
  return of_guest_[guest].sum;
}

void Ownership::belongs(Hpa start, Bytes len, unsigned guest, bool trusted) {
  const std::uint64_t first = start / kPage, end = ceil_div(start + len, kPage);
  whose_.grow(end);
  for (std::uint64_t page = first; page < end; ++page)
    whose_[page] = static_cast<std::uint8_t>((whose_[page] & kRevoked) | (guest ^ kNobody) | (trusted ? 0 : kSuspect));
  if (!trusted && parsed_.empty()) parsed_.resize(kParsed);
}

void Ownership::map(Hpa a, Time t) {
  Pins& p = pins_at(a);
  if (p.maps == UINT16_MAX) return page_violation(a, t, "mapped 65536 times");
  ++p.maps;
}

void Ownership::unmap(Hpa a, Time t) {
  Pins& p = pins_at(a);
  if (p.maps == 0) return page_violation(a, t, "unmapped without being mapped");
  --p.maps;
}

unsigned __int128 Ownership::pinned_integral(Time t) {
  if (t > pinned_since_) {
    pinned_sum_ += static_cast<unsigned __int128>(pinned_pages_ * kPage) * static_cast<std::uint64_t>(t - pinned_since_);
    pinned_since_ = t;
  }
  return pinned_sum_;
}

void Ownership::expect(Owner o, std::uint64_t expected, Time t, const char* where) {
  std::uint64_t there = count(o);
  if (there == expected) return;
  // What a guest that does wrong has left behind is nobody's leak.
  for (BufferId i = 0; i < buffers_.size(); ++i) there -= buffers_[i].owner == o && o != Owner::none && suspect(i);
  if (there == expected) return;
  BufferId oldest = kNoBuffer;
  Time since = kNever;
  for (BufferId i = 0; i < buffers_.size(); ++i) {
    const Buffer& b = buffers_[i];
    if (b.owner != o || o == Owner::none || suspect(i)) continue;
    const Time last = b.events ? history_[i].last[(b.events - 1) % kEvents].t() : 0;
    if (last < since) since = last, oldest = i;
  }
  violation(oldest, t, std::string(where) + ": " + std::to_string(there) + " buffers are owned as " + owner_name(o) +
                           ", expected are " + std::to_string(expected));
}

void Ownership::violation(BufferId b, Time t, const std::string& what) {
  if (suspect(b)) {
    ++guest_faults_;
    return;
  }
  report(t, what, b < buffers_.size() && messages_.size() < kMessages ? describe(b) : "");
}

void Ownership::page_violation(Hpa a, Time t, const std::string& what) {
  if (suspect(a)) {
    ++guest_faults_;
    return;
  }
  report(t, "page " + hex(align_down(a, kPage)) + " is " + what, "");
}

void Ownership::report(Time t, const std::string& what, const std::string& which) {
  ++violations_;
  if (messages_.size() < kMessages) messages_.push_back(ns(t) + ": " + what + (which.empty() ? "" : "; ") + which);
}

std::string Ownership::describe(BufferId id) const {
  const Buffer& b = buffers_[id];
  std::string s = "buffer " + std::to_string(id) + " at " + hex(b.start) + " of " + std::to_string(b.len) + " bytes, home " +
                  (b.home == Home::guest ? "guest" : "host") + ", owner " + owner_name(b.owner);
  const unsigned n = std::min<unsigned>(b.events, kEvents);
  if (n) s += "; last events:";
  for (unsigned i = 0; i < n; ++i) {
    const Event& e = history_[id].last[(b.events - n + i) % kEvents];
    s += (i ? ", " : " ") + ns(e.t()) + " " + e.where() + " ";
    s += e.from() == e.to() ? std::string("used as ") + owner_name(e.to()) : std::string(owner_name(e.from())) + " to " + owner_name(e.to());
  }
  return s;
}

}  // namespace gd
