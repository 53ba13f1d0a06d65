// The application of the consumer `user-async`, and the kernel thread that may complete its reads.
//
// Modelled: an event loop: completions are taken, every byte is read once where it lies, the buffer goes back through the refill
// ring, whose index shows each at once (the completion queue's once nothing is left to read); when the queue is empty the application
// enters the kernel, where its own thread makes completions of what waits, or sleeps. With a kernel thread (SQPOLL) that polls, the
// application polls its queue too and makes no system call. How it treats its buffers:
//   well-behaved   gives each back when it has read it        idle        never gives one, reads nothing
//   hoarder        keeps each for a drawn time, or for good   slow-refill gives back `batch` in each `interval`
//   ring-liar      of its refill entries `share` name no buffer
//   flood-poster   as well-behaved, and every `interval` fills three quarters of the refill ring with entries of any buffer, mostly the
//                  kernel's already, whose lengths are absurd, or that begin in the middle of one (`flood`)
//   header-scribbler  looks at its oldest buffers every `interval`, and `delay` after bytes have come into one (a marker has gone)
//                  changes a header field where a frame begins, in `share` of them
//   unmapper       every `interval` a page of a buffer that the kernel may have gets other memory behind it (munmap, mmap)
//   crasher        its process is killed after `up_time`; the kernel cleans up (user_exit.h); a new one begins `down_time` later, or when
//                  the kernel is done, with the same memory
// Their files: user_app.cpp, user_app_misdeeds.cpp.
// Not modelled: several requests, IORING_SETUP flags beside, an application that works on its data beyond reading it.
// Source: examples/zcrx.c of liburing; Documentation/networking/iou-zcrx.rst.
#pragma once
#include <string>
#include <vector>

#include "models/base/histogram.h"
#include "models/base/rng.h"
#include "models/host/user_async.h"

namespace gd {

enum class AppBehaviour : std::uint8_t { well_behaved, hoarder, idle, slow_refill, ring_liar, flood_poster, header_scribbler, unmapper, crasher };
// Bytes that are wrong in its memory, or wrong moves of its buffers, are its own doing. (What goes wrong after a crash is the kernel's.)
constexpr bool spoils_memory(AppBehaviour b) { return b >= AppBehaviour::ring_liar && b != AppBehaviour::crasher; }
enum class AppFlood : std::uint8_t { mixed, huge, tiny, zero };
enum class AppHold : std::uint8_t { never, fixed, uniform, exponential };

struct UserAppParams {
  bool kernel_thread = false;          // a thread of the kernel completes, and both sides poll
  AppBehaviour behaviour = AppBehaviour::well_behaved;
  std::uint64_t seed = 1;
  std::string stream = "user-app.behaviour";   // of its random numbers; one for each application
  AppHold hold = AppHold::never;       // hoarder
  Time hold_time = 1 * kMs;            // mean
  Time interval = 5 * kUs;             // slow-refill, flood-poster, header-scribbler, unmapper
  std::uint32_t batch = 16;            // buffers
  std::uint32_t share = 1'000'000;     // ring-liar, header-scribbler: ppm of entries
  AppFlood flood = AppFlood::mixed;
  Time delay = 0;                      // header-scribbler
  Time up_time = 1 * kMs, down_time = 500 * kUs;   // crasher
};

struct UserAppStats {
  std::uint64_t enters = 0, reads = 0, bytes = 0, lies = 0;   // system calls, completions read, bytes read, wrong refill entries
  std::uint64_t flooded = 0, scribbles = 0, unmapped = 0, crashes = 0, misled = 0;   // misled: completions of bytes outside its area
  std::uint64_t misdeeds() const { return lies + flooded + scribbles + unmapped + crashes; }
};

class UserExit;

class UserApp : public Task, public Actor {
 public:
  // Costs: uring.enter (a system call), uring.app_cqe (a completion taken, its buffer given back), uring.app_read (byte); unmapper: page.alloc. Account: uring.app_spin.
  UserApp(Agenda& agenda, std::uint32_t actor_rank, const UserAppParams& params, UserAsync& kernel, const UserArea& area, PhysMem& phys, Ownership& ownership, CostBook& costs);
  // Set-up, a crasher: who cleans up after it.
  void connect(UserExit& exit) { exit_ = &exit; }
  // Set-up, with a kernel thread: woken when buffers went back.
  void connect(Task& thread) { thread_ = &thread; }
  bool step(Step& s) override;
  void act(Time now) override { Task::wake(now); }
  const UserAppStats& stats() const { return stats_; }
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
  void show_given(Step& s);
  bool nothing_to_read(Step& s);
  Time due() const;
  void write_entry(Step& s, std::uint64_t offset, std::uint32_t length);
  // Misdeeds. misbehave(): what is due; true when it took the step.
  bool misbehave(Step& s);
  bool flood(Step& s);
  void mark(Step& s, Gpa buffer);
  void scribble(Step& s);
  void exchange_page(Step& s);
  bool dead(Step& s);

  UserAppParams params_;
  UserAsync& kernel_;
  UserArea area_;
  PhysMem& phys_;
  Ownership& ownership_;
  Task* thread_ = nullptr;
  UserExit* exit_ = nullptr;
  Cost enter_, cqe_, read_, page_alloc_;
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
  Time next_visit_ = kNever;               // of misbehave()
  bool down_ = false;                      // crasher
  struct Marked {
    Gpa buffer;
    std::uint32_t turn;                    // of the buffer: later ones have replaced it
    Time seen;                             // kNever: nothing has come
  };
  std::vector<Marked> marked_;             // header-scribbler: in the order in which they were given
  std::vector<std::uint32_t> turn_;        // by buffer: how often it was given
  std::vector<Gpa> recent_;                // unmapper: buffers given last, a ring
  std::size_t recent_at_ = 0;
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
