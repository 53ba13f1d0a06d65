#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/base/error.h"
#include "models/base/rng.h"
#include "tests/cpu/machine.h"

namespace gd::test {
namespace core_test {

using ::testing::ElementsAre;

struct CoreTest : Machine {};

TEST_F(CoreTest, IdleExitThenOneStepOfItsCost) {
  Scripted t("soft", Priority::softirq, seen, [this](Step& s) { s.charge(work, 300); return false; });
  core().attach(t);
  script.at(kUs, [&](Time now) { t.wake(now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("soft@1500"));
  EXPECT_EQ(core().busy_time(), 300 * kNs);
  EXPECT_EQ(core().busy_mc(), 300'000u);
  EXPECT_TRUE(core().idle());
}

TEST_F(CoreTest, OrderOfChoiceAndNoPreemptionWithinAStep) {
  Scripted thread("thread", Priority::thread, seen, [this, n = 0](Step& s) mutable { s.charge(work, 400); return ++n < 3; });
  Scripted soft("soft", Priority::softirq, seen, [this](Step& s) { s.charge(work, 100); return false; });
  Scripted irq("irq", Priority::irq, seen, [this](Step& s) { s.charge(work, 30); return false; });
  for (Task* t : {static_cast<Task*>(&thread), static_cast<Task*>(&soft), static_cast<Task*>(&irq)}) core().attach(*t);
  script.at(0, [&](Time now) { thread.wake(now); });
  script.at(700 * kNs, [&](Time now) { soft.wake(now); irq.wake(now); });   // during the first step: 500..1000
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("thread@500", "irq@1000", "soft@1050", "thread@1150", "thread@1550"));
}

TEST_F(CoreTest, EffectsShowAtTheStepsEndInOrder) {
  const Hpa ring = phys.alloc_page();
  struct Probe {
    Log* seen;
    PhysMem* phys;
    Hpa ring;
  } probe{&seen, &phys, ring};
  Scripted other("other", Priority::softirq, seen);
  Scripted t("thread", Priority::softirq, seen, [&](Step& s) {
    s.charge(work, 1000);
    s.publish16(ring, 7);
    s.at_end([](void* p, std::uint64_t arg, Core&, Time now) {
      auto* x = static_cast<Probe*>(p);
      log(*x->seen, "effect" + std::to_string(arg) + " sees " + std::to_string(x->phys->load<std::uint16_t>(x->ring)), now);
    }, &probe, 1);
    s.publish16(ring, 8);
    s.at_end([](void* p, std::uint64_t, Core&, Time now) {
      auto* x = static_cast<Probe*>(p);
      log(*x->seen, "effect2 sees " + std::to_string(x->phys->load<std::uint16_t>(x->ring)), now);
    }, &probe, 2);
    s.wake(other);
    return false;
  });
  core().attach(t);
  Core& second = add_core();
  second.attach(other);
  script.at(0, [&](Time now) { t.wake(now); });
  script.at(1499 * kNs, [&](Time now) { log(seen, "before " + std::to_string(phys.load<std::uint16_t>(ring)), now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("thread@500", "before 0@1499", "effect1 sees 7@1500", "effect2 sees 8@1500", "other@2000"));
}

TEST_F(CoreTest, AWakeUpDuringTheStepIsNotLost) {
  int left = 2;
  Scripted t("soft", Priority::softirq, seen, [&](Step& s) {
    s.charge(work, 100);
    if (left-- == 2) s.wake(t);   // its own wake-up, published at the end
    return false;
  });
  core().attach(t);
  script.at(0, [&](Time now) { t.wake(now); });
  script.at(650 * kNs, [&](Time now) { t.wake(now); });        // in its second step
  script.at(2 * kUs, [&](Time now) { t.wake(now); t.wake(now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("soft@500", "soft@600", "soft@700", "soft@2500"));
}

TEST_F(CoreTest, ContextSwitchesAndWakeUpsAreCharged) {
  Scripted b("b", Priority::thread, seen, [this](Step& s) { s.charge(work, 10); return false; });
  Scripted a("a", Priority::thread, seen, [&](Step& s) { s.charge(work, 10); s.wake(b); return false; });
  core().attach(a);
  core().attach(b);
  for (int i = 0; i < 3; ++i) script.at(i * 10 * kUs, [&](Time now) { a.wake(now); });
  script.at(35 * kUs, [&](Time now) { b.wake(now); });          // the thread that ran last: no switch
  run(kMs);
  EXPECT_EQ(cycles("sched", "sched.context_switch"), 600u);
  EXPECT_EQ(cycles("a", "sched.wakeup"), 150u);
  EXPECT_EQ(seen.back(), "b@35500");
  EXPECT_EQ(charged(), core().busy_mc());
}

// Whether the thread sleeps is known when the waker's step is over, not when it began: here it falls asleep meanwhile. The step's effects
// are there first, then the waker pays, then the thread may run.
TEST_F(CoreTest, AWakeUpIsChargedForWhoSleepsAtTheStepsEnd) {
  Core& other = add_core();
  Scripted b("b", Priority::thread, seen, [this](Step& s) { s.charge(work, 100); return false; });
  Time shown = 0;
  Scripted a("a", Priority::softirq, seen, [&](Step& s) {
    s.charge(work, 300);
    s.at_end([](void* at, std::uint64_t, Core&, Time now) { *static_cast<Time*>(at) = now; }, &shown, 0);
    s.wake(b);
    s.wake(b);
    return false;
  });
  core().attach(a);
  other.attach(b);
  script.at(0, [&](Time now) { a.wake(now); b.wake(now); });
  script.at(825 * kNs, [&](Time now) { EXPECT_FALSE(core().idle()) << "it still wakes"; a.wake(now); });
  run(kMs);
  // b runs from 500 to 700 (with a switch), a from 500 to 800 and 850: b at 850 + 500. The second wake-up of a, within the first, is not
  // lost: 850 to 1150, where b waits for its core to leave idle.
  EXPECT_EQ(shown, 1150 * kNs);
  EXPECT_THAT(seen, ElementsAre("a@500", "b@500", "a@850", "b@1350"));
  EXPECT_EQ(cycles("a", "sched.wakeup"), 50u);
  EXPECT_EQ(charged(), core().busy_mc());
  EXPECT_EQ(core().busy_time(), 650 * kNs);
}

TEST_F(CoreTest, NoWakeUpIsChargedForARunnableThreadOrASoftirq) {
  Scripted b("b", Priority::thread, seen), soft("soft", Priority::softirq, seen);
  Scripted a("a", Priority::softirq, seen, [&](Step& s) { s.wake(b); s.wake(soft); return false; });
  for (Task* t : {static_cast<Task*>(&a), static_cast<Task*>(&b), static_cast<Task*>(&soft)}) core().attach(*t);
  script.at(0, [&](Time now) { b.wake(now); a.wake(now); });
  run(kMs);
  EXPECT_THAT(seen, ElementsAre("a@500", "soft@500", "b@500"));
  EXPECT_EQ(cycles("a", "sched.wakeup"), 0u);
}

TEST_F(CoreTest, WorldSwitchesAreChargedToExit) {
  Scripted guest("vcpu", Priority::thread, seen, [this, n = 0](Step& s) mutable { s.charge(work, 1000); return ++n < 3; }, World::guest);
  Scripted irq("irq", Priority::irq, seen);
  core().attach(guest);
  core().attach(irq);
  script.at(0, [&](Time now) { guest.wake(now); });
  script.at(1 * kUs, [&](Time now) { irq.wake(now); });
  run(kMs);
  // Entry 200 + switch 100 + 1000; exit 200 + irq 20; entry 200; then no more.
  EXPECT_THAT(seen, ElementsAre("vcpu@500", "irq@1800", "vcpu@2020", "vcpu@3220"));
  EXPECT_EQ(cycles("exit", "vm.world_switch"), 600u);
  EXPECT_EQ(cycles("irq", "irq.entry"), 20u);
  EXPECT_EQ(core().guest_exits(), 1u);
  EXPECT_EQ(charged(), core().busy_mc());
}

TEST_F(CoreTest, AnUnchargedCycleShowsAsADifference) {
  Scripted t("soft", Priority::softirq, seen, [this](Step& s) { s.charge(work, 100); return false; });
  core().attach(t);
  for (int i = 0; i < 3; ++i) script.at(i * 10 * kUs, [&](Time now) { t.wake(now); });
  script.at(5 * kUs, [&](Time) { EXPECT_EQ(charged(), core().busy_mc()); core().plant_uncharged_cycle(); });
  run(kMs);
  EXPECT_EQ(core().busy_mc(), charged() + 1000);
}

TEST_F(CoreTest, AStepTellsWhenItIsOver) {
  int pieces = 0;
  Scripted t("soft", Priority::softirq, seen, [&](Step& s) {
    while (!s.over()) s.charge(work, 300), ++pieces;
    EXPECT_EQ(s.now(), s.start() + 1200 * kNs);
    return false;
  });
  core().attach(t);
  script.at(0, [&](Time now) { t.wake(now); });
  run(kMs);
  EXPECT_EQ(pieces, 4);
}

TEST_F(CoreTest, ATaskThatDoesNothingForEverIsCaught) {
  Scripted t("soft", Priority::softirq, seen, [this](Step&) { seen.clear(); return true; });
  core().attach(t);
  script.at(0, [&](Time now) { t.wake(now); });
  EXPECT_THROW(run(kMs), InvariantError);
}

struct Watcher : Observer {
  Log* seen;
  explicit Watcher(Log& l) : seen(&l) {}
  void core_busy(std::uint32_t c, std::uint32_t row, Time from, Time to) override {
    seen->push_back(std::to_string(c) + "/" + std::to_string(row) + ":" + std::to_string(from / kNs) + "-" + std::to_string(to / kNs));
  }
};

TEST_F(CoreTest, TheObserverIsToldAtEachStepsEnd) {
  Log none;
  Scripted t("soft", Priority::softirq, none, [this, n = 0](Step& s) mutable { s.charge(work, 100); return ++n < 2; });
  core().attach(t);
  Watcher w(seen);
  core().observe(&w);
  script.at(0, [&](Time now) { t.wake(now); });
  run(kMs);
  const std::string row = "0/" + std::to_string(t.row());
  EXPECT_THAT(seen, ElementsAre(row + ":500-600", row + ":600-700"));
}

// Three cores whose tasks wake each other, many at the same instants; the fingerprint of what ran when.
struct Crowd : Machine {
  void TestBody() override {}
  std::uint64_t fingerprint(std::uint64_t shuffle) {
    if (shuffle) agenda.shuffle(shuffle);
    add_core();
    add_core();
    std::vector<std::unique_ptr<Scripted>> tasks;
    for (unsigned i = 0; i < 9; ++i) {
      tasks.push_back(std::make_unique<Scripted>("t" + std::to_string(i), i % 2 ? Priority::softirq : Priority::thread, seen, [&, i, n = 0u](Step& s) mutable {
        s.charge(work, 100 * (1 + (i + n) % 3));
        s.wake(*tasks[(i + 4) % 9]);
        return ++n % 3 != 0 && n < 40;
      }));
      core(i % 3).attach(*tasks.back());
    }
    script.at(0, [&](Time now) { for (auto& t : tasks) t->wake(now); });
    run(30 * kUs);
    std::uint64_t h = seen.size() > 60 ? 1 : 0;
    for (const std::string& s : seen) h = h * 31 + hash_name(s);
    for (unsigned i = 0; i < 3; ++i) h = h * 31 + core(i).busy_mc();
    return h;
  }
};

// SystemC elaborates once in a process, so that each order runs in a child.
std::uint64_t in_child(std::uint64_t shuffle) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    Crowd c;
    const std::uint64_t h = c.fingerprint(shuffle);
    _exit(write(ends[1], &h, sizeof h) == sizeof h ? 0 : 1);
  }
  close(ends[1]);
  std::uint64_t h = 0;
  const bool ok = read(ends[0], &h, sizeof h) == sizeof h;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return ok ? h : 0;
}

TEST(CoreOrder, ShufflingTheOrderOfAnInstantChangesNothing) {
  const std::uint64_t plain = in_child(0);
  EXPECT_NE(plain, 0u);
  for (std::uint64_t seed : {1, 77, 12345}) EXPECT_EQ(in_child(seed), plain) << seed;
}

}  // namespace core_test
}  // namespace gd::test
