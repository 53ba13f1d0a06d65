#include "models/base/agenda.h"

#include <algorithm>
#include <string>

#include "models/base/error.h"

namespace gd {

Actor::Actor(Agenda& agenda, std::uint32_t actor_rank) : agenda_(agenda), rank_(actor_rank) { agenda.add(*this); }
Actor::~Actor() { agenda_.forget(*this); }

Agenda::Agenda(sc_core::sc_module_name name) : sc_module(name) {
  require(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_PS), "the time resolution is not 1 ps");
  require(to_sc(kSec) == sc_core::sc_time(1, sc_core::SC_SEC), "an sc_time is not a count of picoseconds");
  SC_METHOD(dispatch);
  sensitive << event_;
  dont_initialize();
}

// Deals out the places: by rank, in the debug order at random. `actors_` may be in any order.
void Agenda::place() {
  std::sort(actors_.begin(), actors_.end(), [](const Actor* x, const Actor* y) { return x->rank_ < y->rank_; });
  if (shuffle_)
    for (std::size_t i = actors_.size(); i > 1; --i) {  // xorshift; any order will do
      shuffle_ ^= shuffle_ << 13, shuffle_ ^= shuffle_ >> 7, shuffle_ ^= shuffle_ << 17;
      std::swap(actors_[i - 1], actors_[shuffle_ % i]);
    }
  slot_bits_ = 0;
  while ((std::size_t{1} << slot_bits_) < actors_.size()) ++slot_bits_;
  leaves_ = 1U << slot_bits_;
  end_ = static_cast<Time>(static_cast<std::uint64_t>(kNever) << slot_bits_ >> slot_bits_);
  first_.assign(2 * leaves_, key(kNever, leaves_ - 1));
  for (std::uint32_t i = 0; i < actors_.size(); ++i) {
    check_end(actors_[i]->pending_);
    actors_[i]->slot_ = i;
    settle(*actors_[i]);
  }
}

void Agenda::add(Actor& a) {
  require(!dispatching_, "an actor is made while others act");
  actors_.push_back(&a);
  try {
    place();
  } catch (...) {   // the actor will not be: its constructor throws
    std::erase(actors_, &a);
    place();
    throw;
  }
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

void Agenda::too_late(Time t) const {
  throw UserError("something is to happen at " + std::to_string(t / kSec) + " s of simulated time; with " + std::to_string(actors_.size()) +
                  " actors a run may take " + std::to_string(end_ / kSec) + " s");
}

void Agenda::arm(Time t) {
  armed_ = t;
  event_.cancel();
  event_.notify(to_sc(t) - sc_core::sc_time_stamp());
}

// Of those that are pending for the present instant, whatever places they have.
std::uint32_t Agenda::lowest_rank() const {
  std::uint32_t best = next_slot();
  for (std::uint32_t i = 0; i < actors_.size(); ++i)
    if (actors_[i]->pending_ == now_ && actors_[i]->rank_ < actors_[best]->rank_) best = i;
  return best;
}

void Agenda::standstill(const Actor& a) const {
  broken("simulated time stands still at " + std::to_string(now_) + " ps (actor of rank " + std::to_string(a.rank_) + ")");
}

// Takes who acts next as long as it is to act before `limit`; of one instant it is the actor of lowest rank.
void Agenda::run_before(Time limit) {
  limit = std::min(limit, end_);
  std::uint64_t left = kStandstill + 1;
  for (Time t; (t = next()) < limit;) {
    if (t != now_) now_ = t, left = kStandstill + 1;
    running_ = next_slot();
    if (shuffle_) [[unlikely]] running_ = lowest_rank();
    Actor& a = *actors_[running_];
    a.pending_ = kNever;
    ++activations_;
    ++a.activations_;
    if (--left == 0) standstill(a);
    a.act(t);
    settle(a);
    running_ = kNobody;
    if (stopping_) return;
  }
}

void Agenda::dispatch() {
  armed_ = kNever;
  now_ = from_sc(sc_core::sc_time_stamp());
  dispatching_ = true;
  try {
    run_before(now_ + std::max(quantum_, Time{1}));
  } catch (...) {
    failure_ = std::current_exception();
    stopping_ = true;
  }
  dispatching_ = false;
  if (stopping_) {
    sc_core::sc_stop();
    return;
  }
  if (next() != end_) {
    armed_ = next();
    event_.notify(to_sc(armed_) - sc_core::sc_time_stamp());
  }
}

}  // namespace gd
