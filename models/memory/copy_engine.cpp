#include "models/memory/copy_engine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "models/base/error.h"

namespace gd {

namespace {
constexpr Bytes kCopyDescriptor = 64, kCopyStatus = 8;   // of both I/OAT and DSA; the completion write-back
}

CopyTimes copy_times(const CopyEngineParams& p, Time ready, Time channel_free, Time last_done, Bytes n, Time memory) {
  CopyTimes t;
  t.begin = std::max(ready, channel_free);
  const auto bytes = static_cast<Time>(static_cast<unsigned __int128>(n) * kSec / p.rate);
  t.free = t.begin + p.per_copy + bytes;
  t.done = std::max(last_done, t.begin + std::max(p.per_copy + bytes, memory));
  return t;
}

CopyEngine::CopyEngine(Agenda& agenda, std::uint32_t actor_rank, MemorySystem& memory, const CopyEngineParams& params)
    : Actor(agenda, actor_rank), params_(params), memory_(memory), channels_(params.channels) {}

unsigned CopyEngine::open() {
  const auto number = static_cast<unsigned>(queues_.size());
  Queue& q = queues_.emplace_back();
  q.ring.resize(params_.ring);
  q.descriptors = memory_.phys().alloc_contiguous(params_.ring * kCopyDescriptor, kPage);
  q.status = memory_.phys().alloc_contiguous(kLine, kLine);
  q.channel = number % params_.channels;
  channels_[q.channel].queues.push_back(number);
  return number;
}

Hpa CopyEngine::slot(unsigned queue) {
  Queue& q = queues_[queue];
  if (q.added - q.completed == params_.ring) return ++stats_.full, 0;
  return q.descriptors + q.added % params_.ring * kCopyDescriptor;
}

std::uint64_t CopyEngine::add(unsigned queue, Hpa to, Hpa from, std::uint32_t n) {
  Queue& q = queues_[queue];
  require(n > 0 && q.added - q.completed < params_.ring, "a copy was added that the engine has no descriptor for");
  ++q.added;
  copy(q, q.added) = {to, from, n, 0, 0, 0};
  return q.added;
}

void CopyEngine::ring(unsigned queue, std::uint64_t number, Time now) {
  Queue& q = queues_[queue];
  if (number <= q.rung) return;
  ++stats_.doorbells;
  // The descriptors come by one read; each is known when it is there.
  const Hpa first = q.descriptors + q.rung % params_.ring * kCopyDescriptor;
  const Time at = now + params_.start;
  const Time ready = at + memory_.device_read(now, at, first, kCopyDescriptor);
  while (q.rung < number) copy(q, ++q.rung).ready = ready;
  wake_at(ready);
}

void CopyEngine::await(unsigned queue, std::uint64_t number, Listener& l, Time now) {
  Queue& q = queues_[queue];
  if (q.completed >= number) return l.copies_done(now);
  q.awaited = number;
  q.listener = &l;
}

// The next copy of a channel, of its queues in turn, if one is ready.
bool CopyEngine::begin(Channel& c, Time now) {
  if (c.free > now) return false;
  for (unsigned i = 0; i < c.queues.size(); ++i) {
    const unsigned at = (c.turn + i) % static_cast<unsigned>(c.queues.size());
    Queue& q = queues_[c.queues[at]];
    if (q.begun == q.rung || copy(q, q.begun + 1).ready > now) continue;
    Copy& x = copy(q, ++q.begun);
    const Time read = memory_.device_read(now, now, x.from, x.n);
    const Time memory = read + memory_.device_write(now, now + read, x.to, x.n);
    const CopyTimes t = copy_times(params_, x.ready, now, c.last_done, x.n, memory);
    c.free = t.free;
    stats_.busy += t.free - t.begin;
    c.last_done = x.done = t.done;
    c.turn = (at + 1) % static_cast<unsigned>(c.queues.size());
    return true;
  }
  return false;
}

void CopyEngine::complete(Queue& q, Time now) {
  PhysMem& phys = memory_.phys();
  while (q.moved < q.begun && copy(q, q.moved + 1).done <= now) {
    Copy& x = copy(q, ++q.moved);
    std::memmove(phys.at(x.to), phys.at(x.from), x.n);
    ++stats_.copies;
    stats_.bytes += x.n;
    q.last_told = x.told = std::max(q.last_told, now + memory_.device_write(now, now, q.status, kCopyStatus));
  }
  const std::uint64_t before = q.completed;
  while (q.completed < q.moved && copy(q, q.completed + 1).told <= now) ++q.completed;
  if (q.completed == before) return;
  phys.store(q.status, q.completed);
  if (q.listener && q.completed >= q.awaited) std::exchange(q.listener, nullptr)->copies_done(now);
}

void CopyEngine::act(Time now) {
  for (Queue& q : queues_) complete(q, now);
  for (Channel& c : channels_) {
    while (begin(c, now)) {}
    for (const unsigned number : c.queues) {
      Queue& q = queues_[number];
      if (q.begun < q.rung) wake_at(std::max({now, c.free, copy(q, q.begun + 1).ready}));
      if (q.moved < q.begun) wake_at(std::max(now, copy(q, q.moved + 1).done));
      if (q.completed < q.moved) wake_at(std::max(now, copy(q, q.completed + 1).told));
    }
  }
}

}  // namespace gd
