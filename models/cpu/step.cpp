#include <cstring>

#include "models/base/bytes.h"
#include "models/base/error.h"
#include "models/cpu/core.h"
#include "models/memory/memory_line.h"

namespace gd {
namespace {
[[gnu::noinline]] bool still_held(MemorySystem& memory, Hpa line, bool written, unsigned core) {
  return memory.holds(line * kLine, written, core);
}
}  // namespace

void Step::charge_to(Ledger::Row row, const Cost& c, std::uint64_t units) {
  const std::uint64_t mc = c.fixed_mc + c.unit_mc * units;
  mc_ += mc;
  ledger_->charge(row, c.op, mc);
  ledger_->count(row, c.op);
}

bool Step::settled(bool was_fresh) {
  if (mc_ == 0 || (was_fresh && looked_)) return true;
  task_->looked_ = true;
  return false;
}

void Step::stall(OpId op, Time t) { add(op, clock_->stall(t)); }

// A line that this core has loaded or stored just now is in its first-level cache: nothing is asked of the memory system
// again, so that four descriptors of a line are one visit.
inline bool Step::in_first_level(Hpa line, bool writes) {
  Recent* const known = recent_[line % kRecent];
  const auto has = [&](Recent& r, bool written) {
    if (r.line != line || (r.step != number_ && !still_held(*memory_, line, written, core_->index()))) return false;
    r.step = number_;
    return true;
  };
  if (has(known[kStored], true) || (!writes && has(known[kLoaded], false))) return true;
  known[writes ? kStored : kLoaded] = {line, number_};
  return false;
}

inline void Step::add_stall(OpId op, Time stall) {
  const std::uint64_t mc = clock_->stall(stall);
  mc_ += mc;
  cells_[op].mc += mc;
}

void Step::touch(OpId op, Hpa a, Bytes n, Touch how) {
  const Hpa line = a / kLine;
  const bool writes = how == Touch::store;
  if ((how != Touch::load && !writes) || n - 1 >= kLine - a % kLine) return touch_many(op, a, n, how);   // n = 0, too
  // Most often it was touched in this very step.
  const Recent* const known = recent_[line % kRecent];
  const Recent& last = known[writes || known[kStored].line == line ? kStored : kLoaded];
  if (last.line != line || last.step != number_) touch_line(op, a, writes);
}

void Step::touch_line(OpId op, Hpa a, bool writes) {
  if (!in_first_level(a / kLine, writes)) add_stall(op, memory_->cpu_line([this] { return now(); }, a, writes, guest_, core_->index()));
}

void Step::touch_many(OpId op, Hpa a, Bytes n, Touch how) {
  if (n != 0) add_stall(op, memory_->cpu(now(), a, n, how, guest_, core_->index()));
}

void Step::copy(const Cost& c, Hpa dst, Hpa src, Bytes n) {
  add(c.op, c.fixed_mc + c.unit_mc * n);
  if (n == 0) return;
  std::uint8_t* const to = memory_->phys().at(dst);
  const std::uint8_t* const from = memory_->phys().at(src);
  fetch_ahead(from, to, n);
  touch_many(c.op, src, n, Touch::stream_load);
  touch_many(c.op, dst, n, Touch::stream_store);
  std::memmove(to, from, n);
  cells_[c.op].bytes += n;
}

void Step::publish(Hpa a, const void* bytes, unsigned n, bool awaited) {
  require(n <= sizeof Deferred::bytes, "more than 32 bytes are published at once");
  awaited_ |= awaited;
  Deferred& d = deferred_.emplace_back();
  d.effect = nullptr;
  d.argument = a;
  d.n = static_cast<std::uint8_t>(n);
  copy_few(d.bytes, bytes, n);
}

void Step::at_end(Effect effect, void* object, std::uint64_t argument, bool awaited) {
  awaited_ |= awaited;
  Deferred& d = deferred_.emplace_back();
  d.effect = effect;
  d.object = object;
  d.argument = argument;
}

void Step::wake(Task& t) {
  at_end([](void* task, std::uint64_t, Core& core, Time now) { core.wake_from_step(*static_cast<Task*>(task), now); }, &t, 0,
         !t.runnable_);   // one that runs or waits for its core loses nothing
}

void Step::spin(OpId op) {
  core_->spin_wanted_ = true;
  core_->spin_op_ = op;
}

PhysMem& Step::phys() { return memory_->phys(); }

}  // namespace gd
