// Warm-up, measuring window and drain of one run, and the counters at the window's edges.
#pragma once
#include <functional>
#include <vector>

#include "src/system/machine.h"

namespace gd::system {

// All counters at one moment; two of them make a window.
struct Snapshot {
  Time at = 0;
  std::vector<Ledger::Cell> ledger;
  std::vector<std::uint64_t> core_busy;   // picoseconds, by core
  MemoryStats memory;
  PcieStats pcie;
  Time up_reserved = 0, down_reserved = 0;
  CopyEngineStats copy_engine;
  IommuStats iommu;
  NicStats nic;
  Link::Stats link;
  unsigned __int128 pinned = 0;           // byte-picoseconds
  std::uint64_t pin_ops = 0, interrupts = 0, exits = 0;
  struct PerGuest {
    GuestStats guest;
    PathStats path;
    VhostStats vhost;
    GroStats gro;
    GsoStats gso;
    BridgeStats bridge;
    std::uint64_t exits = 0;
    unsigned __int128 pinned = 0;         // byte-picoseconds
  };
  Ownership::Watch watch;
  std::vector<PerGuest> guests;
  std::vector<GroStats> host_gro;
  std::vector<PathStats> host_path;
  HostSocketStats socket;
  struct PerUser {
    UserAsyncStats kernel;
    UserAppStats app;
    std::uint64_t bad_entries = 0;
    unsigned __int128 pinned = 0;         // byte-picoseconds
  };
  std::vector<PerUser> users;
  std::uint64_t shared_frames = 0;        // of a receive queue that guests or applications share
  ForwarderStats forward;                 // of all pollers
};
Snapshot take_snapshot(Machine& m, Time at);

// Drives a run: starts the wire when the drivers are ready, cuts the window, stops the wire, ends the run when all is quiet or the drain is over.
class Windows : public Actor, private LinkListener {
 public:
  Windows(Machine& m, const RunOptions& options);
  void act(Time now) override;
  const Snapshot& begin() const { return begin_; }
  const Snapshot& end() const { return end_; }
  bool measured() const { return have_end_; }
  Time finished_at() const { return finished_; }

 private:
  void wire_finished(Time now) override;
  bool ready(Time now);
  void bring_up(Time now);
  void close(Time now);
  Machine& m_;
  const RunOptions& options_;
  bool follows_capture_;                  // a capture played once: the window is the capture
  Time from_ = 0, to_ = kNever;           // known when the link has come up
  Time drain_;
  Time progress_step_, next_progress_ = 0;
  Snapshot begin_, end_;
  bool filling_ = false, link_up_ = false, have_begin_ = false, have_end_ = false, wire_done_ = false;
  Time finished_ = 0;
};

}  // namespace gd::system
