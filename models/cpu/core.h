// Cores and what runs on them.
//
// A core runs one step of one task at a time. A step executes its logic at its start, adds up what it costs, and ends when
// that time has passed; only then do its effects become visible to others (publish, at_end, wake). An effect that others
// wait for ends the step, and a task that finds nothing to do acts upon it only where no time has passed since it looked
// (Step::over, Step::fresh, Step::settled): steps follow the work, and no result shall hang on CoreParams::step_max. No step
// is longer than that by more than one frame or one chunk: long work is cut. Interrupts and wake-ups are taken between steps.
// Order of choice: interrupt, softirq (each until it is done or yields, as net_rx_action() polls), threads in turn.
//
// Modelled: context-switch, wake-up and idle-exit costs (cost book), world switches between host and guest, time slices; who
// wakes a thread pays for it, also by way of an eventfd or a device's interrupt (Core::pay_wakeup, Vcpu::device_interrupt).
// Charged by the core: "sched.context_switch" (context "sched") when another thread than the last is chosen; "irq.entry"
// (the task's context) per step of an interrupt task; "vm.world_switch" (context "exit") each way between host and guest.
// Not modelled: frequency changes, SMT, migration, a fair-share scheduler's weights, halt polling, switches inside a guest.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/base/agenda.h"
#include "models/base/costs.h"
#include "models/base/units.h"
#include "models/cpu/run_queue.h"
#include "models/memory/memory.h"
#include "models/ports/ports.h"

namespace gd {

class Core;
class Step;
class Task;

enum class Priority : std::uint8_t { irq, softirq, thread, count_ };
enum class World : std::uint8_t { host, guest };

// Something that lets tasks run: a core, or a vCPU inside one.
struct Runner {
  virtual ~Runner() = default;
  // Makes `t` runnable at `now` (no effect when it already is).
  virtual void wake(Task& t, Time now) = 0;
};

class Task {
 public:
  Task(std::string name, Priority priority, World world = World::host)
      : name_(std::move(name)), priority_(priority), world_(world) {}
  virtual ~Task() = default;
  // One step. Returns true when there is more to do (stays runnable), false to sleep until woken. A wake-up that arrives
  // during the step, or is published by it, is not lost.
  virtual bool step(Step& s) = 0;
  // Wakes the task at simulated time `now` (from an actor). From within another task's step use Step::wake.
  void wake(Time now) { if (runner_) runner_->wake(*this, now); }

  const std::string& name() const { return name_; }   // context name in the ledger: "softirq", "vhost", "guest-app" ...
  Priority priority() const { return priority_; }
  World world() const { return world_; }
  // Waits to be woken, and does not poll for it.
  bool asleep() const { return !runnable_ && !spinning_; }
  Ledger::Row row() const { return row_; }

 private:
  friend class Core;
  friend class RunQueue;
  friend class Step;
  friend class Vcpu;
  std::string name_;
  Priority priority_;
  World world_;
  Runner* runner_ = nullptr;
  Ledger::Row row_ = 0;
  bool runnable_ = false;     // queued or running
  bool woken_ = false;        // woken while running
  bool spinning_ = false;     // polls: on its core although it waits
  bool looked_ = false;       // its last step ended with a look (Step::settled)
  Task* next_ = nullptr;      // run queue link
};

// What a task does within one step.
class Step {
 public:
  Time start() const { return start_; }
  // The present moment within the step: start plus what was charged so far. For stamps and deadlines.
  Time now() const { return start_ + elapsed(); }
  Time elapsed() const { return clock_->peek(mc_); }
  // True when the step has reached its limit, or has effects that others wait for, and should return.
  bool over() const { return mc_ >= limit_mc_ || awaited_; }
  // Nothing has been charged yet: memory is as it is at now(). What others write is seen as it was at start(), so that a task
  // which finds nothing there, and would act upon it, looks once more in a new step unless this one is fresh.
  bool fresh() const { return mc_ == 0; }
  // The same for a look that may have to wait for the line that it looks at, and then saw it as it was before that: whether what was
  // not there may be acted upon, or the task looks once more in its next step. `was_fresh`: whether the step was when the look began.
  bool settled(bool was_fresh);

  // Software work.
  void charge(const Cost& c, std::uint64_t units = 0) { add(c.op, c.fixed_mc + c.unit_mc * units); }
  void charge_times(const Cost& c, std::uint64_t times) { add(c.op, c.fixed_mc * times); }   // counts as one call
  // The same, to another context of this core (an exit caused by guest code).
  void charge_to(Ledger::Row row, const Cost& c, std::uint64_t units = 0);
  // Time spent waiting without memory or work (an uncached MMIO read), charged as cycles.
  void stall(OpId op, Time t);

