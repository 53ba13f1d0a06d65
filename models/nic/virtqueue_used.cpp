// VirtQueue: used entries, the used index, and the guest's interrupt.
#include <utility>

#include "models/nic/virtqueue.h"

namespace gd::nic {

void VirtQueue::use(std::uint16_t head, std::uint32_t length) {
  used_[used_next_++ % c_.layout.size] = {head, length, kNoAddress, kNoAddress, 0, false};
}

// Consecutive entries are one write, cut at the ring's end and at page borders.
std::uint32_t VirtQueue::write_entries(Time now, Time& done) {
  const std::uint32_t size = c_.layout.size;
  std::uint32_t writes = 0;
  auto write = [&](Iova a, Bytes n) {
    const Transfer t = e_.bus.write(now, a, nullptr, n, c_.domain, true);
    done = std::max(done, t.done);
    ++writes;
    return t.hpa;
  };
  while (used_flushed_ != used_next_) {
    const auto at = static_cast<std::uint32_t>(used_flushed_ % size);
    auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(used_next_ - used_flushed_, size - at));
    const Iova a = bus(vring::used_slot(c_.layout, at));
    n = static_cast<std::uint32_t>(in_page(a, n * 8ULL) / 8);
    if (n == 0) {
      used_[at].id_at = write(a, 4);
      used_[at].length_at = write(a + 4, 4);
      ++used_flushed_;
      continue;
    }
    const Hpa hpa = write(a, n * 8ULL);
    for (std::uint32_t i = 0; i < n; ++i) {
      used_[at + i].id_at = hpa == kNoAddress ? hpa : hpa + i * 8ULL;
      used_[at + i].length_at = hpa == kNoAddress ? hpa : hpa + i * 8ULL + 4;
    }
    used_flushed_ += n;
  }
  return writes;
}

std::uint32_t VirtQueue::finish(std::uint64_t cookie, Time now, Time data, Time lag) {
  Used& last = used_[(used_next_ - 1) % c_.layout.size];
  last.cookie = cookie;
  last.last = true;
  Time done = data;
  const std::uint32_t writes = write_entries(now, done);
  const Transfer t = e_.bus.write(now, bus(vring::used_idx(c_.layout)), nullptr, 2, c_.domain, true);
  used_idx_hpa_ = t.hpa;
  last_used_ = std::max(last_used_, std::max(done, t.done) + lag);
  ++e_.stats.writebacks;
  e_.events.push(last_used_, Ev::vq_used, id_, used_next_);
  return writes + 1;
}

void VirtQueue::used_written(std::uint64_t upto, Time now) {
  for (; used_visible_ != upto; ++used_visible_) {
    const Used& u = used_[used_visible_ % c_.layout.size];
    const bool lost = u.id_at == kNoAddress || u.length_at == kNoAddress || used_idx_hpa_ == kNoAddress;
    if (lost) {
      ++e_.stats.ring_faults;
    } else {
      e_.memory.store(u.id_at, u.id);
      e_.memory.store(u.length_at, u.length);
    }
    if (unseen_++ == 0) first_unseen_ = now;
    if (u.last) owner_.used_visible(u.cookie, lost, now);
  }
  if (used_idx_hpa_ != kNoAddress) e_.memory.store(used_idx_hpa_, static_cast<std::uint16_t>(upto));
  check_interrupt(now);
}

// One read of the guest's suppression per burst: while a read is in flight, or moderation forbids a message, further
// used entries wait for it.
void VirtQueue::check_interrupt(Time now) {
  if (c_.vector == kNoVector || checking_ || unseen_ == 0) return;
  const Time at = e_.moderation.allowed_at(c_.vector, unseen_, first_unseen_, now);
  if (at > now) {
    if (!timer_) e_.events.push(at, Ev::vq_timer, id_, 0);
    timer_ = true;
    return;
  }
  const Gpa a = has(feature::kEventIdx) ? vring::used_event(c_.layout) : vring::avail_flags(c_.layout);
  const Transfer t = e_.bus.read(now, bus(a), nullptr, 2, c_.domain, true);
  ++e_.stats.suppression_reads;
  suppress_hpa_ = t.hpa;
  checking_ = true;
  checked_at_ = static_cast<std::uint16_t>(used_visible_);
  unseen_ = 0;
  e_.events.push(t.done, Ev::vq_suppress, id_, 0);
}

void VirtQueue::suppression_read(Time now) {
  checking_ = false;
  if (suppress_hpa_ == kNoAddress) {
    ++e_.stats.ring_faults;
    return;
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
