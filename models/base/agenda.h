// Who acts when. Every component that does something at a time of its own is an Actor with one pending time; the
// Agenda is the one SystemC process and event behind them all.
//
// Why one process: SystemC runs the processes of one instant in an order that is neither FIFO nor stable, and a
// timed event costs 60-100 ns. Here actors of one instant run in the order of their rank, which is unique, so that a tie
// is resolved by (time, rank) and never by the kernel or by who asked first.
//
// An actor that is woken for the present instant while another acts runs later in the same instant, again by rank.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <systemc>
#include <vector>

#include "models/base/units.h"

namespace gd {

class Agenda;

// Rank bands: a stage that produces runs before the stage that consumes. Unique within a run: band + index.
namespace rank {
constexpr std::uint32_t kWindow = 0, kWire = 1000, kPcie = 2000, kNic = 3000, kInterrupt = 4000, kCore = 5000, kLast = 9000;
}

class Actor {
 public:
  Actor(Agenda& agenda, std::uint32_t actor_rank);
  virtual ~Actor();
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  // Called once at each time asked for. `now` is the present simulated time.
  virtual void act(Time now) = 0;

  std::uint32_t actor_rank() const { return rank_; }
  Time pending() const { return pending_; }   // kNever: not at all

 private:
  friend class Agenda;
  Agenda& agenda_;
  std::uint32_t rank_;
  std::uint32_t slot_ = UINT32_MAX;   // place in the agenda's tree
  Time pending_ = kNever;
  std::uint64_t activations_ = 0;

 protected:
  Agenda& agenda() { return agenda_; }
  // Asks to act at `t` (not in the past) unless an earlier time is already pending.
  inline void wake_at(Time t);
  // Forgets the pending time and asks for `t`; kNever cancels.
  inline void wake_only_at(Time t);

 public:
  std::uint64_t activations() const { return activations_; }
};

class Agenda : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Agenda);
  explicit Agenda(sc_core::sc_module_name name);

  Time now() const { return now_; }
  std::uint64_t activations() const { return activations_; }
  // Debug: actors have random places in the tree, whose order then says nothing; the rank alone decides. Results must not change.
  void shuffle(std::uint64_t seed);
  // Temporal decoupling: instants that lie within `quantum` of the kernel's time are run without going back to the kernel,
  // which saves its timed event for each. The agenda is the only process, so nothing can come in between; now() is exact,
  // sc_time_stamp() lags by less than a quantum. 0 (default): the kernel's time is that of every instant.
  void decouple(Time quantum) { quantum_ = quantum; }
  // Ends the simulation after the present instant.
  void stop() { stopping_ = true; }
  // A run whose simulated time stands still for this many activations is ended with InvariantError.
  static constexpr std::uint64_t kStandstill = 1'000'000;
  // What ended the dispatch loop early, if anything did (exceptions do not cross the SystemC kernel).
  std::exception_ptr failure() const { return failure_; }

 private:
  friend class Actor;
  void add(Actor& a);
  void forget(Actor& a);
  void place();
  // Sets the pending time of the actor; kNever: none.
  void set(Actor& a, Time t) {
    if (t < now_) late();
    check_end(t);
    a.pending_ = t;
    if (a.slot_ != running_) settle(a);   // the running actor's way up is settled when it has acted
    if (!dispatching_ && t < armed_) arm(t);
  }
  // When an actor acts, and behind that its place: of two the smaller is who goes first. kNever is more than any other time.
  std::uint64_t key(Time t, std::uint32_t slot) const { return static_cast<std::uint64_t>(t) << slot_bits_ | slot; }
  // The way up from a leaf. Who wins is no branch, as it cannot be foretold, and the winner so far stays in a register, so that no level
  // waits for what the one below has stored.
  void settle(const Actor& a) {
    std::size_t i = leaves_ + a.slot_;
    std::uint64_t* const first = first_.data();
    std::uint64_t best = key(a.pending_, a.slot_);
    first[i] = best;
    for (; i > 1; i /= 2) first[i / 2] = best = std::min(best, first[i ^ 1]);
  }
  Time next() const { return static_cast<Time>(first_[1] >> slot_bits_); }   // end_: nobody
  std::uint32_t next_slot() const { return static_cast<std::uint32_t>(first_[1]) & (leaves_ - 1); }
  void arm(Time t);
  [[noreturn]] void late() const;
  [[noreturn]] void too_late(Time t) const;
  void check_end(Time t) const {
    if (t >= end_ && t != kNever) too_late(t);
  }
  void dispatch();
  std::uint32_t lowest_rank() const;
  void run_before(Time limit);
  [[noreturn]] void standstill(const Actor& a) const;

  // A winner tree: leaf `leaves_ + slot` is an actor's key, node i the smaller of its two children. Places are by rank, so that of
  // equal times it is the lowest rank that wins, and node 1 is who acts next.
  static constexpr std::uint32_t kNobody = UINT32_MAX;
  sc_core::sc_event event_;
  std::vector<std::uint64_t> first_;   // by node
  std::vector<Actor*> actors_;         // by slot
  std::uint32_t leaves_ = 0, running_ = kNobody;
  unsigned slot_bits_ = 0;             // leaves_ is 1 << slot_bits_
  Time end_ = kNever;                  // kNever in a key; later times have none: with 1024 actors after 5 hours, with 16 after 320
  Time now_ = 0;
  Time armed_ = kNever;
  Time quantum_ = 0;
  std::uint64_t activations_ = 0;
  std::uint64_t shuffle_ = 0;
  bool dispatching_ = false, stopping_ = false;
  std::exception_ptr failure_;
};

inline void Actor::wake_at(Time t) {
  if (t < pending_) agenda_.set(*this, t);
}
inline void Actor::wake_only_at(Time t) {
  if (t != pending_) agenda_.set(*this, t);
}

// The time of the SystemC kernel as a gd::Time; the resolution is 1 ps (checked by Agenda). An sc_time is its count of that and
// nothing else (checked there too): sc_time::from_value, a call into the library for each of a frame's dozen, says the same.
inline sc_core::sc_time to_sc(Time t) {
  sc_core::sc_time made;
  static_assert(sizeof made == sizeof t);
  std::memcpy(static_cast<void*>(&made), &t, sizeof t);
  return made;
}
inline Time from_sc(const sc_core::sc_time& t) { return static_cast<Time>(t.value()); }

}  // namespace gd