  // Memory: changes the cache's state and charges the stall to `op`. No bytes move. A single line that the core has touched
  // a moment ago, and that nobody else has touched since, is in the first-level cache and costs nothing more.
  void load(OpId op, Hpa a, Bytes n) { touch(op, a, n, Touch::load); }
  void store(OpId op, Hpa a, Bytes n) { touch(op, a, n, Touch::store); }
  void stream_load(OpId op, Hpa a, Bytes n) { touch(op, a, n, Touch::stream_load); }
  void stream_store(OpId op, Hpa a, Bytes n) { touch(op, a, n, Touch::stream_store); }
  // Copies n real bytes: cost c per byte plus both sides' cache misses; counted as copied bytes in the ledger.
  void copy(const Cost& c, Hpa dst, Hpa src, Bytes n);

  // Effects at the end of the step, in the order in which they were asked for.
  // `awaited`: others may wait for it, so that the step is over(). n <= 32.
  void publish(Hpa a, const void* bytes, unsigned n, bool awaited = true);
  void publish16(Hpa a, std::uint16_t v) { publish(a, &v, 2); }
  void publish32(Hpa a, std::uint32_t v) { publish(a, &v, 4); }
  using Effect = void (*)(void* object, std::uint64_t argument, Core& core, Time now);
  void at_end(Effect effect, void* object, std::uint64_t argument, bool awaited = true);
  // The task polls when this step returns false: it stays on the core, which is charged to `op` (an account without a cost)
  // until something wakes the task or another task needs the core, without an event for each look. Interrupts and softirqs
  // only interrupt the spin; another thread ends it (need_resched), and the poller runs again after it. Whoever wakes a
  // poller pays no wake-up, and it goes on at once.
  void spin(OpId op);
  // A softirq with more to do lets others of its priority run first.
  void yield() { share_used_ = true; }
  // Core::wake_from_step() at the end of the step.
  void wake(Task& t);

  PhysMem& phys();
  MemorySystem& memory() { return *memory_; }
  Core& core() { return *core_; }
  Ledger::Row row() const { return row_; }

 private:
  friend class Core;
  friend class Vcpu;
  void add(OpId op, std::uint64_t mc) {
    mc_ += mc;
    cells_[op].mc += mc;
    ++cells_[op].calls;
  }
  // From now on it is this row that is charged.
  void charge_row(Ledger::Row row) { row_ = row, cells_ = ledger_->cells(row); }
  // It is this task whose logic is executed from now on.
  void begin(Task& t) {
    charge_row(t.row_);
    task_ = &t;
    looked_ = std::exchange(t.looked_, false);
  }
  void touch(OpId op, Hpa a, Bytes n, Touch how);
  [[gnu::noinline]] void touch_line(OpId op, Hpa a, bool writes);            // of which this step knows nothing yet
  [[gnu::noinline]] void touch_many(OpId op, Hpa a, Bytes n, Touch how);     // several lines, or a stream
  void add_stall(OpId op, Time stall);
  struct Deferred {
    Deferred() {}            // not cleared: filled at once
    Effect effect;           // null: publish
    void* object;
    std::uint64_t argument;  // effect's argument, or the address to publish at
    std::uint8_t bytes[32];
    std::uint8_t n;
  };
  Core* core_ = nullptr;
  MemorySystem* memory_ = nullptr;
  Ledger* ledger_ = nullptr;
  CycleClock* clock_ = nullptr;
  Task* task_ = nullptr;
  Ledger::Row row_ = 0;
  bool guest_ = false;
  bool looked_ = false;    // the task's last step ended with a look
  Ledger::Cell* cells_ = nullptr;   // of the row, by operation
  Time start_ = 0;
  std::uint64_t mc_ = 0, limit_mc_ = 0;
  std::vector<Deferred> deferred_;
  bool awaited_ = false;   // one of them, by somebody
  bool share_used_ = false;
  // A line that the core has touched a moment ago; a later step asks whether it is still the core's.
  struct Recent {
    Hpa line = UINT64_MAX;
    std::uint64_t step = 0;
  };
  bool in_first_level(Hpa line, bool writes);
  static constexpr unsigned kRecent = 16;
  enum { kStored, kLoaded };
  Recent recent_[kRecent][2];                   // stored and loaded lines
  std::uint64_t number_ = 0;                    // of the step, on its core
};

struct CoreParams {
  std::uint64_t hz = 2'670'000'000;
  Time step_max = 200 * kNs;       // longest software step
  Time slice = 1 * kMs;            // time slice between threads of one core
  Time idle_exit = 500 * kNs;      // latency, not charged: from a wake-up to the first instruction on an idle core (C1)
  Time softirq_max = 200 * kUs;    // softirq work before waiting threads get a slice: ksoftirqd, 10 rounds of about 20 us
};

class Core : public Actor, public Runner {
 public:
  Core(Agenda& agenda, std::uint32_t index, const CoreParams& params, MemorySystem& memory, Ledger& ledger, CostBook& costs);
  std::uint32_t index() const { return index_; }
  const std::string& name() const { return name_; }      // "cpu0"
  // At elaboration. The task runs on this core for ever.
  void attach(Task& t);
  void wake(Task& t, Time now) override;
  // From an effect at the end of this core's step: wakes `t`, which may be another core's. Whether it sleeps is known only then.
  // For a thread that does, the waker goes on for the time of "sched.wakeup", with the step's effects visible already, and the
  // thread is runnable at its end; one that runs, polls or waits costs nothing; raising a softirq or an interrupt costs what
  // its caller charges.
  void wake_from_step(Task& t, Time now);
  // From an effect, too: a thread that sleeps is going to be woken by way of an eventfd (irqfd, ioeventfd). The step goes on for the
  // time of "sched.wakeup" as above, charged to context "exit" if it is a guest's. Who wakes the thread is the caller's.
  void pay_wakeup() { wakeups_ += wakeup_.fixed_mc != 0; }
  void act(Time now) override;
  void observe(Observer* o) { observer_ = o; }
  // Planted fault: the next step does work that no account sees.
  void plant_uncharged_cycle() { uncharged_ = true; }

