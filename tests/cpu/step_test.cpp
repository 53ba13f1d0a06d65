#include <gmock/gmock.h>

#include "models/base/error.h"
#include "tests/cpu/machine.h"

namespace gd::test {
namespace step_test {

struct StepTest : Machine {
  // Runs `f` as one step of a softirq task and returns its cycles.
  std::uint64_t cycles_of(std::function<void(Step&)> f) {
    Scripted t("soft", Priority::softirq, seen, [&f](Step& s) { f(s); return false; });
    core().attach(t);
    script.at(0, [&](Time now) { t.wake(now); });
    run(kMs);
    EXPECT_EQ(charged(), core().busy_mc());
    return core().busy_mc() / 1000;
  }
};

TEST_F(StepTest, MemoryStallsAreChargedToTheOperation) {
  const Hpa page = phys.alloc_page();
  // Two misses, one after the other: 16 + 82 ns each; then two hits.
  EXPECT_EQ(cycles_of([&](Step& s) { s.load(work.op, page, 128); s.load(work.op, page, 128); }), 2u * 98 + 2 * 16);
  EXPECT_EQ(cycles("soft", "test.work"), 228u);
}

TEST_F(StepTest, CopyMovesBytesAndCountsThem) {
  const Hpa from = phys.alloc_page(), to = phys.alloc_page();
  for (unsigned i = 0; i < 1024; ++i) phys.store<std::uint8_t>(from + i, static_cast<std::uint8_t>(i * 3));
  const std::uint64_t c = cycles_of([&](Step& s) { s.copy(work, to, from, 1024); });
  EXPECT_EQ(std::memcmp(phys.at(from), phys.at(to), 1024), 0);
  EXPECT_GE(c, 1024u + 2 * 16 * 98 / 8);        // the work, and 16 lines missed on either side, 8 at once
  EXPECT_LE(c, 1024u + 2 * 16 * 110 / 8);
  EXPECT_EQ(ledger.cell(ledger.row("cpu0", "soft"), work.op).bytes, 1024u);
}

TEST_F(StepTest, ChargesGoWhereTheyBelong) {
  const OpId mmio = costs.account("mmio.read");
  EXPECT_EQ(cycles_of([&](Step& s) {
    s.charge(work, 10);
    s.charge_to(s.core().exit_row(), work, 20);
    s.stall(mmio, 400 * kNs);
    EXPECT_EQ(s.elapsed(), 430 * kNs);
  }), 430u);
  EXPECT_EQ(cycles("soft", "test.work"), 10u);
  EXPECT_EQ(cycles("exit", "test.work"), 20u);
  EXPECT_EQ(cycles("soft", "mmio.read"), 400u);
}

TEST_F(StepTest, AtMost32BytesArePublishedAtOnce) {
  std::uint8_t bytes[40] = {};
  EXPECT_THROW(cycles_of([&](Step& s) { s.publish(4096, bytes, 33); }), InvariantError);
}

}  // namespace step_test
}  // namespace gd::test
