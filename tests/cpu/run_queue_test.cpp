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
    q.again(*t, r.to, false);
  }
}

TEST_F(RunQueueTest, AThreadAloneKeepsItsCore) {
  q.add(a);
  for (Time t = 0; t < 1000; t += 90) {
    EXPECT_EQ(q.take(t), &a);
    q.again(a, t + 90, false);
  }
}

// A slice that is used up to its end is over, and who has the core to itself begins another.
TEST_F(RunQueueTest, ASliceEndsWhenItIsUsedUp) {
  q.add(a);
  struct Row {
    Time from, to;
    Task *runs, *comes;   // meanwhile
  };
  for (const Row& r : {Row{0, 60, &a, nullptr}, {60, 100, &a, nullptr}, {100, 130, &a, &b}, {130, 199, &a, nullptr}, {199, 200, &a, nullptr}, {200, 300, &b, nullptr},
                       {300, 310, &a, nullptr}}) {
    Task* t = q.take(r.from);
    EXPECT_EQ(t, r.runs) << r.from;
    if (r.comes) q.add(*r.comes);
    q.again(*t, r.to, false);
  }
}

// Softirq without end: threads that wait get a slice after softirq_max, and then every other one.
TEST_F(RunQueueTest, SoftirqsDoNotStarveThreads) {
  q.add(soft);
  q.add(a);
  Time softirq = 0, thread = 0;
  for (Time t = 0; t < 4000; t += 10) {
    Task* x = q.take(t);
    (x == &soft ? softirq : thread) += 10;
    q.again(*x, t + 10, false);
  }
  EXPECT_EQ(softirq, 300 + 18 * 100);
  EXPECT_EQ(thread, 19 * 100);
}

// What is counted is one stretch of softirqs before threads that wait: it begins anew when either was gone, and so does a turn.
TEST_F(RunQueueTest, AStretchEndsWhenNobodyWaits) {
  struct Row {
    Time at;
    Task* runs;
    bool goes_on;
    Task* comes;          // before the next
  };
  const std::vector<Row> cases[] = {
      // the softirq sleeps, the thread runs, the softirq is back: 300 from then
      {{0, &soft, true, nullptr}, {200, &soft, false, nullptr}, {210, &a, true, &soft}, {220, &soft, true, nullptr}, {519, &soft, true, nullptr}, {520, &a, true, nullptr}},
      // the thread sleeps in its turn: what is left of it is not for the next that wakes
      {{0, &soft, true, nullptr}, {300, &a, false, nullptr}, {310, &soft, true, &a}, {320, &soft, true, nullptr}, {619, &soft, true, nullptr}, {620, &a, true, nullptr}}};
  for (const auto& rows : cases) {
    q = RunQueue{100, 300};
    q.add(soft);
    q.add(a);
    for (const Row& r : rows) {
      Task* t = q.take(r.at);
      EXPECT_EQ(t, r.runs) << r.at;
      if (r.goes_on) q.again(*t, r.at, false);
      if (r.comes) q.add(*r.comes);
    }
  }
}

// A softirq that goes on keeps its core, one that has had its share goes last; so do interrupts. Threads know slices alone.
TEST_F(RunQueueTest, ASoftirqGoesOnUntilItsShareIsUsed) {
  for (Task* t : {&soft, &soft2, &a, &b}) q.add(*t);
  struct Row {
    Task* runs;
    bool share_used;
  };
  Time t = 0;
  for (const Row& r : {Row{&soft, false}, {&soft, false}, {&soft, true}, {&soft2, false}, {&soft2, true}, {&soft, false}, {&soft, false}}) {
    Task* x = q.take(t);
    EXPECT_EQ(x, r.runs) << t;
    q.again(*x, t += 10, r.share_used);
  }
  q = RunQueue{100, 300};
  q.add(a);
  q.add(b);
  for (t = 0; t < 90; t += 10) {
    EXPECT_EQ(q.take(t), &a);
    q.again(a, t + 10, true);
  }
}

TEST_F(RunQueueTest, SoftirqAloneNeedsNoTurns) {
  q.add(soft);
  for (Time t = 0; t < 5000; t += 10) {
    EXPECT_EQ(q.take(t), &soft);
    q.again(soft, t + 10, false);
  }
  q.add(a);   // begins to wait only now
  EXPECT_EQ(q.take(5000), &soft);
}

}  // namespace run_queue_test
}  // namespace gd
