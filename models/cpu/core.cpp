#include "models/cpu/core.h"

#include <algorithm>
#include <cstring>

#include "models/base/bytes.h"
#include "models/base/error.h"

namespace gd {

Core::Core(Agenda& the_agenda, std::uint32_t index, const CoreParams& params, MemorySystem& memory, Ledger& ledger,
           CostBook& costs)
    : Actor(the_agenda, rank::kCore + index), index_(index), name_("cpu" + std::to_string(index)), params_(params),
      memory_(memory), ledger_(ledger), clock_(params.hz), queue_(params.slice, params.softirq_max) {
  if (params.hz == 0) throw UserError("the clock of " + name_ + " is 0 Hz");
  if (params.step_max <= 0) throw UserError("the longest step of " + name_ + " is not positive");
  switch_ = costs.get("sched.context_switch");
  wakeup_ = costs.get("sched.wakeup");
  irq_entry_ = costs.get("irq.entry");
  world_switch_ = costs.get("vm.world_switch");
  sched_row_ = ledger.row(name_, "sched");
  exit_row_ = ledger.row(name_, "exit");
  step_limit_mc_ = clock_.in(params.step_max);
  step_.core_ = this;
  step_.memory_ = &memory_;
  step_.ledger_ = &ledger_;
  step_.clock_ = &clock_;
  step_.deferred_.reserve(256);
  sleepers_.reserve(16);
}

void Core::attach(Task& t) {
  require(t.runner_ == nullptr, "a task is attached twice");
  t.runner_ = this;
  t.row_ = ledger_.row(name_, t.name_);
}

void Core::wake(Task& t, Time now) {
  if (t.runnable_) {
    if (&t == current_) t.woken_ = true;
    return;
  }
  t.runnable_ = true;
  queue_.add(t);
  if (!current_ && pending() == kNever) wake_at(now + (spinner_ ? 0 : params_.idle_exit));
}

void Core::wake_from_step(Task& t, Time now) {
  if (t.priority_ != Priority::thread || t.runnable_ || t.spinning_ || wakeup_.fixed_mc == 0) return t.wake(now);
  if (std::find(sleepers_.begin(), sleepers_.end(), &t) != sleepers_.end()) return;
  sleepers_.push_back(&t);
  ++wakeups_;
}

// The step goes on, to wake threads. None of its effects are left.
void Core::wake_sleepers(Time now) {
  waking_ = true;
  step_.start_ = now;
  step_.mc_ = 0;
  for (std::size_t i = 0; i < wakeups_; ++i) step_.charge_to(step_.guest_ && i >= sleepers_.size() ? exit_row_ : step_.row_, wakeup_);
  busy_mc_ += step_.mc_;
  wake_at(now + std::max<Time>(1, clock_.take(step_.mc_)));
}

void Core::woken_sleepers(Time now) {
  waking_ = false;
  for (Task* t : sleepers_) t->wake(now);
  sleepers_.clear();
  wakeups_ = 0;
}

void Core::settle_spin(Time now) {
  if (!spinner_ || spin_from_ == kNever || now <= spin_from_) return;
  const std::uint64_t mc = clock_.stall(now - spin_from_);
  ledger_.charge(spinner_->row_, spin_op_, mc);
  ledger_.count(spinner_->row_, spin_op_);
  busy_mc_ += mc;
  busy_time_ += now - spin_from_;
  if (observer_) observer_->core_busy(index_, spinner_->row_, spin_from_, now);
  spin_from_ = now;
}

// The poller leaves its loop: it is runnable again, behind whoever took its place.
void Core::stop_spin() {
  Task& t = *spinner_;
  spinner_ = nullptr;
  t.spinning_ = false;
  if (t.runnable_) return;
  t.runnable_ = true;
  queue_.add(t);
}

// The step ends: its effects become visible, in the order in which it asked for them. False when it goes on to wake threads.
inline __attribute__((always_inline)) bool Core::finish(Time now) {
  PhysMem& bytes = memory_.phys();
  for (std::size_t i = 0; i < step_.deferred_.size(); ++i) {
    const Step::Deferred& d = step_.deferred_[i];
    if (d.effect)
      d.effect(d.object, d.argument, *this, now);
    else
      copy_few(bytes.at(d.argument), d.bytes, d.n);
  }
  step_.deferred_.clear();
  busy_time_ += now - step_.start_;
  if (observer_) observer_->core_busy(index_, step_.row_, step_.start_, now);
  if (wakeups_ != 0) {
    if (!waking_) return wake_sleepers(now), false;
    woken_sleepers(now);
  }

  Task& t = *current_;
  current_ = nullptr;
  const bool more = current_again_ || t.woken_;
  t.woken_ = false;
  if (more) {
    queue_.again(t, now, step_.share_used_);
  } else {
    t.runnable_ = false;
    if (spin_wanted_) {
      spinner_ = &t;
      t.spinning_ = true;
    }
  }
  spin_wanted_ = false;
  if (spinner_) spin_from_ = now;
  return true;
}

// Of a step that took no time: rare, and a second copy of finish().
void Core::finish_at_once(Time now) { finish(now); }

// One step of `t`. False when it is over already: the task sleeps and has done nothing.
inline __attribute__((always_inline)) bool Core::run(Task& task, Time now) {
  Task* const t = &task;
  if (spinner_) {
    settle_spin(now);
    spin_from_ = kNever;
    if (t->priority_ == Priority::thread) stop_spin();
  }
  current_ = t;
  Step& s = step_;
  s.start_ = now;
  s.mc_ = 0;
  s.awaited_ = false;
  s.share_used_ = false;
  ++s.number_;
  s.begin(*t);
  s.guest_ = t->world_ == World::guest;
  if (t->world_ != last_world_) {
    if (last_world_ == World::guest) ++guest_exits_;
    last_world_ = t->world_;
    s.charge_to(exit_row_, world_switch_);
  }
  if (t->priority_ == Priority::thread && t != last_thread_) {
    last_thread_ = t;
    s.charge_to(sched_row_, switch_);
  }
  if (t->priority_ == Priority::irq) s.charge(irq_entry_);
  s.limit_mc_ = s.mc_ + step_limit_mc_;
  current_again_ = t->step(s);

  if (uncharged_) {
    uncharged_ = false;
    s.mc_ += 1000;
  }
  busy_mc_ += s.mc_;
  if (s.mc_ == 0 && !current_again_ && !t->woken_ && s.deferred_.empty()) {
    finish_at_once(now);
    return false;
  }
  // A step without cost takes no time, so that a task that does nothing for ever is caught as simulated time standing still.
  wake_at(now + (s.mc_ == 0 ? 0 : std::max<Time>(1, clock_.take(s.mc_))));
  return true;
}

void Core::act(Time now) {
  if (current_ && !finish(now)) return;
  while (Task* t = queue_.take(now))
    if (run(*t, now)) return;
}

}  // namespace gd
