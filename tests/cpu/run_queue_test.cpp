#include "models/cpu/run_queue.h"

#include <gtest/gtest.h>

#include "models/cpu/core.h"

namespace gd {
namespace run_queue_test {

struct Idle : Task {
  using Task::Task;
  bool step(Step&) override { return false; }
};

struct RunQueueTest : ::testing::Test {
  RunQueue q{100, 300};   // slice 100, softirq_max 300
  Idle irq{"irq", Priority::irq}, soft{"soft", Priority::softirq}, soft2{"soft2", Priority::softirq}, a{"a", Priority::thread}, b{"b", Priority::thread};
};

TEST_F(RunQueueTest, InterruptBeforeSoftirqBeforeThreads) {
  for (Task* t : {static_cast<Task*>(&a), static_cast<Task*>(&soft), static_cast<Task*>(&irq), static_cast<Task*>(&soft2)}) q.add(*t);
  for (Task* t : {static_cast<Task*>(&irq), static_cast<Task*>(&soft), static_cast<Task*>(&soft2), static_cast<Task*>(&a)}) EXPECT_EQ(q.take(0), t);
  EXPECT_EQ(q.take(0), nullptr);
  EXPECT_TRUE(q.empty());
}

TEST_F(RunQueueTest, ThreadsTakeTurnsBySlices) {
  q.add(a);
  q.add(b);
  struct Row {
    Time from, to;
    Task* runs;
  };
  for (const Row& r : {Row{0, 40, &a}, Row{40, 80, &a}, Row{80, 120, &a}, Row{120, 170, &b}, Row{500, 530, &b}, Row{530, 560, &b}, Row{560, 600, &a}}) {
    Task* t = q.take(r.from);
    EXPECT_EQ(t, r.runs) << r.from;
    q.again(*t, r.to);
  }
}

TEST_F(RunQueueTest, AThreadAloneKeepsItsCore) {
  q.add(a);
  for (Time t = 0; t < 1000; t += 90) {
    EXPECT_EQ(q.take(t), &a);
    q.again(a, t + 90);
  }
}

// Softirq without end: threads that wait get a slice after softirq_max, and only then.
TEST_F(RunQueueTest, SoftirqsDoNotStarveThreads) {
  q.add(soft);
  q.add(a);
  Time softirq = 0, thread = 0;
  for (Time t = 0; t < 4000; t += 10) {
    Task* x = q.take(t);
    (x == &soft ? softirq : thread) += 10;
    q.again(*x, t + 10);
  }
  EXPECT_EQ(softirq, 3000);
  EXPECT_EQ(thread, 1000);
}

TEST_F(RunQueueTest, SoftirqAloneNeedsNoTurns) {
  q.add(soft);
  for (Time t = 0; t < 5000; t += 10) {
    EXPECT_EQ(q.take(t), &soft);
    q.again(soft, t + 10);
  }
  q.add(a);   // begins to wait only now
  EXPECT_EQ(q.take(5000), &soft);
}

}  // namespace run_queue_test
}  // namespace gd
