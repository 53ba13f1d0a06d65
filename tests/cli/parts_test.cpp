// Small parts: tables, progress line, names of folders and metrics.
#include <gmock/gmock.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "src/cli/listing.h"
#include "src/cli/plan.h"
#include "src/cli/progress.h"
#include "src/cli/results_folder.h"
#include "src/cli/slurm.h"

namespace gd::cli {
namespace parts_test {

const Table kTable{"things", {"name", "text"}, {{"a", "one, \"two\" | three"}, {"long-name", "four"}}};

#ifndef __SANITIZE_ADDRESS__
TEST(LargePages, WhatIsLargeBeginsOnOne) {
  constexpr std::uintptr_t kLargePage = 2 << 20;
  for (const std::size_t bytes : {std::size_t{2} << 20, std::size_t{3} << 20}) {
    const std::string text(bytes, 'a');
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(text.data()) % kLargePage, 0u) << bytes;
    const auto array = std::make_unique<char[]>(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.get()) % kLargePage, 0u) << bytes;
  }
  EXPECT_THROW(::operator delete(::operator new(~std::size_t{0})), std::bad_alloc);
}
#endif

TEST(Table, InFourForms) {
  EXPECT_EQ(table_text(kTable, Format::text), "a          one, \"two\" | three\nlong-name  four\n");
  EXPECT_EQ(table_text(kTable, Format::csv), "name,text\na,\"one, \"\"two\"\" | three\"\nlong-name,four\n");
  EXPECT_EQ(table_text(kTable, Format::markdown), "| name | text |\n| --- | --- |\n| a | one, \"two\" \\| three |\n| long-name | four |\n");
  EXPECT_THAT(table_text(kTable, Format::json), testing::HasSubstr(R"({"name": "a", "text": "one, \"two\" | three"})"));
}

TEST(Table, TheLastColumnIsWrappedBelowItself) {
  const Table t{"t", {"name", "text"}, {{"ab", std::string(30, 'x') + " " + std::string(30, 'y')}}};
  EXPECT_EQ(table_text(t, Format::text, 50), "ab  " + std::string(30, 'x') + "\n    " + std::string(30, 'y') + "\n");
}

TEST(Progress, OneLine) {
  ProgressDisplay d({"one", "two", "three"}, false);
  EXPECT_EQ(d.line(), "0 of 3 done");
  d.started(0), d.started(1);
  d.progressed(0, 45, 100);
  EXPECT_EQ(d.line(), "one 45 %, two 0 %; 0 of 3 done");
  d.ended(0);
  d.progressed(1, 300, 100);
  EXPECT_EQ(d.line(), "two 100 %; 1 of 3 done");
}

TEST(ResultsFolder, NameOfAScenario) {
  EXPECT_EQ(stem_of("a/b/quick.json"), "quick");
  EXPECT_EQ(stem_of("a.b.json"), "a.b");
  EXPECT_EQ(stem_of("-"), "stdin");
  EXPECT_EQ(stem_of("...json"), "scenario");
}

TEST(Metric, FoundByNamePatternAndGuest) {
  ASSERT_NE(system::find_metric("latency.p99"), nullptr);
  EXPECT_EQ(system::find_metric("drops.total")->name, "drops.total");
  EXPECT_EQ(system::find_metric("drops.nic-fifo")->name, "drops.<reason>");
  EXPECT_EQ(system::find_metric("guest.web.latency.p50")->name, "latency.p50");
  EXPECT_EQ(system::find_metric("guest.cycles_per_packet")->name, "guest.cycles_per_packet");
  EXPECT_EQ(system::find_metric("latency.p55"), nullptr);
}

// More runs than an array may have tasks: each task makes several.
TEST(Slurm, TasksShareManyRuns) {
  SweepPlan plan;
  plan.name = "a sweep";
  Options o;
  o.arguments = {"my sweep.json"};
  o.out = "out";
  for (const auto& [runs, array, loop] : {std::tuple{2500, "--array=0-999\n", "index < 2500; index += 1000"}, {1000, "--array=0-999\n", "index < 1000; index += 1000"}, {3, "--array=0-2\n", "index < 3; index += 3"}}) {
    plan.runs.resize(static_cast<std::size_t>(runs));
    const std::string script = slurm_script(plan, o, "/opt/guest dma/guestdma", "/srv/100%/runs");
    EXPECT_THAT(script, testing::HasSubstr(array));
    EXPECT_THAT(script, testing::HasSubstr(loop));
    EXPECT_THAT(script, testing::HasSubstr("--job-name=guestdma-a-sweep\n"));
    EXPECT_THAT(script, testing::HasSubstr("--output=\"/srv/100%%/runs/out/slurm/%a.log\"\n"));
    EXPECT_THAT(script, testing::HasSubstr("'/opt/guest dma/guestdma' sweep 'my sweep.json' --quiet --out out --run-index \"$index\" -j 1"));
  }
}

}  // namespace parts_test
}  // namespace gd::cli
