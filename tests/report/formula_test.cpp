// Formulas: value, precedence, what a run does not have, and what is wrong where.
#include <gmock/gmock.h>

#include <map>

#include "src/report/formula.h"

namespace gd::report {
namespace formula_test {

system::RunResult run(std::vector<system::Metric> metrics) {
  system::RunResult r;
  r.metrics = std::move(metrics);
  std::sort(r.metrics.begin(), r.metrics.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return r;
}

const std::map<std::string, system::RunResult> kRuns = {{"a", run({{"dma.bandwidth", "Gb/s", 42, 1}, {"a-b.c", "", 7, 2}})}, {"b-1", run({{"dma.bandwidth", "Gb/s", 4, 1}})}};
const FormulaNames kNames = {[](std::string_view m) { return m == "dma.bandwidth" || m == "a-b.c" || m == "drops.x" || m == "latency.p99"; }, {"dma.bandwidth", "latency.p99"}, {"a", "b-1"}};

Formula::Value value(const std::string& text) {
  return Formula(text, kNames).value([](const std::string& name) -> const system::RunResult& { return kRuns.at(name); });
}

TEST(Formula, Values) {
  const std::pair<const char*, double> rows[] = {
      {"3", 3}, {" 1.5e1 ", 15}, {"1 + 2 * 3", 7}, {"(1 + 2) * 3", 9}, {"8 / 4 / 2", 1}, {"8 - 4 - 2", 2}, {"-2 * -3", 6}, {"2--1", 3}, {"- - 2", 2}, {"-(1 - 3)", 2},
      {"dma.bandwidth[a]", 42}, {"dma.bandwidth[a]/dma.bandwidth[b-1]", 10.5}, {"dma.bandwidth[a]-dma.bandwidth[b-1]", 38}, {"5-a-b.c[a]", 1.5}, {"drops.x[a]", 0},
      {"min(3, 2, 4)", 2}, {"max(1, dma.bandwidth[b-1])", 4}, {"abs(1 - 3)", 2}, {"min(7)", 7},
  };
  for (const auto& [text, wanted] : rows) {
    const Formula::Value v = value(text);
    ASSERT_TRUE(v.value) << text << ": " << v.problem;
    EXPECT_DOUBLE_EQ(*v.value, wanted) << text;
  }
}

TEST(Formula, WithoutAValue) {
  EXPECT_EQ(value("1 + latency.p99[b-1]").problem, "b-1 has no value of latency.p99");
  EXPECT_EQ(value("1 / drops.x[a]").problem, "it divides by zero");
  EXPECT_FALSE(value("1 / drops.x[a]").value);
  EXPECT_FALSE(value("1e308 * 1e308").value);
}

TEST(Formula, Mistakes) {
  struct {
    const char *text, *what;
    std::size_t begin;
  } const rows[] = {
      {"", "the formula is empty", 0}, {"1 +", "ends where a value is expected", 3}, {"1 2", "expected an operator or the end", 2}, {"(1", "not closed", 0}, {"1)", "expected an operator", 1},
      {"dma.bandwdth[a]", "there is no metric \"dma.bandwdth\"", 0}, {"2 * dma.bandwidth", "does not say of which run", 4}, {"dma.bandwidth[c]", "there is no run \"c\"", 14},
      {"dma.bandwidth[", "not closed", 13}, {"dma.bandwidth[]", "is empty", 13}, {"mix(1, 2)", "there is no function \"mix\"", 0}, {"abs(1, 2)", "one argument", 0}, {"min(1, 2", "not closed", 0},
      {"1 ? 2", "expected an operator", 2}, {"* 2", "expected a number or a metric", 0},
  };
  for (const auto& r : rows) {
    try {
      Formula f(r.text, kNames);
      ADD_FAILURE() << r.text << " is read";
    } catch (const FormulaMistake& m) {
      EXPECT_THAT(m.what, testing::HasSubstr(r.what)) << r.text;
      EXPECT_EQ(m.begin, r.begin) << r.text;
    }
  }
  try {
    Formula f("dma.bandwdth[a]", kNames);
  } catch (const FormulaMistake& m) {
    EXPECT_EQ(m.nearest, "dma.bandwidth");
  }
  EXPECT_THROW(Formula(std::string(200, '('), kNames), FormulaMistake);
}

}  // namespace formula_test
}  // namespace gd::report
