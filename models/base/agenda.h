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
  inline Time pending() const;

 private:
  friend class Agenda;
  Agenda& agenda_;
  std::uint32_t rank_;
  std::uint32_t slot_ = UINT32_MAX;   // place in the agenda's tree
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
  // Sets the pending time of the actor at `slot`; kNever: none.
  void set(std::uint32_t slot, Time t) {
    if (t < now_) late();
    when_[leaves_ + slot] = t;
    if (slot != running_) settle(slot);   // the running actor's way up is settled when it has acted
    if (!dispatching_ && t < armed_) arm(t);
  }
  // The way up from a leaf. The winner so far stays in registers, so that no level waits for what the one below has stored, and who
  // wins is no branch: it cannot be foretold.
  void settle(std::uint32_t slot) {
    std::size_t i = leaves_ + slot;
    Time* const when = when_.data();
    std::uint32_t* const who = who_.data();
    auto best = static_cast<std::uint64_t>(when[i]);
    for (; i > 1; i /= 2) {
      const auto other = static_cast<std::uint64_t>(when[i ^ 1]);
      const std::uint32_t loses = -static_cast<std::uint32_t>(other < best + (i & 1));   // all bits; of equals the left one wins
      slot ^= (slot ^ who[i ^ 1]) & loses;
      best = std::min(best, other);
      when[i / 2] = static_cast<Time>(best);
      who[i / 2] = slot;
    }
  }
  void arm(Time t);
  [[noreturn]] void late() const;
  void dispatch();
  std::uint32_t lowest_rank() const;
  void run_instant();

  // A winner tree: leaf `leaves_ + slot` is an actor, node i the earlier of its two children, the left one of equals. Places
  // are by rank, so that node 1 is who acts next.
  static constexpr std::uint32_t kNobody = UINT32_MAX;
  sc_core::sc_event event_;
  std::vector<Time> when_;            // by node; kNever: nobody
  std::vector<std::uint32_t> who_;    // by node, its actor's slot
  std::vector<Actor*> actors_;   // by slot
  std::uint32_t leaves_ = 0, running_ = kNobody;
  Time now_ = 0;
  Time armed_ = kNever;
  Time quantum_ = 0;
  std::uint64_t activations_ = 0;
  std::uint64_t shuffle_ = 0;
  bool dispatching_ = false, stopping_ = false;
  std::exception_ptr failure_;
};

inline Time Actor::pending() const { return agenda_.when_[agenda_.leaves_ + slot_]; }
inline void Actor::wake_at(Time t) {
  if (t < pending()) agenda_.set(slot_, t);
}
inline void Actor::wake_only_at(Time t) {
  if (t != pending()) agenda_.set(slot_, t);
}

// The time of the SystemC kernel as a gd::Time; the resolution is 1 ps (checked by Agenda).
inline sc_core::sc_time to_sc(Time t) { return sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(t)); }
inline Time from_sc(const sc_core::sc_time& t) { return static_cast<Time>(t.value()); }

}  // namespace gd