  // Milli-cycles of all steps, counted apart from the ledger: the ledger's rows of this core must sum to it.
  std::uint64_t busy_mc() const { return busy_mc_; }
  Time busy_time() const { return busy_time_; }
  bool idle() const { return current_ == nullptr; }
  // Charges a spin up to `now`, so that a window's edge may lie inside it.
  void settle_spin(Time now);
  Ledger& ledger() { return ledger_; }
  Ledger::Row exit_row() const { return exit_row_; }      // context "exit" of this core
  // Times that host work took the core from a guest that had not halted (exits by an external interrupt).
  std::uint64_t guest_exits() const { return guest_exits_; }
  // The guest has left by itself (halt): no world switch is charged for that.
  void left_guest() { last_world_ = World::host; }

 private:
  friend class Step;
  friend class Vcpu;
  bool run(Task& task, Time now);
  bool finish(Time now);
  [[gnu::noinline]] void finish_at_once(Time now);
  [[gnu::noinline]] void wake_sleepers(Time now);
  [[gnu::noinline]] void woken_sleepers(Time now);
  void stop_spin();

  std::uint32_t index_;
  std::string name_;
  CoreParams params_;
  MemorySystem& memory_;
  Ledger& ledger_;
  CycleClock clock_;
  std::uint64_t step_limit_mc_ = 0;
  Cost switch_, wakeup_, irq_entry_, world_switch_;
  Ledger::Row sched_row_ = 0, exit_row_ = 0;
  RunQueue queue_;
  Task* current_ = nullptr;         // its step is under way
  bool current_again_ = false;
  std::vector<Task*> sleepers_;     // threads that the step wakes, once it has paid for them
  std::size_t wakeups_ = 0;         // that it pays for: these, and those by way of an eventfd
  bool waking_ = false;             // that is under way
  const Task* last_thread_ = nullptr;
  World last_world_ = World::host;
  Task* spinner_ = nullptr;         // the task that polls here; spin_from_: since when nothing else has run (kNever: something does)
  OpId spin_op_ = 0;
  bool spin_wanted_ = false;
  Time spin_from_ = kNever;
  Step step_;
  Observer* observer_ = nullptr;
  std::uint64_t busy_mc_ = 0, guest_exits_ = 0;
  Time busy_time_ = 0;
  bool uncharged_ = false;
};

// A virtual CPU: one host thread that runs a guest's tasks by their priority. Attached to a core like a task; guest
// tasks are attached to it.
class Vcpu : public Task, public Runner {
 public:
  Vcpu(std::string name, CostBook& costs);
  using Task::wake;
  void attach(Task& inner, Core& on);      // at elaboration, after the vCPU itself was attached to `on`
  void wake(Task& inner, Time now) override;
  bool step(Step& s) override;
  bool halted() const { return halted_; }
  // An interrupt of an assigned device is on its way to the guest; this core pays in the vCPU's next step, in context "exit", what
  // the host does about it. `posted`: nothing while the vCPU runs; once it sleeps the handler of the wake-up vector (irq.entry) wakes
  // its thread (sched.wakeup; pi_wakeup_handler() of KVM). Else the host takes every one: irq.entry, and vhost.signal for the eventfd
  // and the irqfd behind it, or before VFIO the work item that injects.
  void device_interrupt(bool posted);
  std::uint64_t exits = 0;                 // VM exits: halts (counted here); kicks, injections, EOIs, ISR reads (by who causes them)

 private:
  RunQueue queue_;
  Task* running_ = nullptr;                // the inner task whose logic is being executed
  Cost halt_;                              // "vm.halt": exit and block; the later entry is a "vm.world_switch"
  Cost irq_entry_, signal_, wakeup_;
  struct {
    unsigned handled = 0, signalled = 0, woken = 0;   // of device interrupts, since the last step
  } owed_;
  bool halted_ = true;
};

}  // namespace gd
