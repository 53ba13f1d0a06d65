#include "models/base/agenda.h"

#include <algorithm>

#include "models/base/error.h"

namespace gd {

Actor::Actor(Agenda& agenda, std::uint32_t actor_rank) : agenda_(agenda), rank_(actor_rank) {}

void Actor::wake_at(Time t) {
  if (t < when_) agenda_.schedule(*this, t);
}

void Actor::wake_only_at(Time t) {
  if (t == when_) return;
  if (when_ != kNever) agenda_.remove(*this);
  if (t != kNever) agenda_.schedule(*this, t);
}

Agenda::Agenda(sc_core::sc_module_name name) : sc_module(name) {
  require(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_PS), "the time resolution is not 1 ps");
  SC_METHOD(dispatch);
  sensitive << event_;
  dont_initialize();
}

bool Agenda::before(const Actor& a, const Actor& b) const {
  if (a.when_ != b.when_) return a.when_ < b.when_;
  if (shuffle_ && a.shuffle_ != b.shuffle_) return a.shuffle_ < b.shuffle_;
  return a.rank_ < b.rank_;
}

void Agenda::up(std::uint32_t i) {
  Actor* a = heap_[i];
  while (i > 0) {
    const std::uint32_t parent = (i - 1) / 2;
    if (!before(*a, *heap_[parent])) break;
    heap_[i] = heap_[parent];
    heap_[i]->slot_ = i;
    i = parent;
  }
  heap_[i] = a;
  a->slot_ = i;
}

void Agenda::down(std::uint32_t i) {
  Actor* a = heap_[i];
  const auto n = static_cast<std::uint32_t>(heap_.size());
  for (;;) {
    std::uint32_t child = 2 * i + 1;
    if (child >= n) break;
    if (child + 1 < n && before(*heap_[child + 1], *heap_[child])) ++child;
    if (!before(*heap_[child], *a)) break;
    heap_[i] = heap_[child];
    heap_[i]->slot_ = i;
    i = child;
  }
  heap_[i] = a;
  a->slot_ = i;
}

void Agenda::remove(Actor& a) {
  const std::uint32_t i = a.slot_;
  Actor* last = heap_.back();
  heap_.pop_back();
  if (last != &a) {
    heap_[i] = last;
    last->slot_ = i;
    up(i);
    down(last->slot_);
  }
  a.slot_ = UINT32_MAX;
  a.when_ = kNever;
}

void Agenda::schedule(Actor& a, Time t) {
  require(t >= now_, "an actor asked for a time in the past");
  if (shuffle_) {  // xorshift; any order will do
    shuffle_ ^= shuffle_ << 13, shuffle_ ^= shuffle_ >> 7, shuffle_ ^= shuffle_ << 17;
    a.shuffle_ = static_cast<std::uint32_t>(shuffle_);
  }
  a.when_ = t;
  if (a.slot_ == UINT32_MAX) {
    a.slot_ = static_cast<std::uint32_t>(heap_.size());
    heap_.push_back(&a);
  }
  up(a.slot_);
  down(a.slot_);
  if (!dispatching_ && t < armed_) {
    armed_ = t;
    event_.cancel();
    event_.notify(to_sc(t) - sc_core::sc_time_stamp());
  }
}

// Takes the pending actor of lowest rank of the present instant, whatever order the heap has, until none is left.
void Agenda::run_instant() {
  std::uint64_t at_this_time = 0;
  for (;;) {
    Actor* a;
    if (!shuffle_) {
      if (heap_.empty() || heap_.front()->when_ != now_) return;
      a = heap_.front();
    } else {
      ready_.clear();
      for (Actor* x : heap_)
        if (x->when_ == now_) ready_.push_back(x);
      if (ready_.empty()) return;
      a = *std::min_element(ready_.begin(), ready_.end(), [](Actor* x, Actor* y) { return x->rank_ < y->rank_; });
    }
    remove(*a);
    ++activations_;
    ++a->activations_;
    if (++at_this_time > kStandstill) broken("simulated time stands still at " + std::to_string(now_) + " ps");
    a->act(now_);
    if (stopping_) return;
  }
}

void Agenda::dispatch() {
  armed_ = kNever;
  now_ = from_sc(sc_core::sc_time_stamp());
  dispatching_ = true;
  try {
    const Time limit = now_ + quantum_;
    run_instant();
    while (!stopping_ && !heap_.empty() && heap_.front()->when_ < limit) {
      now_ = heap_.front()->when_;
      run_instant();
    }
  } catch (...) {
    failure_ = std::current_exception();
    stopping_ = true;
  }
  dispatching_ = false;
  if (stopping_) {
    sc_core::sc_stop();
    return;
  }
  if (!heap_.empty()) {
    armed_ = heap_.front()->when_;
    event_.notify(to_sc(armed_) - sc_core::sc_time_stamp());
  }
}

}  // namespace gd
