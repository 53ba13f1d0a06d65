#include "models/base/error.h"
#include "models/cpu/core.h"

namespace gd {

Vcpu::Vcpu(std::string vcpu_name, CostBook& costs)
    : Task(std::move(vcpu_name), Priority::thread, World::guest), halt_(costs.get("vm.halt")), irq_entry_(costs.get("irq.entry")),
      signal_(costs.get("vhost.signal")), wakeup_(costs.get("sched.wakeup")) {}

void Vcpu::attach(Task& inner, Core& on) {
  require(inner.runner_ == nullptr, "a guest's task is attached twice");
  require(runner_ == &on, "a guest's task is attached before its vCPU");
  inner.runner_ = this;
  inner.row_ = on.ledger_.row(on.name_, inner.name_);
  if (queue_.empty()) queue_ = RunQueue(on.params_.slice, on.params_.softirq_max);   // else one was woken already
}

// An inner step's logic is over when Task::step() returns, so an inner task is either queued or asleep: a wake-up at any
// later time, also before the step's end, queues it.
void Vcpu::wake(Task& inner, Time now) {
  if (inner.runnable_) {
    if (&inner == running_) inner.woken_ = true;
    return;
  }
  inner.runnable_ = true;
  queue_.add(inner);
  if (halted_) Task::wake(now);
}

void Vcpu::device_interrupt(bool posted) {
  const bool wakes = asleep();
  owed_.handled += wakes || !posted;
  owed_.signalled += !posted;
  owed_.woken += wakes;
}

bool Vcpu::step(Step& s) {
  if (owed_.handled) {
    const auto charge = [&](const Cost& c, unsigned times) { while (times--) s.charge_to(s.core().exit_row(), c); };
    charge(irq_entry_, owed_.handled);
    charge(signal_, owed_.signalled);
    charge(wakeup_, owed_.woken);
    owed_ = {};
  }
  Task* t = queue_.take(s.start());
  if (!t) {
    // The exit is part of vm.halt; the entry after the next wake-up is a world switch of its own.
    halted_ = true;
    ++exits;
    s.charge_to(s.core().exit_row(), halt_);
    s.core().left_guest();
    return false;
  }
  halted_ = false;
  running_ = t;
  s.begin(*t);
  const bool more = t->step(s) || t->woken_;
  running_ = nullptr;
  t->woken_ = false;
  if (more)
    queue_.again(*t, s.now(), s.share_used_);
  else
    t->runnable_ = false;
  return true;
}

}  // namespace gd
