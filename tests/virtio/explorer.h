// Every interleaving of one driver and one device over a small ring, one memory access at a time.
//
// Each side is a program of ring operations with choices. A step performs one access of one side's present operation: the
// operation runs on a copy of the ring object, its earlier accesses are answered from a log, and what it does after the
// new access is thrown away (unless that was its last). Memory is sequentially consistent, which is what the barriers of
// VIRTIO 1.2 (sections 2.7.13.4.1, 2.8.21.3.1) buy at the places that matter; each state is visited once.
// Checked: tokens (nothing lost, doubled or foreign), the notification rules against an independent count, and that
// both sides never sleep while one has work.
#pragma once
#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include "models/base/error.h"
#include "models/virtio/device_ring.h"
#include "models/virtio/driver_ring.h"

namespace gd {

// What a careless author would leave out; each must be found.
enum class Mutation { none, device_skips_recheck, driver_skips_recheck, device_decides_early, driver_decides_early };

struct ExplorerCase {
  std::uint16_t size = 2;
  std::uint64_t features = 0;
  unsigned start = 0;        // buffers that went through before
  unsigned buffers = 3;      // that the driver posts; every third one has two segments, where they fit
  unsigned want = 1;         // chains that the device gathers before it uses them
  Mutation mutation = Mutation::none;
};

class Explorer {
 public:
  explicit Explorer(const ExplorerCase& c);
  // Visits everything that can be reached. Returns what was found wrong first, or "".
  std::string run();
  std::size_t states() const { return seen_.size(); }
  std::size_t ends() const { return ends_; }

 private:
  static constexpr unsigned kMemory = 512, kMaxBuffers = 8;
  using Memory = std::array<std::uint8_t, kMemory>;
  using Log = std::vector<std::array<std::uint8_t, 16>>;
  enum class Op : std::uint8_t {
    idle, add, publish, decide, decide_early, publish_late, disable, get, enable, check,   // driver
    asleep, quiet, take, give_back, push, use, signal, signal_early, use_late, ask, recheck // device
  };
  struct State {
    Memory memory{};
    DriverRing driver;
    DeviceRing device;
    Log driver_log{}, device_log{};            // answers to the accesses made of the present operation
    Op driver_op = Op::idle, device_op = Op::asleep;
    std::uint8_t posted = 0, adding = 0, returned = 0, lifo = 0;
    std::uint8_t token_state[kMaxBuffers] = {};
    std::vector<std::pair<std::uint16_t, std::uint8_t>> taken{}; // head, token
    bool kick = false, interrupt = false, hungry = false;        // hungry: fewer chains than wanted were there
    // Ghosts: descriptors (packed) or buffers (split) published, and when the last decision was.
    std::uint32_t avail_count = 0, avail_decided = 0, used_count = 0, used_decided = 0;
    std::uint32_t avail_pending = 0, used_pending = 0;
    bool first_signal = true;
  };
  struct View;

  unsigned segments(unsigned token, Segment* s) const;
  bool packed() const { return feature::has(c_.features, feature::kPacked); }
  unsigned units(unsigned token) const;      // that a buffer adds to the counts
  template <class F>
  bool access(State& s, Log& log, F f);
  bool must_notify(const State& s, bool device, const std::uint8_t* word) const;
  void step_driver(const State& from, unsigned choice);
  void step_device(const State& from, unsigned choice);
  bool driver_done(State& s, unsigned choice, View& v);
  bool device_done(State& s, unsigned choice, View& v);
  void reach(State&& s);
  void wrong(const std::string& what) { if (wrong_.empty()) wrong_ = what; }
  void judge_end(const State& s);

  ExplorerCase c_;
  VirtQueueLayout layout_;
  bool events_;
  std::vector<State> work_;
  std::unordered_set<std::string> seen_;
  std::size_t ends_ = 0;
  std::string wrong_;
};

}  // namespace gd
