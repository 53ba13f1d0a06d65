#include "models/nic/engine.h"

#include <cstring>

namespace gd::nic {

Time Moderation::allowed_at(std::uint32_t vector, std::uint64_t unseen, Time first, Time now) const {
  const NicParams& p = engine_.params;
  if (p.moderation_frames != 0 && unseen >= p.moderation_frames) return now;
  return std::max(now, (p.moderation_from_first ? first : vectors_[vector].last) + p.moderation_delay);
}

void Moderation::fire(std::uint32_t vector, Time now) {
  vectors_[vector].last = now;
  ++engine_.stats.interrupts;
  if (engine_.faults && engine_.faults->loses_message()) {
    ++engine_.stats.lost_interrupts;
    return;
  }
  engine_.bus.message(vector);
}

void Moderation::evaluate(std::uint32_t vector, Time now) {
  Vector& v = vectors_[vector];
  if (!v.armed || v.unseen == 0) return;
  const Time at = allowed_at(vector, v.unseen, v.first, now);
  if (at <= now) {
    v.unseen = 0;
    v.armed = false;
    fire(vector, now);
  } else if (!v.timer) {
    v.timer = true;
    engine_.events.push(at, Ev::vector, vector, 0);
  }
}

void Moderation::completions(std::uint32_t vector, std::uint32_t n, Time now) {
  if (vector == kNoVector) return;
  if (vectors_[vector].unseen == 0) vectors_[vector].first = now;
  vectors_[vector].unseen += n;
  evaluate(vector, now);
}

void Moderation::enable(std::uint32_t vector, Time now) {
  vectors_[vector].armed = true;
  evaluate(vector, now);
}

void Moderation::raise(std::uint32_t vector, Time now) {
  vectors_[vector].armed = true;
  completions(vector, 1, now);
}

void Moderation::timer(std::uint32_t vector, Time now) {
  vectors_[vector].timer = false;
  evaluate(vector, now);
}

Transfer Engine::torn_write(Time at, Iova a, const std::uint8_t* from, Bytes n, std::uint16_t domain, Bytes lo, Bytes hi) {
  const Transfer t = bus.write(at, a, from, n, domain, true);
  if (t.fault()) return t;
  std::memcpy(memory.at(t.hpa), from, lo);
  std::memcpy(memory.at(t.hpa + hi), from + hi, n - hi);
  return t;
}

void Engine::plant_stale_write(FrameRef f, Time now) {
  if (!plan || plan->kind != Fault::dma_after_return || plan->done || returned == kNoAddress) return;
  const BufferId b = ownership.find(returned);
  if (b == kNoBuffer) return;
  const Owner o = ownership.owner(b);
  if (o == Owner::posted || o == Owner::in_flight || !hit(Fault::dma_after_return, f)) return;
  const std::uint64_t junk = 0xeeeeeeeeeeeeeeeeULL;
  const Transfer t = bus.write(now, returned_iova, &junk, sizeof junk, returned_domain, false);
  if (!t.fault()) ownership.device_write(t.hpa, sizeof junk, now, "nic, planted");
}

}  // namespace gd::nic
