// Which runnable task comes next: interrupts, then softirqs, then threads in turn. Plain C++; used by cores and vCPUs.
//
// Threads take turns of `slice` of their own running time: a thread that wants to go on stays first until its slice is
// over, then the next in line runs. A softirq goes on until it is done or has had its share (a NAPI poll's weight), then the
// next runs. Softirq work that has kept threads waiting for `softirq_max` lets them have one slice, and from then on has
// slices of the same length itself, in turn, as long as both go on (Linux: ksoftirqd, an ordinary thread). Not modelled:
// preemption of a running thread by one that was just woken; weights.
#pragma once
#include "models/base/units.h"

namespace gd {

class Task;

class RunQueue {
 public:
  RunQueue() = default;
  RunQueue(Time slice, Time softirq_max) : slice_(slice), softirq_max_(softirq_max) {}
  // `t` became runnable: last of its priority.
  void add(Task& t);
  // `t` ran until `now` and has more to do; `share_used`: after others of its priority, where it is not a thread.
  void again(Task& t, Time now, bool share_used);
  // Takes the next task out of the queue; null when none is runnable.
  Task* take(Time now);
  bool empty() const { return !irq_.head && !softirq_.head && !thread_.head; }

 private:
  struct List {
    Task *head = nullptr, *tail = nullptr;
  };
  static void append(List& l, Task& t);
  static void prepend(List& l, Task& t);
  static Task* pop(List& l);
  List& list(const Task& t);
  bool threads_turn(Time now);
  [[gnu::noinline]] bool turn_of_both(Time now);

  Time slice_ = 1 * kMs, softirq_max_ = 2 * kMs;
  List irq_, softirq_, thread_;
  const Task* in_slice_ = nullptr;     // the thread whose slice it is
  Time slice_used_ = 0, taken_at_ = 0;
  Time softirq_since_ = kNever;        // since when softirqs keep threads waiting
  Time turn_until_ = 0;                // end of the slice that waiting threads were given
  bool as_thread_ = false;             // softirqs take turns with threads by slices
};

}  // namespace gd
