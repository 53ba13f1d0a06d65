// DRAM as one pool of channels (addresses interleave): a byte budget per window of time caps the bandwidth, a table gives
// the latency under load. Plain C++.
//
// Requests come with annotated times, not in time order. Each takes its bytes from the budget of the window in which it
// arrives; what does not fit is carried, as debt, into the next windows that have room, and the request is delayed until
// its last byte is served. No window ever serves more than its budget; a request is never delayed by one that comes
// later than itself by more than a window.
//
// Refresh: each rank is closed for `refresh_time` (tRFC) once in `refresh_interval` (tREFI), the ranks one after the other.
// An access to a rank that is closed waits until it opens: the tail of an access that misses the cache. A closed form of
// time and address, without events. Lines interleave over the ranks from a hashed start in each page.
//
// The table is the shape of Intel Memory Latency Checker curves (2 sockets Xeon Silver 4110, DDR4: 82 ns idle, 99 ns at
// half, 130 ns near the peak). tREFI 7.8 us; tRFC 110 ns for 1 Gb, 160 for 2 Gb (DDR3, JESD79-3), 350 for 8 Gb (DDR4,
// JESD79-4). Not modelled: banks, rows, read/write turn-around, refreshes that are postponed under load.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/base/units.h"

namespace gd {

struct DramParams {
  std::uint64_t rate = 0;   // bytes/s of all channels
  Time idle = 0;            // latency when idle, ps
  Time window = 0;          // ps
  Time loaded[9] = {};      // added latency by utilisation in eighths, ps
  unsigned ranks = 1;       // of all channels, at least 1
  Time refresh_interval = 0;   // from one refresh of a rank to the next, ps; 0: no refresh
  Time refresh_time = 0;       // shorter than the interval
};

class Dram {
 public:
  explicit Dram(const DramParams& params);   // throws UserError for a rate, a window or ranks of 0
  struct Grant {
    Time latency = 0;   // of one access at the present load
    Time queue = 0;     // until the budget has served all bytes of the request
  };
  // `bytes` > 0 asked for at `at` >= `now`; `now` is simulated time: windows before it are forgotten.
  [[gnu::always_inline]] Grant access(Time now, Time at, Bytes bytes) {
    at = std::max(at, now);
    const std::int64_t mine = window_of(at);
    Window& w = reach(now, mine);
    // The utilisation of the window before prices the present one, too.
    const Time latency = idle_ + std::max(loaded(w), loaded(place(mine - 1)));
    return {latency, take(w, now, at, mine, bytes)};
  }
  // The same where nobody waits for the latency of one access: the queue.
  Time charge(Time now, Time at, Bytes bytes) {
    at = std::max(at, now);
    const std::int64_t mine = window_of(at);
    return take(reach(now, mine), now, at, mine, bytes);
  }
  // How long an access at `at` to the `lines` lines from `a` on waits for a rank that is being refreshed; 0 mostly.
  Time refresh(Time at, Hpa a, std::uint64_t lines) const {
    if (refresh_interval_ == 0 || refresh_time_ == 0) return 0;
    const auto in = static_cast<Time>(by_interval_.rest(static_cast<std::uint64_t>(at)));
    const auto rank = static_cast<unsigned>(spacing_ > 0 ? std::min<Time>(static_cast<Time>(by_spacing_.of(static_cast<std::uint64_t>(in))), ranks_ - 1)
                                                         : ranks_ - 1);
    // The rank that was closed last stays closed for longest.
    const Time since = in - static_cast<Time>(rank) * spacing_;
    return since >= refresh_time_ ? 0 : closed(rank, since, a, lines);
  }
  // Time that the pool needs for `bytes`, rounded up.
  Time transfer(Bytes bytes) const { return rate_.peek(bytes); }
  // Bytes granted to the window that holds `t`, while it is remembered (0 otherwise).
  Bytes used(Time t) const;

 private:
  static constexpr std::int64_t kNone = -2;   // below the one before the first
  struct Window {
    std::int64_t index = kNone;   // number of the window since time 0
    Bytes used = 0, budget = 0;
    Bytes priced = UINT64_MAX; // `used` for which `price` was worked out
    Time price = 0;
  };
  std::int64_t window_of(Time t) const { return static_cast<std::int64_t>(by_length_.of(static_cast<std::uint64_t>(t))); }
  Window& place(std::int64_t index) { return ring_[static_cast<std::size_t>(index & mask_)]; }
  const Window& place(std::int64_t index) const { return ring_[static_cast<std::size_t>(index & mask_)]; }
  Window fresh(std::int64_t index) const;
  // The window of that number, emptied if its place held an older one.
  Window& window(std::int64_t index) {
    Window& w = place(index);
    if (w.index != index) w = fresh(index);
    return w;
  }
  // The same, and the one before has its place as well.
  Window& reach(Time now, std::int64_t index) {
    if (place(index).index != index || place(index - 1).index != index - 1) [[unlikely]] open(now, index);
    return place(index);
  }
  [[gnu::noinline]] void open(Time now, std::int64_t index);
  // Added latency at what the window has granted.
  Time loaded(Window& w) const {
    if (w.priced != w.used) w.priced = w.used, w.price = price(w);
    return w.price;
  }
  Time price(const Window& w) const;
  // Takes the bytes from `mine`, which is `w`, and what follows; how long after `at` the last is served.
  Time take(Window& w, Time now, Time at, std::int64_t mine, Bytes bytes) {
    if (mine < full_until_ || bytes >= w.budget - w.used) [[unlikely]] return serve(now, at, mine, bytes);
    w.used += bytes;
    return 0;
  }
  [[gnu::noinline]] Time serve(Time now, Time at, std::int64_t mine, Bytes bytes);
  // The wait for a rank; `rank` was closed last, `since` then.
  [[gnu::noinline]] Time closed(unsigned rank, Time since, Hpa a, std::uint64_t lines) const;
  // So that windows from the one before `oldest` to `last` have places.
  [[gnu::cold]] void make_room(std::int64_t last, std::int64_t oldest);

  RateClock rate_;
  Bytes whole_ = 0;               // bytes in a window, and what is left, in 1 / kSec of a byte
  std::uint64_t fraction_ = 0;
  Time idle_, length_;
  Divisor by_length_, by_budget_[2];   // budgets are whole_ or one more
  Time loaded_[9];
  unsigned ranks_;
  Time refresh_interval_, refresh_time_;
  Time spacing_;                  // between the refreshes of two ranks
  Divisor by_interval_, by_spacing_, by_ranks_;
  std::vector<Window> ring_;      // a power of two; window i at i modulo its size
  std::int64_t mask_;             // its size - 1
  std::int64_t full_until_ = 0;   // every window from the present one up to here is full
};

}  // namespace gd
