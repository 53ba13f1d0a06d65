// Jobs as child processes: codes, messages, deaths, limits.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "models/base/error.h"
#include "src/cli/pool.h"

namespace gd::cli {
namespace pool_test {

using testing::HasSubstr;

Job job(std::function<int(Reporter&)> work) { return {"job", std::move(work)}; }

struct Counter : JobWatcher {
  std::size_t now = 0, most = 0, begun = 0, finished = 0;
  Time last = 0;
  void started(std::size_t) override { ++begun, most = std::max(most, ++now); }
  void progressed(std::size_t, Time t, Time) override { last = t; }
  void ended(std::size_t) override { ++finished, --now; }
};

TEST(Pool, CodesMessagesAndPayloadsInTheOrderOfTheJobs) {
  for (unsigned at_once : {1u, 3u}) {
    const auto out = run_jobs({job([](Reporter& r) { return usleep(50'000), r.payload("first"), 0; }),
                               job([](Reporter&) -> int { throw InvariantError("conservation: one is missing"); }),
                               job([](Reporter& r) { return r.payload(std::string(100'000, 'x')), r.message("m"), 3; })},
                              {at_once, 0, nullptr});
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(out[0].payload, "first");
    EXPECT_EQ(out[0].code, 0);
    EXPECT_EQ(out[1].code, 3);
    EXPECT_EQ(out[1].message, "conservation: one is missing");
    EXPECT_EQ(out[2].code, 3);
    EXPECT_EQ(out[2].payload, std::string(100'000, 'x'));
    EXPECT_EQ(out[2].message, "m");
  }
}

TEST(Pool, AtMostSoManyAtOnce) {
  Counter counter;
  run_jobs(std::vector<Job>(7, job([](Reporter& r) { return r.progress(5, 10), usleep(10'000), 0; })), {2, 0, &counter});
  EXPECT_EQ(counter.begun, 7u);
  EXPECT_EQ(counter.finished, 7u);
  EXPECT_EQ(counter.most, 2u);
  EXPECT_EQ(counter.last, 5);
}

TEST(Pool, ADeadChildIsToldFromItsSignalOrCode) {
  const auto out = run_jobs({job([](Reporter&) { return raise(SIGKILL), 0; }), job([](Reporter&) -> int { _exit(1); })}, {1, 0, nullptr});
  EXPECT_EQ(out[0].code, 3);
  EXPECT_EQ(out[0].message, "died: Killed (signal 9)");
  EXPECT_FALSE(out[0].ran);
  EXPECT_EQ(out[1].code, 3);
  EXPECT_EQ(out[1].message, "died with exit code 1");
}

TEST(Pool, AHungChildIsEnded) {
  const auto out = run_jobs({job([](Reporter&) { return sleep(60), 0; }), job([](Reporter&) { return 0; })}, {2, 0.1, nullptr});
  EXPECT_EQ(out[0].code, 3);
  EXPECT_THAT(out[0].message, HasSubstr("took longer than 0.1 s"));
  EXPECT_EQ(out[1].code, 0);
}

TEST(Pool, AUsersMistakeEndsTheOthers) {
  const auto out = run_jobs({job([](Reporter&) -> int { throw UserError("no such thing"); }), job([](Reporter&) { return sleep(60), 0; }),
                             job([](Reporter&) { return sleep(60), 0; })},
                            {2, 0, nullptr});
  EXPECT_EQ(out[0].code, 2);
  EXPECT_EQ(out[0].message, "no such thing");
  EXPECT_FALSE(out[1].ran);
  EXPECT_FALSE(out[2].ran);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(Pool, StandardOutputOfAChildIsNotTheParents) {
  testing::internal::CaptureStdout();
  run_jobs({job([](Reporter&) { return write(1, "x", 1) == 1 ? 0 : 1; })}, {1, 0, nullptr});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

}  // namespace pool_test
}  // namespace gd::cli
