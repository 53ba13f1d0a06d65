#include "models/cpu/run_queue.h"

#include "models/cpu/core.h"

namespace gd {

void RunQueue::append(List& l, Task& t) {
  t.next_ = nullptr;
  (l.tail ? l.tail->next_ : l.head) = &t;
  l.tail = &t;
}

void RunQueue::prepend(List& l, Task& t) {
  t.next_ = l.head;
  l.head = &t;
  if (!l.tail) l.tail = &t;
}

Task* RunQueue::pop(List& l) {
  Task* t = l.head;
  l.head = t->next_;
  if (!l.head) l.tail = nullptr;
  return t;
}

RunQueue::List& RunQueue::list(const Task& t) {
  switch (t.priority()) {
    case Priority::irq: return irq_;
    case Priority::softirq: return softirq_;
    default: return thread_;
  }
}

void RunQueue::add(Task& t) { append(list(t), t); }

void RunQueue::again(Task& t, Time now, bool share_used) {
  if (in_slice_ == &t) {
    slice_used_ += now - taken_at_;
    if (slice_used_ < slice_) return prepend(thread_, t);
  }
  List& l = list(t);
  if (&l == &thread_ || share_used) append(l, t);
  else prepend(l, t);
}

// Whether threads go first: no softirq is runnable, or they have kept threads waiting for long enough.
inline bool RunQueue::threads_turn(Time now) {
  if (softirq_.head && thread_.head) return turn_of_both(now);
  softirq_since_ = kNever;
  turn_until_ = 0;
  as_thread_ = false;
  return !softirq_.head;
}

bool RunQueue::turn_of_both(Time now) {
  if (now < turn_until_) return true;
  if (softirq_since_ == kNever) softirq_since_ = now;
  if (now - softirq_since_ < (as_thread_ ? slice_ : softirq_max_)) return false;
  as_thread_ = true;
  softirq_since_ = kNever;
  turn_until_ = now + slice_;
  return true;
}

Task* RunQueue::take(Time now) {
  if (irq_.head) return pop(irq_);
  if (!threads_turn(now)) return pop(softirq_);
  if (!thread_.head) return nullptr;
  Task* t = pop(thread_);
  if (t != in_slice_ || slice_used_ >= slice_) {
    in_slice_ = t;
    slice_used_ = 0;
  }
  taken_at_ = now;
  return t;
}

}  // namespace gd
