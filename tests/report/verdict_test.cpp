#include "src/report/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/base/error.h"
#include "tests/report/made_up.h"

namespace gd::report {
namespace verdict_test {

using State = Verdict::State;
using testing::HasSubstr;

// A line as the reader makes it, without a scenario around it.
scenario::Expectation line(const char* metric, const char* label, scenario::Compare op, double number, const char* unit, const char* other = "", const char* other_label = "") {
  scenario::Expectation e;
  e.text = metric;
  e.metric = metric, e.label = label, e.op = op, e.number = number, e.unit = unit, e.other_metric = other, e.other_label = other_label;
  e.at = {"s.json", 3, 7};
  return e;
}

TEST(Expect, Table) {
  using C = scenario::Compare;
  const std::vector<system::RunResult> runs{made_up::run("vhost-copy"), made_up::run("guest-head")};
  const struct { scenario::Expectation e; std::vector<State> states; } rows[] = {
      {line("drops.total", "guest-head", C::equal, 0, ""), {State::pass}},
      {line("drops.total", "", C::equal, 0, ""), {State::fail, State::pass}},
      {line("drops.memlock", "", C::equal, 0, ""), {State::pass, State::pass}},          // counted by reason: absent is 0
      {line("guest.g0.drops.memlock", "", C::equal, 0, ""), {State::fail, State::fail}},  // nothing is known of the guest's frames
      {line("guest.g0.gro.flush.psh", "", C::equal, 0, ""), {State::fail, State::fail}},
      {line("latency.p99.99", "", C::less, 1e9, "ns"), {State::fail, State::fail}},      // no value
      {line("latency.p50", "vhost-copy", C::less_equal, 45.2, "us"), {State::pass}},
      {line("latency.p50", "vhost-copy", C::less, 45.2, "us"), {State::fail}},
      {line("latency.p50", "vhost-copy", C::less, 0.0453, "ms"), {State::pass}},
      {line("latency.p50", "vhost-copy", C::greater, 45199, ""), {State::pass}},
      {line("throughput.goodput", "guest-head", C::greater_equal, 9412.007, "Mbps"), {State::pass}},
      {line("throughput.goodput", "guest-head", C::greater, 9.5, "Gb/s"), {State::fail}},
      {line("llc.ddio_write_hit_rate", "vhost-copy", C::equal, 87.1, "%"), {State::pass}},
      {line("llc.ddio_write_hit_rate", "vhost-copy", C::equal, 87.1, ""), {State::pass}},
      {line("pinned.peak_bytes", "guest-head", C::equal, 4, "MiB"), {State::pass}},
      {line("pinned.peak_bytes", "guest-head", C::not_equal, 4096, "KiB"), {State::fail}},
      {line("pinned.peak_bytes", "guest-head", C::less, 4, "us"), {State::invalid}},
      {line("throughput.goodput", "vhost-copy", C::greater_equal, 0.9, "", "throughput.goodput", "guest-head"), {State::pass}},
      {line("throughput.goodput", "vhost-copy", C::greater_equal, 1, "", "throughput.goodput", "guest-head"), {State::fail}},
      {line("cpu.cycles_per_packet", "guest-head", C::less, 1, "", "cpu.cycles_per_packet", "other"), {State::skipped}},
      {line("drops.total", "other", C::equal, 0, ""), {State::skipped}},
  };
  for (const auto& r : rows) {
    const auto v = evaluate({r.e}, runs);
    ASSERT_EQ(v.size(), r.states.size()) << r.e.metric;
    for (std::size_t i = 0; i < v.size(); ++i) EXPECT_EQ(v[i].state, r.states[i]) << r.e.metric << " " << r.e.number << r.e.unit << ": " << v[i].detail;
  }
}

TEST(Expect, SaysWhatWasMeasuredAndWhere) {
  auto e = line("latency.p50", "", scenario::Compare::less, 45, "us");
  e.text = "latency.p50 < 45us";
  const auto v = evaluate({e}, {made_up::run("vhost-copy"), made_up::run("guest-head")});
  EXPECT_EQ(v.at(0).place, "s.json:3:7");
  EXPECT_DOUBLE_EQ(*v.at(0).measured, 45.2);
  EXPECT_EQ(v.at(0).detail, "measured 45.2 us, wanted < 45 us");
  const std::string text = verdicts_text(v);
  EXPECT_THAT(text, HasSubstr("fail    latency.p50 < 45us  (vhost-copy): measured 45.2 us, wanted < 45 us\n        s.json:3:7\n"));
  EXPECT_THAT(text, HasSubstr("1 passed, 1 failed, 0 skipped"));
  EXPECT_TRUE(any(v, State::fail));
  EXPECT_FALSE(any(v, State::skipped));
  EXPECT_EQ(verdicts_text({}), "");
}

TEST(Expect, CompareRefusesLabelsThatAreNotRun) {
  const auto e = line("drops.total", "guest-hed", scenario::Compare::equal, 0, "");
  try {
    require_labels({e}, {"vhost-copy", "guest-head"});
    FAIL();
  } catch (const UserError& x) {
    EXPECT_THAT(x.what(), HasSubstr("s.json:3:7: error:"));
    EXPECT_THAT(x.what(), HasSubstr("did you mean guest-head?"));
  }
  EXPECT_NO_THROW(require_labels({line("a", "b", scenario::Compare::equal, 0, "", "c", "d")}, {"b", "d"}));
}

}  // namespace verdict_test
}  // namespace gd::report
