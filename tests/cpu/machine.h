// A small machine for tests of cores: costs that are easy to add up, tasks that are scripts.
#pragma once
#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/cpu/core.h"

namespace gd::test {

// What happened, with the time in ns: "irq@500".
using Log = std::vector<std::string>;
inline void log(Log& l, const std::string& what, Time t) { l.push_back(what + "@" + std::to_string(t / kNs)); }

// Wakes tasks (or does anything) at given times, before the cores' turn in that instant.
class Script : public Actor {
 public:
  explicit Script(Agenda& a, std::uint32_t actor_rank = 0) : Actor(a, actor_rank) {}
  void at(Time t, std::function<void(Time)> f) {
    todo_.push_back({t, std::move(f)});
    wake_at(t);
  }
  void act(Time now) override {
    Time next = kNever;
    for (std::size_t i = 0; i < todo_.size(); ++i) {
      if (todo_[i].first == now && todo_[i].second) std::exchange(todo_[i].second, nullptr)(now);
      if (todo_[i].first > now) next = std::min(next, todo_[i].first);
    }
    if (next != kNever) wake_at(next);
  }

 private:
  std::vector<std::pair<Time, std::function<void(Time)>>> todo_;
};

// A task whose step is a function; logs its start.
class Scripted : public Task {
 public:
  Scripted(std::string name, Priority p, Log& l, std::function<bool(Step&)> f = nullptr, World w = World::host)
      : Task(std::move(name), p, w), log_(l), f_(std::move(f)) {}
  bool step(Step& s) override {
    log(log_, name(), s.start());
    return f_ ? f_(s) : false;
  }

 private:
  Log& log_;
  std::function<bool(Step&)> f_;
};

struct Dma : sc_core::sc_module {
  explicit Dma(sc_core::sc_module_name name) : sc_module(name), port("port") {}
  tlm_utils::simple_initiator_socket<Dma> port;
};

// 1 GHz: a cycle is 1 ns. Costs: context switch 100, wake-up 50, irq entry 20, world switch 200, halt 300 cycles; "test.work"
// is 1 cycle a unit. Idle exit 500 ns.
struct Machine : ::testing::Test {
  Machine() : agenda("agenda"), phys(16 << 20, 1), memory("memory", agenda, phys, {}, 1), dma("dma"), script(agenda) {
    dma.port.bind(memory.socket);
    for (const auto& [name, cycles] : {std::pair{"sched.context_switch", 100}, {"sched.wakeup", 50}, {"irq.entry", 20}, {"vm.world_switch", 200}, {"vm.halt", 300}})
      costs.define(name, cycles * 1000ULL, 0, "");
    costs.define("test.work", 0, 1000, "cycle");
    work = costs.get("test.work");
    params.hz = 1'000'000'000;
    params.step_max = kUs;   // what a test does at once is one step
    add_core();
  }
  Core& add_core() {
    cores.push_back(std::make_unique<Core>(agenda, static_cast<std::uint32_t>(cores.size()), params, memory, ledger, costs));
    return *cores.back();
  }
  Core& core(unsigned i = 0) { return *cores[i]; }
  void run(Time until) {
    if (ledger.operations() == 0) ledger.seal(costs.entries().size());
    sc_core::sc_start(to_sc(until) - sc_core::sc_time_stamp());
    if (agenda.failure()) std::rethrow_exception(agenda.failure());
  }
  std::uint64_t charged(unsigned i = 0) const {
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < ledger.rows().size(); ++r)
      if (ledger.rows()[r].core == cores[i]->name()) sum += ledger.total_mc(static_cast<Ledger::Row>(r));
    return sum;
  }
  // Cycles of an operation in a context of core `i`.
  std::uint64_t cycles(std::string_view context, std::string_view op, unsigned i = 0) {
    return ledger.cell(ledger.row(cores[i]->name(), context), costs.get(op).op).mc / 1000;
  }

  Agenda agenda;
  PhysMem phys;
  MemorySystem memory;
  Dma dma;
  Script script;
  Ledger ledger;
  CostBook costs;
  Cost work;
  CoreParams params;
  std::vector<std::unique_ptr<Core>> cores;
  Log seen;
};

}  // namespace gd::test
