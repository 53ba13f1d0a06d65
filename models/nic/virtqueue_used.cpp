// VirtQueue: used entries, the used index, and the guest's interrupt.
#include <utility>

#include "models/nic/virtqueue.h"

namespace gd::nic {

void VirtQueue::use(std::uint16_t head, std::uint32_t length, bool whole) {
  const std::uint16_t slots = packed_ ? std::exchange(slots_[head], std::uint16_t{0}) : std::uint16_t{1};
  used(used_next_++) = {head, length, put_, slots, kNoAddress, kNoAddress, 0, whole, false, false};
  put_.advance(slots, c_.layout.size);
}

// Entries that lie next to each other are one write, cut at the ring's end and at page borders. A packed ring's entry is
// the second half of a descriptor: length, id and flags.
std::uint32_t VirtQueue::write_entries(Time now, Time& done) {
  const Bytes stride = packed_ ? sizeof(pvring::Desc) : sizeof(vring::UsedElem);
  std::uint32_t writes = 0;
  auto write = [&](Iova a, Bytes n) {
    const Transfer t = e_.bus.write(now, a, nullptr, n, c_.domain, true);
    done = std::max(done, t.done);
    ++writes;
    return t.hpa;
  };
  while (used_flushed_ != used_next_) {
    Used& u = used(used_flushed_);
    if (u.silent) {
      ++used_flushed_;
      continue;
    }
    std::uint32_t n = 1;
    while (used_flushed_ + n != used_next_ && !used(used_flushed_ + n).silent && used(used_flushed_ + n).place.at == u.place.at + n) ++n;
    if (packed_) {
      const Iova a = bus(pvring::desc_at(c_.layout, u.place.at));
      n = static_cast<std::uint32_t>(in_page(a, n * stride) / stride);
      const Hpa hpa = write(a + pvring::kLenAt, n * stride - pvring::kLenAt);
      for (std::uint32_t i = 0; i < n; ++i) used(used_flushed_ + i).id_at = used(used_flushed_ + i).length_at = hpa == kNoAddress ? hpa : hpa + i * stride;
      used_flushed_ += n;
      continue;
    }
    const Iova a = bus(vring::used_slot(c_.layout, u.place.at));
    n = static_cast<std::uint32_t>(in_page(a, n * stride) / stride);
    if (n == 0) {
      u.id_at = write(a, 4);
      u.length_at = write(a + 4, 4);
      ++used_flushed_;
      continue;
    }
    const Hpa hpa = write(a, n * stride);
    for (std::uint32_t i = 0; i < n; ++i) {
      used(used_flushed_ + i).id_at = hpa == kNoAddress ? hpa : hpa + i * stride;
      used(used_flushed_ + i).length_at = hpa == kNoAddress ? hpa : hpa + i * stride + 4;
    }
    used_flushed_ += n;
  }
  return writes;
}

std::uint32_t VirtQueue::finish(std::uint64_t cookie, Time now, Time data, Time lag) {
  Used& last = used(used_next_ - 1);
  last.cookie = cookie;
  last.last = true;
  if (in_order_ && used_next_ - packet_ > 1) {
    bool whole = true;
    for (std::uint64_t n = packet_; n + 1 != used_next_; ++n) whole &= used(n).whole;
    if (whole) last.place = used(packet_).place;   // where the batch begins
    for (std::uint64_t n = packet_; n + 1 != used_next_; ++n) used(n).silent = whole;
  }
  packet_ = used_next_;
  Time done = data;
  std::uint32_t writes = write_entries(now, done);
  if (!packed_) {
    const Transfer t = e_.bus.write(now, bus(vring::used_idx(c_.layout)), nullptr, 2, c_.domain, true);
    used_idx_hpa_ = t.hpa;
    done = std::max(done, t.done);
    ++writes;
  }
  last_used_ = std::max(last_used_, done + lag);
  ++e_.stats.writebacks;
  e_.events.push(last_used_, Ev::vq_used, id_, used_next_);
  return writes;
}

void VirtQueue::store(const Used& u) {
  if (packed_) {
    e_.memory.store(u.id_at, u.length);
    e_.memory.store(u.id_at + 4, static_cast<std::uint16_t>(u.id));
    e_.memory.store(u.id_at + 6, static_cast<std::uint16_t>(pvring::used_marks(u.place.wrap) | (u.length ? vring::kWrite : 0)));
  } else {
    e_.memory.store(u.id_at, u.id);
    e_.memory.store(u.length_at, u.length);
  }
}

void VirtQueue::used_written(std::uint64_t upto, Time now) {
  const bool lose = e_.faults && !(id_ & kTxSide) && e_.faults->loses_report();   // the index, or a packed ring's descriptors
  if (lose) ++e_.stats.lost_writebacks;
  for (; used_visible_ != upto; ++used_visible_) {
    const Used& u = used(used_visible_);
    const bool lost = !u.silent && (u.id_at == kNoAddress || u.length_at == kNoAddress || (!packed_ && used_idx_hpa_ == kNoAddress));
    if (lost) ++e_.stats.ring_faults;
    else if (!u.silent && !(packed_ && lose)) store(u);
    visible_.advance(u.slots, c_.layout.size);
    moved_ = std::min(moved_ + u.slots, c_.layout.size + 1u);
    if (packed_) slots_held_ -= u.slots;
    unseen_.add(1, now);
    if (u.last) owner_.used_visible(u.cookie, lost, now);
  }
  if (!packed_ && !lose && used_idx_hpa_ != kNoAddress) e_.memory.store(used_idx_hpa_, static_cast<std::uint16_t>(upto));
  check_interrupt(now);
}

// One read of the guest's suppression per burst: while a read is in flight, or moderation forbids a message, further
// used entries wait for it.
void VirtQueue::check_interrupt(Time now) {
  if (c_.vector == kNoVector || checking_ || unseen_.count == 0 || !enabled_) return;
  const Time at = e_.moderation.allowed_at(c_.vector, unseen_, now);
  if (at > now) {
    if (!timer_) e_.events.push(at, Ev::vq_timer, id_, 0);
    timer_ = true;
    return;
  }
  const Gpa a = packed_ ? pvring::driver_event(c_.layout) : has(feature::kEventIdx) ? vring::used_event(c_.layout) : vring::avail_flags(c_.layout);
  const Transfer t = e_.bus.read(now, bus(a), nullptr, packed_ ? sizeof(pvring::Event) : 2, c_.domain, true);
  ++e_.stats.suppression_reads;
  suppress_hpa_ = t.hpa;
  checking_ = true;
  checked_at_ = static_cast<std::uint16_t>(used_visible_);
  checked_ = visible_;
  checked_moved_ = std::exchange(moved_, 0u);
  unseen_.count = 0;
  e_.events.push(t.done, Ev::vq_suppress, id_, 0);
}

void VirtQueue::suppression_read(Time now) {
  checking_ = false;
  if (!enabled_) return;
  if (suppress_hpa_ == kNoAddress) {
    ++e_.stats.ring_faults;
    return;
  }
  if (packed_) {
    const auto e = e_.memory.load<pvring::Event>(suppress_hpa_);
    if (pvring::wanted(e, has(feature::kEventIdx), checked_, checked_moved_, c_.layout.size)) e_.moderation.fire(c_.vector, now);
    return check_interrupt(now);
  }
  const auto word = e_.memory.load<std::uint16_t>(suppress_hpa_);
  const std::uint16_t from = std::exchange(signalled_, checked_at_);
  const bool first = !std::exchange(ever_signalled_, true);
  const bool wanted = has(feature::kEventIdx) ? first || vring::need_event(word, checked_at_, from) : !(word & vring::kNoInterrupt);
  if (wanted) e_.moderation.fire(c_.vector, now);
  check_interrupt(now);
}

void VirtQueue::timer(Time now) {
  timer_ = false;
  check_interrupt(now);
}

}  // namespace gd::nic
