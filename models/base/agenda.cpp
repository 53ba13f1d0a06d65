#include "models/base/agenda.h"

#include <algorithm>
#include <string>

#include "models/base/error.h"

namespace gd {

Actor::Actor(Agenda& agenda, std::uint32_t actor_rank) : agenda_(agenda), rank_(actor_rank) { agenda.add(*this); }
Actor::~Actor() { agenda_.forget(*this); }

Agenda::Agenda(sc_core::sc_module_name name) : sc_module(name) {
  require(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_PS), "the time resolution is not 1 ps");
  SC_METHOD(dispatch);
  sensitive << event_;
  dont_initialize();
}

// Deals out the places: by rank, in the debug order at random. `actors_` may be in any order, each with its last place.
void Agenda::place() {
  std::vector<Time> when;
  std::sort(actors_.begin(), actors_.end(), [](const Actor* x, const Actor* y) { return x->rank_ < y->rank_; });
  if (shuffle_)
    for (std::size_t i = actors_.size(); i > 1; --i) {  // xorshift; any order will do
      shuffle_ ^= shuffle_ << 13, shuffle_ ^= shuffle_ >> 7, shuffle_ ^= shuffle_ << 17;
      std::swap(actors_[i - 1], actors_[shuffle_ % i]);
    }
  for (const Actor* a : actors_) when.push_back(a->slot_ == kNobody ? kNever : when_[leaves_ + a->slot_]);
  leaves_ = 1;
  while (leaves_ < actors_.size()) leaves_ *= 2;
  when_.assign(2 * leaves_, kNever);
  who_.assign(2 * leaves_, 0);
  for (std::uint32_t i = 0; i < actors_.size(); ++i) {
    actors_[i]->slot_ = i;
    when_[leaves_ + i] = when[i];
    who_[leaves_ + i] = i;
  }
  for (std::uint32_t i = leaves_; i-- > 1;) {
    const std::uint32_t winner = 2 * i + (when_[2 * i + 1] < when_[2 * i]);
    when_[i] = when_[winner];
    who_[i] = who_[winner];
  }
}

void Agenda::add(Actor& a) {
  require(!dispatching_, "an actor is made while others act");
  actors_.push_back(&a);
  place();
}

void Agenda::forget(Actor& a) {
  actors_.erase(actors_.begin() + a.slot_);
  place();
}

void Agenda::shuffle(std::uint64_t seed) {
  shuffle_ = seed | 1;
  place();
}

void Agenda::late() const { broken("an actor asked for a time in the past"); }

void Agenda::arm(Time t) {
  armed_ = t;
  event_.cancel();
  event_.notify(to_sc(t) - sc_core::sc_time_stamp());
}

// Of those that are pending for the present instant, whatever places they have.
std::uint32_t Agenda::lowest_rank() const {
  std::uint32_t best = who_[1];
  for (std::uint32_t i = 0; i < actors_.size(); ++i)
    if (when_[leaves_ + i] == now_ && actors_[i]->rank_ < actors_[best]->rank_) best = i;
  return best;
}

// Takes the pending actor of lowest rank of the present instant until none is left.
void Agenda::run_instant() {
  std::uint64_t at_this_time = 0;
  while (when_[1] == now_) {
    running_ = shuffle_ ? lowest_rank() : who_[1];
    when_[leaves_ + running_] = kNever;
    Actor& a = *actors_[running_];
    ++activations_;
    ++a.activations_;
    if (++at_this_time > kStandstill) broken("simulated time stands still at " + std::to_string(now_) + " ps (actor of rank " + std::to_string(a.rank_) + ")");
    a.act(now_);
    settle(running_);
    running_ = kNobody;
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
    while (!stopping_ && when_[1] < limit) {
      now_ = when_[1];
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
  if (when_[1] != kNever) {
    armed_ = when_[1];
    event_.notify(to_sc(armed_) - sc_core::sc_time_stamp());
  }
}

}  // namespace gd
