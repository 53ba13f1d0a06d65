#include <gmock/gmock.h>

#include "tests/cpu/machine.h"

namespace gd::test {
namespace vcpu_test {

using ::testing::ElementsAre;

struct VcpuTest : Machine {
  VcpuTest() : vcpu("vcpu", (costs.define("vhost.signal", 70'000, 0, ""), costs)) { core().attach(vcpu); }
  Vcpu vcpu;
};

TEST_F(VcpuTest, RunsInnerTasksThenHalts) {
  Scripted app("guest-app", Priority::thread, seen, [this](Step& s) { s.charge(work, 100); return false; }, World::guest);
  Scripted soft("guest-softirq", Priority::softirq, seen, [&](Step& s) { s.charge(work, 50); s.wake(app); return false; }, World::guest);
  vcpu.attach(soft, core());
  vcpu.attach(app, core());
  EXPECT_TRUE(vcpu.halted());
  script.at(0, [&](Time now) { soft.wake(now); });
  script.at(900 * kNs, [&](Time) { EXPECT_FALSE(vcpu.halted()); });
  script.at(10 * kUs, [&](Time now) { EXPECT_TRUE(vcpu.halted()); app.wake(now); });
  run(kMs);
  // Idle exit 500; entry 200, switch 100, work 50, wake-up 50; app 100; halt 300. Later: idle exit, entry, no switch.
  EXPECT_THAT(seen, ElementsAre("guest-softirq@500", "guest-app@900", "guest-app@10500"));
  EXPECT_EQ(vcpu.exits, 2u);
  EXPECT_EQ(cycles("exit", "vm.halt"), 600u);
  EXPECT_EQ(cycles("exit", "vm.world_switch"), 400u);
  EXPECT_EQ(cycles("guest-app", "test.work"), 200u);
  EXPECT_EQ(cycles("guest-softirq", "test.work"), 50u);
  EXPECT_EQ(cycles("guest-softirq", "sched.wakeup"), 50u);
  EXPECT_EQ(core().busy_time(), (500 + 100 + 200 + 100 + 300 + 300 - 100 - 100 + 100) * kNs);
  EXPECT_EQ(charged(), core().busy_mc());
  EXPECT_EQ(core().guest_exits(), 0u);
}

TEST_F(VcpuTest, AWakeUpDuringTheHaltIsNotLost) {
  Scripted app("guest-app", Priority::thread, seen, [this](Step& s) { s.charge(work, 100); return false; }, World::guest);
  vcpu.attach(app, core());
  script.at(0, [&](Time now) { app.wake(now); });           // 500..900, halt 900..1200
  script.at(1 * kUs, [&](Time now) { app.wake(now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("guest-app@500", "guest-app@1200"));
  EXPECT_EQ(vcpu.exits, 2u);
}

TEST_F(VcpuTest, AWakeUpDuringItsOwnStepRunsItAgain) {
  Scripted app("guest-app", Priority::thread, seen, [this](Step& s) { s.charge(work, 100); return false; }, World::guest);
  vcpu.attach(app, core());
  script.at(0, [&](Time now) { app.wake(now); });
  script.at(850 * kNs, [&](Time now) { app.wake(now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("guest-app@500", "guest-app@900"));
  EXPECT_EQ(vcpu.exits, 1u);
}

TEST_F(VcpuTest, HostInterruptsTakeTheCoreFromTheGuest) {
  Scripted app("guest-app", Priority::thread, seen, [this, n = 0](Step& s) mutable { s.charge(work, 1000); return ++n < 3; }, World::guest);
  Scripted soft("softirq", Priority::softirq, seen, [this](Step& s) { s.charge(work, 100); return false; });
  vcpu.attach(app, core());
  core().attach(soft);
  script.at(0, [&](Time now) { app.wake(now); });
  script.at(1 * kUs, [&](Time now) { soft.wake(now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("guest-app@500", "softirq@1800", "guest-app@2100", "guest-app@3300"));
  EXPECT_EQ(core().guest_exits(), 1u);
  EXPECT_EQ(charged(), core().busy_mc());
}

TEST_F(VcpuTest, MissesOfInnerTasksAreTheGuests) {
  const Hpa page = phys.alloc_page();
  Scripted app("guest-app", Priority::thread, seen, [&](Step& s) { s.load(work.op, page, 64); return false; }, World::guest);
  vcpu.attach(app, core());
  script.at(0, [&](Time now) { app.wake(now); });
  run(kMs);
  EXPECT_EQ(memory.stats().guest_misses, 1u);
}

struct Rows : Observer {
  std::vector<std::uint32_t> rows;
  void core_busy(std::uint32_t, std::uint32_t row, Time, Time) override { rows.push_back(row); }
};

TEST_F(VcpuTest, TheObserverSeesWhichInnerTaskRan) {
  Scripted app("guest-app", Priority::thread, seen, [this](Step& s) { s.charge(work, 100); return false; }, World::guest);
  Scripted late("guest-late", Priority::thread, seen, nullptr, World::guest);
  vcpu.attach(app, core());
  app.wake(0);                       // before the simulation starts
  vcpu.attach(late, core());
  Rows r;
  core().observe(&r);
  run(kMs);
  EXPECT_THAT(r.rows, ElementsAre(app.row(), vcpu.row()));
}

// However often a task is woken before it runs, it runs once; and the vCPU halts once.
TEST_F(VcpuTest, WakeUpsBeforeAStepAreOne) {
  Scripted app("guest-app", Priority::thread, seen, [this](Step& s) { s.charge(work, 100); return false; }, World::guest);
  Scripted soft("guest-softirq", Priority::softirq, seen, [this](Step& s) { s.charge(work, 300); return false; }, World::guest);
  vcpu.attach(app, core());
  vcpu.attach(soft, core());
  script.at(0, [&](Time now) { soft.wake(now), app.wake(now), app.wake(now); });
  script.at(900 * kNs, [&](Time now) { app.wake(now); });   // the softirq runs
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("guest-softirq@500", "guest-app@1100"));
  EXPECT_EQ(vcpu.exits, 1u);
  EXPECT_EQ(cycles("exit", "vm.halt"), 300u);
}

// A guest's scheduler has the slices of its core.
TEST_F(VcpuTest, GuestThreadsTakeTurnsByTheCoresSlices) {
  params.slice = 1500 * kNs;
  params.softirq_max = 3 * kUs;
  Core& other = add_core();
  Vcpu own("own", costs);
  other.attach(own);
  const auto busy = [this](Step& s) { s.charge(work, 1000); return s.start() < 12 * kUs; };
  Scripted a("a", Priority::thread, seen, busy, World::guest), b("b", Priority::thread, seen, busy, World::guest), soft("soft", Priority::softirq, seen, busy, World::guest);
  for (Task* t : {&a, &b, &soft}) own.attach(*t, other);
  script.at(0, [&](Time now) { a.wake(now), b.wake(now); });
  script.at(5 * kUs, [&](Time now) { soft.wake(now); });
  run(10 * kUs);
  EXPECT_THAT(seen, ElementsAre("a@500", "a@1800", "b@2800", "b@3800", "a@4800", "soft@5800", "soft@6800", "soft@7800", "a@8800", "b@9800"));
}

// A posted interrupt costs the host something only where it must wake the vCPU's thread; without posted interrupts each one passes
// through the host.
TEST_F(VcpuTest, InterruptsOfADevice) {
  Core& second = add_core();
  Vcpu other("other", costs);
  second.attach(other);
  const auto f = [this](Step& s) { s.charge(work, 500); return false; };
  Scripted soft("guest-softirq", Priority::softirq, seen, f, World::guest), through("guest-softirq", Priority::softirq, seen, f, World::guest);
  vcpu.attach(soft, core());
  other.attach(through, second);
  for (const Time t : {kUs, kUs + 800 * kNs})   // the vCPUs sleep, then they run
    script.at(t, [&](Time now) {
      vcpu.device_interrupt(true), soft.wake(now);
      other.device_interrupt(false), through.wake(now);
    });
  run(kMs);
  EXPECT_EQ(cycles("exit", "irq.entry", 0), 20u);
  EXPECT_EQ(cycles("exit", "irq.entry", 1), 40u);
  EXPECT_EQ(cycles("exit", "vhost.signal", 0), 0u);
  EXPECT_EQ(cycles("exit", "vhost.signal", 1), 140u);
  for (const unsigned c : {0u, 1u}) {
    EXPECT_EQ(cycles("exit", "sched.wakeup", c), 50u);
    EXPECT_EQ(charged(c), core(c).busy_mc());
  }
}

// Two guests' eventfds and a thread in one step: three wake-ups, of which a guest's step pays the eventfds' as exits.
TEST_F(VcpuTest, WakeUpsByEventfdArePaidWithTheStep) {
  Scripted sleeper("b", Priority::thread, seen);
  core().attach(sleeper);
  const auto f = [&](Step& s) {
    s.charge(work, 100);
    for (int i = 0; i < 2; ++i) s.at_end([](void*, std::uint64_t, Core& c, Time) { c.pay_wakeup(); }, nullptr, 0);
    s.wake(sleeper);
    return false;
  };
  Scripted inner("guest-softirq", Priority::softirq, seen, f, World::guest), host("softirq", Priority::softirq, seen, f);
  vcpu.attach(inner, core());
  core().attach(host);
  script.at(0, [&](Time now) { host.wake(now); });
  script.at(10 * kUs, [&](Time now) { inner.wake(now); });
  run(kMs);
  EXPECT_EQ(cycles("softirq", "sched.wakeup"), 150u);
  EXPECT_EQ(cycles("guest-softirq", "sched.wakeup"), 50u);
  EXPECT_EQ(cycles("exit", "sched.wakeup"), 100u);
  EXPECT_THAT(seen, ElementsAre("softirq@500", "b@750", "guest-softirq@10500", "b@11350"));
  EXPECT_EQ(charged(), core().busy_mc());
}

TEST_F(VcpuTest, GuestSoftirqBeforeGuestThread) {
  Scripted app("guest-app", Priority::thread, seen, [this, n = 0](Step& s) mutable { s.charge(work, 100); return ++n < 3; }, World::guest);
  Scripted soft("guest-softirq", Priority::softirq, seen, nullptr, World::guest);
  vcpu.attach(app, core());
  vcpu.attach(soft, core());
  script.at(0, [&](Time now) { app.wake(now); });
  script.at(950 * kNs, [&](Time now) { soft.wake(now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("guest-app@500", "guest-app@900", "guest-softirq@1000", "guest-app@1000"));
}

}  // namespace vcpu_test
}  // namespace gd::test
