#include "models/nic/engine.h"

#include <cstring>

namespace gd::nic {

Moderation::Moderation(Engine& engine, const NicParams& p) : engine_(engine), vectors_(p.vectors) {
  for (Vector& v : vectors_) v.delay = p.moderation_delay, v.frames = p.moderation_frames;
}

Time Moderation::allowed_at(std::uint32_t vector, const Unseen& unseen, Time now) const {
  const NicParams& p = engine_.params;
  const Vector& v = vectors_[vector];
  if (v.frames != 0 && unseen.count >= v.frames) return now;
  Time from = v.last;
  if (p.moderation_from == ModerationFrom::first_completion) from = unseen.first;
  if (p.moderation_from == ModerationFrom::last_completion) from = unseen.last;
  return std::max(now, from + v.delay);
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
  if (!v.armed || v.unseen.count == 0) return;
  const Time at = allowed_at(vector, v.unseen, now);
  if (at <= now) {
    v.unseen.count = 0;
    v.armed = false;
    fire(vector, now);
  } else if (!v.timer) {
    v.timer = true;
    engine_.events.push(at, Ev::vector, vector, 0);
  }
}

void Moderation::completions(std::uint32_t vector, std::uint32_t n, Time now) {
  if (vector == kNoVector) return;
  vectors_[vector].unseen.add(n, now);
  evaluate(vector, now);
}

void Moderation::enable(std::uint32_t vector, Time now) {
  vectors_[vector].armed = true;
  evaluate(vector, now);
}

void Moderation::enable_behind(std::uint32_t vector, std::uint32_t n, Time now) {
  Unseen& u = vectors_[vector].unseen;
  if (n < u.count) u.first = u.last;   // of those that are left only the last one's time is known
  u.count = n;
  enable(vector, now);
}

// A longer delay is seen when the present timer ends, a shorter one by the next completion at the latest.
void Moderation::set(std::uint32_t vector, std::uint32_t value, Time now) {
  vectors_[vector].delay = static_cast<Time>(value >> 16) * kUs;
  vectors_[vector].frames = value & 0xffff;
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
