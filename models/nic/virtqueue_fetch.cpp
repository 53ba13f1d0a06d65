// VirtQueue: from the guest's avail ring to chains in the cache.
#include "models/nic/virtqueue.h"

namespace gd::nic {

VirtQueue::VirtQueue(Engine& engine, std::uint32_t id, const VirtioQueueConfig& config, bool device_writes, VirtOwner& owner)
    : e_(engine), id_(id), c_(config), packed_(has(feature::kPacked)), in_order_(has(feature::kInOrder)), device_writes_(device_writes),
      owner_(owner), chains_(engine.params.virtio_chain_cache), shadow_(packed_ ? 0 : config.layout.size), shadow_round_(shadow_.size()),
      ring_(packed_ ? config.layout.size : 0), slots_(ring_.size()), used_(config.layout.size) {
  pending_.reserve(engine.params.virtio_fetch_batch);
  runs_.reserve(engine.params.virtio_fetch_batch * 4);
}

void VirtQueue::stop(std::uint64_t& counter) {
  ++counter;
  broken_ = true;
  busy_ = false;
  owner_.chains_fetched(e_.agenda.now());   // what waits will not be served
}

void VirtQueue::consume(std::uint32_t n, Time now) {
  first_ = (first_ + n) % static_cast<std::uint32_t>(chains_.size());
  cached_ -= n;
  wanted_ = 0;
  fetch(0, now);
}

void VirtQueue::notify(Time now) {
  idle_ = false;
  fetch(wanted_, now);
}

void VirtQueue::fetch(std::uint32_t wanted, Time now) {
  wanted_ = wanted;
  if (busy_ || broken()) return;
  if (cached_ >= wanted_ && cached_ > chains_.size() / 2) return;
  if (packed_) {
    if (!idle_) read_ring(now);
    return;
  }
  if (avail_seen_ != avail_next_) read_avail(now);
  else if (!idle_) read_index(now);
}

void VirtQueue::read_index(Time now) {
  const Transfer t = e_.bus.read(now, bus(vring::avail_flags(c_.layout)), nullptr, 4, c_.domain, true);
  read_hpa_ = t.hpa;
  busy_ = true;
  e_.events.push(t.done, Ev::vq_index, id_, 0);
}

void VirtQueue::disable(Time now) {
  enabled_ = false;
  cached_ = wanted_ = 0;
  avail_seen_ = avail_next_;
  owner_.chains_fetched(now);   // what waits will not be served
}

void VirtQueue::enable() {
  enabled_ = true;
  broken_ = idle_ = armed_ = tables_ = ever_signalled_ = false;
  first_ = cached_ = wanted_ = 0;
  avail_seen_ = avail_next_ = event_ = 0;
  guess_ = 1;
  next_ = put_ = visible_ = checked_ = {};
  std::fill(slots_.begin(), slots_.end(), std::uint16_t{0});
  slots_held_ = moved_ = checked_moved_ = 0;
  used_next_ = used_flushed_ = used_visible_ = packet_ = unseen_.count = 0;
  signalled_ = checked_at_ = 0;
}

// Whether a step that has ended goes on: not in a queue that is being reset.
bool VirtQueue::goes_on() {
  if (!enabled_) busy_ = false;
  return enabled_;
}

void VirtQueue::index_read(Time now) {
  if (!goes_on()) return;
  if (read_hpa_ == kNoAddress) return stop(e_.stats.ring_faults);
  busy_ = false;
  const auto idx = e_.memory.load<std::uint16_t>(read_hpa_ + 2);
  if (static_cast<std::uint16_t>(idx - avail_next_) > c_.layout.size) return stop(e_.stats.guest_faults);
  const bool more = idx != avail_seen_;
  avail_seen_ = idx;
  more ? fetch(wanted_, now) : nothing_more(now);
}

// All that the guest has posted is here. Without EVENT_IDX the guest notifies of every refill.
void VirtQueue::nothing_more(Time now) {
  const std::uint16_t next = packed_ ? pvring::off_wrap(next_) : avail_seen_;
  if (has(feature::kEventIdx) && (event_ != next || (packed_ && !armed_))) return arm(now);
  idle_ = true;
}

// Asks for a notification of the next buffer; the ring is read once more afterwards, for the guest may have been faster.
void VirtQueue::arm(Time now) {
  const Gpa a = packed_ ? pvring::device_event(c_.layout) : vring::avail_event(c_.layout);
  const Transfer t = e_.bus.write(now, bus(a), nullptr, packed_ ? sizeof(pvring::Event) : 2, c_.domain, true);
  read_hpa_ = t.hpa;
  busy_ = true;
  event_ = packed_ ? pvring::off_wrap(next_) : avail_seen_;
  armed_ = true;
  e_.events.push(t.done, Ev::vq_armed, id_, 0);
}

void VirtQueue::event_armed(Time now) {
  if (!goes_on()) return;
  if (read_hpa_ == kNoAddress) return stop(e_.stats.ring_faults);
  if (packed_) {
    e_.memory.store(read_hpa_, pvring::Event{event_, pvring::kEventDesc});
    return read_ring(now);
  }
  e_.memory.store(read_hpa_, avail_seen_);
  read_index(now);
}

void VirtQueue::read_avail(Time now) {
  const unsigned at = avail_next_ % c_.layout.size;
  batch_ = std::min({static_cast<std::uint32_t>(static_cast<std::uint16_t>(avail_seen_ - avail_next_)),
                     static_cast<std::uint32_t>(chains_.size()) - cached_, e_.params.virtio_fetch_batch, c_.layout.size - at});
  if (batch_ == 0) return;
  const Iova a = bus(vring::avail_slot(c_.layout, at));
  batch_ = static_cast<std::uint32_t>(in_page(a, batch_ * 2) / 2);
  const Transfer t = e_.bus.read(now, a, nullptr, batch_ * 2, c_.domain, true);
  ++e_.stats.fetch_reads;
  read_hpa_ = t.hpa;
  busy_ = true;
  e_.events.push(t.done, Ev::vq_avail, id_, 0);
}

void VirtQueue::avail_read(Time now) {
  if (!goes_on()) return;
  if (read_hpa_ == kNoAddress) return stop(e_.stats.ring_faults);
  pending_.clear();
  for (std::uint32_t i = 0; i < batch_; ++i) {
    const auto head = e_.memory.load<std::uint16_t>(read_hpa_ + i * 2);
    if (head >= c_.layout.size) return stop(e_.stats.guest_faults);
    pending_.push_back({head, head, 0, 0, false});
    VirtChain& c = chains_[(first_ + cached_ + i) % chains_.size()];
    c.head = head;
    c.count = 0;
    c.capacity = 0;
  }
  avail_next_ = static_cast<std::uint16_t>(avail_next_ + batch_);
  read_round(now);
}

void VirtQueue::plan_run(std::uint32_t pending, Iova table, std::uint32_t first, std::uint32_t count, bool indirect, Time now, Time& done) {
  while (count > 0) {
    const Iova a = table + 16ULL * first;
    const auto n = static_cast<std::uint32_t>(in_page(a, 16ULL * count) / 16);
    const Transfer t = e_.bus.read(now, a, nullptr, 16ULL * n, c_.domain, true);
    runs_.push_back({pending, first, n, indirect, t.hpa});
    done = std::max(done, t.done);
    first += n;
    count -= n;
  }
}

// Reads the descriptor that each unfinished chain needs next, and those that will probably follow it.
void VirtQueue::read_round(Time now) {
  runs_.clear();
  ++round_;
  Time done = now;
  std::uint32_t first = 0, end = 0;   // the run of the table that is being collected
  for (std::uint32_t i = 0; i < pending_.size(); ++i) {
    const Pending& p = pending_[i];
    if (p.done) continue;
    if (p.entries != 0) {
      plan_run(i, p.table, 0, p.entries, true, now, done);
      continue;
    }
    const std::uint32_t until = std::min<std::uint32_t>(p.next + guess_, c_.layout.size);
    if (p.next >= first && p.next <= end && end > first) {
      end = std::max(end, until);
      continue;
    }
    if (end > first) plan_run(0, bus(c_.layout.desc), first, end - first, false, now, done);
    first = p.next;
    end = until;
  }
  if (end > first) plan_run(0, bus(c_.layout.desc), first, end - first, false, now, done);
  e_.events.push(done, Ev::vq_desc, id_, 0);
}

void VirtQueue::descriptors_read(Time now) {
  if (!goes_on()) return;
  if (packed_) return ring_read(now);
  for (const Run& r : runs_) {
    if (r.hpa == kNoAddress) return stop(e_.stats.ring_faults);
    e_.stats.descriptors_fetched += r.count;
    if (r.table) continue;
    for (std::uint32_t i = 0; i < r.count; ++i) {
      shadow_[r.first + i] = e_.memory.load<vring::Desc>(r.hpa + 16ULL * i);
      shadow_round_[r.first + i] = round_;
    }
  }
  bool again = false;
  for (std::uint32_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i].done) continue;
    if (!walk(i)) return stop(e_.stats.guest_faults);
    again |= !pending_[i].done;
  }
  if (again) return read_round(now);
  publish_chains(now);
}

