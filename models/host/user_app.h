// The application of the consumer `user-async`, and the kernel thread that may complete its reads.
//
// Modelled: an event loop: completions are taken, every byte is read once where it lies, the buffer goes back through the
// refill ring (its index is visible at the end of the step); when the queue is empty the application enters the kernel, where its own
// thread makes completions of what waits, or sleeps. With a kernel thread (SQPOLL) that polls, the application polls its queue too and
// makes no system call. How it treats its buffers:
//   well-behaved   gives each back when it has read it        idle        never gives one, reads nothing
//   hoarder        keeps each for a drawn time, or for good   slow-refill gives back `batch` in each `interval`
//   ring-liar      of its refill entries `share` name no buffer, or one that the kernel has
// Not modelled: several requests, IORING_SETUP flags beside, an application that works on its data beyond reading it.
// Source: examples/zcrx.c of liburing; Documentation/networking/iou-zcrx.rst.
#pragma once
#include <string>
#include <vector>

#include "models/base/histogram.h"
#include "models/base/rng.h"
#include "models/host/user_async.h"

namespace gd {

enum class AppBehaviour : std::uint8_t { well_behaved, hoarder, idle, slow_refill, ring_liar };
enum class AppHold : std::uint8_t { never, fixed, uniform, exponential };

struct UserAppParams {
  bool kernel_thread = false;          // a thread of the kernel completes, and both sides poll
  AppBehaviour behaviour = AppBehaviour::well_behaved;
  std::uint64_t seed = 1;
  std::string stream = "user-app.behaviour";   // of its random numbers; one for each application
  AppHold hold = AppHold::never;       // hoarder
  Time hold_time = 1 * kMs;            // mean
  Time interval = 5 * kUs;             // slow-refill
  std::uint32_t batch = 16;            // buffers
  std::uint32_t share = 1'000'000;     // ring-liar: ppm of entries
};

struct UserAppStats {
  std::uint64_t enters = 0, reads = 0, bytes = 0, lies = 0;   // system calls, completions read, bytes read, wrong refill entries
  std::uint64_t misdeeds() const { return lies; }
};

class UserApp : public Task, public Actor {
 public:
  // Costs: uring.enter (a system call), uring.app_cqe (a completion taken, its buffer given back), uring.app_read (byte). Account: uring.app_spin.
  UserApp(Agenda& agenda, std::uint32_t actor_rank, const UserAppParams& params, UserAsync& kernel, const UserArea& area, PhysMem& phys, CostBook& costs);
  // Set-up, with a kernel thread: woken when buffers went back.
  void connect(Task& thread) { thread_ = &thread; }
  bool step(Step& s) override;
  void act(Time now) override { Task::wake(now); }
  const UserAppStats& stats() const { return stats_; }
  const UserAppParams& params() const { return params_; }
  // How long buffers were kept that went back or are still kept.
  const Histogram& holds() const { return holds_; }

 private:
  struct Kept {
    Time until, since;
    Gpa buffer;
  };
  static bool later(const Kept& a, const Kept& b) { return a.until != b.until ? a.until > b.until : a.buffer > b.buffer; }
  bool start(Step& s);
  void read_some(Step& s);
  void done_with(Step& s, Gpa offset);
  void release_due(Step& s);
  void give(Step& s, Gpa buffer);
  void show(Step& s);
  bool nothing_to_read(Step& s);
  Time due() const;

  UserAppParams params_;
  UserAsync& kernel_;
  UserArea area_;
  PhysMem& phys_;
  Task* thread_ = nullptr;
  Cost enter_, cqe_, read_;
  OpId spin_ = 0;
  Rng rng_;
  std::uint32_t given_ = 0, shown_ = 0;    // refill entries written, and visible
  std::uint32_t head_ = 0, shown_head_ = 0;   // completions taken
  std::uint32_t started_ = 0;              // buffers given at the start
  std::vector<Kept> kept_;                 // a heap by time; slow-refill: in order, from first_kept_ on
  std::size_t first_kept_ = 0;
  Time next_batch_ = 0;
  std::uint32_t in_batch_ = 0;
  bool in_kernel_ = false, waiting_ = false;
  Histogram holds_;
  UserAppStats stats_;
};

// io_sq_thread: completes reads in place of the application, and polls when there is nothing to do.
class UserAsyncThread : public Task {
 public:
  // Account: uring.sq_spin.
  UserAsyncThread(UserAsync& kernel, CostBook& costs) : Task("sq-thread", Priority::thread), kernel_(kernel), spin_(costs.account("uring.sq_spin")) {}
  void connect(Task& app) { app_ = &app; }
  bool step(Step& s) override;

 private:
  UserAsync& kernel_;
  Task* app_ = nullptr;
  OpId spin_;
};

}  // namespace gd
