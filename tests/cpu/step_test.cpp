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

// A task looks at a line for which it has to wait, 98 ns, and what it looks for is written meanwhile, or not: it acts upon what is there
// when the line has come, whether the step has done other work before or not. (Without a private cache the next look waits as well.)
struct Look {
  std::uint64_t before;    // cycles of work in front of it
  Time written;            // ns after its beginning
  const char* second;
};
class Looks : public StepTest, public ::testing::WithParamInterface<Look> {};

TEST_P(Looks, ALookThatWaitsIsSettledByTheNextStep) {
  const auto [before, written, second] = GetParam();
  const Hpa at = phys.alloc_page();
  std::vector<std::string> looks;
  Scripted t("soft", Priority::softirq, seen, [&, work_left = before](Step& s) mutable {
    s.charge(work, std::exchange(work_left, 0));
    const bool fresh = s.fresh();
    s.load(work.op, at, 4);
    const bool found = phys.load<std::uint32_t>(at) != 0, settled = found || s.settled(fresh);
    looks.push_back(found ? "found" : settled ? "nothing" : "again");
    return !settled;
  });
  core().attach(t);
  script.at(0, [&](Time now) { t.wake(now); });
  script.at(500 * kNs + (static_cast<Time>(before) + written) * kNs, [&](Time) { phys.store(at, std::uint32_t{1}); });
  run(kMs);
  EXPECT_THAT(looks, ::testing::ElementsAre("again", second));
}

INSTANTIATE_TEST_SUITE_P(All, Looks, ::testing::Values(Look{0, 1, "found"}, Look{0, 98, "found"}, Look{0, 99, "nothing"}, Look{300, 1, "found"},
                                                       Look{300, 98, "found"}, Look{300, 99, "nothing"}));

TEST_F(StepTest, AtMost32BytesArePublishedAtOnce) {
  std::uint8_t bytes[40] = {};
  EXPECT_THROW(cycles_of([&](Step& s) { s.publish(4096, bytes, 33); }), InvariantError);
}

}  // namespace step_test
}  // namespace gd::test
