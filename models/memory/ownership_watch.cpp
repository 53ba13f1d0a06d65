// Ownership: the security check.
#include <algorithm>

#include "models/base/rng.h"
#include "models/memory/ownership.h"
#include "models/memory/phys.h"

namespace gd {

void Ownership::revoke(Hpa page, Time) {
  whose_.grow(page / kPage + 1);
  whose_[page / kPage] |= kRevoked;
}

namespace {

std::uint64_t hash_bytes(const std::uint8_t* bytes, std::size_t n) { return hash_name({reinterpret_cast<const char*>(bytes), n}); }

std::size_t parsed_slot(Hpa a, std::size_t slots) { return (a / kLine * 0x9e3779b97f4a7c15ULL >> 32) & (slots - 1); }

}  // namespace

void Ownership::judge_write(unsigned guest, Hpa a, Bytes len) {
  for (Hpa p = align_down(a, kPage); p < a + len; p += kPage) {
    // Host memory outside its buffers: Ownership::device_write() looks at each write, this only where a guest is suspect.
    const bool fine = guest_of(p) == kNobody ? parsed_.empty() || find(std::max(p, a)) != kNoBuffer : is_of(guest, p);
    watch_.escapes += !fine;
  }
  if (parsed_.empty()) return;
  Parsed& p = parsed_[parsed_slot(a, parsed_.size())];   // other bytes than those that were parsed there
  if (p.at == a) p.length = 0;
}

void Ownership::not_for_its_guest(Hpa a) {
  const BufferId b = find(a);
  if (b != kNoBuffer && buffers_[b].home == Home::guest) buffers_[b].foreign = true;
}

void Ownership::leaks(Buffer& b) {
  b.foreign = false;
  for (Hpa a = b.start + b.written, end = b.start + b.written_end, next; a < end; a = next) {
    next = std::min(align_down(a, kLine) + kLine, end);
    const std::uint8_t* bytes = memory_ ? memory_->at(a) : nullptr;
    if (!bytes || std::any_of(bytes, bytes + (next - a), [](std::uint8_t x) { return x != 0; })) watch_.leaked_bytes += next - a;
  }
}

void Ownership::read_for(unsigned guest, Hpa a, Bytes len) {
  for (Hpa p = align_down(a, kPage), next; p < a + len; p = next) {
    next = p + kPage;
    if (guest_of(p) == kNobody || is_of(guest, p)) continue;
    watch_.leaked_bytes += std::min(next, a + len) - std::max(p, a);
  }
}

void Ownership::note_parsed(const std::uint8_t* bytes, Hpa a, Bytes n) {
  watch_.exposed_bytes += n;
  if (parsed_.empty()) return;
  parsed_[parsed_slot(a, parsed_.size())] = {a, static_cast<std::uint32_t>(n), hash_bytes(bytes, n)};
}

void Ownership::renew_parsed(const std::uint8_t* bytes, Hpa a) {
  Parsed& p = parsed_[parsed_slot(a, parsed_.size())];
  if (p.at == a && p.length) p.hash = hash_bytes(bytes, p.length);
}

void Ownership::note_decided(const std::uint8_t* bytes, Hpa a, Bytes n) {
  watch_.exposed_bytes += n;
  if (parsed_.empty()) return;
  Parsed& p = parsed_[parsed_slot(a, parsed_.size())];
  if (p.at == a && p.length) {
    const bool same = hash_bytes(bytes, p.length) == p.hash;
    watch_.acted_on += !same;
    if (same && p.length >= n) return;
  }
  p = {a, static_cast<std::uint32_t>(n), hash_bytes(bytes, n)};
}

void Ownership::check_parsed(const std::uint8_t* bytes, Hpa a) {
  Parsed& p = parsed_[parsed_slot(a, parsed_.size())];
  if (p.at != a || p.length == 0) return;
  watch_.acted_on += hash_bytes(bytes, p.length) != p.hash;
  p.length = 0;
}

}  // namespace gd
