// Dynamic interrupt moderation of Linux (lib/dim): a queue's moderation walks among five profiles, by what the queue carried.
//
// Modelled: what net_dim does at the end of a poll, with its profiles for received frames. Measuring takes kEvents interrupts; bytes,
// frames and interrupts a millisecond are compared with those of the measurement before, in this order, and differ where it is by
// more than a tenth. Better is more bytes, more frames, or the same of both with fewer interrupts. As long as it gets better the walk
// goes on; else it turns round, and rests where it turned before, at either end, or when it has taken ten steps.
// Not modelled: profiles that a user has set, transmit queues, RDMA's rules.
// Source: lib/dim/dim.c, net_dim.c, include/linux/dim.h of Linux, read for facts.
#pragma once
#include <array>
#include <cstdint>

#include "models/base/units.h"

namespace gd {

class Dim {
 public:
  // A queue's moderation: an interrupt after `delay`, or after so many frames.
  struct Profile {
    Time delay;
    std::uint32_t frames;
    bool operator==(const Profile&) const = default;
  };
  // What the delay runs from: the last interrupt (DIM_CQ_PERIOD_MODE_START_FROM_EQE), or each completion anew (..._FROM_CQE).
  enum class Period : std::uint8_t { event, completion };
  enum class Walk : std::uint8_t { parked, tired, right, left };
  static constexpr int kProfiles = 5;          // NET_DIM_PARAMS_NUM_PROFILES
  static constexpr int kInitial = 1;           // NET_DIM_DEF_PROFILE_*: what the card begins with; the walk begins at 0
  static constexpr std::uint64_t kEvents = 64; // DIM_NEVENTS
  static constexpr int kSteps = 2 * kProfiles; // a walk of so many is tired
  static const Profile& profile(Period period, int index);

  // Counts from the queue's beginning.
  struct Sample {
    Time at = 0;
    std::uint64_t events = 0, frames = 0, bytes = 0;
  };
  // By the millisecond, rounded up.
  struct Rates {
    std::uint64_t bytes = 0, frames = 0, events = 0;
  };
  enum class Verdict : std::uint8_t { worse, same, better };
  static Verdict compare(const Rates& now, const Rates& before);

  // At the end of a poll: true when the card is to be given profile(index()). Until that is applied() nothing is measured.
  bool sample(const Sample& s);
  void applied() { state_ = State::start; }
  // A measurement: true when another profile is chosen.
  bool decide(const Rates& now);
  int index() const { return index_; }
  Walk walk() const { return walk_; }

 private:
  enum class State : std::uint8_t { start, measuring, applying };
  enum class Stepped : std::uint8_t { yes, tired, edge };
  Stepped step();
  void turn();
  bool on_top() const;
  void park(Walk how);
  void leave_parking();

  State state_ = State::start;
  Walk walk_ = Walk::parked;
  int index_ = 0, to_right_ = 0, to_left_ = 0, steps_ = 0;
  Rates before_;
  Sample start_;
};

}  // namespace gd
