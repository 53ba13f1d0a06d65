// VirtQueue: from a packed ring to chains in the cache.
#include "models/nic/virtqueue.h"

namespace gd::nic {

// Reads as many descriptors as the next batch of chains is likely to have, in one or two runs at the ring's end.
void VirtQueue::read_ring(Time now) {
  const std::uint32_t chains = std::min(static_cast<std::uint32_t>(chains_.size()) - cached_, e_.params.virtio_fetch_batch);
  if (chains == 0) return;
  const std::uint32_t size = c_.layout.size, n = std::min(chains * guess_, size);
  runs_.clear();
  tables_ = false;
  Time done = now;
  const std::uint32_t first = std::min<std::uint32_t>(n, size - next_.at);
  plan_run(0, bus(c_.layout.desc), next_.at, first, false, now, done);
  if (n > first) plan_run(0, bus(c_.layout.desc), 0, n - first, false, now, done);
  batch_ = n;
  busy_ = true;
  ++e_.stats.fetch_reads;
  e_.events.push(done, Ev::vq_desc, id_, 0);
}

// One list from place `p`, descriptor `at` of the `end` that were read. False: malformed; `at` beyond `end`: not read to
// its end.
bool VirtQueue::take_list(std::uint32_t& at, pvring::Position& p, std::uint32_t end) {
  VirtChain& c = chains_[(first_ + cached_ + pending_.size()) % chains_.size()];
  c.count = 0;
  c.capacity = 0;
  Pending list{0, 0, 0, 0, true};
  for (std::uint16_t slots = 1;; ++slots) {
    const pvring::Desc& d = ring_[p.at];
    p.advance(1, c_.layout.size);
    ++at;
    const bool more = d.flags & vring::kNext;
    if (slots_held_ + slots > c_.layout.size) return false;
    if (d.flags & vring::kIndirect) {
      const std::uint32_t n = d.len / 16;
      if (!has(feature::kIndirect) || more || slots > 1 || d.len % 16 != 0 || n == 0 || n > VirtChain::kMax || d.addr % 16 != 0) return false;
      list.table = bus(d.addr);
      list.entries = static_cast<std::uint16_t>(n);
      list.done = false;
    } else {
      if (c.count == VirtChain::kMax || static_cast<bool>(d.flags & vring::kWrite) != device_writes_ || d.len > UINT32_MAX - c.capacity) return false;
      c.segment[c.count++] = {bus(d.addr), d.len};
      c.capacity += d.len;
    }
    if (!more) {
      if (d.id >= c_.layout.size || slots_[d.id] != 0) return false;
      c.head = list.head = d.id;
      slots_[d.id] = slots;
      slots_held_ += slots;
      guess_ = slots;
      pending_.push_back(list);
      return true;
    }
    if (at == end) {
      at = end + 1;
      return true;
    }
  }
}

bool VirtQueue::walk_packed_table(std::uint32_t i) {
  VirtChain& c = chains_[(first_ + cached_ + i) % chains_.size()];
  for (const Run& r : runs_) {
    if (r.pending != i) continue;
    for (std::uint32_t k = 0; k < r.count; ++k) {
      const auto d = e_.memory.load<pvring::Desc>(r.hpa + 16ULL * k);
      if (static_cast<bool>(d.flags & vring::kWrite) != device_writes_ || d.len > UINT32_MAX - c.capacity) return false;
      c.segment[c.count++] = {bus(d.addr), d.len};
      c.capacity += d.len;
    }
  }
  return true;
}

void VirtQueue::ring_read(Time now) {
  for (const Run& r : runs_) {
    if (r.hpa == kNoAddress) return stop(e_.stats.ring_faults);
    e_.stats.descriptors_fetched += r.count;
    for (std::uint32_t i = 0; !tables_ && i < r.count; ++i) ring_[r.first + i] = e_.memory.load<pvring::Desc>(r.hpa + 16ULL * i);
  }
  if (tables_) {
    for (std::uint32_t i = 0; i < pending_.size(); ++i)
      if (!pending_[i].done && !walk_packed_table(i)) return stop(e_.stats.guest_faults);
    return publish_chains(now);
  }
  pending_.clear();
  const std::uint32_t room = std::min(static_cast<std::uint32_t>(chains_.size()) - cached_, e_.params.virtio_fetch_batch);
  bool cut = false, table = false;
  std::uint32_t at = 0;
  for (pvring::Position p = next_; pending_.size() < room && at < batch_ && pvring::is_avail(ring_[p.at].flags, p.wrap);) {
    if (!take_list(at, p, batch_)) return stop(e_.stats.guest_faults);
    cut = at > batch_;
    if (cut) break;
    next_ = p;
    table |= !pending_.back().done;
  }
  if (pending_.empty()) {
    busy_ = false;
    if (!cut) return nothing_more(now);
    if (batch_ == c_.layout.size) return stop(e_.stats.guest_faults);   // a list without end
    guess_ = std::min<std::uint32_t>(guess_ * 4, c_.layout.size);
    return read_ring(now);
  }
  if (!table) return publish_chains(now);
  runs_.clear();
  tables_ = true;
  Time done = now;
  for (std::uint32_t i = 0; i < pending_.size(); ++i)
    if (!pending_[i].done) plan_run(i, pending_[i].table, 0, pending_[i].entries, true, now, done);
  e_.events.push(done, Ev::vq_desc, id_, 0);
}

}  // namespace gd::nic