// Follows chain `i` through what has been read. False when it is malformed.
bool VirtQueue::walk(std::uint32_t i) {
  Pending& p = pending_[i];
  VirtChain& c = chains_[(first_ + cached_ + i) % chains_.size()];
  auto append = [&](const vring::Desc& d) {
    if (c.count == VirtChain::kMax || static_cast<bool>(d.flags & vring::kWrite) != device_writes_) return false;
    if (d.len > UINT32_MAX - c.capacity) return false;
    c.segment[c.count++] = {bus(d.addr), d.len};
    c.capacity += d.len;
    return true;
  };
  if (p.entries != 0) {
    vring::Desc table[VirtChain::kMax];
    for (const Run& r : runs_)
      if (r.table && r.pending == i)
        for (std::uint32_t k = 0; k < r.count; ++k) table[r.first + k] = e_.memory.load<vring::Desc>(r.hpa + 16ULL * k);
    std::uint32_t at = 0;
    for (;;) {
      if (table[at].flags & vring::kIndirect || !append(table[at])) return false;
      if (!(table[at].flags & vring::kNext)) break;
      at = table[at].next;
      if (at >= p.entries) return false;
    }
    p.done = true;
    return true;
  }
  while (shadow_round_[p.next] == round_) {
    const vring::Desc& d = shadow_[p.next];
    if (d.flags & vring::kIndirect) {
      const std::uint32_t n = d.len / 16;
      if (!has(feature::kIndirect) || d.len % 16 != 0 || n == 0 || n > VirtChain::kMax || d.addr % 16 != 0 || d.flags & vring::kNext) return false;
      p.table = bus(d.addr);
      p.entries = static_cast<std::uint16_t>(n);
      return true;
    }
    if (!append(d)) return false;
    if (!(d.flags & vring::kNext)) {
      p.done = true;
      guess_ = c.count;
      return true;
    }
    p.next = d.next;
    if (p.next >= c_.layout.size) return false;
  }
  return true;
}

void VirtQueue::publish_chains(Time now) {
  cached_ += static_cast<std::uint32_t>(pending_.size());
  pending_.clear();
  busy_ = false;
  owner_.chains_fetched(now);
  fetch(wanted_, now);
}

}  // namespace gd::nic
